//! Jacobi sweeps on triangles, and fused residuals and restrictions: `kernels/products.cu`.

use super::arguments::{Address, arguments};
use super::products::{Mode, Operands, Product, lanes, operands_fit};
use super::{Cuda, DeviceView, Memory, OnDevice, THREADS};
use crate::backend::Triangle;

arguments! {
    Triangular {
        ptr: Address, columns: Address, source: Address,
        values: Address, b: Address, x: Address,
        y: Address,
        rows: u32, k: u32,
        below: u32, unit: u32,
    }
    Restricted {
        product: Product, ptr: Address, columns: Address, source: Address, values: Address, fine: u64,
    }
    Corrected { product: Product, ptr: Address, columns: Address, values: Address, e: Address }
}

/// Fewer rows leave threads idle.
const FEW_ROWS: usize = 1 << 16;

impl Cuda {
    /// y ← D⁻¹ (b − N x) for the triangle `part` = D + N of a square matrix, or D⁻¹ (b − Nᵀ x) if the view is
    /// that of its transpose. Without x, y ← D⁻¹ b.
    pub(crate) fn sweep_triangular<T: OnDevice>(
        &self,
        a: DeviceView<'_, T>,
        part: Triangle,
        (b, x): (&Memory<T>, Option<&Memory<T>>),
        y: &mut Memory<T>,
        k: usize,
    ) {
        let (ptr, columns, source) = a.arrays();
        let (rows, count) = (a.rows(), a.rows() * k);
        let lengths = a.fits()
            && rows == a.cols()
            && y.len() == count
            && b.len() == count
            && x.is_none_or(|x| x.len() == count);
        let arguments = Triangular {
            ptr: ptr.into(),
            columns: columns.into(),
            source: source.into(),
            values: a.values.into(),
            b: b.into(),
            x: x.into(),
            y: (&*y).into(),
            rows: rows as u32,
            k: k as u32,
            // Entry (i, j) of the transpose is entry (j, i) of the triangle.
            below: u32::from(part.lower != a.transposed.is_some()),
            unit: u32::from(part.unit),
        };
        if k == 1 && x.is_some() {
            let shape = self.streamed(rows);
            self.launch::<T, _>("triangular_stream", shape, lengths, &arguments);
        } else {
            self.for_each::<T, _>("triangular_columns", count, lengths, &arguments);
        }
    }

    /// y ← R (b − A x). Each residual is computed once per entry of its column in R.
    pub(crate) fn restricted_residual<T: OnDevice>(
        &self,
        r: DeviceView<'_, T>,
        a: DeviceView<'_, T>,
        (b, x): (&Memory<T>, &Memory<T>),
        y: &mut Memory<T>,
        k: usize,
    ) {
        let operands =
            Operands { mode: Mode::Residual, x, b: Some(b), d: None, factors: (0.0, 0.0), first: None };
        self.restricted(r, a, &operands, y, k);
    }

    /// x ← d ⊙ b and y ← R (b − A x), for vectors of one column.
    pub(crate) fn first_restricted_residual<T: OnDevice>(
        &self,
        r: DeviceView<'_, T>,
        a: DeviceView<'_, T>,
        (d, b): (&Memory<T>, &Memory<T>),
        (x, y): (&mut Memory<T>, &mut Memory<T>),
    ) {
        self.restricted(r, a, &Operands::first(d, b, x), y, 1);
    }

    /// y ← z + d ⊙ (b − A z) with z = x + P e, for vectors of one column. Each z is computed once per entry
    /// of its column in A. Neither matrix is a transpose.
    pub(crate) fn corrected_jacobi<T: OnDevice>(
        &self,
        (p, e): (DeviceView<'_, T>, &Memory<T>),
        a: DeviceView<'_, T>,
        (d, b): (&Memory<T>, &Memory<T>),
        x: &Memory<T>,
        y: &mut Memory<T>,
    ) {
        let rows = a.rows();
        let operands =
            Operands { mode: Mode::Jacobi, x, b: Some(b), d: Some(d), factors: (0.0, 0.0), first: None };
        let lengths = a.is_square_of(rows)
            && p.fits()
            && p.rows() == rows
            && e.len() == p.cols()
            && a.transposed.is_none()
            && p.transposed.is_none()
            && operands_fit(&operands, (rows, rows, 1), y);
        let mut product = Product::new(&operands, y, (rows, 1));
        [product.ptr, product.columns, _] = a.addresses();
        product.values = a.values.into();
        product.lanes = lanes(2 * a.values.len() / rows.max(1) + 1);
        let blocks = (rows * product.lanes as usize).div_ceil(THREADS as usize);
        let [ptr, columns, _] = p.addresses();
        let arguments = Corrected { product, ptr, columns, values: p.values.into(), e: e.into() };
        self.launch::<T, _>("corrected_jacobi", (blocks, THREADS, 0), lengths, &arguments);
    }

    fn restricted<T: OnDevice>(
        &self,
        r: DeviceView<'_, T>,
        a: DeviceView<'_, T>,
        operands: &Operands<'_, T>,
        y: &mut Memory<T>,
        k: usize,
    ) {
        let (ptr, columns, source) = r.arrays();
        let (coarse, fine) = (r.rows(), a.rows());
        let square = fine == a.cols() || operands.first.is_none();
        let lengths = square
            && r.fits()
            && a.fits()
            && r.cols() == fine
            && y.len() == coarse * k
            && operands.x.len() == a.cols() * k
            && operands.b.is_some_and(|b| b.len() == fine * k)
            && operands.d.is_none_or(|d| d.len() == fine)
            && operands.first.is_none_or(|x| x.len() == fine);
        let mut product = Product::new(operands, y, (coarse, k));
        let (own_ptr, own_columns, own_source) = a.arrays();
        product.ptr = own_ptr.into();
        product.columns = own_columns.into();
        product.source = own_source.into();
        product.values = a.values.into();
        let average = columns.len() / coarse.max(1);
        // A thread with two terms takes twice as long.
        product.lanes = lanes(if fine < FEW_ROWS { 2 * average } else { average });
        let least = usize::from(operands.first.is_some() && fine > 0);
        let blocks = (coarse * product.lanes as usize).div_ceil(THREADS as usize).max(least);
        let (ptr, columns, source) = (ptr.into(), columns.into(), source.into());
        let arguments =
            Restricted { product, ptr, columns, source, values: r.values.into(), fine: fine as u64 };
        match k {
            1 => self.launch::<T, _>("restricted_residual", (blocks, THREADS, 0), lengths, &arguments),
            _ => self.for_each::<T, _>("restricted_residual_columns", coarse * k, lengths, &arguments),
        }
    }
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use super::super::judged::{Numbers, OnCard, hidden, in_both_precisions, judge};
    use super::*;
    use crate::backend::Reference;
    use crate::sparse::Csr;

    in_both_precisions!(sweeps, restricted_residuals);

    fn sweeps<T: OnDevice>() {
        let mut r = Numbers(60);
        let matrices = [r.dominant::<T>(1, 1), r.dominant(0, 1), r.dominant(385, 5), r.dominant(150, 20)];
        for (a, k) in matrices.iter().flat_map(|a| [1, 2, 16, 33].map(|k| (a, k))) {
            let n = a.rows();
            let (b, x) = (r.vector::<T>(n * k), r.vector::<T>(n * k));
            for (q, x) in (0..8).flat_map(|q| [(q, None), (q, Some(&x))]) {
                let (part, transposed) = (Triangle { lower: q & 1 == 0, unit: q & 2 == 0 }, q & 4 == 0);
                // Entries outside the triangle may have any value.
                let own = a.map(|i, j, v| if part.reads(i, j) { v } else { T::from_f64(f64::NAN) });
                judge(
                    &format!("{part:?}, transposed {transposed}, {n} × {k}, x {}", x.is_some()),
                    &hidden(n * k),
                    |cuda, y| {
                        let own = OnCard::new(cuda, &own);
                        let view = if transposed { own.transposed(cuda) } else { own.view() };
                        let (b, x) = (cuda.upload(&b), x.map(|x| cuda.upload(x)));
                        cuda.sweep_triangular(view, part, (&b, x.as_ref()), y, k);
                    },
                    |y| {
                        let blocks = (&b[..], x.map(|x| &x[..]));
                        Reference.sweep_triangular(a.into(), part, transposed, blocks, y, k);
                    },
                );
            }
        }
    }

    fn restricted_residuals<T: OnDevice>() {
        let mut r = Numbers(61);
        for (n, coarse) in [(0, 0), (1, 1), (385, 40), (385, 3), (300, 301)] {
            let a = r.dominant::<T>(n, 5);
            let prolongation: Vec<_> = (0..n)
                .map(|i| (i, r.below(coarse), T::from_f64(r.value())))
                .chain((0..n / 4).map(|q| (4 * q, q % coarse, T::ONE)))
                .collect();
            let p = Csr::from_triplets(n, coarse, &prolongation).unwrap();
            for k in [1, 3, 16] {
                let (b, x) = (r.vector::<T>(n * k), r.vector::<T>(n * k));
                judge(
                    &format!("{n} to {coarse}, {k} columns"),
                    &hidden(coarse * k),
                    |cuda, y| {
                        let (a, p, b, x) =
                            (OnCard::new(cuda, &a), OnCard::new(cuda, &p), cuda.upload(&b), cuda.upload(&x));
                        cuda.restricted_residual(p.transposed(cuda), a.view(), (&b, &x), y, k);
                    },
                    |y| {
                        let mut residual = b.clone();
                        Reference.residual((&a).into(), &b, &x, &mut residual, k);
                        Reference.spmv_transposed(T::ONE, (&p).into(), &residual, T::ZERO, y, k);
                    },
                );
            }
            first_restricted_residuals(&a, &p, (&r.vector(n), &r.vector(n)));
            let [d, b, x] = [0; 3].map(|_| r.vector::<T>(n));
            let e = r.vector(coarse);
            corrected_sweeps((&a, &p), (&d, &b), (&x, &e));
            // Rows without entries, and missing diagonals.
            let hollow = a.filter(|i, j, _| i % 3 != 0 && i != j);
            corrected_sweeps((&hollow, &p), (&d, &b), (&x, &e));
        }
    }

    /// x and R (b − A x), concatenated, of a sweep from zero.
    fn first_restricted_residuals<T: OnDevice>(a: &Csr<T>, p: &Csr<T>, (d, b): (&[T], &[T])) {
        let (n, coarse) = (a.rows(), p.cols());
        judge(
            &format!("first sweep, {n} to {coarse}"),
            &hidden(n + coarse),
            |cuda, out| {
                let (a, p) = (OnCard::new(cuda, a), OnCard::new(cuda, p));
                let (d, b) = (cuda.upload(d), cuda.upload(b));
                let (mut x, mut y) = (cuda.upload(&hidden(n)), cuda.upload(&hidden(coarse)));
                cuda.first_restricted_residual(p.transposed(cuda), a.view(), (&d, &b), (&mut x, &mut y));
                let both = [cuda.download(&x).unwrap(), cuda.download(&y).unwrap()].concat();
                out.write(&both).unwrap();
            },
            |out| {
                let (x, y) = out.split_at_mut(n);
                Reference.diagonal_scale(d, b, x, 1);
                let mut residual = b.to_vec();
                Reference.residual(a.into(), b, x, &mut residual, 1);
                Reference.spmv_transposed(T::ONE, p.into(), &residual, T::ZERO, y, 1);
            },
        );
    }

    /// A sweep from x + P e.
    fn corrected_sweeps<T: OnDevice>((a, p): (&Csr<T>, &Csr<T>), (d, b): (&[T], &[T]), (x, e): (&[T], &[T])) {
        let n = a.rows();
        judge(
            &format!("corrected sweep, {n} from {}", p.cols()),
            &hidden(n),
            |cuda, y| {
                let (a, p) = (OnCard::new(cuda, a), OnCard::new(cuda, p));
                let [d, b, x, e] = [d, b, x, e].map(|v| cuda.upload(v));
                cuda.corrected_jacobi((p.view(), &e), a.view(), (&d, &b), &x, y);
            },
            |y| {
                let mut z = x.to_vec();
                Reference.spmv(T::ONE, p.into(), e, T::ONE, &mut z, 1);
                Reference.jacobi(a.into(), d, b, &z, y, 1);
            },
        );
    }
}

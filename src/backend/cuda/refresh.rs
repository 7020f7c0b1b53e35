//! New values on known patterns: `kernels/refresh.cu`.

use super::arguments::{Address, arguments};
use super::{Cuda, DevicePattern, Memory, OnDevice, THREADS};
use crate::error::Result;
use crate::sparse::{Gather, Pattern};

arguments! {
    ProductValues {
        ptr: Address, left: Address, right: Address,
        a: Address, b: Address,
        c: Address,
        flag: Address,
        entries: u64, block_entries: u64,
    }
    DiagonalWeights {
        ptr: Address, diagonal: Address,
        a: Address,
        w: Address,
        flag: Address,
        omega: f64,
        rows: u32, kind: u32,
    }
}

/// The structure of a product C = A B: for every entry of C the places of its factors. Memory: 8 bytes for
/// every term and 4 for every entry.
#[derive(Debug)]
pub(crate) struct DeviceProduct {
    ptr: Memory<u32>,
    left: Memory<u32>,
    right: Memory<u32>,
    /// The number of stored values of A and B.
    factors: [usize; 2],
}

impl DeviceProduct {
    /// For values on these patterns; entries of C without terms become zero.
    ///
    /// # Errors
    /// Dimensions that do not chain, terms outside the pattern of C, or more terms than 32-bit numbers can
    /// count.
    #[cfg(test)]
    pub fn new(cuda: &Cuda, a: &Pattern, b: &Pattern, c: &Pattern) -> Result<Self> {
        Ok(Self::of(cuda, &Gather::product(a, b, c)?, [a.nnz(), b.nnz()]))
    }

    fn of(cuda: &Cuda, gather: &Gather, factors: [usize; 2]) -> Self {
        let Gather { ptr, left, right } = gather;
        Self { ptr: cuda.upload(ptr), left: cuda.upload(left), right: cuda.upload(right), factors }
    }

    /// The number of stored values of C; zero after a failure of the device.
    #[cfg(test)]
    pub fn entries(&self) -> usize {
        self.ptr.len().saturating_sub(1)
    }

    /// Memory of the device in bytes.
    pub fn bytes(&self) -> usize {
        4 * (self.ptr.len() + 2 * self.left.len())
    }
}

/// The structure of a Galerkin product R A P, as two products with the values of R A between them.
#[derive(Debug)]
pub(crate) struct DeviceGalerkin<T> {
    inner: DeviceProduct,
    outer: DeviceProduct,
    between: Memory<T>,
}

impl<T: OnDevice> DeviceGalerkin<T> {
    /// For values on these patterns, C that of R A P; entries of C without terms become zero.
    ///
    /// # Errors
    /// As [`DeviceProduct::new`].
    pub fn new(cuda: &Cuda, (r, a, p): (&Pattern, &Pattern, &Pattern), c: &Pattern) -> Result<Self> {
        let [inner, outer] = Gather::galerkin(r, a, p, c)?;
        let between = inner.ptr.len() - 1;
        Ok(Self {
            inner: DeviceProduct::of(cuda, &inner, [r.nnz(), a.nnz()]),
            outer: DeviceProduct::of(cuda, &outer, [between, p.nnz()]),
            between: cuda.undefined(between),
        })
    }

    /// Memory of the device in bytes.
    pub fn bytes(&self) -> usize {
        self.inner.bytes() + self.outer.bytes() + self.between.len() * size_of::<T>()
    }
}

/// Places of the diagonal of a square matrix.
#[derive(Debug)]
pub(crate) struct DeviceDiagonal {
    places: Memory<u32>,
}

impl DeviceDiagonal {
    /// From a pattern; a missing diagonal entry counts as zero.
    pub fn new(cuda: &Cuda, pattern: &Pattern) -> Self {
        let place = |i: usize| {
            let row = pattern.row(i);
            let found = pattern.row_cols(i).binary_search(&(i as u32));
            found.map_or(u32::MAX, |q| (row.start + q) as u32)
        };
        Self { places: cuda.upload(&(0..pattern.rows()).map(place).collect::<Vec<u32>>()) }
    }
}

/// Functions of a row and its diagonal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiagonalKind {
    /// 1 / a(i,i): Jacobi and Chebyshev.
    Inverse,
    /// sign a(i,i) / Σ_j |a(i,j)|: ℓ1-Jacobi.
    L1,
    /// a(i,i) / Σ_j a(i,j)²: SPAI-0.
    Spai0,
    /// Σ_j |a(i,j) / a(i,i)|: the largest is the infinity norm of D⁻¹A.
    RowSum,
}

impl Cuda {
    /// The values of C = A B, every sum in the order of the host. `flag` becomes 1 if one is not finite.
    pub(crate) fn product_values<T: OnDevice>(
        &self,
        product: &DeviceProduct,
        (a, b): (&Memory<T>, &Memory<T>),
        c: &mut Memory<T>,
        flag: &mut Memory<u32>,
    ) {
        let (entries, terms) = (c.len(), product.left.len());
        let lengths = product.ptr.len() == entries + 1
            && product.right.len() == terms
            && product.factors == [a.len(), b.len()]
            && flag.len() == 1;
        // Terms per block of threads.
        let block_entries = (2048 * entries / terms.max(1)).clamp(1, THREADS as usize);
        let arguments = ProductValues {
            ptr: (&product.ptr).into(),
            left: (&product.left).into(),
            right: (&product.right).into(),
            a: a.into(),
            b: b.into(),
            c: (&*c).into(),
            flag: (&*flag).into(),
            entries: entries as u64,
            block_entries: block_entries as u64,
        };
        let blocks = entries.div_ceil(block_entries);
        self.launch::<T, _>("product_values", (blocks, THREADS, 0), lengths, &arguments);
    }

    /// The values of C = R A P, every sum in the order of the host. `flag` becomes 1 if one is not finite.
    pub(crate) fn galerkin_values<T: OnDevice>(
        &self,
        plan: &mut DeviceGalerkin<T>,
        (r, a, p): (&Memory<T>, &Memory<T>, &Memory<T>),
        c: &mut Memory<T>,
        flag: &mut Memory<u32>,
    ) {
        self.product_values(&plan.inner, (r, a), &mut plan.between, flag);
        self.product_values(&plan.outer, (&plan.between, p), c, flag);
    }

    /// w(i) ← ω times the function `kind` of row i of A. `flag` becomes 1 if a diagonal entry is zero or a
    /// result not finite.
    pub(crate) fn diagonal_weights<T: OnDevice>(
        &self,
        (kind, omega): (DiagonalKind, f64),
        (pattern, diagonal): (&DevicePattern, &DeviceDiagonal),
        a: &Memory<T>,
        w: &mut Memory<T>,
        flag: &mut Memory<u32>,
    ) {
        let rows = pattern.rows;
        let lengths = pattern.row_ptr.len() == rows + 1
            && diagonal.places.len() == rows
            && a.len() == pattern.nnz()
            && w.len() == rows
            && flag.len() == 1;
        let arguments = DiagonalWeights {
            ptr: (&pattern.row_ptr).into(),
            diagonal: (&diagonal.places).into(),
            a: a.into(),
            w: (&*w).into(),
            flag: (&*flag).into(),
            omega,
            rows: rows as u32,
            kind: kind as u32,
        };
        self.for_each::<T, _>("diagonal_weights", rows, lengths, &arguments);
    }
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use super::super::judged::{Numbers, OnCard, hidden, in_both_precisions, judge};
    use super::*;
    use crate::sparse::{Csr, GalerkinPlan, ProductPlan};

    in_both_precisions!(products, galerkin_products, weights);

    fn pairs<T: OnDevice>() -> Vec<(Csr<T>, Csr<T>)> {
        let mut r = Numbers(60);
        let mut of = |m, n, k, left, right| (r.matrix(m, n, left), r.matrix(n, k, right));
        vec![
            of(0, 3, 4, 1, 1),
            of(3, 0, 4, 1, 1),
            of(5, 4, 6, 0, 1),
            of(1, 1, 1, 1, 1),
            of(1, 300, 40, 200, 30),
            of(300, 70, 257, 3, 4),
            of(700, 650, 90, 5, 2),
            // Entries with thousands of terms, in several chunks.
            of(2, 3000, 2, 3000, 2),
            of(40, 500, 3, 300, 2),
        ]
    }

    fn products<T: OnDevice>() {
        for (q, (a, b)) in pairs::<T>().into_iter().enumerate() {
            let plan = ProductPlan::new(a.pattern(), b.pattern()).unwrap();
            judge(
                &format!("product {q}"),
                &hidden::<T>(plan.pattern().nnz()),
                |cuda, c| {
                    let product = DeviceProduct::new(cuda, a.pattern(), b.pattern(), plan.pattern()).unwrap();
                    let mut flag = cuda.upload(&[0u32]);
                    let (x, y) = (cuda.upload(a.values()), cuda.upload(b.values()));
                    cuda.product_values(&product, (&x, &y), c, &mut flag);
                    assert_eq!(cuda.download(&flag).unwrap(), [0]);
                },
                |c| plan.numeric_into(a.values(), b.values(), c).unwrap(),
            );
        }
    }

    fn galerkin_products<T: OnDevice>() {
        let mut n = Numbers(61);
        for (fine, coarse, per_row) in [(0, 0, 1), (1, 1, 1), (70, 9, 3), (400, 130, 2), (300, 2, 1)] {
            let a = n.dominant::<T>(fine, 5);
            let (r, p) = (n.matrix::<T>(coarse, fine, 3 * per_row), n.matrix::<T>(fine, coarse, per_row));
            let plan = GalerkinPlan::new(r.pattern(), a.pattern(), p.pattern()).unwrap();
            judge(
                &format!("R A P, {fine} and {coarse}"),
                &hidden::<T>(plan.pattern().nnz()),
                |cuda, c| {
                    let patterns: (&Pattern, &Pattern, &Pattern) = (r.pattern(), a.pattern(), p.pattern());
                    let mut device = DeviceGalerkin::new(cuda, patterns, plan.pattern()).unwrap();
                    let mut flag = cuda.upload(&[0u32]);
                    let values = [&r, &a, &p].map(|m| cuda.upload(m.values()));
                    let [r, a, p] = &values;
                    cuda.galerkin_values(&mut device, (r, a, p), c, &mut flag);
                    assert_eq!(cuda.download(&flag).unwrap(), [0]);
                },
                |c| plan.numeric_into(r.values(), a.values(), p.values(), c).unwrap(),
            );
        }
    }

    /// The same bits as on the host, with the same order of sums.
    #[test]
    fn products_have_the_bits_of_the_host() {
        for (a, b) in pairs::<f64>() {
            let plan = ProductPlan::new(a.pattern(), b.pattern()).unwrap();
            let cuda = Cuda::emulated(true);
            let product = DeviceProduct::new(&cuda, a.pattern(), b.pattern(), plan.pattern()).unwrap();
            assert_eq!(product.entries(), plan.pattern().nnz());
            let mut c = cuda.undefined(product.entries());
            let mut flag = cuda.upload(&[0u32]);
            let (x, y) = (cuda.upload(a.values()), cuda.upload(b.values()));
            cuda.product_values(&product, (&x, &y), &mut c, &mut flag);
            assert_eq!(cuda.download(&c).unwrap(), plan.numeric(&a, &b).unwrap().values());
        }
    }

    const KINDS: [DiagonalKind; 4] =
        [DiagonalKind::Inverse, DiagonalKind::L1, DiagonalKind::Spai0, DiagonalKind::RowSum];

    fn plain_weight(kind: DiagonalKind, d: f64, row: &[f64]) -> f64 {
        let sum = |f: &dyn Fn(f64) -> f64| row.iter().map(|&v| f(v)).sum::<f64>();
        match kind {
            DiagonalKind::Inverse => 1.0 / d,
            DiagonalKind::L1 => d.signum() / sum(&f64::abs),
            DiagonalKind::Spai0 => d / sum(&|v| v * v),
            DiagonalKind::RowSum => sum(&|v| (v / d).abs()),
        }
    }

    fn weights<T: OnDevice>() {
        let mut r = Numbers(62);
        for n in [0, 1, 31, 256, 301] {
            let a = r.dominant::<T>(n, 4);
            for kind in KINDS {
                judge(
                    &format!("{kind:?}, {n} rows"),
                    &hidden::<T>(n),
                    |cuda, w| {
                        let (own, diagonal) = (OnCard::new(cuda, &a), DeviceDiagonal::new(cuda, a.pattern()));
                        let mut flag = cuda.upload(&[0u32]);
                        cuda.diagonal_weights(
                            (kind, 0.75),
                            (&own.pattern, &diagonal),
                            &own.values,
                            w,
                            &mut flag,
                        );
                        assert_eq!(cuda.download(&flag).unwrap(), [0]);
                    },
                    |w| {
                        for (i, w) in w.iter_mut().enumerate() {
                            let row: Vec<f64> = a.row(i).map(|(_, v)| v.to_f64()).collect();
                            *w = T::from_f64(0.75 * plain_weight(kind, a.get(i, i).to_f64(), &row));
                        }
                    },
                );
            }
        }
    }

    #[test]
    fn squares_neither_overflow_nor_vanish() {
        let cuda = Cuda::emulated(false);
        for scale in [1e-180, 1.0, 1e180] {
            let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0 * scale), (0, 1, -scale), (1, 1, 4.0 * scale)])
                .unwrap();
            let (own, diagonal) = (OnCard::new(&cuda, &a), DeviceDiagonal::new(&cuda, a.pattern()));
            let (mut w, mut flag) = (cuda.undefined::<f64>(2), cuda.upload(&[0u32]));
            let kind = (DiagonalKind::Spai0, 1.0);
            cuda.diagonal_weights(kind, (&own.pattern, &diagonal), &own.values, &mut w, &mut flag);
            let w = cuda.download(&w).unwrap();
            assert!(
                (w[0] * scale - 0.4).abs() < 1e-15 && (w[1] * scale - 0.25).abs() < 1e-15,
                "{scale}: {w:?}"
            );
        }
    }

    /// Values that are not finite, and zero or missing diagonal entries, raise the flag.
    #[test]
    fn failures_raise_the_flag() {
        let cuda = Cuda::emulated(false);
        let raised = |flag: Memory<u32>| cuda.download(&flag).unwrap() == [1];
        let stored = Csr::from_triplets(3, 3, &[(0, 0, 1.0), (1, 1, 0.0), (1, 2, 1.0), (2, 2, 1.0)]).unwrap();
        let missing =
            Csr::from_triplets(3, 3, &[(0, 0, 1.0), (1, 2, 1.0), (2, 1, 1.0), (2, 2, 1.0)]).unwrap();
        for (a, kind) in [stored, missing].iter().flat_map(|a| KINDS.map(|kind| (a, kind))) {
            let (own, diagonal) = (OnCard::new(&cuda, a), DeviceDiagonal::new(&cuda, a.pattern()));
            let (mut w, mut flag) = (cuda.undefined::<f64>(3), cuda.upload(&[0u32]));
            cuda.diagonal_weights((kind, 1.0), (&own.pattern, &diagonal), &own.values, &mut w, &mut flag);
            assert!(raised(flag), "{kind:?}");
        }
        let a = Csr::from_triplets(2, 2, &[(0, 0, 1e200), (1, 1, 1.0)]).unwrap();
        let product = DeviceProduct::new(&cuda, a.pattern(), a.pattern(), a.pattern()).unwrap();
        let (x, mut c, mut flag) = (cuda.upload(a.values()), cuda.undefined::<f64>(2), cuda.upload(&[0u32]));
        cuda.product_values(&product, (&x, &x), &mut c, &mut flag);
        assert!(raised(flag));
    }

    #[test]
    fn buffers_of_other_lengths_are_refused() {
        let a = Numbers(63).dominant::<f64>(9, 2);
        let plan = ProductPlan::new(a.pattern(), a.pattern()).unwrap();
        for wrong in 0..8 {
            let cuda = Cuda::emulated(false);
            let of = |q: usize, n: usize| cuda.upload(&vec![1.0; n - usize::from(wrong == q)]);
            let mut flag = cuda.upload(&vec![0u32; 1 + usize::from(wrong == 3 || wrong == 6)]);
            if wrong < 4 {
                let product = DeviceProduct::new(&cuda, a.pattern(), a.pattern(), plan.pattern()).unwrap();
                let (x, y, mut c) = (of(0, a.nnz()), of(1, a.nnz()), of(2, plan.pattern().nnz()));
                cuda.product_values(&product, (&x, &y), &mut c, &mut flag);
            } else {
                let rows = if wrong == 7 { 8 } else { 9 };
                let other = Numbers(64).dominant::<f64>(rows, 1);
                let (own, diagonal) = (OnCard::new(&cuda, &a), DeviceDiagonal::new(&cuda, other.pattern()));
                let (x, mut w) = (of(4, a.nnz()), of(5, 9));
                let kind = (DiagonalKind::L1, 1.0);
                cuda.diagonal_weights(kind, (&own.pattern, &diagonal), &x, &mut w, &mut flag);
            }
            assert!(cuda.check().is_err(), "{wrong}");
        }
    }
}

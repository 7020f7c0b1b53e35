//! Sliced matrices (SELL): slices of 32 rows with entries by columns, `kernels/products.cu`. A thread adds the terms of a
//! row in their order: for short rows, products have the bits of those by rows.

use super::arguments::{Address, arguments};
use super::products::{Mode, Operands, Product, operands_fit};
use super::{Cuda, DevicePattern, Memory, OnDevice};
use crate::sparse::Pattern;

arguments! {
    Slicing {
        ptr: Address, starts: Address, from_columns: Address, columns: Address,
        from_values: Address, values: Address,
        rows: u32, unused: u32,
    }
    SlicedProduct { product: Product, starts: Address }
}

/// Rows of a slice.
const SLICE: usize = 32;

/// The structure of a matrix in slices.
#[derive(Debug)]
pub(crate) struct SlicedPattern {
    starts: Memory<u64>,
    columns: Memory<u32>,
}

/// Starts of slices, and the number of entries with padding.
fn starts(pattern: &Pattern) -> Vec<u64> {
    let mut starts = vec![0u64];
    for rows in pattern.row_ptr().windows(2).map(|w| w[1] - w[0]).collect::<Vec<u32>>().chunks(SLICE) {
        let longest = rows.iter().max().map_or(0, |&l| u64::from(l));
        starts.push(starts[starts.len() - 1] + longest * SLICE as u64);
    }
    starts
}

impl SlicedPattern {
    /// The number of entries with padding in slices of a pattern, for the choice of the format.
    pub fn entries_of(pattern: &Pattern) -> usize {
        starts(pattern).last().map_or(0, |&n| n as usize)
    }

    /// Entries with padding: the length of values in slices.
    pub fn entries(&self) -> usize {
        self.columns.len()
    }

    fn fits(&self, pattern: &DevicePattern) -> bool {
        self.starts.len() == pattern.rows.div_ceil(SLICE) + 1 && pattern.row_ptr.len() == pattern.rows + 1
    }
}

/// A matrix in slices.
#[derive(Debug)]
pub(crate) struct SlicedView<'a, T> {
    pub pattern: &'a DevicePattern,
    /// The original pattern.
    pub slices: &'a SlicedPattern,
    /// The values in slices.
    pub values: &'a Memory<T>,
}

impl<T> Clone for SlicedView<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for SlicedView<'_, T> {}

impl Cuda {
    /// The slices of a pattern; `device` is its copy on the device.
    pub(crate) fn sliced_pattern(&self, host: &Pattern, device: &DevicePattern) -> SlicedPattern {
        let starts = starts(host);
        let entries = starts.last().map_or(0, |&n| n as usize);
        let slices = SlicedPattern { starts: self.upload(&starts), columns: self.undefined(entries) };
        let lengths = slices.fits(device) && host.nnz() == device.nnz() && slices.columns.len() == entries;
        let arguments = Slicing {
            from_columns: (&device.col_idx).into(),
            columns: (&slices.columns).into(),
            ..slicing(device, &slices)
        };
        self.for_each::<f64, _>("sliced_columns", device.rows, lengths, &arguments);
        slices
    }

    /// Converts values of a matrix to slices; `to` has [`SlicedPattern::entries`] values.
    pub(crate) fn slice_values<T: OnDevice>(
        &self,
        pattern: &DevicePattern,
        slices: &SlicedPattern,
        values: &Memory<T>,
        to: &mut Memory<T>,
    ) {
        let lengths = slices.fits(pattern) && values.len() == pattern.nnz() && to.len() == slices.entries();
        let arguments =
            Slicing { from_values: values.into(), values: (&*to).into(), ..slicing(pattern, slices) };
        self.for_each::<T, _>("sliced_values", pattern.rows, lengths, &arguments);
    }

    /// y ← α A x + β y. With β = 0, y is not read.
    pub(crate) fn spmv_sliced<T: OnDevice>(
        &self,
        alpha: f64,
        a: SlicedView<'_, T>,
        x: &Memory<T>,
        beta: f64,
        y: &mut Memory<T>,
    ) {
        self.sliced(
            a,
            &Operands { mode: Mode::Spmv, x, b: None, d: None, factors: (alpha, beta), first: None },
            y,
        );
    }

    /// r ← b − A x.
    pub(crate) fn residual_sliced<T: OnDevice>(
        &self,
        a: SlicedView<'_, T>,
        b: &Memory<T>,
        x: &Memory<T>,
        r: &mut Memory<T>,
    ) {
        let factors = (0.0, 0.0);
        self.sliced(a, &Operands { mode: Mode::Residual, x, b: Some(b), d: None, factors, first: None }, r);
    }

    /// x ← d ⊙ b and r ← b − A x.
    pub(crate) fn first_residual_sliced<T: OnDevice>(
        &self,
        a: SlicedView<'_, T>,
        d: &Memory<T>,
        b: &Memory<T>,
        (x, r): (&mut Memory<T>, &mut Memory<T>),
    ) {
        self.sliced(a, &Operands::first(d, b, x), r);
    }

    /// x′(i) ← x(i) + d(i) (b − A x)(i).
    pub(crate) fn jacobi_sliced<T: OnDevice>(
        &self,
        a: SlicedView<'_, T>,
        d: &Memory<T>,
        b: &Memory<T>,
        x: &Memory<T>,
        next: &mut Memory<T>,
    ) {
        let factors = (0.0, 0.0);
        let operands = Operands { mode: Mode::Jacobi, x, b: Some(b), d: Some(d), factors, first: None };
        self.sliced(a, &operands, next);
    }

    /// y(i) ← α y(i) + β d(i) (b − A x)(i). With α = 0, y is not read.
    pub(crate) fn polynomial_step_sliced<T: OnDevice>(
        &self,
        a: SlicedView<'_, T>,
        d: &Memory<T>,
        (b, x): (&Memory<T>, &Memory<T>),
        factors: (f64, f64),
        y: &mut Memory<T>,
    ) {
        let operands = Operands { mode: Mode::Polynomial, x, b: Some(b), d: Some(d), factors, first: None };
        self.sliced(a, &operands, y);
    }

    fn sliced<T: OnDevice>(&self, a: SlicedView<'_, T>, o: &Operands<'_, T>, y: &mut Memory<T>) {
        let rows = a.pattern.rows;
        let lengths = a.slices.fits(a.pattern)
            && a.values.len() == a.slices.entries()
            && operands_fit(o, (rows, a.pattern.cols, 1), y);
        let mut product = Product::new(o, y, (rows, 1));
        product.ptr = (&a.pattern.row_ptr).into();
        product.columns = (&a.slices.columns).into();
        product.values = a.values.into();
        let arguments = SlicedProduct { product, starts: (&a.slices.starts).into() };
        self.for_each::<T, _>("product_sliced", rows, lengths, &arguments);
    }
}

fn slicing(pattern: &DevicePattern, slices: &SlicedPattern) -> Slicing {
    Slicing {
        ptr: (&pattern.row_ptr).into(),
        starts: (&slices.starts).into(),
        from_columns: Address::NONE,
        columns: Address::NONE,
        from_values: Address::NONE,
        values: Address::NONE,
        rows: pattern.rows as u32,
        unused: 0,
    }
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use super::super::judged::{Numbers, OnCard, devices, in_both_precisions};
    use super::*;

    in_both_precisions!(bits_are_those_of_short_rows);

    /// All modes on sliced values, with NaN as padding, against the rows in their usual order.
    fn bits_are_those_of_short_rows<T: OnDevice>() {
        let mut r = Numbers(50);
        for (name, a) in r.awkward::<T>().into_iter().filter(|(_, a)| a.nnz() < 16 * a.rows()) {
            let (n, m) = (a.rows(), a.cols());
            let (x, b, d, y) = (r.vector::<T>(m), r.vector::<T>(n), r.vector::<T>(n), r.vector::<T>(n));
            for cuda in devices::<T>().into_iter().flatten() {
                let own = OnCard::new(&cuda, &a);
                let slices = cuda.sliced_pattern(&own.host, &own.pattern);
                assert_eq!(slices.entries(), SlicedPattern::entries_of(&own.host));
                let mut values = cuda.undefined(slices.entries());
                cuda.slice_values(&own.pattern, &slices, &own.values, &mut values);
                let sliced = SlicedView { pattern: &own.pattern, slices: &slices, values: &values };
                let [x, b, d] = [&x, &b, &d].map(|v| cuda.upload(v));
                for mode in (0..6).filter(|&mode| n == m || ![2, 5].contains(&mode)) {
                    let (mut p, mut q) = (cuda.upload(&y), cuda.upload(&y));
                    match mode {
                        0 => {
                            cuda.spmv_sliced(2.0, sliced, &x, -0.5, &mut p);
                            cuda.spmv(2.0, own.view(), &x, -0.5, &mut q, 1);
                        }
                        1 => {
                            cuda.residual_sliced(sliced, &b, &x, &mut p);
                            cuda.residual(own.view(), &b, &x, &mut q, 1);
                        }
                        2 => {
                            cuda.jacobi_sliced(sliced, &d, &b, &x, &mut p);
                            cuda.jacobi(own.view(), &d, &b, &x, &mut q, 1);
                        }
                        5 => {
                            let (mut first, mut also) = (cuda.undefined(n), cuda.undefined(n));
                            cuda.first_residual_sliced(sliced, &d, &b, (&mut first, &mut p));
                            cuda.first_residual(own.view(), &d, &b, (&mut also, &mut q));
                            assert_eq!(
                                cuda.download(&first).unwrap(),
                                cuda.download(&also).unwrap(),
                                "{name}"
                            );
                        }
                        _ => {
                            let factors = (f64::from(mode) - 3.0, 0.5);
                            cuda.polynomial_step_sliced(sliced, &d, (&b, &x), factors, &mut p);
                            cuda.polynomial_step(own.view(), &d, &b, &x, factors, &mut q, 1);
                        }
                    }
                    assert_eq!(cuda.download(&p).unwrap(), cuda.download(&q).unwrap(), "{name}, mode {mode}");
                }
            }
        }
    }
}

//! Kernels for one vector (k = 1), where nothing else hides the price of an entry.
//!
//! Rows of up to nine entries, which is what stencils have, run through loops of constant
//! length. Sums are taken in the order of the entries, so the bits are those of the plain
//! loop.
//!
//! # Why this file may use `unsafe`
//!
//! A bounds check per entry costs 28 % of a product in single precision out of cache (5-point
//! matrix of 10⁶ rows: 6.6 ms with checks, 4.8 ms without, where reading the matrix alone takes
//! 4.5 ms) and 50 % in cache. In a substitution with nine entries a row it costs 12 % more (2.8 ms
//! against 2.5 ms for 512² rows in single precision). What the checks would look for is asserted once per call: the
//! structure of a [`Pattern`](crate::sparse::Pattern) is checked whenever one is made and cannot
//! be changed (row pointers ascend from zero to the number of entries, columns lie below
//! `cols`), and the lengths of `values` and `x` are compared with it here; for substitutions, row
//! by row, the range of entries too.
#![allow(unsafe_code)]

use std::ops::Range;

use super::View;
use crate::sparse::Scalar;

/// Calls `emit(i, y(i), Σ v x(j))` for the rows i = `first`, `first` + 1, … of `y`.
#[inline(always)]
pub fn row_products<T: Scalar>(
    a: View<'_, T>,
    x: &[T],
    first: usize,
    y: &mut [T],
    mut emit: impl FnMut(usize, &mut T, T),
) {
    let pattern = a.pattern;
    assert!(a.values.len() == pattern.nnz() && x.len() >= pattern.cols(), "lengths of a product");
    let ends = &pattern.row_ptr()[first + 1..=first + y.len()];
    let mut start = pattern.row_ptr()[first] as usize;
    let (columns, values) = (pattern.col_idx(), a.values);
    for ((local, y), &end) in y.iter_mut().enumerate().zip(ends) {
        let end = end as usize;
        macro_rules! sum {
            ($range:expr) => {{
                let mut sum = T::ZERO;
                for q in $range {
                    // SAFETY: `start + q < end ≤ nnz` by the invariant of the pattern, which is the
                    // length of both arrays; the column is below `cols`, which `x` covers.
                    sum += unsafe {
                        let j = *columns.get_unchecked(start + q) as usize;
                        *values.get_unchecked(start + q) * *x.get_unchecked(j)
                    };
                }
                sum
            }};
        }
        let sum = match end - start {
            1 => sum!(0..1),
            2 => sum!(0..2),
            3 => sum!(0..3),
            4 => sum!(0..4),
            5 => sum!(0..5),
            6 => sum!(0..6),
            7 => sum!(0..7),
            8 => sum!(0..8),
            9 => sum!(0..9),
            length => sum!(0..length),
        };
        emit(first + local, y, sum);
        start = end;
    }
}

/// The rows of a square matrix split at their diagonals, for substitutions and sweeps over one
/// vector.
#[derive(Clone, Copy)]
pub struct SplitRows<'a, T> {
    row_ptr: &'a [u32],
    splits: &'a [u32],
    columns: &'a [u32],
    values: &'a [T],
    /// Columns of the matrix.
    width: usize,
}

impl<'a, T: Scalar> SplitRows<'a, T> {
    pub fn new(a: View<'a, T>) -> Self {
        let pattern = a.pattern;
        assert!(a.values.len() == pattern.nnz(), "values of a matrix");
        Self {
            row_ptr: pattern.row_ptr(),
            splits: pattern.splits(),
            columns: pattern.col_idx(),
            values: a.values,
            width: pattern.cols(),
        }
    }

    /// The entries of row `i` left of the diagonal but for that of column i − 1, which comes
    /// second (zero if there is none).
    #[inline(always)]
    pub fn below(&self, i: usize) -> (Range<usize>, T) {
        let (start, end) = (self.row_ptr[i] as usize, self.splits[i] as usize);
        if start < end && self.columns[end - 1] as usize + 1 == i {
            (start..end - 1, self.values[end - 1])
        } else {
            (start..end, T::ZERO)
        }
    }

    /// The entries of row `i` right of the diagonal but for that of column i + 1, which comes
    /// second, and the diagonal (each zero if there is none).
    #[inline(always)]
    pub fn above(&self, i: usize) -> (Range<usize>, T, T) {
        let (mut start, end) = (self.splits[i] as usize, self.row_ptr[i + 1] as usize);
        let (mut near, mut diagonal) = (T::ZERO, T::ZERO);
        if start < end && self.columns[start] as usize == i {
            diagonal = self.values[start];
            start += 1;
        }
        if start < end && self.columns[start] as usize == i + 1 {
            near = self.values[start];
            start += 1;
        }
        (start..end, near, diagonal)
    }

    /// `sum` − Σ v x(j) over these entries.
    #[inline(always)]
    pub fn subtract(&self, entries: Range<usize>, x: &[T], mut sum: T) -> T {
        assert!(entries.end <= self.columns.len() && x.len() >= self.width, "lengths of a sweep");
        let term = |q: usize| {
            // SAFETY: `q` lies below the length of both arrays (that of the values was compared
            // with that of the columns in `new`); the column is below `width`, which `x` covers.
            unsafe {
                let j = *self.columns.get_unchecked(q) as usize;
                *self.values.get_unchecked(q) * *x.get_unchecked(j)
            }
        };
        // Pairs, so that additions do not all wait for each other.
        let mut q = entries.start;
        while q + 1 < entries.end {
            sum -= term(q) + term(q + 1);
            q += 2;
        }
        if q < entries.end {
            sum -= term(q);
        }
        sum
    }
}

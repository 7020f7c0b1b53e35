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
//! 4.5 ms) and 50 % in cache. What the checks would look for is asserted once per call: the
//! structure of a [`Pattern`](crate::sparse::Pattern) is checked whenever one is made and cannot
//! be changed (row pointers ascend from zero to the number of entries, columns lie below
//! `cols`), and the lengths of `values` and `x` are compared with it here.
#![allow(unsafe_code)]

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

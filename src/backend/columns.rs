//! Loops over the rows of a block with a compile-time number of columns, so that the
//! compiler keeps a row in registers.
//!
//! Sums use separate multiplications and additions, in the order of the stored entries:
//! the bits do not depend on the width of the vector unit.

use crate::sparse::Scalar;

/// Runs `body` compiled for the widest vector unit that this processor has.
#[inline(always)]
pub fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(body)
}

/// Splits `0..k` into groups of 16, 8, 4, 2 and 1 columns and calls `$body` for each with
/// `$width` a constant and `$first` the first column.
macro_rules! by_columns {
    ($k:expr, |$width:ident, $first:ident| $body:expr) => {{
        let k: usize = $k;
        let mut $first = 0;
        while $first < k {
            match k - $first {
                16.. => {
                    const $width: usize = 16;
                    $body;
                    $first += 16;
                }
                8.. => {
                    const $width: usize = 8;
                    $body;
                    $first += 8;
                }
                4.. => {
                    const $width: usize = 4;
                    $body;
                    $first += 4;
                }
                2.. => {
                    const $width: usize = 2;
                    $body;
                    $first += 2;
                }
                _ => {
                    const $width: usize = 1;
                    $body;
                    $first += 1;
                }
            }
        }
    }};
}
pub(super) use by_columns;

/// The part of row `i` of a block with `k` columns that starts at column `c`.
#[inline(always)]
pub fn part<T: Scalar, const K: usize>(x: &[T], i: usize, k: usize, c: usize) -> [T; K] {
    let mut out = [T::ZERO; K];
    out.copy_from_slice(&x[i * k + c..i * k + c + K]);
    out
}

/// Σ v x(j) over the entries (j, v) of a row.
#[inline(always)]
pub fn dot<T: Scalar, const K: usize>(
    entries: impl Iterator<Item = (u32, T)>,
    x: &[T],
    k: usize,
    c: usize,
) -> [T; K] {
    let mut sum = [T::ZERO; K];
    for (j, v) in entries {
        let start = j as usize * k + c;
        let xj = &x[start..start + K];
        for l in 0..K {
            sum[l] += v * xj[l];
        }
    }
    sum
}

//! Loops over the rows of a block with a compile-time number of columns, so that the
//! compiler keeps a row in registers.
//!
//! Sums use separate multiplications and additions, in the order of the stored entries:
//! the bits do not depend on the width of the vector unit.

use crate::sparse::Scalar;

pub use crate::simd::vectorised;

/// Calls `$body` with `$width` a constant: once, with the stride a constant too, for blocks
/// of 1, 4, 8 or 16 columns; for others on groups of 16, 8, 4, 2 and 1 columns from `$first`.
macro_rules! by_columns {
    ($k:expr, |$width:ident, $stride:ident, $first:ident| $body:expr) => {{
        let k: usize = $k;
        macro_rules! whole {
            ($w:literal) => {{
                const $width: usize = $w;
                let ($stride, $first): (usize, usize) = ($w, 0);
                $body
            }};
        }
        match k {
            1 => whole!(1),
            4 => whole!(4),
            8 => whole!(8),
            16 => whole!(16),
            _ => {
                let mut first = 0;
                macro_rules! group {
                    ($w:literal) => {{
                        const $width: usize = $w;
                        let ($stride, $first): (usize, usize) = (k, first);
                        $body;
                        first += $w;
                    }};
                }
                while first < k {
                    match k - first {
                        16.. => group!(16),
                        8.. => group!(8),
                        4.. => group!(4),
                        2.. => group!(2),
                        _ => group!(1),
                    }
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
        let xj = part::<T, K>(x, j as usize, k, c);
        for l in 0..K {
            sum[l] += v * xj[l];
        }
    }
    sum
}

/// x·y in eight interleaved sums: a single sum would wait for each of its additions.
#[inline(always)]
pub fn interleaved_dot<T: Scalar>(x: &[T], y: &[T]) -> T {
    let (xs, ys) = (x.chunks_exact(8), y.chunks_exact(8));
    let rest = xs.remainder().iter().zip(ys.remainder()).map(|(&a, &b)| a * b).sum::<T>();
    let mut sum = [T::ZERO; 8];
    for (xi, yi) in xs.zip(ys) {
        for l in 0..8 {
            sum[l] += xi[l] * yi[l];
        }
    }
    sum_of_8(sum) + rest
}

/// Pairwise sum by halves.
#[inline(always)]
pub(super) fn halving_sum<T: Scalar, const K: usize>(v: [T; K]) -> T {
    match K {
        16 => {
            let w: [T; 8] = std::array::from_fn(|l| v[l] + v[l + 8]);
            sum_of_8(w)
        }
        8 => sum_of_8(std::array::from_fn(|l| v[l])),
        _ => v.into_iter().sum(),
    }
}

/// Pairwise sum by halves.
#[inline(always)]
pub fn sum_of_8<T: Scalar>(v: [T; 8]) -> T {
    let w: [T; 4] = std::array::from_fn(|l| v[l] + v[l + 4]);
    (w[0] + w[2]) + (w[1] + w[3])
}

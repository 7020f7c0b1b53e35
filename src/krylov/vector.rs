//! Vector kernels of the Krylov methods, fused so that a vector is read once.
//!
//! Sums are taken over blocks of fixed size, and within a block over eight interleaved partial sums. Their bits
//! depend neither on the number of threads nor on the width of the vector unit.

use std::borrow::Cow;

use crate::backend::{BLOCK, interleaved_dot, over_blocks};
use crate::parallel;

/// Values of a vector handled by one task.
const CHUNK: usize = 8 * BLOCK;

/// x·y.
pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let blocks = x.chunks(BLOCK).zip(y.chunks(BLOCK));
    let [sum] = over_blocks(x.len(), blocks, |(x, y)| [interleaved_dot(x, y)]);
    sum
}

/// (x·y, x·x) in one pass.
pub(super) fn dot_pair(x: &[f64], y: &[f64]) -> (f64, f64) {
    let blocks = x.chunks(BLOCK).zip(y.chunks(BLOCK));
    let [xy, xx] = over_blocks(x.len(), blocks, |(x, y)| [interleaved_dot(x, y), interleaved_dot(x, x)]);
    (xy, xx)
}

/// ‖x‖₂, accurate even if the squares overflow or underflow; not finite if an entry is not.
pub(crate) fn norm(x: &[f64]) -> f64 {
    norm_from(dot(x, x), x)
}

/// ‖x‖₂ from a known x·x.
pub(crate) fn norm_from(square: f64, x: &[f64]) -> f64 {
    if (1e-280..1e300).contains(&square) {
        return square.sqrt();
    }
    let largest = largest(x);
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    // Two divisions, because 1 / largest may overflow.
    let halves = largest.sqrt();
    let sum: f64 = x.iter().map(|v| v / halves / halves).map(|v| v * v).sum();
    largest * sum.sqrt()
}

/// max |xᵢ|; NaN if an entry is NaN.
pub(crate) fn largest(x: &[f64]) -> f64 {
    // The bits of |x| as an integer are ordered as the numbers, with NaN above infinity. Lanes are independent.
    const LANES: usize = 8;
    let bits = |v: &f64| v.abs().to_bits();
    let of_chunk = |x: &[f64]| {
        let (mut lanes, groups) = ([0u64; LANES], x.chunks_exact(LANES));
        let rest = groups.remainder().iter().map(bits).max().unwrap_or(0);
        groups.for_each(|group| lanes.iter_mut().zip(group).for_each(|(l, v)| *l = bits(v).max(*l)));
        lanes.into_iter().fold(rest, u64::max)
    };
    let chunks = parallel::map(x.chunks(CHUNK), &|x| of_chunk(x));
    f64::from_bits(chunks.into_iter().max().unwrap_or(0))
}

/// Whether all values are finite.
pub(super) fn all_finite(x: &[f64]) -> bool {
    parallel::map(x.chunks(CHUNK), &|x| x.iter().all(|v| v.is_finite())).into_iter().all(|finite| finite)
}

/// A power of two such that the squares of its product with b, which is exact, can be summed. If `always`, the largest
/// entry of the product is about 1; otherwise the factor differs from 1 only for extreme sizes.
pub(super) fn scale(b: &[f64], always: bool) -> f64 {
    let largest = largest(b);
    if largest == 0.0 || (!always && (1e-100..1e100).contains(&largest)) {
        return 1.0;
    }
    0.5f64.powi(largest.log2().floor().clamp(-1000.0, 1000.0) as i32)
}

/// b times that factor.
pub(super) fn scaled(b: &[f64], scale: f64) -> Cow<'_, [f64]> {
    match scale == 1.0 {
        true => Cow::Borrowed(b),
        false => Cow::Owned(parallel::collect(b.len(), CHUNK, |i| b[i] * scale)),
    }
}

/// ‖b‖₂ times that factor.
pub(super) fn scaled_norm(b: &[f64], scale: f64) -> f64 {
    let [square] = over_blocks(b.len(), b.chunks(BLOCK), |b| {
        let mut block = [0.0; BLOCK];
        block.iter_mut().zip(b).for_each(|(v, b)| *v = b * scale);
        [interleaved_dot(&block[..b.len()], &block[..b.len()])]
    });
    square.sqrt()
}

/// y ← y + α x.
pub(crate) fn axpy(alpha: f64, x: &[f64], y: &mut [f64]) {
    let length = x.len();
    let blocks = x.chunks(BLOCK).zip(y.chunks_mut(BLOCK));
    over_blocks(length, blocks, |(x, y)| {
        y.iter_mut().zip(x).for_each(|(y, x)| *y += alpha * x);
        []
    });
}

/// y ← y + α x, and y·w of the new y.
pub(super) fn axpy_dot(alpha: f64, x: &[f64], y: &mut [f64], w: &[f64]) -> f64 {
    let length = x.len();
    let blocks = x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)).zip(w.chunks(BLOCK));
    let [sum] = over_blocks(length, blocks, |((x, y), w)| {
        y.iter_mut().zip(x).for_each(|(y, x)| *y += alpha * x);
        [interleaved_dot(y, w)]
    });
    sum
}

/// y ← y + α x, and ‖y‖₂ of the new y.
pub(super) fn axpy_norm(alpha: f64, x: &[f64], y: &mut [f64]) -> f64 {
    let length = x.len();
    let blocks = x.chunks(BLOCK).zip(y.chunks_mut(BLOCK));
    let [square] = over_blocks(length, blocks, |(x, y)| {
        y.iter_mut().zip(x).for_each(|(y, x)| *y += alpha * x);
        [interleaved_dot(y, y)]
    });
    norm_from(square, y)
}

/// y ← x + β y; with β = 0, y is not read.
pub(crate) fn xpby(x: &[f64], beta: f64, y: &mut [f64]) {
    let length = x.len();
    let blocks = x.chunks(BLOCK).zip(y.chunks_mut(BLOCK));
    over_blocks(length, blocks, |(x, y)| {
        if beta == 0.0 {
            y.copy_from_slice(x);
        } else {
            y.iter_mut().zip(x).for_each(|(y, x)| *y = x + beta * *y);
        }
        []
    });
}

/// r ← b − r, and ‖r‖₂ of the new r.
pub(super) fn subtract_from(b: &[f64], r: &mut [f64]) -> f64 {
    let length = b.len();
    let blocks = b.chunks(BLOCK).zip(r.chunks_mut(BLOCK));
    let [square] = over_blocks(length, blocks, |(b, r)| {
        r.iter_mut().zip(b).for_each(|(r, b)| *r = b - *r);
        [interleaved_dot(r, r)]
    });
    norm_from(square, r)
}

/// y ← y / α.
pub(crate) fn divide(y: &mut [f64], alpha: f64) {
    over_blocks(y.len(), y.chunks_mut(BLOCK), |y| {
        y.iter_mut().for_each(|y| *y /= alpha);
        []
    });
}

/// Pseudo-random numbers in (−1, 1), each a function of `seed` and its position (the SplitMix64 mixing of Steele,
/// Lea and Flood 2014).
pub(crate) fn scattered(n: usize, seed: u64) -> Vec<f64> {
    let mix = |i: u64| {
        let mut z = (seed << 40).wrapping_add(i).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n as u64).map(mix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_agree_with_the_plain_loop_and_on_any_number_of_threads() {
        for n in [0, 1, 7, 8, 9, 2047, 2048, 2049, 150_001] {
            let (x, y) = (scattered(n, 1), scattered(n, 2));
            let plain: f64 = x.iter().zip(&y).map(|(a, b)| a * b).sum();
            assert!((dot(&x, &y) - plain).abs() < 1e-10, "n = {n}");
            assert_eq!(dot_pair(&x, &y), (dot(&x, &y), dot(&x, &x)));
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let mut z = y.clone();
                    (dot(&x, &y).to_bits(), axpy_norm(0.3, &x, &mut z).to_bits(), z)
                })
            };
            assert_eq!(on(1), on(2));
            assert_eq!(on(1), on(3));
        }
    }

    #[test]
    fn norms_neither_overflow_nor_vanish() {
        assert!((norm(&[3e200, 4e200]) / 5e200 - 1.0).abs() < 1e-14);
        assert!((norm(&[3e-200, 4e-200]) / 5e-200 - 1.0).abs() < 1e-14);
        assert!(norm(&[5e-324]) > 0.0);
        assert_eq!(norm(&[]), 0.0);
        assert!(norm(&[1.0, f64::NAN, 2.0]).is_nan());
        assert_eq!(norm(&[1.0, f64::NEG_INFINITY]), f64::INFINITY);
    }
}

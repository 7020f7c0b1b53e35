//! Fused kernels: scalar products of values that are in cache.
//!
//! Sums run over blocks of fixed size, so their bits depend neither on the number of threads nor on the
//! fusion.

use super::columns::interleaved_dot;
use super::one_column::row_products;
use super::{Cpu, View};
use crate::parallel;
use crate::sparse::Scalar;

/// Values per block: three vectors of it fit the second-level cache.
pub(crate) const BLOCK: usize = 1 << 11;

/// The length from which the blocks go to the `rayon` pool.
const PARALLEL_LENGTH: usize = 100_000;

/// Runs `kernel` on every block and sums its results, in the order of the blocks.
pub(crate) fn over_blocks<I: Send, const N: usize>(
    length: usize,
    blocks: impl ExactSizeIterator<Item = I> + Send,
    kernel: impl Fn(I) -> [f64; N] + Sync,
) -> [f64; N] {
    let add = |mut sum: [f64; N], part: [f64; N]| {
        sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
        sum
    };
    if length < PARALLEL_LENGTH || rayon::current_num_threads() == 1 {
        return blocks.map(kernel).fold([0.0; N], add);
    }
    parallel::map(blocks, &kernel).into_iter().fold([0.0; N], add)
}

impl Cpu {
    /// y ← A x for a square A; returns ⟨x, y⟩ and ⟨x, x⟩. The memory traffic is that of a product, with x and
    /// y in cache for the sums.
    pub(crate) fn spmv_dots(&self, a: View<'_, f64>, x: &[f64], y: &mut [f64]) -> [f64; 2] {
        over_blocks(y.len(), y.chunks_mut(BLOCK).enumerate(), |(q, y)| {
            row_products(a, x, q * BLOCK, y, |_, y, sum| *y = sum);
            let x = &x[q * BLOCK..q * BLOCK + y.len()];
            [interleaved_dot(x, y), interleaved_dot(x, x)]
        })
    }

    /// y ← α x from another precision; returns ⟨r, y⟩.
    pub(crate) fn convert_dot<T: Scalar>(&self, x: &[T], alpha: f64, y: &mut [f64], r: &[f64]) -> f64 {
        let blocks = x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)).zip(r.chunks(BLOCK));
        let [sum] = over_blocks(r.len(), blocks, |((x, y), r)| {
            y.iter_mut().zip(x).for_each(|(y, x)| *y = x.to_f64() * alpha);
            [interleaved_dot(r, y)]
        });
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_plain_kernels() {
        for n in [1, 7, 40, 350] {
            let a = crate::gallery::poisson_2d(n, n).unwrap().matrix;
            let x: Vec<f64> = (0..n * n).map(|i| (i as f64 * 0.7).sin()).collect();
            let (mut y, mut plain) = (vec![0.0; n * n], vec![0.0; n * n]);
            let [xy, xx] = Cpu.spmv_dots((&a).into(), &x, &mut y);
            Cpu.spmv(1.0, (&a).into(), &x, 0.0, &mut plain, 1);
            assert_eq!(y, plain);
            let sum = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(u, v)| u * v).sum::<f64>();
            assert!((xy - sum(&x, &y)).abs() <= 1e-11 * xy && (xx - sum(&x, &x)).abs() <= 1e-11 * xx);
            let small: Vec<f32> = x.iter().map(|v| *v as f32).collect();
            let zy = Cpu.convert_dot(&small, 2.0, &mut plain, &y);
            assert!(plain.iter().zip(&small).all(|(p, s)| *p == 2.0 * f64::from(*s)));
            assert!((zy - sum(&y, &plain)).abs() <= 1e-11 * zy.abs());
        }
    }
}

//! Fused kernels: scalar products of values that are in cache.
//!
//! Sums run over blocks of fixed size, so their bits depend neither on the number of threads nor on the
//! fusion.

use super::columns::interleaved_dot;
use super::one_column::row_products_of;
use super::stencils::row_products;
use super::{Cpu, View};
use crate::parallel;
use crate::sparse::Scalar;

/// Values per block: three vectors of it fit the second-level cache.
pub(crate) const BLOCK: usize = 1 << 11;

/// Rows of several vectors handled at once: longer runs suit the prefetching of the processor (6 % of a solve with 16
/// right-hand sides on the 5-point matrix of 10⁶ rows).
const SPAN: usize = 8 * BLOCK;

/// Rows of a block that are interleaved or separated at once: their values fit the first-level cache.
const TILE: usize = 1 << 6;

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
    if length < PARALLEL_LENGTH || parallel::threads() == 1 {
        return blocks.map(kernel).fold([0.0; N], add);
    }
    parallel::map(blocks, &kernel).into_iter().fold([0.0; N], add)
}

/// Blocks of rows of several vectors of one length.
fn in_blocks(vectors: Vec<&mut [f64]>) -> Vec<Vec<&mut [f64]>> {
    let count = vectors.first().map_or(0, |v| v.len().div_ceil(SPAN));
    let mut blocks: Vec<Vec<&mut [f64]>> = (0..count).map(|_| Vec::with_capacity(vectors.len())).collect();
    for vector in vectors {
        blocks.iter_mut().zip(vector.chunks_mut(SPAN)).for_each(|(block, part)| block.push(part));
    }
    blocks
}

/// The sums of the results of all blocks, for each of `k` vectors, in the order of the blocks.
fn sum_of_blocks<const N: usize>(k: usize, blocks: Vec<Vec<[f64; N]>>) -> Vec<[f64; N]> {
    let mut sums = vec![[0.0; N]; k];
    for block in blocks {
        for (sum, part) in sums.iter_mut().zip(block) {
            sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
        }
    }
    sums
}

impl Cpu {
    /// y ← A x for a square A; returns ⟨x, y⟩ and ⟨x, x⟩. The memory traffic is that of a product, with x and
    /// y in cache for the sums.
    pub(crate) fn spmv_dots(&self, a: View<'_, f64>, x: &[f64], y: &mut [f64]) -> [f64; 2] {
        over_blocks(y.len(), y.chunks_mut(BLOCK).enumerate(), |(q, y)| {
            row_products(a, x, q * BLOCK, y, |_, y, sums| y.copy_from_slice(sums));
            let x = &x[q * BLOCK..q * BLOCK + y.len()];
            [interleaved_dot(x, y), interleaved_dot(x, x)]
        })
    }

    /// y ← A x for several vectors; returns ⟨x, y⟩ and ⟨x, x⟩ of each. A block of rows stays in cache for all vectors, so
    /// the matrix is read from memory once, and from cache once for four vectors.
    pub(crate) fn spmv_dots_of_many(
        &self,
        a: View<'_, f64>,
        xs: &[&[f64]],
        ys: Vec<&mut [f64]>,
    ) -> Vec<[f64; 2]> {
        let kernel = |(q, mut ys): (usize, Vec<&mut [f64]>)| {
            let first = q * SPAN;
            let (fours, rest) = ys.as_chunks_mut::<4>();
            for (y, x) in fours.iter_mut().zip(xs.as_chunks::<4>().0) {
                row_products_of(a, *x, first, y.each_mut().map(|y| &mut **y));
            }
            for (y, x) in rest.iter_mut().zip(xs.as_chunks::<4>().1) {
                row_products_of(a, [*x], first, [y]);
            }
            let dots = |(x, y): (&&[f64], &&mut [f64])| {
                let x = &x[first..first + y.len()];
                [interleaved_dot(x, y), interleaved_dot(x, x)]
            };
            xs.iter().zip(&ys).map(dots).collect()
        };
        sum_of_blocks(xs.len(), parallel::map(in_blocks(ys).into_iter().enumerate(), &kernel))
    }

    /// The values of several vectors, each times its factor, as a row-major block in another precision.
    pub(crate) fn interleave<T: Scalar>(&self, xs: &[&[f64]], factors: &[f64], block: &mut [T]) {
        let k = xs.len();
        parallel::chunks_mut(block, SPAN * k, &|first, block| {
            let first = first / k;
            for (tile, rows) in block.chunks_mut(TILE * k).enumerate() {
                let start = first + tile * TILE;
                for (c, (x, factor)) in xs.iter().zip(factors).enumerate() {
                    let x = &x[start..start + rows.len() / k];
                    rows.chunks_exact_mut(k).zip(x).for_each(|(row, x)| row[c] = T::from_f64(x * factor));
                }
            }
        });
    }

    /// The columns of a row-major block, each times its factor, as vectors; returns ⟨r, y⟩ for each r and y.
    pub(crate) fn separate_dots<T: Scalar>(
        &self,
        block: &[T],
        factors: &[f64],
        rs: &[&[f64]],
        ys: Vec<&mut [f64]>,
    ) -> Vec<[f64; 1]> {
        let k = rs.len();
        let kernel = |(q, mut ys): (usize, Vec<&mut [f64]>)| {
            let rows = ys.first().map_or(0, |y| y.len());
            for start in (0..rows).step_by(TILE) {
                let end = (start + TILE).min(rows);
                let tile = &block[(q * SPAN + start) * k..(q * SPAN + end) * k];
                for (c, (y, factor)) in ys.iter_mut().zip(factors).enumerate() {
                    let y = y[start..end].iter_mut();
                    y.zip(tile.chunks_exact(k)).for_each(|(y, row)| *y = row[c].to_f64() * factor);
                }
            }
            let dot = |(r, y): (&&[f64], &[f64])| [interleaved_dot(&r[q * SPAN..q * SPAN + rows], y)];
            rs.iter().zip(ys.iter().map(|y| &**y)).map(dot).collect()
        };
        sum_of_blocks(k, parallel::map(in_blocks(ys).into_iter().enumerate(), &kernel))
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
    fn kernels_of_many_vectors_are_those_of_one() {
        for (n, k) in [(1, 1), (5, 3), (70, 5), (130, 16)] {
            let a = crate::gallery::poisson_2d(n, n).unwrap().matrix;
            let rows = n * n;
            let xs: Vec<Vec<f64>> =
                (0..k).map(|c| (0..rows).map(|i| ((i + 31 * c) as f64 * 0.7).sin()).collect()).collect();
            let xs: Vec<&[f64]> = xs.iter().map(Vec::as_slice).collect();
            let mut ys = vec![vec![0.0; rows]; k];
            let dots =
                Cpu.spmv_dots_of_many((&a).into(), &xs, ys.iter_mut().map(Vec::as_mut_slice).collect());
            let mut y = vec![0.0; rows];
            for c in 0..k {
                let [xy, xx] = Cpu.spmv_dots((&a).into(), xs[c], &mut y);
                assert!((dots[c][0] - xy).abs() <= 1e-12 * xx && (dots[c][1] - xx).abs() <= 1e-12 * xx);
                assert!(ys[c].iter().zip(&y).all(|(p, q)| (p - q).abs() <= 1e-14));
            }
            let factors: Vec<f64> = (0..k).map(|c| 1.0 + c as f64).collect();
            let mut block = vec![0.0f32; rows * k];
            Cpu.interleave(&xs, &factors, &mut block);
            let at = |i: usize, c: usize| (xs[c][i] * factors[c]) as f32;
            assert!((0..rows * k).all(|q| block[q] == at(q / k, q % k)));
            let dots =
                Cpu.separate_dots(&block, &factors, &xs, ys.iter_mut().map(Vec::as_mut_slice).collect());
            for c in 0..k {
                let column: Vec<f32> = (0..rows).map(|i| block[i * k + c]).collect();
                let dot = Cpu.convert_dot(&column, factors[c], &mut y, xs[c]);
                assert!((dots[c][0] - dot).abs() <= 1e-12 * dot.abs());
                assert_eq!(ys[c], y);
            }
        }
    }

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

//! Products with a basis Q of long vectors, stored by columns.
//!
//! They run over blocks of rows: a block of the vector stays in cache, several columns share each of its loads, and
//! Q is read once. Sums are taken over blocks of fixed size, in their order, so that their bits do not depend on the
//! number of threads.

use std::ops::Range;

use super::vector::norm;
use crate::backend::vectorised;
use crate::parallel;

/// Rows per block: the block of a hundred columns fits the second-level cache.
const ROWS: usize = 512;

/// Rows per block where sixteen columns are added to many: they fit the first-level cache.
const ROWS_OF_BLOCK: usize = 256;

/// The length from which the blocks go to the `rayon` pool.
const PARALLEL_LENGTH: usize = 100_000;

/// Qᵀ z. Cost: one pass over Q.
pub(crate) fn products<V: AsRef<[f64]> + Sync>(q: &[V], z: &[f64]) -> Vec<f64> {
    let blocks = z.chunks(ROWS).enumerate();
    summed(q.len(), z.len(), blocks, &|(b, z), sums| dots_of_rows(q, rows(b, z.len()), z, sums))
}

/// z ← z + Q h. Cost: one pass over Q.
pub(crate) fn add<V: AsRef<[f64]> + Sync>(q: &[V], h: &[f64], z: &mut [f64]) {
    let (length, blocks) = (z.len(), z.chunks_mut(ROWS).enumerate());
    summed(0, length, blocks, &|(b, z), _| add_to_rows(q, h, rows(b, z.len()), z));
}

/// z ← z + Q h; returns Qᵀ z of the new z. Cost: one pass over Q.
pub(crate) fn add_products(q: &[Vec<f64>], h: &[f64], z: &mut [f64]) -> Vec<f64> {
    let (length, blocks) = (z.len(), z.chunks_mut(ROWS).enumerate());
    summed(q.len(), length, blocks, &|(b, z), sums| {
        add_to_rows(q, h, rows(b, z.len()), z);
        dots_of_rows(q, rows(b, z.len()), z, sums);
    })
}

/// W ← W + Q C: column t of W gets Σ_j C(j, t) q_j, with C by columns. Columns of W whose coefficients are all zero
/// are not touched, and may be empty. Cost: a pass over W and Q, whatever their numbers of columns.
pub(crate) fn add_block(q: &[&[f64]], c: &[f64], w: &mut [Vec<f64>]) {
    let (k, length) = (q.len(), q.first().map_or(0, |q| q.len()));
    let mut blocks: Vec<Vec<(&[f64], &mut [f64])>> = Vec::new();
    blocks.resize_with(length.div_ceil(ROWS_OF_BLOCK), Vec::new);
    for (t, w) in w.iter_mut().enumerate() {
        let c = &c[t * k..(t + 1) * k];
        if c.iter().any(|c| *c != 0.0) {
            blocks.iter_mut().zip(w.chunks_mut(ROWS_OF_BLOCK)).for_each(|(block, w)| block.push((c, w)));
        }
    }
    summed(0, length, blocks.iter_mut().enumerate(), &|(b, block), _| {
        let (first, count) = (b * ROWS_OF_BLOCK, block.first().map_or(0, |(_, w)| w.len()));
        let rows = first..first + count;
        add_to_rows_of_block(q, &rows, block);
    });
}

fn rows(block: usize, length: usize) -> Range<usize> {
    block * ROWS..block * ROWS + length
}

/// Runs `kernel` on every block; returns its `count` sums, added up in the order of the blocks.
fn summed<I: Send>(
    count: usize,
    length: usize,
    blocks: impl ExactSizeIterator<Item = I>,
    kernel: &(dyn Fn(I, &mut [f64]) + Sync),
) -> Vec<f64> {
    let mut sums = vec![0.0; count];
    let mut add = |part: &[f64]| sums.iter_mut().zip(part).for_each(|(s, p)| *s += p);
    if length < PARALLEL_LENGTH || parallel::threads() == 1 {
        let mut part = vec![0.0; count];
        for block in blocks {
            kernel(block, &mut part);
            add(&part);
        }
        return sums;
    }
    let parts = parallel::map(blocks, &|block| {
        let mut part = vec![0.0; count];
        kernel(block, &mut part);
        part
    });
    parts.iter().for_each(|part| add(part));
    sums
}

/// The products of these rows of the columns with a block z, written to `sums`.
fn dots_of_rows<V: AsRef<[f64]>>(q: &[V], rows: Range<usize>, z: &[f64], sums: &mut [f64]) {
    vectorised(
        #[inline(always)]
        || {
            // A loop: the compiler does not always inline `for_each`, and then its body has no wide vector instructions.
            for (q, sum) in q.iter().zip(sums) {
                *sum = dot_of_block(&q.as_ref()[rows.clone()], z);
            }
        },
    );
}

/// x·z in sixteen interleaved sums, which hides the latency of an addition.
#[inline(always)]
fn dot_of_block(x: &[f64], z: &[f64]) -> f64 {
    let ((x16, x_rest), (z16, z_rest)) = (x.as_chunks::<16>(), z.as_chunks::<16>());
    let mut sums = [0.0; 16];
    for (x, z) in x16.iter().zip(z16) {
        for l in 0..16 {
            sums[l] += x[l] * z[l];
        }
    }
    sums.iter().sum::<f64>() + x_rest.iter().zip(z_rest).map(|(x, z)| x * z).sum::<f64>()
}

/// z ← z + Σ h(c) q_c for these rows of the columns, in the order of the columns.
fn add_to_rows<V: AsRef<[f64]>>(q: &[V], h: &[f64], rows: Range<usize>, z: &mut [f64]) {
    vectorised(
        #[inline(always)]
        || {
            let count = q.len().min(h.len());
            let mut first = 0;
            macro_rules! group {
                ($w:literal) => {{
                    let columns: [&[f64]; $w] = std::array::from_fn(|c| &q[first + c].as_ref()[rows.clone()]);
                    add_columns(columns, std::array::from_fn(|c| h[first + c]), z);
                    first += $w;
                }};
            }
            while first < count {
                match count - first {
                    8.. => group!(8),
                    4.. => group!(4),
                    2.. => group!(2),
                    _ => group!(1),
                }
            }
        },
    );
}

/// Adds Σ c(j) q_j to every w, for these rows of the columns, in the order of the columns. Two vectors w share a load of
/// each column.
fn add_to_rows_of_block(q: &[&[f64]], rows: &Range<usize>, block: &mut [(&[f64], &mut [f64])]) {
    for pair in block.chunks_mut(2) {
        let [(c0, w0), (c1, w1)] = pair else {
            let (c, w) = &mut pair[0];
            add_to_rows(q, c, rows.clone(), w);
            continue;
        };
        let (c0, c1, groups) = (*c0, *c1, q.len() / 4 * 4);
        vectorised(
            #[inline(always)]
            || {
                for first in (0..groups).step_by(4) {
                    let columns = std::array::from_fn(|c| &q[first + c][rows.clone()]);
                    add_to_pair(columns, [c0, c1].map(|c| std::array::from_fn(|j| c[first + j])), [w0, w1]);
                }
            },
        );
        add_to_rows(&q[groups..], &c0[groups..], rows.clone(), w0);
        add_to_rows(&q[groups..], &c1[groups..], rows.clone(), w1);
    }
}

#[inline(always)]
fn add_to_pair(q: [&[f64]; 4], [h0, h1]: [[f64; 4]; 2], [w0, w1]: [&mut [f64]; 2]) {
    let n = w0.len();
    let (q, w1) = (q.map(|q| &q[..n]), &mut w1[..n]);
    for i in 0..n {
        let (mut s0, mut s1) = (w0[i], w1[i]);
        for c in 0..4 {
            s0 += h0[c] * q[c][i];
            s1 += h1[c] * q[c][i];
        }
        (w0[i], w1[i]) = (s0, s1);
    }
}

#[inline(always)]
fn add_columns<const C: usize>(q: [&[f64]; C], h: [f64; C], z: &mut [f64]) {
    let n = z.len();
    let q = q.map(|q| &q[..n]);
    for i in 0..n {
        let mut sum = z[i];
        for c in 0..C {
            sum += h[c] * q[c][i];
        }
        z[i] = sum;
    }
}

/// Classical Gram–Schmidt, twice, in three passes over the basis (Giraud, Langou and Rozložník, Comput. Math. Appl. 50,
/// 2005): orthogonal to working precision. Returns the components of w with the norm of the remainder.
pub(crate) fn orthogonalise_twice(basis: &[Vec<f64>], w: &mut [f64]) -> (Vec<f64>, f64) {
    let minus = |h: &[f64]| h.iter().map(|h| -h).collect::<Vec<_>>();
    let mut h = products(basis, w);
    let again = add_products(basis, &minus(&h), w);
    add(basis, &minus(&again), w);
    h.iter_mut().zip(&again).for_each(|(h, a)| *h += a);
    (h, norm(w))
}

#[cfg(test)]
mod tests {
    use super::super::vector::{axpy, dot, scattered};
    use super::*;

    #[test]
    fn products_are_those_of_single_columns_on_any_number_of_threads() {
        for (n, k) in [(1, 1), (7, 3), (513, 8), (1030, 15), (100_003, 7)] {
            let q: Vec<Vec<f64>> = (0..k).map(|c| scattered(n, c as u64)).collect();
            let (z, h) = (scattered(n, 99), scattered(k, 98));
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let (mut both, mut only) = (z.clone(), z.clone());
                    let after = add_products(&q, &h, &mut both);
                    add(&q, &h, &mut only);
                    assert_eq!(both, only);
                    assert_eq!(after, products(&q, &both));
                    let mut block = vec![z.clone(), Vec::new(), z.clone()];
                    let c = [h.clone(), vec![0.0; k], vec![1.0; k]].concat();
                    add_block(&q.iter().map(Vec::as_slice).collect::<Vec<_>>(), &c, &mut block);
                    assert_eq!(block[0], only);
                    assert!(block[1].is_empty());
                    (after, both, block)
                })
            };
            let (after, both, block) = on(1);
            assert!((after.clone(), both.clone(), block.clone()) == on(3));
            let (mut plain, mut ones) = (z.clone(), z.clone());
            q.iter().zip(&h).for_each(|(q, &h)| axpy(h, q, &mut plain));
            q.iter().for_each(|q| axpy(1.0, q, &mut ones));
            assert_eq!(plain, both);
            assert_eq!(ones, block[2]);
            assert!(q.iter().zip(&after).all(|(q, a)| (dot(q, &plain) - a).abs() < 1e-10));
        }
    }
}

//! Vector kernels with the same bits on any number of threads: sums run over fixed chunks
//! whose partial sums are added in order.

use rayon::prelude::*;

const CHUNK: usize = 4096;

/// xᵀ y in eight interleaved sums, which the processor can work on at once.
fn product(x: &[f64], y: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (x8, y8) = (x.chunks_exact(8), y.chunks_exact(8));
    let rest: f64 = x8.remainder().iter().zip(y8.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in x8.zip(y8) {
        for q in 0..8 {
            sums[q] += a[q] * b[q];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// xᵀ y.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    if x.len() <= CHUNK {
        return product(x, y);
    }
    let partial: Vec<f64> =
        x.par_chunks(CHUNK).zip(y.par_chunks(CHUNK)).map(|(x, y)| product(x, y)).collect();
    partial.iter().sum()
}

/// The Euclidean norm.
pub(super) fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

/// The products of one vector with every vector of a basis, in one pass over `w`.
pub(super) fn project(basis: &[Vec<f64>], w: &[f64]) -> Vec<f64> {
    let partial: Vec<Vec<f64>> = w
        .par_chunks(CHUNK)
        .enumerate()
        .map(|(c, w)| {
            let from = c * CHUNK;
            basis.iter().map(|v| product(&v[from..from + w.len()], w)).collect()
        })
        .collect();
    (0..basis.len()).map(|q| partial.iter().map(|p| p[q]).sum()).collect()
}

/// w ← w − Σ h(q) v(q), in one pass over `w`.
pub(super) fn subtract(w: &mut [f64], basis: &[Vec<f64>], h: &[f64]) {
    w.par_chunks_mut(CHUNK).enumerate().for_each(|(c, w)| {
        let from = c * CHUNK;
        for (v, &h) in basis.iter().zip(h) {
            for (w, v) in w.iter_mut().zip(&v[from..]) {
                *w -= h * v;
            }
        }
    });
}

/// x ← α x.
pub(super) fn scale(x: &mut [f64], alpha: f64) {
    x.par_chunks_mut(CHUNK).for_each(|x| x.iter_mut().for_each(|v| *v *= alpha));
}

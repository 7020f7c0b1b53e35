//! Vector kernels with the same bits on any number of threads: sums run over fixed chunks
//! whose partial sums are added in order.

use crate::backend::interleaved_dot;
use crate::parallel;

const CHUNK: usize = 4096;

/// xᵀ y.
pub(super) fn dot(x: &[f64], y: &[f64]) -> f64 {
    if x.len() <= CHUNK {
        return interleaved_dot(x, y);
    }
    let partial: Vec<f64> =
        parallel::map(x.chunks(CHUNK).zip(y.chunks(CHUNK)), &|(x, y)| interleaved_dot(x, y));
    partial.iter().sum()
}

/// x · y in eight interleaved sums, sequential.
pub(super) fn unrolled_dot(x: &[f64], y: &[f64]) -> f64 {
    let (mut p, (x, x_rest), (y, y_rest)) = ([0.0; 8], x.as_chunks::<8>(), y.as_chunks::<8>());
    for (x, y) in x.iter().zip(y) {
        (0..8).for_each(|l| p[l] += x[l] * y[l]);
    }
    let whole = (0..4).fold(0.0, |sum, l| sum + (p[l] + p[l + 4]));
    x_rest.iter().zip(y_rest).fold(whole, |sum, (x, y)| sum + x * y)
}

/// The Euclidean norm.
pub(super) fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

/// The products of one vector with every vector of a basis, in one pass over `w`.
pub(super) fn project(basis: &[Vec<f64>], w: &[f64]) -> Vec<f64> {
    let partial: Vec<Vec<f64>> = parallel::map(w.chunks(CHUNK).enumerate(), &|(c, w)| {
        let from = c * CHUNK;
        basis.iter().map(|v| interleaved_dot(&v[from..from + w.len()], w)).collect()
    });
    (0..basis.len()).map(|q| partial.iter().map(|p| p[q]).sum()).collect()
}

/// w ← w − Σ h(q) v(q), in one pass over `w`.
pub(super) fn subtract(w: &mut [f64], basis: &[Vec<f64>], h: &[f64]) {
    parallel::chunks_mut(w, CHUNK, &|from, w| {
        for (v, &h) in basis.iter().zip(h) {
            for (w, v) in w.iter_mut().zip(&v[from..]) {
                *w -= h * v;
            }
        }
    });
}

/// x ← α x.
pub(super) fn scale(x: &mut [f64], alpha: f64) {
    parallel::chunks_mut(x, CHUNK, &|_, x| x.iter_mut().for_each(|v| *v *= alpha));
}

//! Decompositions of small dense matrices.

use faer::Mat;
use faer::linalg::solvers::Svd;

use crate::backend::spectrum::{Eigenpair, SpectrumEnd};
use crate::error::{Error, Result};
use crate::sparse::Csr;

/// The pseudo-inverse, by rows, without singular values below `cut` times the largest, and the number of the others.
///
/// # Errors
/// A decomposition that does not converge.
pub fn pseudo_inverse(a: &Csr<f64>, cut: f64) -> Result<(Vec<f64>, usize)> {
    let mut full = Mat::<f64>::zeros(a.rows(), a.cols());
    for i in 0..a.rows() {
        for (j, v) in a.row(i) {
            full[(i, j)] = v;
        }
    }
    let svd = Svd::new(full.as_ref()).map_err(|_| {
        Error::singular("the singular value decomposition of the coarsest level did not converge")
    })?;
    let s = svd.S().column_vector();
    let cut = cut * s.iter().fold(0.0f64, |m, &v| m.max(v));
    let n = s.nrows();
    let inverse = Mat::from_fn(n, n, |i, j| if i == j && s[i] > cut { 1.0 / s[i] } else { 0.0 });
    let inverse = svd.V() * inverse * svd.U().transpose();
    let by_rows = (0..n * n).map(|q| inverse[(q / n, q % n)]).collect();
    Ok((by_rows, s.iter().filter(|&&v| v > cut).count()))
}

/// The value at the end of the spectrum of the matrix of order k with entries h(i, j); `None` if the eigenvalues are not
/// found.
pub fn largest_eigenvalue(h: impl Fn(usize, usize) -> f64, k: usize, end: SpectrumEnd) -> Option<f64> {
    let values = Mat::from_fn(k, k, h).eigenvalues().ok()?;
    Some(values.iter().map(|z| end.of(z.re, z.im)).fold(f64::NEG_INFINITY, f64::max))
}

/// As [`largest_eigenvalue`], with the eigenvector.
pub fn dominant_eigenpair(h: impl Fn(usize, usize) -> f64, k: usize, end: SpectrumEnd) -> Option<Eigenpair> {
    let eigen = Mat::from_fn(k, k, h).eigen().ok()?;
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    let size = |q: usize| end.of(values[q].re, values[q].im);
    let best = (1..k).fold(0, |best, q| if size(q) > size(best) { q } else { best });
    let length: f64 = (0..k).map(|q| vectors[(q, best)].re.powi(2) + vectors[(q, best)].im.powi(2)).sum();
    let last = vectors[(k - 1, best)];
    Some(Eigenpair {
        value: size(best),
        vector: (0..k).map(|q| vectors[(q, best)].re).collect(),
        last: last.re.hypot(last.im) / length.sqrt(),
    })
}

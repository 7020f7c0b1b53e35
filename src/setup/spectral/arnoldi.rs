//! Restarted Arnoldi processes for the dominant eigenvalue.

use super::{CHUNK, check};
use crate::backend::{SpectrumEnd, dominant_eigenpair};
use crate::error::{Error, Result};
use crate::parallel;
use crate::setup::vector::{norm, project, scale, subtract};
use crate::sparse::Csr;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// The length of a product after orthogonalisation, relative to it, below which the Krylov space is
/// exhausted: a smaller vector is rounding error and not orthogonal.
pub(in crate::setup) const BREAKDOWN: f64 = 1e-8;
/// The effort spent on an eigenvalue.
#[derive(Clone, Copy)]
pub(in crate::setup) struct Effort {
    /// Steps of one Arnoldi process.
    pub(super) steps: usize,
    /// Processes started from the last dominant Ritz vector, after the first one.
    pub(super) restarts: usize,
    /// Residual of the dominant Ritz pair, relative to its value, at which to stop.
    pub(super) tolerance: f64,
    /// Whether the start vector has entries of both signs: a rough one, in which the largest eigenvalues show
    /// at once. Otherwise they are positive, as in PyAMG.
    pub(super) signed: bool,
}

/// Accurate to one percent.
pub(in crate::setup) const ACCURATE: Effort =
    Effort { steps: 15, restarts: 5, tolerance: 0.01, signed: false };

/// The largest |λ| of diag(`scaling`) A, to about one percent, by Arnoldi's method.
///
/// Fifteen steps from a fixed pseudo-random vector, then up to five restarts from the dominant Ritz vector
/// (its real part, if complex) until the residual of that pair is below 1% of |λ|; the result is the largest
/// value met. The same bits on every run and any number of threads. A lower bound if diag(`scaling`) A is
/// similar to a symmetric matrix; far from that, under dominant advection, the error may reach 5%. Zero for a
/// zero matrix.
///
/// Cost: 15 products with A and about 240 vector operations a restart (one restart for the
/// Laplacian); 16 vectors of memory.
///
/// # Errors
/// A matrix that is not square, a scaling of another length, values that overflow.
pub fn spectral_radius(a: &Csr<f64>, scaling: &[f64]) -> Result<f64> {
    dominant(a, scaling, ACCURATE, SpectrumEnd::Modulus)
}

/// The largest real part of an eigenvalue of diag(`scaling`) A, to about one percent: the
/// upper end of the interval of a Chebyshev smoother, before any safety factor.
///
/// As [`spectral_radius`] in method, cost and errors.
///
/// # Errors
/// As [`spectral_radius`].
pub fn lambda_max(a: &Csr<f64>, scaling: &[f64]) -> Result<f64> {
    dominant(a, scaling, ACCURATE, SpectrumEnd::RealPart)
}

/// The end of the spectrum of diag(`scaling`) A, with this effort.
pub(super) fn dominant(a: &Csr<f64>, scaling: &[f64], effort: Effort, end: SpectrumEnd) -> Result<f64> {
    check(a, scaling)?;
    restarted(a.rows(), effort, end, |x, y| {
        multiply(a, scaling, x, y);
        Ok(())
    })
}

/// The end of the spectrum of an operator with `n` rows, as [`spectral_radius`] finds it.
pub(in crate::setup) fn restarted(
    n: usize,
    effort: Effort,
    end: SpectrumEnd,
    mut multiply: impl FnMut(&[f64], &mut [f64]) -> Result<()>,
) -> Result<f64> {
    if n == 0 {
        return Ok(0.0);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(0x6d75_6c74_6967_7264);
    let shift = if effort.signed { 0.5 } else { 0.0 };
    let mut start: Vec<f64> = (0..n).map(|_| rng.random::<f64>() - shift).collect();
    let mut value = f64::NEG_INFINITY;
    for _ in 0..=effort.restarts {
        let Some(ritz) = arnoldi(&mut multiply, start, effort.steps, end)? else { break };
        value = value.max(ritz.value);
        if ritz.residual <= effort.tolerance * value.abs() {
            break;
        }
        start = ritz.vector;
    }
    Ok(if value.is_finite() { value } else { 0.0 })
}

/// An approximate eigenpair.
struct Ritz {
    value: f64,
    vector: Vec<f64>,
    residual: f64,
}

/// At most `most` steps of Arnoldi's method from `start`; `None` for a start vector of zeros.
fn arnoldi(
    multiply: &mut impl FnMut(&[f64], &mut [f64]) -> Result<()>,
    mut start: Vec<f64>,
    most: usize,
    end: SpectrumEnd,
) -> Result<Option<Ritz>> {
    let overflow = || Error::invalid_input("the spectral radius of D⁻¹A overflows; scale the equations");
    let n = start.len();
    let length = norm(&start);
    if length == 0.0 || !length.is_finite() {
        return Ok(None);
    }
    scale(&mut start, 1.0 / length);
    let mut basis = vec![start];
    let mut h = vec![0.0; (most + 1) * most];
    let mut steps = 0;
    while steps < most.min(n) {
        let mut w = vec![0.0; n];
        multiply(&basis[steps], &mut w)?;
        let before = norm(&w);
        let coefficients = project(&basis, &w);
        subtract(&mut w, &basis, &coefficients);
        for (q, &c) in coefficients.iter().enumerate() {
            h[q * most + steps] = c;
        }
        let length = norm(&w);
        if !length.is_finite() {
            return Err(overflow());
        }
        steps += 1;
        if length <= BREAKDOWN * before {
            break;
        }
        h[steps * most + steps - 1] = length;
        if steps < most.min(n) {
            scale(&mut w, 1.0 / length);
            basis.push(w);
        }
    }
    let pair = dominant_eigenpair(|i, j| h[i * most + j], steps, end).ok_or_else(overflow)?;
    let weights: Vec<f64> = pair.vector.iter().map(|v| -v).collect();
    let residual = h[steps * most + steps - 1] * pair.last;
    let mut vector = vec![0.0; n];
    subtract(&mut vector, &basis, &weights);
    Ok(Some(Ritz { value: pair.value, vector, residual }))
}

/// y ← diag(s) A x, parallel over rows.
pub(in crate::setup) fn multiply(a: &Csr<f64>, s: &[f64], x: &[f64], y: &mut [f64]) {
    parallel::chunks_mut(y, CHUNK, &|first, y| {
        for (i, y) in (first..).zip(y) {
            *y = s[i] * a.row(i).map(|(j, v)| v * x[j]).sum::<f64>();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::{infinity_norm, inverse_diagonal};
    use super::*;

    fn laplacian(n: usize) -> Csr<f64> {
        let entries: Vec<_> = (0..n)
            .flat_map(|i| {
                let left = (i > 0).then(|| (i, i - 1, -1.0));
                let right = (i + 1 < n).then(|| (i, i + 1, -1.0));
                [Some((i, i, 2.0)), left, right].into_iter().flatten()
            })
            .collect();
        Csr::from_triplets(n, n, &entries).unwrap()
    }

    #[test]
    fn within_a_percent() {
        for n in [1, 2, 3, 10, 100, 1000] {
            let a = laplacian(n);
            let exact = 2.0 + 2.0 * (std::f64::consts::PI / (n as f64 + 1.0)).cos();
            let rho = spectral_radius(&a, &vec![1.0; n]).unwrap();
            assert!((rho / exact - 1.0).abs() < 0.01, "{n}: {rho} for {exact}");
            assert!(rho <= infinity_norm(&a, &vec![1.0; n]).unwrap() * (1.0 + 1e-12));
        }
    }

    #[test]
    fn rotations_have_complex_eigenvalues() {
        let a = Csr::from_triplets(2, 2, &[(0, 1, -3.0), (1, 0, 3.0), (0, 0, 4.0), (1, 1, 4.0)]).unwrap();
        assert!((spectral_radius(&a, &[1.0; 2]).unwrap() - 5.0).abs() < 1e-10);
        assert!((lambda_max(&a, &[1.0; 2]).unwrap() - 4.0).abs() < 1e-10);
    }

    #[test]
    fn a_zero_matrix_has_radius_zero() {
        let a = Csr::from_triplets(3, 3, &[]).unwrap();
        assert_eq!(spectral_radius(&a, &[1.0; 3]).unwrap(), 0.0);
        let message = inverse_diagonal(&a).unwrap_err().to_string();
        assert!(message.contains("row 1"), "{message}");
    }
}

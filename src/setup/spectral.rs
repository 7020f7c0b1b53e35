//! Estimates of the spectral radius of a scaled matrix D⁻¹A.

use faer::Mat;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::grids::own;
use super::vector::{norm, project, scale, subtract};
use crate::error::{Error, Result};
use crate::sparse::Csr;
use crate::sparse::assemble::assemble;

/// What is left of a product, relative to it, when its space is exhausted: less is rounding, and a
/// further vector of it would not be orthogonal.
pub(super) const BREAKDOWN: f64 = 1e-8;
/// Steps of one Arnoldi process.
const STEPS: usize = 15;
/// Arnoldi processes started from the last dominant Ritz vector, after the first one.
const RESTARTS: usize = 5;
/// Residual of the dominant Ritz pair, relative to its value, at which to stop.
const TOLERANCE: f64 = 0.01;
/// Neighbourhoods in a sample, and rows in each.
const SAMPLES: usize = 8;
const SAMPLE_ROWS: usize = 1500;
/// Rows handled by one task.
const CHUNK: usize = 4096;

/// How to estimate ρ(D⁻¹A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpectralRadius {
    /// [`sampled_radius`]: Arnoldi on a sample of the rows; good to a few percent where the
    /// matrix looks alike everywhere, and nearly free for large matrices.
    Sampled,
    /// [`spectral_radius`]: restarted Arnoldi, to about one percent, as PyAMG does.
    Arnoldi,
    /// [`infinity_norm`]: an upper bound for the price of one pass over the matrix.
    InfinityNorm,
}

impl SpectralRadius {
    /// The estimate for diag(`scaling`) A; see the three functions for cost and errors.
    ///
    /// # Errors
    /// As [`spectral_radius`].
    pub fn estimate(self, a: &Csr<f64>, scaling: &[f64]) -> Result<f64> {
        match self {
            SpectralRadius::Sampled => sampled_radius(a, scaling),
            SpectralRadius::Arnoldi => spectral_radius(a, scaling),
            SpectralRadius::InfinityNorm => infinity_norm(a, scaling),
        }
    }
}

/// The largest |λ| of diag(`scaling`) A, to about one percent, by Arnoldi's method.
///
/// Fifteen steps from a fixed pseudo-random vector, then up to five restarts from the
/// dominant Ritz vector (its real part, if complex) until the residual of that pair is below
/// 1% of |λ|; the largest value met counts. The same bits on every run and any number of
/// threads. A lower bound if diag(`scaling`) A is similar to a symmetric matrix; far from that,
/// under dominant advection, the error may reach 5%. Zero for a zero matrix.
///
/// Cost: 15 products with A and about 240 vector operations a restart (one restart for the
/// Laplacian); 16 vectors of memory.
///
/// # Errors
/// A matrix that is not square, a scaling of another length, values that overflow.
pub fn spectral_radius(a: &Csr<f64>, scaling: &[f64]) -> Result<f64> {
    dominant(a, scaling, |re, im| re.hypot(im))
}

/// The largest real part of an eigenvalue of diag(`scaling`) A, to about one percent: the
/// upper end of the interval of a Chebyshev smoother, before any safety factor.
///
/// As [`spectral_radius`] in method, cost and errors.
///
/// # Errors
/// As [`spectral_radius`].
pub fn lambda_max(a: &Csr<f64>, scaling: &[f64]) -> Result<f64> {
    dominant(a, scaling, |re, _| re)
}

/// ‖diag(`scaling`) A‖∞ = maxᵢ |sᵢ| Σⱼ |aᵢⱼ|, an upper bound of the spectral radius.
/// Cost: one pass over the matrix.
///
/// # Errors
/// A matrix that is not square, a scaling of another length.
pub fn infinity_norm(a: &Csr<f64>, scaling: &[f64]) -> Result<f64> {
    check(a, scaling)?;
    Ok(row_sums(a, scaling).into_par_iter().with_min_len(CHUNK).reduce(|| 0.0, f64::max))
}

/// An estimate of the spectral radius of diag(`scaling`) A from a sample of its rows.
///
/// A matrix of up to 12 000 rows is its own sample. From a larger one eight neighbourhoods of
/// 1500 rows each are taken, found by breadth-first search from the row with the largest sum
/// Σⱼ |sᵢ aᵢⱼ| of each eighth of the rows, and [`spectral_radius`] works on that principal
/// submatrix. The result is never above [`infinity_norm`]. For a matrix similar to a symmetric
/// one it is a lower bound, about 0.5% low in the plane and 2% in space; where the largest
/// eigenvalue belongs to a small feature that is missed, more.
///
/// Cost: one pass over the matrix, and a constant: 12 000 rows in [`spectral_radius`].
///
/// # Errors
/// As [`spectral_radius`].
pub fn sampled_radius(a: &Csr<f64>, scaling: &[f64]) -> Result<f64> {
    check(a, scaling)?;
    let n = a.rows();
    let sums = row_sums(a, scaling);
    let bound = sums.iter().fold(0.0f64, |m, &v| m.max(v));
    if n <= SAMPLES * SAMPLE_ROWS {
        return Ok(spectral_radius(a, scaling)?.min(bound));
    }
    // Numbers of the rows in the sample.
    let mut number = vec![u32::MAX; n];
    let mut rows: Vec<u32> = Vec::with_capacity(SAMPLES * SAMPLE_ROWS);
    for q in 0..SAMPLES {
        let part = q * n / SAMPLES..(q + 1) * n / SAMPLES;
        // From the middle of the part, so that ties do not all end on the rim of a grid.
        let middle = part.start + part.len() / 2;
        let order = (middle..part.end).chain(part.start..middle);
        let seed = order.fold(middle, |best, i| if sums[i] > sums[best] { i } else { best });
        let mut next = rows.len();
        let full = next + SAMPLE_ROWS;
        let mut visit = |i: usize, rows: &mut Vec<u32>| {
            if number[i] == u32::MAX && rows.len() < full {
                number[i] = rows.len() as u32;
                rows.push(i as u32);
            }
        };
        visit(seed, &mut rows);
        while next < rows.len() && rows.len() < full {
            for &j in a.pattern().row_cols(rows[next] as usize) {
                visit(j as usize, &mut rows);
            }
            next += 1;
        }
    }
    let weights: Vec<f64> = rows.iter().map(|&i| scaling[i as usize]).collect();
    let sample =
        assemble(rows.len(), rows.len(), Vec::new, |i, row: &mut Vec<(u32, f64)>, columns, values| {
            row.clear();
            row.extend(a.row(rows[i] as usize).map(|(j, v)| (number[j], v)).filter(|e| e.0 != u32::MAX));
            row.sort_unstable_by_key(|e| e.0);
            columns.extend(row.iter().map(|e| e.0));
            values.extend(row.iter().map(|e| e.1));
        })?;
    Ok(spectral_radius(&sample, &weights)?.min(bound))
}

/// Σⱼ |sᵢ aᵢⱼ| of every row.
fn row_sums(a: &Csr<f64>, scaling: &[f64]) -> Vec<f64> {
    let sum = |i: usize| a.row(i).map(|(_, v)| (scaling[i] * v).abs()).sum::<f64>();
    (0..a.rows()).into_par_iter().with_min_len(CHUNK).map(sum).collect()
}

/// 1/aᵢᵢ for every row. Cost: one pass over the structure, parallel over rows.
///
/// # Errors
/// A matrix that is not square, or a zero on its diagonal (named by row).
pub fn inverse_diagonal(a: &Csr<f64>) -> Result<Vec<f64>> {
    check_square(a)?;
    let inverse: Vec<f64> =
        (0..a.rows()).into_par_iter().with_min_len(CHUNK).map(|i| 1.0 / own(a, i)).collect();
    match inverse.iter().position(|d| d.is_infinite()) {
        None => Ok(inverse),
        Some(i) => Err(Error::invalid_input(format!(
            "the diagonal of row {} is zero; reorder the equations so that every row has its own unknown on the diagonal",
            i + 1
        ))),
    }
}

fn check_square(a: &Csr<f64>) -> Result<()> {
    if a.rows() != a.cols() {
        return Err(Error::dimension(format!(
            "multigrid needs a square matrix, got {} × {}",
            a.rows(),
            a.cols()
        )));
    }
    Ok(())
}

fn check(a: &Csr<f64>, scaling: &[f64]) -> Result<()> {
    check_square(a)?;
    if a.rows() != scaling.len() {
        return Err(Error::dimension(format!(
            "a scaling of {} values for a matrix with {} rows",
            scaling.len(),
            a.rows()
        )));
    }
    Ok(())
}

fn dominant(a: &Csr<f64>, scaling: &[f64], size: impl Fn(f64, f64) -> f64) -> Result<f64> {
    check(a, scaling)?;
    restarted(a.rows(), size, |x, y| {
        multiply(a, scaling, x, y);
        Ok(())
    })
}

/// The largest `size` of an eigenvalue of an operator with `n` rows, as [`spectral_radius`] finds it.
pub(super) fn restarted(
    n: usize,
    size: impl Fn(f64, f64) -> f64,
    mut multiply: impl FnMut(&[f64], &mut [f64]) -> Result<()>,
) -> Result<f64> {
    if n == 0 {
        return Ok(0.0);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(0x6d75_6c74_6967_7264);
    let mut start: Vec<f64> = (0..n).map(|_| rng.random::<f64>()).collect();
    let mut value = f64::NEG_INFINITY;
    for _ in 0..=RESTARTS {
        let Some(ritz) = arnoldi(&mut multiply, start, &size)? else { break };
        value = value.max(size(ritz.value.0, ritz.value.1));
        if ritz.residual <= TOLERANCE * value.abs() {
            break;
        }
        start = ritz.vector;
    }
    Ok(if value.is_finite() { value } else { 0.0 })
}

/// An approximate eigenpair.
struct Ritz {
    value: (f64, f64),
    vector: Vec<f64>,
    residual: f64,
}

/// Arnoldi's method from `start`; nothing for a start vector of zeros.
fn arnoldi(
    multiply: &mut impl FnMut(&[f64], &mut [f64]) -> Result<()>,
    mut start: Vec<f64>,
    size: &impl Fn(f64, f64) -> f64,
) -> Result<Option<Ritz>> {
    let overflow = || Error::invalid_input("the spectral radius of D⁻¹A overflows; scale the equations");
    let n = start.len();
    let length = norm(&start);
    if length == 0.0 || !length.is_finite() {
        return Ok(None);
    }
    scale(&mut start, 1.0 / length);
    let mut basis = vec![start];
    let mut h = Mat::<f64>::zeros(STEPS + 1, STEPS);
    let mut steps = 0;
    while steps < STEPS.min(n) {
        let mut w = vec![0.0; n];
        multiply(&basis[steps], &mut w)?;
        let before = norm(&w);
        let coefficients = project(&basis, &w);
        subtract(&mut w, &basis, &coefficients);
        for (q, &c) in coefficients.iter().enumerate() {
            h[(q, steps)] = c;
        }
        let length = norm(&w);
        if !length.is_finite() {
            return Err(overflow());
        }
        steps += 1;
        if length <= BREAKDOWN * before {
            break;
        }
        h[(steps, steps - 1)] = length;
        if steps < STEPS.min(n) {
            scale(&mut w, 1.0 / length);
            basis.push(w);
        }
    }
    let eigen = h.submatrix(0, 0, steps, steps).to_owned().eigen().map_err(|_| overflow())?;
    let values = eigen.S().column_vector();
    let mut best = 0;
    for q in 1..steps {
        if size(values[q].re, values[q].im) > size(values[best].re, values[best].im) {
            best = q;
        }
    }
    let vectors = eigen.U();
    let weights: Vec<f64> = (0..steps).map(|q| -vectors[(q, best)].re).collect();
    let length: f64 = (0..steps).map(|q| vectors[(q, best)].re.powi(2) + vectors[(q, best)].im.powi(2)).sum();
    let last = vectors[(steps - 1, best)];
    let residual = h[(steps, steps - 1)] * last.re.hypot(last.im) / length.sqrt();
    let mut vector = vec![0.0; n];
    subtract(&mut vector, &basis, &weights);
    Ok(Some(Ritz { value: (values[best].re, values[best].im), vector, residual }))
}

/// y ← diag(s) A x, parallel over rows.
pub(super) fn multiply(a: &Csr<f64>, s: &[f64], x: &[f64], y: &mut [f64]) {
    y.par_iter_mut().with_min_len(CHUNK).enumerate().for_each(|(i, y)| {
        *y = s[i] * a.row(i).map(|(j, v)| v * x[j]).sum::<f64>();
    });
}

#[cfg(test)]
mod tests {
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
    fn a_sample_tells_the_radius() {
        let exact = |a: &Csr<f64>| spectral_radius(a, &inverse_diagonal(a).unwrap()).unwrap();
        let sampled = |a: &Csr<f64>| sampled_radius(a, &inverse_diagonal(a).unwrap()).unwrap();
        let plane = crate::gallery::poisson_2d(150, 120).unwrap().matrix;
        let space = crate::gallery::poisson_3d(26, 25, 27).unwrap().matrix;
        let elements = crate::gallery::rotated_anisotropic(130, 1e-2, 0.7).unwrap().matrix;
        for a in [&plane, &space, &elements] {
            let ratio = sampled(a) / exact(a);
            assert!(ratio > 0.97 && ratio < 1.01, "{ratio}");
        }
        // A small matrix is its own sample.
        let a = laplacian(1000);
        assert_eq!(sampled(&a), exact(&a));
        // One corner that is far worse than the rest is where the sample is taken.
        let n = 130;
        let strong = |i: usize| i % n < 8 && i / n < 8;
        let a = crate::gallery::rotated_anisotropic(n, 1.0, 0.0).unwrap().matrix;
        let a = a.map(|i, j, v| if i != j && strong(i) && strong(j) { 4.0 * v } else { v });
        let ratio = sampled(&a) / exact(&a);
        assert!(exact(&a) > 2.0 && ratio > 0.97 && ratio < 1.01, "{ratio}");
    }

    #[test]
    fn a_zero_matrix_has_radius_zero() {
        let a = Csr::from_triplets(3, 3, &[]).unwrap();
        assert_eq!(spectral_radius(&a, &[1.0; 3]).unwrap(), 0.0);
        let message = inverse_diagonal(&a).unwrap_err().to_string();
        assert!(message.contains("row 1"), "{message}");
    }
}

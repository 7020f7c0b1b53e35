//! Estimates of the spectral radius of a scaled matrix D⁻¹A.

mod arnoldi;
mod sample;

use super::grids::own;
use crate::error::{Error, Result};
use crate::parallel;
use crate::sparse::Csr;

pub(super) use arnoldi::{ACCURATE, BREAKDOWN, multiply, restarted};
pub use arnoldi::{lambda_max, spectral_radius};
pub use sample::sampled_radius;

/// Rows handled by one task.
const CHUNK: usize = 4096;

/// Methods to estimate ρ(D⁻¹A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpectralRadius {
    /// [`sampled_radius`]: Arnoldi on a sample of the rows; accurate to a few percent for matrices with
    /// similar rows everywhere, and nearly free for large matrices.
    Sampled,
    /// [`spectral_radius`]: restarted Arnoldi, to about one percent, as in PyAMG.
    Arnoldi,
    /// [`infinity_norm`]: an upper bound at the cost of one pass over the matrix.
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

/// ‖diag(`scaling`) A‖∞ = maxᵢ |sᵢ| Σⱼ |aᵢⱼ|, an upper bound of the spectral radius.
/// Cost: one pass over the matrix.
///
/// # Errors
/// A matrix that is not square, a scaling of another length.
pub fn infinity_norm(a: &Csr<f64>, scaling: &[f64]) -> Result<f64> {
    check(a, scaling)?;
    let largest = |sums: &[f64]| sums.iter().copied().fold(0.0, f64::max);
    Ok(largest(&parallel::map(row_sums(a, scaling).chunks(CHUNK), &largest)))
}

/// Σⱼ |sᵢ aᵢⱼ| of every row.
fn row_sums(a: &Csr<f64>, scaling: &[f64]) -> Vec<f64> {
    let sum = |i: usize| a.row(i).map(|(_, v)| (scaling[i] * v).abs()).sum::<f64>();
    parallel::collect(a.rows(), CHUNK, sum)
}

/// 1/aᵢᵢ for every row. Cost: one pass over the structure, parallel over rows.
///
/// # Errors
/// A matrix that is not square, or a zero on its diagonal (named by row).
pub fn inverse_diagonal(a: &Csr<f64>) -> Result<Vec<f64>> {
    check_square(a)?;
    let inverse: Vec<f64> = parallel::collect(a.rows(), CHUNK, |i| 1.0 / own(a, i));
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

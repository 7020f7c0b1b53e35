//! Relaxations with a diagonal matrix: x ← x + d ∘ (b − A x).

use super::check_square;
use crate::error::{Error, Result};
use crate::parallel;
use crate::setup::grids::own;
use crate::sparse::Csr;

/// Rows handled by one task.
const CHUNK: usize = 4096;

/// Weighted Jacobi: dᵢ = ω / aᵢᵢ (Jacobi 1845). Cost: one pass over the matrix.
///
/// ω = 2/3 in one dimension and 4/5 in two smooth the model problem best; learning and
/// [`ChebyshevCoefficients`](super::ChebyshevCoefficients) do better.
///
/// # Errors
/// A matrix that is not square, a zero on its diagonal (the row is named), or an ω that is
/// not positive and finite.
///
/// ```
/// use multigrad::setup::relaxation::weighted_jacobi;
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, -1.0), (1, 1, 4.0)])?;
/// assert_eq!(weighted_jacobi(&a, 0.5)?, [0.25, 0.125]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn weighted_jacobi(a: &Csr<f64>, omega: f64) -> Result<Vec<f64>> {
    if !(omega > 0.0 && omega.is_finite()) {
        return Err(Error::invalid_input(format!(
            "the Jacobi weight is {omega}; it must be positive and finite"
        )));
    }
    by_rows(a, |diagonal, _| omega / diagonal)
}

/// ℓ1-Jacobi: dᵢ = sign(aᵢᵢ) / Σⱼ |aᵢⱼ| (Baker, Falgout, Kolev and Yang 2011, with one row per process).
/// Cost: one pass over the matrix.
///
/// For a symmetric positive definite matrix, D⁻¹A with D = diag(1/dᵢ) has its eigenvalues in (0, 1], so that
/// the relaxation converges without a weight. The sign of the diagonal is kept, so that a negative definite
/// matrix is relaxed in the right direction.
///
/// # Errors
/// A matrix that is not square, or a zero on its diagonal (the row is named).
///
/// ```
/// use multigrad::setup::relaxation::l1_jacobi;
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 3.0), (0, 1, -1.0), (1, 1, -2.0)])?;
/// assert_eq!(l1_jacobi(&a)?, [0.25, -0.5]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn l1_jacobi(a: &Csr<f64>) -> Result<Vec<f64>> {
    by_rows(a, |diagonal, row| diagonal.signum() / row.iter().map(|v| v.abs()).sum::<f64>())
}

/// SPAI-0: the diagonal M that minimises ‖I − M A‖_F, dᵢ = aᵢᵢ / Σⱼ aᵢⱼ² over the entries of
/// *row* i (Bröker and Grote 2002). Cost: one pass over the matrix.
///
/// The other version, which minimises ‖I − A M‖_F, has the entries of *column* i in the sum; for a symmetric
/// matrix the two agree, otherwise it is `spai0(&a.transpose())`. The row version suits x ← x + M (b − A x),
/// whose error is multiplied by I − M A.
///
/// # Errors
/// A matrix that is not square, or a zero on its diagonal (the row is named).
///
/// ```
/// use multigrad::setup::relaxation::spai0;
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, -1.0), (1, 1, 4.0)])?;
/// assert_eq!(spai0(&a)?, [0.4, 0.25]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn spai0(a: &Csr<f64>) -> Result<Vec<f64>> {
    by_rows(a, |diagonal, row| {
        let sum: f64 = row.iter().map(|v| v * v).sum();
        if (1e-200..1e200).contains(&sum) {
            return diagonal / sum;
        }
        // Scaled by the largest entry, so that squares neither overflow nor underflow.
        let largest = row.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        diagonal / largest / row.iter().map(|v| (v / largest).powi(2)).sum::<f64>() / largest
    })
}

/// `value(diagonal, entries of the row)` for every row, with nonzero diagonals and finite
/// results.
fn by_rows(a: &Csr<f64>, value: impl Fn(f64, &[f64]) -> f64 + Sync) -> Result<Vec<f64>> {
    check_square(a)?;
    let of_row = |i: usize| match own(a, i) {
        0.0 => f64::NAN,
        diagonal => value(diagonal, &a.values()[a.pattern().row(i)]),
    };
    let weights: Vec<f64> = parallel::collect(a.rows(), CHUNK, of_row);
    match weights.iter().position(|w| !w.is_finite()) {
        None => Ok(weights),
        Some(i) => Err(Error::invalid_input(format!(
            "the diagonal entry of row {} is {:e}, and a diagonal relaxation divides by it; use SPAI-1, or reorder the equations",
            i + 1,
            own(a, i)
        ))),
    }
}

//! Prolongation smoothing by one step of damped Jacobi.

use super::spectral::inverse_diagonal;
use crate::error::{Error, Result};
use crate::sparse::Csr;
use crate::sparse::assemble::{Accumulator, assemble};

/// P = (I − ω/ρ D⁻¹A) T, the smoothed prolongation of Vaněk, Mandel and Brezina (1996).
///
/// A is n × n and T n × m; ρ is the spectral radius of D⁻¹A and ω usually 4/3. For a restriction on the
/// transpose pass Aᵀ and transpose the result. Cost: one product A T, parallel over rows.
///
/// # Errors
/// Shapes that do not fit, a zero on the diagonal, ρ or ω not positive and finite.
pub fn jacobi_prolongation(a: &Csr<f64>, tentative: &Csr<f64>, rho: f64, omega: f64) -> Result<Csr<f64>> {
    let inverse = inverse_diagonal(a)?;
    if tentative.rows() != a.rows() {
        return Err(Error::dimension(format!(
            "a prolongation with {} rows for a matrix with {}",
            tentative.rows(),
            a.rows()
        )));
    }
    let factor = omega / rho;
    if !(factor > 0.0 && factor.is_finite() && omega > 0.0) {
        return Err(Error::invalid_input(format!(
            "Jacobi smoothing of the prolongation needs a positive weight and spectral radius, got {omega} and {rho}"
        )));
    }
    assemble(
        a.rows(),
        tentative.cols(),
        || Accumulator::new(tentative.cols()),
        |i, row, columns, values| {
            for (c, t) in tentative.row(i) {
                row.add(c, t);
            }
            let weight = factor * inverse[i];
            for (j, v) in a.row(i) {
                for (c, t) in tentative.row(j) {
                    row.add(c, -(weight * v) * t);
                }
            }
            row.drain(columns, values);
        },
    )
}

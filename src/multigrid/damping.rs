//! Damping of sweeps from estimates of the spectral radius of B A.

use super::smoother::{Smoother, Sweep};
use crate::backend::SpectrumEnd;
use crate::engine::{Buffer, Eager, Engine, Matrix, Vector};
use crate::error::{Error, Result};
use crate::setup::infinity_norm;
use crate::setup::relaxation::{OperatorKind, looks_symmetric, spectral_estimate, with_safety};
use crate::sparse::{Csr, Storage};

/// An upper estimate of the spectral radius of B A for a sweep x ← x + B (b − A x): 1.1 times an estimate. If B is
/// a diagonal or sparse matrix, the result is at most the infinity norm of |B| |A|, which is a bound. Otherwise it
/// is not a bound: the estimate from below is usually within 5 %.
///
/// Cost: two products with A and with B to test both for symmetry; then ten products with B A if both are
/// symmetric, otherwise up to ninety.
///
/// # Errors
/// Values that overflow.
///
/// ```
/// use multigrad::multigrid::{Relaxation, spectral_bound};
/// let a = multigrad::gallery::poisson_2d(30, 30)?.matrix;
/// let (sweeps, _) = "ilu0".parse::<Relaxation>()?.smoothers(&a, 1, 0)?;
/// let bound = spectral_bound(&sweeps[0], &a)?;
/// assert!(bound > 1.0 && bound < 1.4);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn spectral_bound(sweep: &Sweep, a: &Csr<f64>) -> Result<f64> {
    let (e, matrix) = (Eager::new(1), Matrix::from(a.clone()));
    let n = a.rows();
    let write = |x: &Vector<Buffer<f64>>, y: &mut [f64]| {
        match x.handle() {
            Some(values) => y.copy_from_slice(values),
            None => y.fill(0.0),
        }
        Ok(())
    };
    let relaxed = |right| sweep.smooth(&e, &matrix, &right, e.zeros(n));
    let symmetric = looks_symmetric(n, |x, y| write(&e.spmv(&matrix, &e.vector(x)), y))?
        && looks_symmetric(n, |x, y| write(&relaxed(e.vector(x)), y))?;
    let kind = if symmetric { OperatorKind::Symmetrisable } else { OperatorKind::General };
    let estimate = spectral_estimate(n, kind, SpectrumEnd::Modulus, |x, y| {
        write(&relaxed(e.spmv(&matrix, &e.vector(x))), y)
    })?;
    let norm = match sweep {
        Smoother::Diagonal { weights } => infinity_norm(a, weights)?,
        Smoother::Sparse { m } => {
            let sums: Vec<f64> = (0..a.rows()).map(|i| a.row(i).map(|(_, v)| v.abs()).sum()).collect();
            let row = |i: usize| {
                let range = m.pattern.row(i);
                let entries = m.pattern.col_idx()[range.clone()].iter().zip(&m.values[range]);
                entries.map(|(&j, v)| v.abs() * sums[j as usize]).sum::<f64>()
            };
            (0..a.rows()).map(row).fold(0.0, f64::max)
        }
        _ => f64::INFINITY,
    };
    Ok(norm.min(with_safety(estimate)))
}

/// The sweep times ω. Without ω, the factor is 4/3 divided by [`spectral_bound`], at most `most`.
pub(super) fn damped(sweep: Sweep, a: &Csr<f64>, omega: Option<f64>, most: f64) -> Result<Sweep> {
    let omega = match omega {
        Some(omega) => omega,
        None => {
            let bound = spectral_bound(&sweep, a)?;
            if bound > 0.0 { (4.0 / 3.0 / bound).min(most) } else { 1.0 }
        }
    };
    if !(omega.is_finite() && omega > 0.0) {
        return Err(Error::invalid_input(format!(
            "the damping of {sweep} is {omega}; choose a positive one, at most 1"
        )));
    }
    if omega == 1.0 {
        return Ok(sweep);
    }
    let scaled = |v: &[f64]| Storage::shared(v.iter().map(|v| omega * v).collect());
    Ok(match sweep {
        Smoother::Factors { factors, unit_lower, damping, sweeps } => {
            Smoother::Factors { factors, unit_lower, damping: omega * damping, sweeps }
        }
        Smoother::Diagonal { weights } => Smoother::Diagonal { weights: scaled(&weights) },
        Smoother::Sparse { m } => Smoother::Sparse { m: m.map(|v| scaled(v)) },
        other => other,
    })
}

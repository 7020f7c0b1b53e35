//! Validation of sweeps, and the storage of their local factors.

use std::sync::Arc;

use super::smoother::Smoother;
use crate::engine::Matrix;
use crate::error::{Error, Result};
use crate::schwarz::{LocalSolves, SubdomainSolver};
use crate::sparse::{Scalar, Storage};

/// Largest number of sweeps on a triangle. Every sweep is an operation of the compiled cycle.
const MOST_SWEEPS: u32 = 100;

impl<T: Scalar> Smoother<Arc<Storage<T>>> {
    /// Number of values that a sweep stores in addition to its leaf: the factors of local matrices.
    pub(super) fn factors(&self, a: &Matrix<Arc<Storage<T>>>) -> usize {
        match self {
            Smoother::Schwarz { subdomains, .. } => {
                subdomains.layout(&a.pattern).map_or(0, |layout| LocalSolves::<T>::stored(&layout))
            }
            Smoother::Scaled { sweep, .. } => sweep.factors(a),
            _ => 0,
        }
    }

    /// Whether these are incomplete factors with a negative pivot. Those of a symmetric positive definite matrix then are
    /// not positive definite (Kershaw 1978).
    pub(crate) fn has_negative_pivot(&self) -> bool {
        let Smoother::Factors { factors, .. } = self else { return false };
        let diagonal = factors.pattern.splits().iter().map(|&p| factors.values.get(p as usize));
        diagonal.flatten().any(|v| *v < T::ZERO)
    }

    /// Checks the leaf against the operator of its level.
    pub(super) fn validate(&self, a: &Matrix<Arc<Storage<T>>>) -> Result<()> {
        let n = a.pattern.rows();
        let finite = |v: &[T]| v.iter().all(|x| x.finite());
        let square = |m: &Matrix<Arc<Storage<T>>>| {
            m.pattern.rows() == n
                && m.pattern.cols() == n
                && m.values.len() == m.pattern.nnz()
                && finite(&m.values)
        };
        let divides = |m: &Matrix<Arc<Storage<T>>>| {
            (0..n).find(|&i| m.pattern.find(i, i).is_none_or(|p| m.values[p] == T::ZERO))
        };
        let (sound, divisor) = match self {
            Smoother::Diagonal { weights: d } => (d.len() == n && finite(d), None),
            Smoother::Chebyshev { inverse_diagonal: d, coefficients } => {
                let mut scalars = coefficients.iter().flat_map(|&(alpha, beta)| [alpha, beta]);
                (d.len() == n && finite(d) && scalars.all(f64::is_finite), None)
            }
            Smoother::GaussSeidel { .. } => (true, Some(a)),
            Smoother::Sparse { m } => (square(m), None),
            Smoother::Factors { factors, damping, sweeps, .. } => {
                if let Some(sweeps) = sweeps.filter(|&sweeps| sweeps > MOST_SWEEPS) {
                    return Err(Error::invalid_input(format!(
                        "{sweeps} Jacobi sweeps on a triangle are more than {MOST_SWEEPS}; substitution is cheaper"
                    )));
                }
                (square(factors) && damping.is_finite(), Some(factors))
            }
            Smoother::OrderedGaussSeidel { sweep, inverse: w } => {
                sweep.order.validate(&a.pattern)?;
                (w.len() == n && finite(w) && w.iter().all(|v| *v != T::ZERO), None)
            }
            Smoother::Schwarz { subdomains, interface } => {
                let layout = subdomains.layout(&a.pattern)?;
                if interface.len() == layout.interface_entries() && finite(interface) {
                    SubdomainSolver::new(&layout, &a.values, interface, subdomains.variant())?;
                }
                (interface.len() == layout.interface_entries() && finite(interface), None)
            }
            Smoother::Scaled { sweep, scalars } => {
                sweep.validate(a)?;
                (sweep.takes(scalars.len()) && finite(scalars), None)
            }
        };
        if !sound {
            let message = format!("the smoother ({self}) has missing or non-finite values");
            return Err(Error::invalid_input(message));
        }
        match divisor.and_then(divides) {
            None => Ok(()),
            Some(i) => Err(Error::singular(format!(
                "the smoother ({self}) divides by the diagonal, which is zero in row {}; use SPAI-1 or Chebyshev on A with a shifted diagonal",
                i + 1
            ))),
        }
    }
}

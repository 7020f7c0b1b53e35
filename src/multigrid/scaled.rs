//! Sweeps whose scalars are a leaf: for differentiated runs, and the conversion back to constants.

use std::sync::Arc;

use super::smoother::Smoother;
use crate::engine::Matrix;
use crate::sparse::{Scalar, Storage};

impl<V> Smoother<V> {
    /// The learnable scalars of this sweep: α and β of every step of a polynomial; for any other sweep one factor
    /// of its correction, initially 1.
    pub fn scalars(&self) -> Vec<f64> {
        match self {
            Smoother::Chebyshev { coefficients, .. } => {
                coefficients.iter().flat_map(|&(alpha, beta)| [alpha, beta]).collect()
            }
            _ => vec![1.0],
        }
    }

    /// Whether `count` is the number of scalars of a scaled sweep around this one.
    pub(super) fn takes(&self, count: usize) -> bool {
        !matches!(self, Smoother::Scaled { .. }) && count == self.scalars().len()
    }
}

impl<T: Scalar> Smoother<Arc<Storage<T>>> {
    /// This sweep with other [`scalars`](Self::scalars), as constants: they become the coefficients of a
    /// polynomial or the damping of factors, or they are multiplied into the values of a diagonal or of M. Any
    /// other sweep becomes a [`Smoother::Scaled`].
    #[must_use]
    pub fn with_scalars(&self, scalars: &[f64]) -> Self {
        let omega = scalars.first().copied().unwrap_or(1.0);
        let scaled = |v: &Arc<Storage<T>>| {
            let omega = T::from_f64(omega);
            Storage::shared(v.iter().map(|&v| omega * v).collect())
        };
        match self {
            Smoother::Chebyshev { inverse_diagonal, .. } => Smoother::Chebyshev {
                inverse_diagonal: inverse_diagonal.clone(),
                coefficients: scalars.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect(),
            },
            Smoother::Factors { factors, unit_lower, damping, sweeps } => Smoother::Factors {
                factors: factors.clone(),
                unit_lower: *unit_lower,
                damping: omega * damping,
                sweeps: *sweeps,
            },
            Smoother::Diagonal { weights } => Smoother::Diagonal { weights: scaled(weights) },
            Smoother::Sparse { m } => Smoother::Sparse { m: Matrix::map(m, scaled) },
            other => Smoother::Scaled {
                sweep: Box::new(other.clone()),
                scalars: Arc::new(scalars.iter().map(|&v| T::from_f64(v)).collect()),
            },
        }
    }
}

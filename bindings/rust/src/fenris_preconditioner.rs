//! A preconditioner of `multigrad` for the conjugate gradients of `fenris-sparse`.

use std::error::Error;

use fenris::nalgebra::{DVectorView, DVectorViewMut};
use fenris_sparse::cg::LinearOperator;
use multigrad::Preconditioner;

/// A preconditioner as an operator of `fenris-sparse`. Vectors are used in place.
#[derive(Clone, Copy)]
pub struct Cycle<'a>(
    /// The wrapped preconditioner.
    pub &'a dyn Preconditioner,
);

impl LinearOperator<f64> for Cycle<'_> {
    fn apply(&self, mut y: DVectorViewMut<f64>, x: DVectorView<f64>) -> Result<(), Box<dyn Error>> {
        Ok(self.0.apply(x.as_slice(), y.as_mut_slice())?)
    }
}

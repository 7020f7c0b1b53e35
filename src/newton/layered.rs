//! Programs in layers.

use super::local::LocalJacobian;
use crate::error::{Error, Result};

/// A program in layers x ← F_i(x), i = 0 … q − 1, such as the steps of a time integrator. Implement this; it is a
/// [`Program`](super::Program).
pub trait LayeredProgram {
    /// The number of values in every layer.
    fn rows(&self) -> usize;

    /// The number of layers q.
    fn layers(&self) -> usize;

    /// F_i(x).
    ///
    /// # Errors
    /// Errors of the program.
    fn layer(&self, i: usize, x: &[f64]) -> Result<Vec<f64>>;

    /// The Jacobian of F_i at x.
    ///
    /// # Errors
    /// Errors of the program.
    fn jacobian(&self, i: usize, x: &[f64]) -> Result<LocalJacobian>;
}

/// F_i(x).
///
/// # Errors
/// A layer that returns another number of values; its own errors.
pub(super) fn evaluate<P: LayeredProgram>(program: &P, layer: usize, x: &[f64]) -> Result<Vec<f64>> {
    let (rows, y) = (LayeredProgram::rows(program), program.layer(layer, x)?);
    if y.len() == rows {
        return Ok(y);
    }
    Err(Error::dimension(format!("layer {} returned {} values; every layer has {rows}", layer + 1, y.len())))
}

//! Training steps, wherever they are taken.

use std::fmt::Debug;

use crate::error::Result;
use crate::learn::loss::Loss;
use crate::learn::parameters::Parameters;

/// Training steps with their parameters, optimiser and batch, on the host or on a device.
pub(in crate::learn) trait Steps<T>: Debug {
    /// Takes one step on the loss of `cycles` cycles.
    ///
    /// # Errors
    /// A failure of the device.
    fn step(&mut self, cycles: usize, rate: f64) -> Result<Step>;
    /// The present parameters.
    ///
    /// # Errors
    /// A failure of the device.
    fn parameters(&mut self) -> Result<Parameters<T>>;
    /// Minimises another loss from here on, on a new batch.
    ///
    /// # Errors
    /// A failure of the device.
    fn minimise(&mut self, loss: Loss, seed: u64) -> Result<()>;
    /// Continues from these parameters, with a new optimiser and a new batch.
    ///
    /// # Errors
    /// A failure of the device.
    fn restart(&mut self, parameters: &Parameters<T>, seed: u64) -> Result<()>;
}

/// The result of a step.
#[derive(Debug, Clone, Copy)]
pub(in crate::learn) struct Step {
    /// The loss before the step.
    pub loss: f64,
    /// Whether loss and gradient were finite; otherwise nothing was changed.
    pub finite: bool,
}

/// Precisions in which hierarchies are trained.
#[cfg(feature = "cuda")]
pub(in crate::learn) trait Trained: crate::backend::cuda::OnDevice {}
/// Precisions in which hierarchies are trained.
#[cfg(not(feature = "cuda"))]
pub(in crate::learn) trait Trained: crate::sparse::Scalar {}

impl Trained for f32 {}
impl Trained for f64 {}

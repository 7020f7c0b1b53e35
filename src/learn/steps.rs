//! Steps that are taken on a device, as a session sees them.

use std::fmt::Debug;

use super::loss_kind::Loss;
use super::parameters::Parameters;
use crate::error::Result;

/// Training steps whose parameters, optimiser and batch lie on a device.
pub(super) trait Steps<T>: Debug {
    /// One step on the loss of so many cycles; the loss before it, NaN where nothing was changed.
    fn step(&mut self, cycles: usize, rate: f64) -> Result<f64>;
    /// The parameters as they are now.
    fn parameters(&mut self) -> Result<Parameters<T>>;
    /// Minimises this loss from here on, on a new batch.
    fn minimise(&mut self, loss: Loss, seed: u64) -> Result<()>;
    /// Goes on from these, with a new batch.
    fn restart(&mut self, parameters: &Parameters<T>, seed: u64) -> Result<()>;
}

/// Precisions in which hierarchies are trained.
#[cfg(feature = "cuda")]
pub(super) trait Trained: crate::backend::cuda::OnDevice {}
/// Precisions in which hierarchies are trained.
#[cfg(not(feature = "cuda"))]
pub(super) trait Trained: crate::sparse::Scalar {}

impl Trained for f32 {}
impl Trained for f64 {}

#[cfg(feature = "cuda")]
impl<T: Trained> Steps<T> for super::resident::ResidentTraining<T> {
    fn step(&mut self, cycles: usize, rate: f64) -> Result<f64> {
        self.step(cycles, rate)
    }

    fn parameters(&mut self) -> Result<Parameters<T>> {
        self.parameters()
    }

    fn minimise(&mut self, loss: Loss, seed: u64) -> Result<()> {
        self.minimise(loss, seed)
    }

    fn restart(&mut self, parameters: &Parameters<T>, seed: u64) -> Result<()> {
        self.restart(parameters, seed)
    }
}

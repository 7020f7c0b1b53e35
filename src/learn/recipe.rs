//! How to train.

use serde::{Deserialize, Serialize};

use crate::engine::Host;
use crate::error::{Error, Result};
use crate::multigrid::Hierarchy;

/// Everything about a training run but the hierarchy and the seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Steps of the optimiser.
    pub steps: usize,
    /// Rate of the first step; it decays to 2 % of that by a cosine.
    pub rate: f64,
    /// Cycles in the loss.
    pub cycles: usize,
    /// Columns of the batch, half of them the pool.
    pub batch: usize,
}

impl Recipe {
    /// What measured best on the model problems (see `DESIGN.md`): more cycles in the loss as
    /// the problem grows, because a slow error needs more of them to show.
    pub fn suited_to(h: &Hierarchy<Host<f64>>) -> Self {
        let cycles = if h.rows() > 8_000 { 12 } else { 8 };
        Self { steps: 400, rate: 0.02, cycles, batch: 16 }
    }

    /// Whether every parameter is in its range.
    ///
    /// # Errors
    /// Names the one that is not.
    pub fn check(&self) -> Result<()> {
        let require =
            |holds: bool, what: String| if holds { Ok(()) } else { Err(Error::invalid_input(what)) };
        require(
            self.rate.is_finite() && self.rate > 0.0,
            format!("the rate is {}; it must be positive, such as 0.02", self.rate),
        )?;
        require(self.cycles > 0, "the loss needs at least one cycle".into())?;
        require(
            self.batch > 0 && self.batch <= 1024,
            format!("a batch of {} is not within 1 to 1024", self.batch),
        )
    }
}

//! How to train.

use serde::{Deserialize, Serialize};

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

//! Networks that start the training: from the entries of a matrix and of its classical smoother to
//! those of a learned one, without training on that matrix.

mod family;
mod features;
mod train;
mod weights;

pub use family::Family;
pub use train::NetworkTraining;

use serde::{Deserialize, Serialize};

use self::features::Graph;
use self::weights::Weights;
use super::parameters::Parameters;
use crate::engine::Host;
use crate::error::Result;
use crate::multigrid::Hierarchy;

/// A small message-passing network (Gilmer et al. 2017) over the entries of a smoother.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SmootherNetwork {
    weights: Weights,
}

impl SmootherNetwork {
    /// A network that changes nothing yet, with random inner weights: `width` numbers on every
    /// entry, `rounds` rounds of messages.
    pub fn new(width: usize, rounds: usize, seed: u64) -> Self {
        Self { weights: Weights::new(width, rounds, seed) }
    }

    /// Number of weights.
    pub fn count(&self) -> usize {
        self.weights.count()
    }

    /// The hierarchy with the smoothers that the network makes of its classical ones.
    ///
    /// # Errors
    /// Smoothers that are neither M nor L and U.
    pub fn apply(&self, h: &Hierarchy<Host<f64>>) -> Result<Hierarchy<Host<f64>>> {
        let graph = Graph::<f32>::of(h)?;
        let numbers = self.weights.apply(&graph)?;
        let mut parameters = Parameters::<f32>::relaxations(h);
        train::install(&numbers, &graph, &mut parameters);
        Ok(parameters.install(h))
    }
}

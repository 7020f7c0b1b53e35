//! Networks that map the entries of a matrix and of its classical smoother to those of a learned smoother, without
//! training on that matrix.

mod features;
mod graph;
mod inference;
mod kernels;
#[cfg(test)]
mod network_tests;
mod train;
mod weights;

pub use train::{Family, NetworkTraining};

use std::sync::Arc;

use self::features::LevelFeatures;
use self::graph::Graph;
use self::weights::Weights;
use super::network_file;
use super::parameters::Parameters;
use super::target::{LearnedSmoother, Target};
use crate::autodiff::Tape;
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::multigrid::{Hierarchy, Place, Role};
use crate::sparse::Storage;

/// The first bytes of a file: a name and a version.
const MAGIC: &[u8] = b"multigrad network 1\n";

/// A small message-passing network (Gilmer et al. 2017) over the entries of a smoother.
#[derive(Debug, Clone, PartialEq)]
pub struct SmootherNetwork {
    weights: Weights,
}

impl SmootherNetwork {
    /// A network that changes nothing yet, with random inner weights: `width` numbers on every
    /// entry, `rounds` rounds of messages.
    pub fn new(width: usize, rounds: usize, seed: u64) -> Self {
        Self { weights: Weights::new(width, rounds, seed) }
    }

    /// The network of this crate for M or for L and U: trained by `examples/train_network.rs` over
    /// recirculating flow, rotated anisotropic and unstructured diffusion on small grids.
    ///
    /// # Errors
    /// Anything else to learn.
    pub fn shipped(learn: Target) -> Result<Self> {
        match learn.smoother() {
            Some(LearnedSmoother::Ilu) => Self::from_bytes(include_bytes!("ilu.mgnet")),
            Some(LearnedSmoother::Relaxation) => Self::from_bytes(include_bytes!("relaxation.mgnet")),
            _ => Err(Error::unsuited(format!("there is no network for {learn}; it makes relaxation or ilu"))),
        }
    }

    /// The network in a file's content.
    ///
    /// # Errors
    /// Another kind of file or version, a truncated or damaged one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let weights: Weights = network_file::read(bytes, MAGIC, "network")?;
        weights.check()?;
        Ok(Self { weights })
    }

    /// The content of its file.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        network_file::write(&self.weights, MAGIC)
    }

    /// Number of weights.
    pub fn count(&self) -> usize {
        self.weights.count()
    }

    /// The hierarchy with the smoothers that the network gives for its classical ones, the same bits on any number of
    /// threads.
    ///
    /// Cost: about 1 100 multiplications per entry of a smoother with the networks of this crate. Memory beside the
    /// result: for the level with the most entries 64 bytes per entry and about 250 per row.
    ///
    /// # Errors
    /// Smoothers that are neither M nor L and U; a width that is not within 1 to 256, or rounds not within 1 to 8.
    pub fn apply(&self, h: &Hierarchy<Host<f64>>) -> Result<Hierarchy<Host<f64>>> {
        self.weights.check()?;
        let (mut made, mut sums) = (Vec::new(), Vec::new());
        for (depth, level) in h.levels.iter().enumerate() {
            let features = LevelFeatures::of(depth, level)?;
            made.push(self.weights.values(&features, &mut sums).map(Storage::shared));
        }
        let leaf = |place: Place, values: &Arc<Storage<f64>>| match place.role {
            Role::Pre(_) => made[place.level][0].clone(),
            Role::Post(_) => made[place.level][1].clone(),
            _ => values.clone(),
        };
        Ok(h.map(leaf, Clone::clone))
    }

    /// As [`apply`](Self::apply), by the tape of training, in single precision: the reference of tests and benchmarks.
    /// Memory: about 1 kB per entry of the hierarchy.
    #[doc(hidden)]
    pub fn apply_recorded(&self, h: &Hierarchy<Host<f64>>) -> Result<Hierarchy<Host<f64>>> {
        let graph = Graph::of(h)?;
        let tape = Tape::new();
        let numbers = self.weights.record(&tape, &graph).0.values()?;
        let mut parameters = Parameters::<f32>::relaxations(h);
        graph.install(&numbers, &mut parameters);
        Ok(parameters.install(h))
    }
}

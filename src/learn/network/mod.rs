//! Networks that map the entries of a matrix and of its classical smoother to those of a learned smoother, without
//! training on that matrix.

mod graph;
mod train;
mod weights;

pub use train::{Family, NetworkTraining};

use self::graph::Graph;
use self::weights::Weights;
use super::network_file;
use super::parameters::Parameters;
use super::target::{LearnedSmoother, Target};
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::multigrid::Hierarchy;

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

    /// The hierarchy with the smoothers that the network gives for its classical ones.
    ///
    /// # Errors
    /// Smoothers that are neither M nor L and U.
    pub fn apply(&self, h: &Hierarchy<Host<f64>>) -> Result<Hierarchy<Host<f64>>> {
        let graph = Graph::<f32>::of(h)?;
        let numbers = self.weights.apply(&graph)?;
        let mut parameters = Parameters::<f32>::relaxations(h);
        graph.install(&numbers, &mut parameters);
        Ok(parameters.install(h))
    }
}

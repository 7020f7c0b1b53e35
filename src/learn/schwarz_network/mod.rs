//! A network that computes the interface values of a Schwarz preconditioner for any matrix and subdomains.

mod graph;
mod part;
#[cfg(test)]
mod schwarz_network_tests;
mod train;
mod weights;

use std::sync::Arc;

pub use train::{SchwarzNetworkTraining, TrainingStep};

use self::graph::LocalGraph;
use self::weights::Weights;
use super::network_file;
use crate::engine::Host;
use crate::error::Result;
use crate::multigrid::{Hierarchy, Smoother};
use crate::schwarz::{Interface, Layout, LocalSolves, Schwarz, Subdomains, Variant};
use crate::sparse::{Csr, Scalar, Storage};

/// The first bytes of a file: a name and a version.
const MAGIC: &[u8] = b"multigrad schwarz network 1\n";

/// A graph network over the local matrices of a Schwarz method, after Taghibakhshi et al. (2022), that writes
/// the interface values Lᵢ.
///
/// Its input is every subdomain by itself, in units of its diagonal, and on the outer ring the couplings that its rows
/// miss. Values and cost depend on nothing farther away, so that a network of small grids suits large ones.
#[derive(Debug, Clone, PartialEq)]
pub struct SchwarzNetwork {
    weights: Weights,
}

impl SchwarzNetwork {
    /// A network that writes Robin conditions of order zero with the share `alpha` of the largest coupling
    /// ([`Interface::optimised`]), with random inner weights: `width` numbers on every row, `rounds` blocks.
    pub fn new(width: usize, rounds: usize, alpha: f64, seed: u64) -> Self {
        Self { weights: Weights::new(width, rounds, alpha, seed) }
    }

    /// The network of this crate, trained by `examples/train_schwarz_network.rs` on 1 000 unstructured grids of
    /// 85 to 850 nodes.
    ///
    /// # Errors
    /// None in practice.
    pub fn shipped() -> Result<Self> {
        Self::from_bytes(include_bytes!("schwarz.mgnet"))
    }

    /// The network in a file's content.
    ///
    /// # Errors
    /// Another kind of file or version, a truncated or damaged one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let weights: Weights = network_file::read(bytes, MAGIC, "network for Schwarz methods")?;
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

    /// The interface values for a matrix and its subdomains. Cost: some thousand multiplications for every
    /// row of a subdomain, in single precision; one factorisation of all local matrices, which must succeed.
    ///
    /// # Errors
    /// A matrix of another pattern; a row of an outer ring without a diagonal entry; values that are not
    /// finite; a local matrix that they make singular, named by its part.
    pub fn interface<T: Scalar>(&self, a: &Csr<T>, layout: &Arc<Layout>) -> Result<Interface<T>> {
        let interface = self.write(a, layout)?;
        LocalSolves::new(layout, a.values(), interface.values())?;
        Ok(interface)
    }

    /// The restricted Schwarz preconditioner with these interface values; factors once.
    ///
    /// # Errors
    /// As [`interface`](Self::interface).
    pub fn preconditioner<T: Scalar>(&self, a: &Csr<T>, layout: &Arc<Layout>) -> Result<Schwarz<T>> {
        Schwarz::new(a, self.write(a, layout)?, Variant::Restricted)
    }

    /// The hierarchy with the interface values that the network makes for its Schwarz sweeps.
    ///
    /// # Errors
    /// As [`interface`](Self::interface).
    pub fn apply(&self, h: &Hierarchy<Host<f64>>) -> Result<Hierarchy<Host<f64>>> {
        let mut h = h.clone();
        for level in &mut h.levels {
            let a = level.a.to_csr();
            // Pre- and post-sweeps often have the same subdomains.
            let mut made: Option<(Arc<Subdomains>, Arc<Storage<f64>>)> = None;
            for sweep in level.pre.iter_mut().chain(&mut level.post) {
                let Smoother::Schwarz { subdomains, interface } = sweep else { continue };
                let values = match &made {
                    Some((same, values)) if Arc::ptr_eq(same, subdomains) => values.clone(),
                    _ => Storage::shared(
                        self.interface(&a, &subdomains.layout(a.pattern())?)?.values().to_vec(),
                    ),
                };
                *interface = values.clone();
                made = Some((subdomains.clone(), values));
            }
        }
        Ok(h)
    }

    fn write<T: Scalar>(&self, a: &Csr<T>, layout: &Arc<Layout>) -> Result<Interface<T>> {
        let values = self.weights.values(&LocalGraph::<f32>::of(a, layout)?)?;
        Interface::new(layout, values.into_iter().map(T::from_f64).collect())
    }
}

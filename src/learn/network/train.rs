//! Training a network over a family of problems, and the families of this crate.

use std::f64::consts::PI;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::SmootherNetwork;
use super::graph::Graph;
use crate::autodiff::Tape;
use crate::cycle_tape::Tape as CycleTape;
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::gallery::{self, FlowScheme};
use crate::learn::batch::Batch;
use crate::learn::family_training::{FamilyTraining, Found, Member, Network};
use crate::learn::loss::Loss;
use crate::learn::parameters::Parameters;
use crate::multigrid::Hierarchy;

/// Columns of a batch.
const BATCH: usize = 8;
/// The largest norm of a gradient.
const CLIP: f64 = 1.0;

/// A hierarchy of the family, with the start of its smoothers.
struct Problem {
    loss: Loss,
    hierarchy: Hierarchy<Host<f32>>,
    parameters: Parameters<f32>,
    graph: Graph,
    pool: Batch<f32>,
}

/// Training of a [`SmootherNetwork`] in progress: Adam on one problem at a time.
pub struct NetworkTraining {
    family: FamilyTraining<SmootherNetwork, Problem>,
    steps: usize,
}

impl NetworkTraining {
    /// Begins with `network` and the hierarchies of a family, each with the start of its smoothers.
    ///
    /// # Errors
    /// No hierarchy; one with other smoothers than the network makes.
    pub fn new(
        network: SmootherNetwork,
        family: &[Hierarchy<Host<f64>>],
        loss: Loss,
        rate: f64,
        seed: u64,
    ) -> Result<Self> {
        if family.is_empty() {
            return Err(Error::invalid_input("a network needs a family of problems to train on"));
        }
        let mut members = Vec::new();
        for (number, h) in family.iter().enumerate() {
            members.push(Problem {
                loss,
                hierarchy: h.cast()?,
                parameters: Parameters::relaxations(h),
                graph: Graph::of(h)?,
                pool: Batch::new(h.rows(), BATCH, seed ^ ((number as u64) << 16)),
            });
        }
        Ok(Self { family: FamilyTraining::new(network, members, (rate, CLIP), seed), steps: 0 })
    }

    /// One step on the next problem, at `share` of the whole training, with `cycles` in the loss;
    /// the loss.
    ///
    /// # Errors
    /// Those of the loss.
    pub fn step(&mut self, share: f64, cycles: usize) -> Result<f64> {
        self.steps += 1;
        let mut found = self.family.step(share, cycles)?;
        Ok(found.pop().transpose()?.map_or(0.0, |(loss, _)| loss))
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The network as it is now.
    pub fn network(&self) -> &SmootherNetwork {
        &self.family.network
    }
}

impl Network for SmootherNetwork {
    fn blocks(&mut self) -> &mut [Vec<f32>] {
        self.weights.blocks_mut()
    }
}

impl Member<SmootherNetwork> for Problem {
    fn differentiate(&mut self, network: &SmootherNetwork, cycles: usize) -> Result<Found> {
        let tape = Tape::new();
        let (out, handles) = network.weights.record(&tape, &self.graph);
        let numbers = out.values()?;
        self.graph.install(&numbers, &mut self.parameters);
        let cycle = CycleTape::new(BATCH);
        let result =
            self.loss.differentiate(&cycle, &self.hierarchy, &self.parameters, self.pool.values(), cycles)?;
        self.pool.advance(&result.after_one_cycle);
        let loss = result.loss;
        if !loss.is_finite() || result.gradient.iter().flatten().any(|v| !v.is_finite()) {
            return Ok(Found { loss, blocks: Vec::new() });
        }
        let seed = self.graph.pull_back(&result.gradient, &numbers);
        let mut gradients = tape.backward(&[(&out, &seed)])?;
        let blocks = handles.iter().map(|&h| gradients.take(h)).collect::<Result<_>>()?;
        Ok(Found { loss, blocks })
    }
}

/// A family of problems, drawn from a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Recirculating flow by first-order upwind differences, ε from 0.002 to 0.05.
    Upwind,
    /// The same by finite elements with SUPG.
    Supg,
    /// Rotated anisotropic diffusion, any angle, ratio from 10⁻³ to 0.3.
    Rotated,
    /// Diffusion on unstructured tetrahedra.
    Unstructured,
}

impl Family {
    /// All of them.
    pub const ALL: [Family; 4] = [Family::Upwind, Family::Supg, Family::Rotated, Family::Unstructured];

    /// The member with this seed and about `side`² unknowns.
    ///
    /// # Errors
    /// A side that is too small or too large.
    pub fn member(self, side: usize, seed: u64) -> Result<gallery::Problem> {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0xfa31);
        let mut logarithmic = |low: f64, high: f64| low * (high / low).powf(random.random::<f64>());
        match self {
            Family::Upwind => gallery::recirculating_flow(side, logarithmic(0.002, 0.05), FlowScheme::Upwind),
            Family::Supg => gallery::recirculating_flow(side, logarithmic(0.002, 0.05), FlowScheme::Supg),
            Family::Rotated => {
                let epsilon = logarithmic(1e-3, 0.3);
                gallery::rotated_anisotropic(side, epsilon, PI * random.random::<f64>())
            }
            Family::Unstructured => {
                gallery::unstructured_3d(((side * side) as f64).cbrt().round().max(3.0) as usize, seed)
            }
        }
    }
}

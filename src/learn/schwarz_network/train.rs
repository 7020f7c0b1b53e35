//! Training the network over a family of matrices.

use std::sync::Arc;

use super::SchwarzNetwork;
use super::graph::LocalGraph;
use crate::autodiff::Tape;
use crate::backend::Direct;
use crate::cycle_tape::Tape as CycleTape;
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::learn::batch::Batch;
use crate::learn::family_training::{FamilyTraining, Found, Member, Network};
use crate::learn::loss::Loss;
use crate::learn::parameters::Parameters;
use crate::learn::target::Target;
use crate::multigrid::{CycleKind, Hierarchy, Level, Smoother};
use crate::schwarz::{Layout, Subdomains, Variant};
use crate::sparse::{Csr, Storage};

/// Columns of a batch.
const COLUMNS: usize = 8;
/// The logarithm of ten digits, squared as the loss is.
const DIGITS: f64 = 20.0 * std::f64::consts::LN_10;
/// The loss of a matrix counts as no smaller in size.
const LEAST: f64 = 0.3;
/// The largest norm of a gradient.
const CLIP: f64 = 0.6;

/// A matrix of the family, with its subdomains.
struct Problem {
    /// One level, the method its only sweep.
    hierarchy: Hierarchy<Host<f64>>,
    /// The interface values.
    parameters: Parameters<f64>,
    graph: LocalGraph<f32>,
    pool: Batch<f64>,
}

/// The result of one step of a [`SchwarzNetworkTraining`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingStep {
    /// Iterations of GMRES that ten digits take, from those of the loss, mean over the matrices of the step.
    pub loss: f64,
    /// Matrices without a gradient, because a local matrix was singular or a number not finite.
    pub failed: usize,
}

/// Training of a [`SchwarzNetwork`] in progress: Adam on mini-batches of matrices, the gradients of which
/// are computed in parallel and added in a fixed order. The loss is the number of iterations that ten
/// digits take at the pace of the first steps of GMRES ([`Loss::Krylov`]).
pub struct SchwarzNetworkTraining {
    family: FamilyTraining<SchwarzNetwork, Problem>,
    iterations: usize,
}

impl SchwarzNetworkTraining {
    /// Begins with `network` and a family of matrices with their subdomains, for the
    /// [restricted](Variant::Restricted) method, at the first rate `rate` of Adam.
    ///
    /// # Errors
    /// No matrix; one without subdomains that have a neighbour; one of another pattern than its layout.
    pub fn new(
        network: SchwarzNetwork,
        family: Vec<(Csr<f64>, Arc<Layout>)>,
        rate: f64,
        seed: u64,
    ) -> Result<Self> {
        if family.is_empty() {
            return Err(Error::invalid_input("a network needs a family of matrices to train on"));
        }
        let member = |(number, (a, layout)): (usize, (Csr<f64>, Arc<Layout>))| {
            if layout.interface_entries() == 0 {
                let text = format!("matrix {} has no interface; cut it into subdomains", number + 1);
                return Err(Error::invalid_input(text));
            }
            let graph = LocalGraph::of(&a, &layout)?;
            let pool = Batch::new(a.rows(), COLUMNS, seed ^ ((number as u64) << 16));
            let hierarchy = one_level(a, &layout)?;
            let parameters = Parameters::learned(&hierarchy, Target::Schwarz, false)?;
            Ok(Problem { hierarchy, parameters, graph, pool })
        };
        let members = family.into_iter().enumerate().map(member).collect::<Result<Vec<_>>>()?;
        let family = FamilyTraining::new(network, members, (rate, CLIP), seed);
        Ok(Self { family, iterations: 10 }.batch(16))
    }

    /// Steps of GMRES in the loss ([`Loss::Krylov`]). Default: 10.
    #[must_use]
    pub fn iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// Matrices of a step. Default: 16.
    #[must_use]
    pub fn batch(mut self, matrices: usize) -> Self {
        self.family.batch = matrices.max(1);
        self
    }

    /// One step on the next matrices, at `share` of the whole training.
    ///
    /// # Errors
    /// Those of the optimiser.
    pub fn step(&mut self, share: f64) -> Result<TrainingStep> {
        let steps = self.family.step(share, self.iterations)?;
        let losses: Vec<f64> =
            steps.iter().flatten().filter(|(_, finite)| *finite).map(|(loss, _)| *loss).collect();
        let loss = losses.iter().sum::<f64>() / losses.len().max(1) as f64;
        Ok(TrainingStep { loss, failed: steps.len() - losses.len() })
    }

    /// The network as it is now.
    pub fn network(&self) -> &SchwarzNetwork {
        &self.family.network
    }
}

impl Network for SchwarzNetwork {
    fn blocks(&mut self) -> &mut [Vec<f32>] {
        self.weights.blocks_mut()
    }
}

impl Member<SchwarzNetwork> for Problem {
    fn differentiate(&mut self, network: &SchwarzNetwork, iterations: usize) -> Result<Found> {
        let tape = Tape::new();
        let (out, handles) = network.weights.record(&tape, &self.graph);
        let numbers = out.values()?;
        let values = self.graph.values(&numbers, network.weights.alpha());
        if let Some(q) = values.iter().position(|v| !v.is_finite()) {
            return Err(Error::invalid_input(format!("interface value {} is {}", q + 1, values[q])));
        }
        self.parameters.buffer_mut(0).0.copy_from_slice(&values);
        let cycle = CycleTape::new(COLUMNS);
        let z = self.pool.values();
        let found = Loss::Krylov.differentiate(&cycle, &self.hierarchy, &self.parameters, z, iterations)?;
        if !found.loss.is_finite() {
            return Err(Error::singular(
                "a local matrix is singular with the interface values of the network",
            ));
        }
        self.pool.advance(&found.after_one_cycle);
        // The derivative of the iterations: slow matrices count most.
        let size = found.loss.abs().max(LEAST);
        let weight = DIGITS / (size * size);
        let gradient: Vec<f64> = found.gradient[0].iter().map(|g| weight * g).collect();
        let seed = self.graph.pull_back(&gradient, &numbers);
        let mut gradients = tape.backward(&[(&out, &seed)])?;
        let blocks = handles.iter().map(|&h| gradients.take(h)).collect::<Result<Vec<_>>>()?;
        Ok(Found { loss: DIGITS / size, blocks })
    }
}

/// A hierarchy of one level, with the restricted method on these subdomains as its only sweep.
pub(super) fn one_level(a: Csr<f64>, layout: &Arc<Layout>) -> Result<Hierarchy<Host<f64>>> {
    let subdomains = Subdomains::of(layout, Variant::Restricted);
    let interface = Storage::shared(vec![0.0; layout.interface_entries()]);
    let level = Level {
        prolongation: Csr::from_triplets(a.rows(), 0, &[])?.into(),
        restriction: Csr::from_triplets(0, a.rows(), &[])?.into(),
        a: a.into(),
        pre: vec![Smoother::Schwarz { subdomains, interface }],
        post: Vec::new(),
    };
    let coarsest = Arc::new(Direct::new(&Csr::identity(0))?);
    Ok(Hierarchy { levels: vec![level], coarsest, coarsest_rows: 0, kind: CycleKind::V })
}

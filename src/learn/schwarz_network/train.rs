//! Training the network over a family of matrices.

use std::sync::Arc;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::SchwarzNetwork;
use super::graph::LocalGraph;
use crate::error::{Error, Result};
use crate::expression::Tape;
use crate::learn::batch::Batch;
use crate::optimise::{Adam, Optimiser, Schedule, clip_norm};
use crate::schwarz::{Interface, Layout, Loss, Schwarz, Variant, loss_and_gradient};
use crate::sparse::Csr;

/// Columns of a batch.
const COLUMNS: usize = 8;
/// Rate of the last step, as a share of the first.
const LAST_RATE: f64 = 0.02;
/// The logarithm of ten digits, squared as the loss is.
const DIGITS: f64 = 20.0 * std::f64::consts::LN_10;
/// The loss of a matrix counts as no smaller in size.
const LEAST: f64 = 0.3;
/// The largest norm of a gradient.
const CLIP: f64 = 0.6;

/// One matrix of the family.
struct Member {
    a: Csr<f64>,
    layout: Arc<Layout>,
    graph: LocalGraph<f32>,
    pool: Batch<f64>,
}

/// What one step of a [`SchwarzNetworkTraining`] found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingStep {
    /// Iterations of GMRES that ten digits take, from those of the loss, mean over the matrices of the step.
    pub loss: f64,
    /// Matrices that gave no gradient, for a local matrix was singular or a number not finite.
    pub failed: usize,
}

/// Training of a [`SchwarzNetwork`] in progress: Adam on mini-batches of matrices, the gradients of which
/// are found in parallel and added in a fixed order. What is minimised is the number of iterations that ten
/// digits take at the pace of the first steps of GMRES ([`Loss::Krylov`]).
pub struct SchwarzNetworkTraining {
    network: SchwarzNetwork,
    members: Vec<Member>,
    optimisers: Vec<Adam<f32>>,
    order: Vec<usize>,
    random: ChaCha8Rng,
    rate: f64,
    iterations: usize,
    batch: usize,
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
            Ok(Member { a, layout, graph, pool })
        };
        let members = family.into_iter().enumerate().map(member).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            optimisers: vec![Adam::new().betas(0.9, 0.99); network.weights.blocks()],
            network,
            members,
            order: Vec::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
            rate,
            iterations: 10,
            batch: 16,
        })
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
        self.batch = matrices.max(1);
        self
    }

    /// One step on the next matrices, at `share` of the whole training.
    ///
    /// # Errors
    /// What the optimiser reports.
    pub fn step(&mut self, share: f64) -> Result<TrainingStep> {
        let mut chosen = Vec::with_capacity(self.batch);
        while chosen.len() < self.batch.min(self.members.len()) {
            if self.order.is_empty() {
                self.order = (0..self.members.len()).collect();
                self.order.shuffle(&mut self.random);
            }
            let next = self.order.pop();
            // The same matrix can come up at the end of one round and at the start of the next.
            chosen.extend(next.filter(|q| !chosen.contains(q)));
        }
        chosen.sort_unstable();
        let (network, iterations) = (&self.network, self.iterations);
        let members = self.members.iter_mut().enumerate();
        let members: Vec<&mut Member> =
            members.filter(|(q, _)| chosen.binary_search(q).is_ok()).map(|(_, m)| m).collect();
        let found: Vec<Option<Found>> =
            members.into_par_iter().with_max_len(1).map(|m| m.gradient(network, iterations)).collect();
        let mut sums: Vec<Vec<f32>> = Vec::new();
        let (mut loss, mut count) = (0.0, 0);
        for found in found.into_iter().flatten() {
            loss += found.loss;
            count += 1;
            if sums.is_empty() {
                sums = found.blocks;
                continue;
            }
            for (sum, block) in sums.iter_mut().zip(found.blocks) {
                sum.iter_mut().zip(block).for_each(|(s, g)| *s += g);
            }
        }
        let failed = chosen.len() - count;
        if count > 0 {
            let mut flat: Vec<f32> = sums.iter().flatten().map(|g| g / count as f32).collect();
            clip_norm(&mut flat, CLIP);
            let rate = Schedule::cosine(self.rate, LAST_RATE).rate_at(share, 1);
            let mut rest = &flat[..];
            for (weights, optimiser) in self.network.weights.blocks_mut().iter_mut().zip(&mut self.optimisers)
            {
                let (own, others) = rest.split_at(weights.len());
                rest = others;
                optimiser.step(weights, own, rate)?;
            }
        }
        Ok(TrainingStep { loss: loss / count.max(1) as f64, failed })
    }

    /// The network as it is now.
    pub fn network(&self) -> &SchwarzNetwork {
        &self.network
    }
}

/// Loss and gradient of one matrix.
struct Found {
    loss: f64,
    blocks: Vec<Vec<f32>>,
}

impl Member {
    /// Nothing where a local matrix is singular, or a number not finite.
    fn gradient(&mut self, network: &SchwarzNetwork, iterations: usize) -> Option<Found> {
        let found = self.chain(network, iterations).ok();
        found.filter(|f| f.loss.is_finite() && f.blocks.iter().flatten().all(|g| g.is_finite()))
    }

    fn chain(&mut self, network: &SchwarzNetwork, iterations: usize) -> Result<Found> {
        let tape = Tape::new();
        let (out, handles) = network.weights.record(&tape, &self.graph);
        let numbers = out.values()?;
        let values = self.graph.values(&numbers, network.weights.alpha());
        let m = Schwarz::new(&self.a, Interface::new(&self.layout, values)?, Variant::Restricted)?;
        let found = loss_and_gradient(&m, Loss::Krylov, self.pool.values(), COLUMNS, iterations)?;
        self.pool.advance(&found.after_one_step);
        // The derivative of the iterations: slow matrices count most.
        let size = found.loss.abs().max(LEAST);
        let weight = DIGITS / (size * size);
        let gradient: Vec<f64> = found.gradient.iter().map(|g| weight * g).collect();
        let seed = self.graph.pull_back(&gradient, &numbers);
        let mut gradients = tape.backward(&[(&out, &seed)])?;
        let blocks = handles.iter().map(|&h| gradients.take(h)).collect::<Result<Vec<_>>>()?;
        Ok(Found { loss: DIGITS / size, blocks })
    }
}

//! Training a network over a family of problems.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::SmootherNetwork;
use super::features::{FEATURES, Graph};
use super::weights::OUTPUTS;
use crate::autodiff::Tape as CycleTape;
use crate::backend::Cpu;
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::expression::Tape;
use crate::learn::batch::Batch;
use crate::learn::loss::{Loss, convergence_loss, krylov_loss};
use crate::learn::parameters::Parameters;
use crate::multigrid::Hierarchy;
use crate::optimise::{Adam, Optimiser, Schedule};

/// Columns of a batch.
const BATCH: usize = 8;
/// Rate of the last step, as a share of the first.
const LAST_RATE: f64 = 0.02;
/// The largest norm of a gradient.
const CLIP: f64 = 1.0;

/// One problem of the family.
struct Member {
    hierarchy: Hierarchy<Host<f32>>,
    parameters: Parameters<f32>,
    graph: Graph<f32>,
    pool: Batch<f32>,
}

/// Training of a network in progress.
pub struct NetworkTraining {
    network: SmootherNetwork,
    members: Vec<Member>,
    optimisers: Vec<Adam<f32>>,
    order: Vec<usize>,
    random: ChaCha8Rng,
    rate: f64,
    loss: Loss,
    tape: CycleTape<f32>,
    values: Tape<f32>,
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
            members.push(Member {
                hierarchy: h.cast()?,
                parameters: Parameters::relaxations(h),
                graph: Graph::of(h)?,
                pool: Batch::new(h.rows(), BATCH, seed ^ ((number as u64) << 16)),
            });
        }
        Ok(Self {
            optimisers: vec![Adam::new().betas(0.9, 0.99); network.weights.blocks()],
            network,
            members,
            order: Vec::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
            rate,
            loss,
            tape: CycleTape::new(Cpu, BATCH),
            values: Tape::new(),
            steps: 0,
        })
    }

    /// One step on the next problem, at `share` of the whole training, with `cycles` in the loss;
    /// the loss.
    ///
    /// # Errors
    /// What the loss reports.
    pub fn step(&mut self, share: f64, cycles: usize) -> Result<f64> {
        if self.order.is_empty() {
            self.order = (0..self.members.len()).collect();
            self.order.shuffle(&mut self.random);
        }
        let Some(member) = self.order.pop().and_then(|q| self.members.get_mut(q)) else { return Ok(0.0) };
        self.steps += 1;
        self.values.clear();
        let (out, handles) = self.network.weights.record(&self.values, &member.graph);
        let numbers = out.values()?;
        install(&numbers, &member.graph, &mut member.parameters);
        let loss = if self.loss == Loss::Krylov { krylov_loss } else { convergence_loss };
        let batch = member.pool.values();
        let result = loss(&self.tape, &member.hierarchy, &member.parameters, batch, cycles)?;
        member.pool.advance(&result.after_one_cycle);
        if !result.loss.is_finite() || result.gradient.iter().flatten().any(|v| !v.is_finite()) {
            return Ok(result.loss);
        }
        let seed = pull_back(&result.gradient, &numbers, &member.graph);
        let mut gradients = self.values.backward(&[(&out, &seed)])?;
        let mut blocks = Vec::new();
        for &handle in &handles {
            blocks.push(gradients.take(handle)?);
        }
        let norm = blocks.iter().flatten().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
        let scale = (CLIP / norm.max(CLIP)) as f32;
        let rate = Schedule::cosine(self.rate, LAST_RATE).rate_at(share, 1);
        for ((weights, gradient), optimiser) in
            self.network.weights.blocks_mut().iter_mut().zip(&mut blocks).zip(&mut self.optimisers)
        {
            gradient.iter_mut().for_each(|g| *g *= scale);
            optimiser.step(weights, gradient, rate)?;
        }
        Ok(result.loss)
    }

    /// Steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The network as it is now.
    pub fn network(&self) -> &SmootherNetwork {
        &self.network
    }
}

/// Value = start (1 + factor) + unit · addend, on every buffer.
pub(super) fn install(numbers: &[f32], graph: &Graph<f32>, parameters: &mut Parameters<f32>) {
    for (q, (range, post)) in graph.buffers.iter().enumerate() {
        let column = if *post { 2 } else { 0 };
        let (values, _) = parameters.buffer_mut(q);
        let rows = numbers.chunks_exact(OUTPUTS).zip(&graph.start).skip(range.start);
        for (value, (out, (start, unit))) in values.iter_mut().zip(rows) {
            *value = start * (1.0 + bounded(out[column])) + unit * bounded(out[column + 1]);
        }
    }
}

/// A change of at most one, so that no network makes a value out of reach.
fn bounded(v: f32) -> f32 {
    v / (1.0 + v.abs())
}

/// Its derivative.
fn slope(v: f32) -> f32 {
    1.0 / ((1.0 + v.abs()) * (1.0 + v.abs()))
}

/// The gradient with respect to the numbers of the network.
fn pull_back(gradient: &[Vec<f32>], numbers: &[f32], graph: &Graph<f32>) -> Vec<f32> {
    let mut seed = vec![0.0f32; graph.features.len() / FEATURES * OUTPUTS];
    for ((range, post), gradient) in graph.buffers.iter().zip(gradient) {
        let column = if *post { 2 } else { 0 };
        let rows = seed.chunks_exact_mut(OUTPUTS).zip(numbers.chunks_exact(OUTPUTS)).zip(&graph.start);
        for (g, ((out, numbers), (start, unit))) in gradient.iter().zip(rows.skip(range.start)) {
            out[column] += start * g * slope(numbers[column]);
            out[column + 1] += unit * g * slope(numbers[column + 1]);
        }
    }
    seed
}

//! Training of a network over a family of problems.

use super::recipe::{adam, rate_at};
use crate::error::Result;
use crate::optimise::{Adam, Optimiser, clip_norm};
use crate::parallel;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

/// A network whose weights are trained.
pub(super) trait Network: Sync {
    /// The weights, in blocks.
    fn blocks(&mut self) -> &mut [Vec<f32>];
}

/// One problem of a family.
pub(super) trait Member<N>: Send {
    /// The loss of the network on this problem, with `steps` steps of the iteration, and its gradient.
    ///
    /// # Errors
    /// A loss that cannot be computed, such as one with a singular local matrix.
    fn differentiate(&mut self, network: &N, steps: usize) -> Result<Found>;
}

/// A loss and its gradient with respect to every block of weights.
pub(super) struct Found {
    pub loss: f64,
    /// Empty if the loss has no finite gradient.
    pub blocks: Vec<Vec<f32>>,
}

impl Found {
    fn is_finite(&self) -> bool {
        self.loss.is_finite()
            && !self.blocks.is_empty()
            && self.blocks.iter().flatten().all(|g| g.is_finite())
    }
}

/// Training in progress: Adam on mini-batches of problems. The gradients of a batch are computed in parallel and
/// added in a fixed order, so that the result is the same on any number of threads.
pub(super) struct FamilyTraining<N, M> {
    pub network: N,
    members: Vec<M>,
    optimisers: Vec<Adam<f32>>,
    /// The members that are still to come in this round, the next one last.
    order: Vec<usize>,
    random: ChaCha8Rng,
    rate: f64,
    /// The largest norm of a gradient.
    clip: f64,
    /// Problems of a step.
    pub batch: usize,
}

impl<N: Network, M: Member<N>> FamilyTraining<N, M> {
    /// Starts with one problem a step, at the first rate `rate`, with gradients of norm `clip` at most.
    pub fn new(mut network: N, members: Vec<M>, (rate, clip): (f64, f64), seed: u64) -> Self {
        let optimisers = adam(network.blocks().len());
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { network, members, optimisers, order: Vec::new(), random, rate, clip, batch: 1 }
    }

    /// Takes one step on the next problems, at `share` of the whole training; the loss of every problem, with
    /// whether its gradient was finite and contributed.
    ///
    /// # Errors
    /// Those of the optimiser.
    pub fn step(&mut self, share: f64, steps: usize) -> Result<Vec<Result<(f64, bool)>>> {
        let chosen = self.draw();
        let network = &self.network;
        let members = self.members.iter_mut().enumerate();
        let members: Vec<&mut M> =
            members.filter(|(q, _)| chosen.binary_search(q).is_ok()).map(|(_, m)| m).collect();
        let found: Vec<Result<Found>> =
            parallel::map(members.into_iter(), &|m| m.differentiate(network, steps));
        let mut sum: Vec<f32> = Vec::new();
        let mut count = 0;
        for found in found.iter().flatten().filter(|f| f.is_finite()) {
            let gradient = found.blocks.iter().flatten();
            count += 1;
            if count == 1 {
                sum.extend(gradient);
            } else {
                sum.iter_mut().zip(gradient).for_each(|(s, g)| *s += g);
            }
        }
        if count > 0 {
            sum.iter_mut().for_each(|g| *g /= count as f32);
            clip_norm(&mut sum, self.clip);
            let rate = rate_at(self.rate, share, 1);
            let mut rest = &sum[..];
            for (weights, optimiser) in self.network.blocks().iter_mut().zip(&mut self.optimisers) {
                let (own, others) = rest.split_at(weights.len());
                rest = others;
                optimiser.step(weights, own, rate)?;
            }
        }
        Ok(found.into_iter().map(|found| found.map(|f| (f.loss, f.is_finite()))).collect())
    }

    /// The next members, in ascending order. Every round takes all members in a new random order.
    fn draw(&mut self) -> Vec<usize> {
        let mut chosen = Vec::with_capacity(self.batch);
        while chosen.len() < self.batch.min(self.members.len()) {
            if self.order.is_empty() {
                self.order = (0..self.members.len()).collect();
                self.order.shuffle(&mut self.random);
            }
            let next = self.order.pop();
            // The same problem can come up at the end of one round and at the start of the next.
            chosen.extend(next.filter(|q| !chosen.contains(q)));
        }
        chosen.sort_unstable();
        chosen
    }
}

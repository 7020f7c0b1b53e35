//! The weights of a network and how they act.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::features::FEATURES;
use super::graph::{Graph, OUTPUTS};
use crate::autodiff::{Dense, Tape};
use crate::error::{Error, Result};

/// Weights of a message-passing network: every entry (i, j) of a smoother is an edge with the
/// features f. In every round
///
/// ```text
/// e ← tanh(f W + e V + n(i) X + n(j) Y + b),   n(i) = means of e over row i and over column i
/// ```
///
/// where the first round has no e; at the end e C + c.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    width: usize,
    rounds: usize,
    /// One after another: of every round W, b, then V, X, Y but for the first; C, c.
    blocks: Vec<Vec<f32>>,
}

impl Weights {
    /// Random weights whose network changes nothing: C and c are zero.
    pub fn new(width: usize, rounds: usize, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x3e77);
        let mut blocks = Vec::new();
        let shapes = Self::shapes(width, rounds);
        let last = shapes.len() - 2;
        for (q, (rows, columns)) in shapes.into_iter().enumerate() {
            let spread = if q >= last || rows == 1 { 0.0 } else { (1.5 / rows as f64).sqrt() };
            let draw = |_| (spread * (2.0 * random.random::<f64>() - 1.0)) as f32;
            blocks.push((0..rows * columns).map(draw).collect());
        }
        Self { width, rounds, blocks }
    }

    fn shapes(width: usize, rounds: usize) -> Vec<(usize, usize)> {
        let mut shapes = Vec::new();
        for round in 0..rounds {
            shapes.extend([(FEATURES, width), (1, width)]);
            if round > 0 {
                shapes.extend([(width, width), (2 * width, width), (2 * width, width)]);
            }
        }
        shapes.extend([(width, OUTPUTS), (1, OUTPUTS)]);
        shapes
    }

    /// Number of weights.
    pub fn count(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    /// The blocks, for an optimiser.
    pub fn blocks_mut(&mut self) -> &mut [Vec<f32>] {
        &mut self.blocks
    }

    /// Whether the numbers of weights are those of the shape, and all of them are finite.
    ///
    /// # Errors
    /// Weights of another shape, or a weight that is not finite.
    pub fn check(&self) -> Result<()> {
        let sound = (1..=256).contains(&self.width) && (1..=8).contains(&self.rounds) && {
            let shapes = Self::shapes(self.width, self.rounds);
            shapes.len() == self.blocks.len()
                && shapes.iter().zip(&self.blocks).all(|((m, n), block)| m * n == block.len())
        };
        if !sound {
            return Err(Error::format("the network's weights do not fit its shape"));
        }
        if self.blocks.iter().flatten().any(|w| !w.is_finite()) {
            return Err(Error::format("a weight of the network is not a finite number"));
        }
        Ok(())
    }

    /// Numbers on every entry.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The weights of all rounds, and C and c.
    pub fn rounds(&self) -> (Vec<Round<'_>>, (&[f32], &[f32])) {
        let mut next = self.blocks.iter().map(Vec::as_slice);
        let mut take = || next.next().unwrap_or_default();
        let mut rounds = Vec::new();
        for round in 0..self.rounds {
            let (w, b) = (take(), take());
            rounds.push(Round { w, b, messages: (round > 0).then(|| (take(), take(), take())) });
        }
        (rounds, (take(), take()))
    }

    /// The numbers of every entry, entries × [`OUTPUTS`], recorded on `tape`, and the handles of the
    /// weights.
    pub fn record<'t>(&self, tape: &'t Tape<f32>, graph: &Graph) -> (Dense<'t, f32>, Vec<Dense<'t, f32>>) {
        let shapes = Self::shapes(self.width, self.rounds);
        let handles: Vec<Dense<'t, f32>> = (self.blocks.iter().zip(&shapes))
            .map(|(block, &(_, columns))| tape.parameter_block(block, columns))
            .collect();
        let mut next = handles.iter().copied();
        let features = tape.block(&graph.features, FEATURES);
        let shares = [0, 1].map(|end: usize| tape.vector(&graph.shares[end]));
        let mut edges: Option<Dense<'t, f32>> = None;
        for _ in 0..self.rounds {
            let mut take = || next.next().unwrap_or(features);
            let (w, b) = (take(), take());
            let mut sum = features.times(w).add_to_rows(b);
            if let Some(e) = edges {
                let (v, x, y) = (take(), take(), take());
                let mean =
                    |end: usize| e.scatter_rows(&graph.ends[end], graph.nodes()).scale_rows(shares[end]);
                let nodes = mean(0).beside(mean(1));
                sum = sum
                    + e.times(v)
                    + nodes.times(x).gather_rows(&graph.ends[0])
                    + nodes.times(y).gather_rows(&graph.ends[1]);
            }
            edges = Some(sum.tanh());
        }
        let mut take = || next.next().unwrap_or(features);
        let (c, last) = (take(), take());
        let e = edges.unwrap_or(features);
        (e.times(c).add_to_rows(last), handles)
    }
}

/// The weights of a round.
#[derive(Debug, Clone, Copy)]
pub struct Round<'a> {
    /// W and b.
    pub w: &'a [f32],
    pub b: &'a [f32],
    /// V, X and Y, but for the first round.
    pub messages: Option<(&'a [f32], &'a [f32], &'a [f32])>,
}

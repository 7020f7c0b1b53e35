//! The weights of the network and how they act.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::graph::{EDGE, ENTRY, LocalGraph};
use super::part::NODE;
use crate::autodiff::{Dense, Tape};
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// Numbers that the network gives for every interface entry: one for those on the diagonal, one for others.
pub const OUTPUTS: usize = 2;
/// Width of the network that weighs edges.
const EDGES: usize = 8;

/// Weights of a graph network over the local matrices. With features f of rows, e of entries and g of interface
/// entries, and K̂ the mean over neighbours, every one weighted by a number w(e) of each block,
///
/// ```text
/// x ← relu(f W + b)
/// w = relu(e E + b) F + c                                            a column for every block
/// x ← x + relu(x X₀ + K̂ x X₁ + K̂² x X₂ + b) Y + c                     every block
/// t(p,q) = relu(relu(x(p) P + x(q) Q + g G + b) H + c) T + d
/// ```
///
/// The blocks are those of topology-adaptive graph convolutions (Du et al., 2017) with residuals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    width: usize,
    rounds: usize,
    /// The share of the largest missing coupling that the network starts from.
    alpha: f32,
    /// One after another, as the formulas name them.
    blocks: Vec<Vec<f32>>,
}

/// Rows, columns, and how random weights begin.
#[derive(Clone, Copy)]
struct Shape {
    rows: usize,
    columns: usize,
    /// Largest weight at the start, for a sum of `rows` terms of size one.
    spread: f64,
    /// The mean of the weights at the start.
    mean: f32,
}

impl Weights {
    /// Random weights whose network gives zeros: T and d are zero.
    pub fn new(width: usize, rounds: usize, alpha: f64, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x51c4);
        let blocks = Self::shapes(width, rounds).into_iter().map(|shape| {
            let bound = shape.spread * (3.0 / shape.rows as f64).sqrt();
            let draw = |_| shape.mean + (bound * (2.0 * random.random::<f64>() - 1.0)) as f32;
            (0..shape.rows * shape.columns).map(draw).collect()
        });
        let blocks = blocks.collect();
        Self { width, rounds, alpha: alpha as f32, blocks }
    }

    fn shapes(width: usize, rounds: usize) -> Vec<Shape> {
        let shape = |rows, columns, spread| Shape { rows, columns, spread, mean: 0.0 };
        let bias = |columns| shape(1, columns, 0.0);
        let mut shapes = vec![shape(NODE, width, 1.4), bias(width)];
        shapes.extend([shape(EDGE, EDGES, 1.4), bias(EDGES), shape(EDGES, rounds, 0.7)]);
        shapes.push(Shape { mean: 1.0, ..bias(rounds) });
        for _ in 0..rounds {
            shapes.extend([shape(width, width, 0.8); 3]);
            shapes.extend([bias(width), shape(width, width, 0.7), bias(width)]);
        }
        shapes.extend([shape(width, width, 0.8), shape(width, width, 0.8), shape(ENTRY, width, 0.8)]);
        shapes.extend([bias(width), shape(width, width, 1.4), bias(width)]);
        shapes.extend([shape(width, OUTPUTS, 0.0), bias(OUTPUTS)]);
        shapes
    }

    /// Number of weights.
    pub fn count(&self) -> usize {
        self.blocks.iter().map(Vec::len).sum()
    }

    /// The share that the network starts from.
    pub fn alpha(&self) -> f64 {
        f64::from(self.alpha)
    }

    /// All blocks, for an optimiser.
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
                && shapes.iter().zip(&self.blocks).all(|(s, block)| s.rows * s.columns == block.len())
        };
        if !sound {
            return Err(Error::format("the network's weights do not fit its shape"));
        }
        if !self.alpha.is_finite() || self.blocks.iter().flatten().any(|w| !w.is_finite()) {
            return Err(Error::format("a weight of the network is not a finite number"));
        }
        Ok(())
    }

    /// The numbers of every interface entry, entries × [`OUTPUTS`], recorded on `tape`, and the handles of
    /// the weights.
    pub fn record<'t, T: Scalar>(
        &self,
        tape: &'t Tape<T>,
        graph: &LocalGraph<T>,
    ) -> (Dense<'t, T>, Vec<Dense<'t, T>>) {
        let shapes = Self::shapes(self.width, self.rounds);
        let handles: Vec<Dense<'t, T>> = (self.blocks.iter().zip(&shapes))
            .map(|(block, shape)| {
                let values: Vec<T> = block.iter().map(|&w| T::from_f64(f64::from(w))).collect();
                tape.parameter_block(&values, shape.columns)
            })
            .collect();
        let nodes = tape.block(&graph.nodes, NODE);
        let mut next = handles.iter().copied();
        // There are as many handles as shapes.
        let mut take = || next.next().unwrap_or(nodes);
        let (w, b) = (take(), take());
        let mut x = nodes.times(w).add_to_rows(b).relu();
        let (e, b, f, c) = (take(), take(), take(), take());
        let edges = tape.block(&graph.edges, EDGE).times(e).add_to_rows(b).relu();
        let weights = edges.times(f).add_to_rows(c);
        let shares = tape.vector(&graph.shares);
        for round in 0..self.rounds {
            let mean = weights.columns(round, 1).on_pattern(&graph.pattern).scale_rows(shares);
            let (own, once, twice) = (take(), take(), take());
            let near = mean * x;
            let far = mean * near;
            let sum = (x.times(own) + near.times(once) + far.times(twice)).add_to_rows(take()).relu();
            let (y, c) = (take(), take());
            x = x + sum.times(y).add_to_rows(c);
        }
        let ring = x.gather_rows(&graph.ring);
        let (row, column, own) = (take(), take(), take());
        let ends =
            ring.times(row).gather_rows(&graph.ends[0]) + ring.times(column).gather_rows(&graph.ends[1]);
        let entries = (ends + tape.block(&graph.entries, ENTRY).times(own)).add_to_rows(take()).relu();
        let (h, c) = (take(), take());
        let entries = entries.times(h).add_to_rows(c).relu();
        let (last, d) = (take(), take());
        (entries.times(last).add_to_rows(d), handles)
    }

    /// The interface values.
    ///
    /// # Errors
    /// Memory that the graph does not allow.
    pub fn values<T: Scalar>(&self, graph: &LocalGraph<T>) -> Result<Vec<f64>> {
        let tape = Tape::new();
        let numbers = self.record(&tape, graph).0.values()?;
        Ok(graph.values(&numbers, self.alpha()))
    }
}

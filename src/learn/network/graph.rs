//! The graph of a hierarchy for the training of a network.

use std::ops::Range;
use std::sync::Arc;

use super::features::{FEATURES, LevelFeatures};
use crate::engine::Host;
use crate::error::Result;
use crate::learn::parameters::Parameters;
use crate::multigrid::Hierarchy;

/// Numbers that a network gives for every entry: a factor and an addend, before and after the
/// coarse-grid correction.
pub const OUTPUTS: usize = 4;

/// The entries of the smoothers of all levels, one after another, with the nodes at their ends.
#[derive(Debug, Clone)]
pub struct Graph {
    /// entries × [`FEATURES`], row-major.
    pub features: Vec<f32>,
    /// Row and column of every entry, counted through all levels.
    pub ends: [Arc<[u32]>; 2],
    /// One over the number of entries in a row, and in a column.
    pub shares: [Vec<f32>; 2],
    /// The first value in training, and the unit of the addends.
    pub start: Vec<(f32, f32)>,
    /// The entries behind every buffer of the parameters, in their order, and whether the sweep
    /// comes after the coarse-grid correction.
    pub buffers: Vec<(Range<usize>, bool)>,
}

impl Graph {
    /// The graph of a hierarchy whose sweeps are all sparse approximate inverses, or all factors.
    ///
    /// # Errors
    /// A hierarchy with other sweeps, or with sweeps of several patterns on a level.
    pub fn of(h: &Hierarchy<Host<f64>>) -> Result<Self> {
        let (mut features, mut start, mut buffers) = (Vec::new(), Vec::new(), Vec::new());
        let mut ends = [Vec::new(), Vec::new()];
        let mut nodes = 0;
        for (depth, level) in h.levels.iter().enumerate() {
            let numbers = LevelFeatures::of(depth, level)?;
            let pattern = numbers.pattern();
            let range = start.len()..start.len() + pattern.nnz();
            let mut units = vec![0.0; pattern.nnz()];
            features.resize(range.end * FEATURES, 0.0);
            let own = &mut features[range.start * FEATURES..];
            numbers.scratch().with(|dense| numbers.rows(0..pattern.rows(), dense, own, &mut units));
            start
                .extend(numbers.values().iter().zip(units).map(|(&value, unit)| (value as f32, unit as f32)));
            for i in 0..pattern.rows() {
                for &j in pattern.row_cols(i) {
                    ends[0].push((nodes + i) as u32);
                    ends[1].push(nodes as u32 + j);
                }
            }
            nodes += pattern.rows();
            buffers.extend(level.pre.iter().map(|_| (range.clone(), false)));
            buffers.extend(level.post.iter().map(|_| (range.clone(), true)));
        }
        let shares = [0, 1].map(|end: usize| {
            let mut count = vec![0usize; nodes];
            ends[end].iter().for_each(|&i: &u32| count[i as usize] += 1);
            count.into_iter().map(|n| 1.0 / n.max(1) as f32).collect()
        });
        Ok(Self { features, ends: ends.map(Arc::from), shares, start, buffers })
    }

    /// Number of rows of all levels.
    pub fn nodes(&self) -> usize {
        self.shares[0].len()
    }

    /// Sets the parameters to the values that the numbers of the network (entries × [`OUTPUTS`]) stand for.
    pub fn install(&self, numbers: &[f32], parameters: &mut Parameters<f32>) {
        for (q, (range, post)) in self.buffers.iter().enumerate() {
            let column = if *post { 2 } else { 0 };
            let (values, _) = parameters.buffer_mut(q);
            let rows = numbers.chunks_exact(OUTPUTS).zip(&self.start).skip(range.start);
            for (value, (out, (start, unit))) in values.iter_mut().zip(rows) {
                let (factor, addend) = (out[column], out[column + 1]);
                *value = changed(f64::from(*start), f64::from(*unit), factor, addend) as f32;
            }
        }
    }

    /// The gradient with respect to the numbers of the network, from that with respect to the parameters.
    pub fn pull_back(&self, gradient: &[Vec<f32>], numbers: &[f32]) -> Vec<f32> {
        let mut seed = vec![0.0f32; self.start.len() * OUTPUTS];
        for ((range, post), gradient) in self.buffers.iter().zip(gradient) {
            let column = if *post { 2 } else { 0 };
            let rows = seed.chunks_exact_mut(OUTPUTS).zip(numbers.chunks_exact(OUTPUTS)).zip(&self.start);
            for (g, ((out, numbers), (start, unit))) in gradient.iter().zip(rows.skip(range.start)) {
                out[column] += start * g * slope(numbers[column]);
                out[column + 1] += unit * g * slope(numbers[column + 1]);
            }
        }
        seed
    }
}

/// start (1 + factor) + unit · addend, with bounded factor and addend.
#[inline(always)]
pub fn changed(start: f64, unit: f64, factor: f32, addend: f32) -> f64 {
    start * (1.0 + f64::from(bounded(factor))) + unit * f64::from(bounded(addend))
}

/// A change of at most one, so that every value stays within reach of the start.
fn bounded(v: f32) -> f32 {
    v / (1.0 + v.abs())
}

/// Its derivative.
fn slope(v: f32) -> f32 {
    1.0 / ((1.0 + v.abs()) * (1.0 + v.abs()))
}

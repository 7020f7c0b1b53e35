//! The graph of a hierarchy for a network: numbers of every stored entry that are invariant under scaling of the
//! matrix, also by a negative number.

use std::ops::Range;
use std::sync::Arc;

use crate::engine::{Host, Matrix};
use crate::error::{Error, Result};
use crate::learn::parameters::Parameters;
use crate::multigrid::{Hierarchy, Level, Smoother};
use crate::sparse::{Csr, Scalar};

/// Numbers per entry.
pub const FEATURES: usize = 24;
/// Numbers that a network gives for every entry: a factor and an addend, before and after the
/// coarse-grid correction.
pub const OUTPUTS: usize = 4;

/// The entries of the smoothers of all levels, one after another, with the nodes at their ends.
#[derive(Debug, Clone)]
pub struct Graph<T> {
    /// entries × [`FEATURES`], row-major.
    pub features: Vec<T>,
    /// Row and column of every entry, counted through all levels.
    pub ends: [Arc<[u32]>; 2],
    /// One over the number of entries in a row, and in a column.
    pub shares: [Vec<T>; 2],
    /// The first value in training, and the unit of the addends.
    pub start: Vec<(T, T)>,
    /// The entries behind every buffer of the parameters, in their order, and whether the sweep
    /// comes after the coarse-grid correction.
    pub buffers: Vec<(Range<usize>, bool)>,
}

impl<T: Scalar> Graph<T> {
    /// The graph of a hierarchy whose sweeps are all sparse approximate inverses, or all factors.
    ///
    /// # Errors
    /// A hierarchy with other sweeps, or with sweeps of several patterns on a level.
    pub fn of(h: &Hierarchy<Host<f64>>) -> Result<Self> {
        let mut graph = Self {
            features: Vec::new(),
            ends: [Arc::from([]), Arc::from([])],
            shares: [Vec::new(), Vec::new()],
            start: Vec::new(),
            buffers: Vec::new(),
        };
        let mut ends = [Vec::new(), Vec::new()];
        let mut nodes = 0;
        for (depth, level) in h.levels.iter().enumerate() {
            let sweep = level.pre.iter().chain(&level.post).find_map(|s| s.matrix().map(|m| (s, m)));
            let Some((sweep, m)) = sweep else {
                let text = format!("level {depth} has no learned sweep for a network to start");
                return Err(Error::unsuited(text));
            };
            let first = graph.start.len();
            graph.level(depth, level, sweep, m)?;
            let range = first..graph.start.len();
            for i in 0..m.pattern.rows() {
                for &j in m.pattern.row_cols(i) {
                    ends[0].push((nodes + i) as u32);
                    ends[1].push(nodes as u32 + j);
                }
            }
            nodes += m.pattern.rows();
            let sweeps = level.pre.iter().map(|s| (s, false)).chain(level.post.iter().map(|s| (s, true)));
            for (s, post) in sweeps {
                match s.matrix() {
                    Some(other) if other.pattern == m.pattern => graph.buffers.push((range.clone(), post)),
                    _ => {
                        let text = format!("the sweeps of level {depth} have no common pattern");
                        return Err(Error::unsuited(text));
                    }
                }
            }
        }
        graph.shares = [0, 1].map(|end: usize| {
            let mut count = vec![0usize; nodes];
            ends[end].iter().for_each(|&i: &u32| count[i as usize] += 1);
            count.into_iter().map(|n| T::from_f64(1.0 / n.max(1) as f64)).collect()
        });
        graph.ends = ends.map(Arc::from);
        Ok(graph)
    }

    /// Number of rows of all levels.
    pub fn nodes(&self) -> usize {
        self.shares[0].len()
    }

    fn level(
        &mut self,
        depth: usize,
        level: &Level<Host<f64>>,
        sweep: &Smoother<Arc<Vec<f64>>>,
        m: &Matrix<Arc<Vec<f64>>>,
    ) -> Result<()> {
        let a = level.a.to_csr();
        let factors = matches!(sweep, Smoother::Factors { unit_lower: true, .. });
        if !factors && !matches!(sweep, Smoother::Sparse { .. }) {
            return Err(Error::unsuited(format!("a network starts M, or L and U with unit L, not {sweep}")));
        }
        let n = a.rows();
        let size = |v: f64| if v == 0.0 { 1.0 } else { v.abs() };
        let diagonal = a.diagonal();
        let d: Vec<f64> = diagonal.iter().map(|&v| size(v)).collect();
        let sign: Vec<f64> = diagonal.iter().map(|v| v.signum()).collect();
        let rows = Sums::of(&a, &d, &sign, false);
        let columns = Sums::of(&a, &d, &sign, true);
        let p = level.prolongation.to_csr();
        let r = level.restriction.to_csr().transpose();
        let (p_norms, r_norms) = (norms(&p), norms(&r));
        let own = m.to_csr().diagonal();
        // The pivot beside the diagonal entry: 1 where nothing was eliminated, or for a Jacobi sweep.
        let pivot: Vec<f64> =
            (0..n).map(|i| if factors { own[i] / diagonal[i] } else { own[i] * diagonal[i] }).collect();
        let aligned = m.pattern == a.pattern().clone();
        let values = a.values();
        for i in 0..n {
            for q in m.pattern.row(i) {
                let j = m.pattern.col_idx()[q] as usize;
                let forward = if aligned { values[q] } else { a.get(i, j) };
                let backward = a.get(j, i);
                let value = m.values[q];
                // With the sign of the diagonal: those of −A are −M, and L and −U.
                let (unit, relative) = match (factors, j < i) {
                    (true, true) => (forward.abs() / size(own[j]), value),
                    (true, false) if i == j => (sign[i] * own[i].abs(), sign[i] * value / size(own[i])),
                    (true, false) => (sign[i] * forward.abs(), sign[i] * value / size(own[i])),
                    (false, _) if i == j => (sign[i] / d[i], sign[i] * value * d[i]),
                    (false, _) => (sign[i] * forward.abs() / (d[i] * d[j]), sign[i] * value * d[i]),
                };
                let beside = |v: f64, s: f64| if v * s > 0.0 { v / s } else { 0.0 };
                let both = [
                    f64::from(u8::from(j < i)),
                    f64::from(u8::from(j == i)),
                    sign[i] * forward / d[i],
                    sign[j] * backward / d[j],
                    sign[j] * forward / d[j],
                    sign[i] * backward / d[i],
                    beside(forward.abs(), rows.largest[i]),
                    beside(backward.abs(), rows.largest[j]),
                    relative,
                    pivot[i],
                    pivot[j],
                    rows.signed[i],
                    rows.signed[j],
                    columns.signed[i],
                    columns.signed[j],
                    rows.absolute[i] - 1.0,
                    rows.absolute[j] - 1.0,
                    columns.absolute[i] - 1.0,
                    columns.absolute[j] - 1.0,
                    similarity(&p, &p_norms, i, j),
                    similarity(&r, &r_norms, i, j),
                    p_norms[i] - 0.5,
                    (m.pattern.row(i).len() as f64 - 7.0) / 7.0,
                    if depth == 0 { 0.0 } else { 1.0 },
                ];
                debug_assert_eq!(both.len(), FEATURES);
                // Large numbers say little more than that they are large.
                self.features.extend(both.map(|v| {
                    let v = if v.is_finite() { v } else { 0.0 };
                    T::from_f64(v / (1.0 + 0.2 * v.abs()))
                }));
                self.start.push((T::from_f64(value), T::from_f64(unit)));
            }
        }
        Ok(())
    }
}

/// Sums of the rows, or of the columns, in units of the diagonal.
struct Sums {
    signed: Vec<f64>,
    absolute: Vec<f64>,
    largest: Vec<f64>,
}

impl Sums {
    fn of(a: &Csr<f64>, d: &[f64], sign: &[f64], columns: bool) -> Self {
        let n = a.rows();
        let mut sums = Self { signed: vec![0.0; n], absolute: vec![0.0; n], largest: vec![0.0; n] };
        for i in 0..n {
            for (j, v) in a.row(i) {
                let at = if columns { j } else { i };
                sums.signed[at] += sign[at] * v / d[at];
                if j != i {
                    sums.absolute[at] += v.abs() / d[at];
                    sums.largest[at] = v.abs().max(sums.largest[at]);
                }
            }
        }
        sums
    }
}

/// The 2-norm of every row.
fn norms(p: &Csr<f64>) -> Vec<f64> {
    (0..p.rows()).map(|i| p.row(i).map(|(_, v)| v * v).sum::<f64>().sqrt()).collect()
}

/// The cosine between two rows: near 1 where the coarse grid cannot tell two unknowns apart.
fn similarity(p: &Csr<f64>, norms: &[f64], i: usize, j: usize) -> f64 {
    let size = norms[i] * norms[j];
    if size == 0.0 {
        return 0.0;
    }
    if i == j {
        return 1.0;
    }
    let (mut left, mut right) = (p.row(i).peekable(), p.row(j).peekable());
    let mut sum = 0.0;
    while let (Some(&(k, v)), Some(&(l, w))) = (left.peek(), right.peek()) {
        if k == l {
            sum += v * w;
        }
        if k <= l {
            left.next();
        }
        if l <= k {
            right.next();
        }
    }
    sum / size
}

impl Graph<f32> {
    /// Sets the parameters to the values that the numbers of the network (entries × [`OUTPUTS`]) stand for:
    /// value = start (1 + factor) + unit · addend, with bounded factors and addends.
    pub fn install(&self, numbers: &[f32], parameters: &mut Parameters<f32>) {
        for (q, (range, post)) in self.buffers.iter().enumerate() {
            let column = if *post { 2 } else { 0 };
            let (values, _) = parameters.buffer_mut(q);
            let rows = numbers.chunks_exact(OUTPUTS).zip(&self.start).skip(range.start);
            for (value, (out, (start, unit))) in values.iter_mut().zip(rows) {
                *value = start * (1.0 + bounded(out[column])) + unit * bounded(out[column + 1]);
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

/// A change of at most one, so that every value stays within reach of the start.
fn bounded(v: f32) -> f32 {
    v / (1.0 + v.abs())
}

/// Its derivative.
fn slope(v: f32) -> f32 {
    1.0 / ((1.0 + v.abs()) * (1.0 + v.abs()))
}

//! Numbers of every entry of a smoother that are invariant under scaling of the matrix, also by a negative number.

use std::ops::Range;
use std::sync::Arc;

use crate::backend::vectorised;
use crate::engine::{Host, Matrix};
use crate::error::{Error, Result};
use crate::multigrid::{Level, Smoother};
use crate::parallel;
use crate::sparse::rows::Pool;
use crate::sparse::{Csr, Pattern, Storage};

/// Numbers per entry.
pub const FEATURES: usize = 24;

/// Rows per task.
const ROWS: usize = 1024;

/// Numbers of a row that the features of its entries, and those of its column, are made of.
#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// 1/a(i,i), or the sign of a zero.
    inverse: f64,
    /// One over the largest entry beside the diagonal; 0 without one.
    inverse_largest: f64,
    /// One over the size of the diagonal entry of the smoother.
    inverse_own: f64,
    /// One over the norms of row i of P and of column i of R; 0 for an empty one.
    inverse_norms: [f64; 2],
    /// The diagonal entry of the smoother beside that of the matrix, then signed sums of row and column, then those of
    /// sizes beside the diagonal.
    sums: [f32; 5],
}

/// What the features of the entries of a level are computed from. Memory: the transpose of A, that of R unless R = Pᵀ,
/// and 72 bytes per row.
#[derive(Debug)]
pub struct LevelFeatures {
    a: Csr<f64>,
    transpose: Csr<f64>,
    /// The sparse approximate inverse, or both factors.
    m: Csr<f64>,
    factors: bool,
    nodes: Vec<Node>,
    /// P and Rᵀ, or P alone if they are equal.
    transfers: Vec<Csr<f64>>,
    coarse: bool,
}

impl LevelFeatures {
    /// Of a level whose sweeps are all sparse approximate inverses, or all factors, on one pattern. Cost: a few passes
    /// over the level.
    ///
    /// # Errors
    /// Other sweeps, or none.
    pub fn of(depth: usize, level: &Level<Host<f64>>) -> Result<Self> {
        let (m, factors) = smoother(depth, level)?;
        let a = level.a.to_csr();
        let transpose = a.transpose();
        let own = m.diagonal();
        let p = level.prolongation.to_csr();
        let r = level.restriction.to_csr().transpose();
        let transfers = if r == p { vec![p] } else { vec![p, r] };
        let diagonal = a.diagonal();
        let nodes = parallel::collect(a.rows(), ROWS, |i| {
            let size = |v: f64| if v == 0.0 { 1.0 } else { v.abs() };
            let inverse = diagonal[i].signum() / size(diagonal[i]);
            let sums = |rows: &Csr<f64>| {
                let (mut signed, mut absolute, mut largest) = (0.0, 0.0, 0.0f64);
                for (j, v) in rows.row(i) {
                    signed += v;
                    if j != i {
                        absolute += v.abs();
                        largest = largest.max(v.abs());
                    }
                }
                (signed * inverse, absolute * inverse.abs() - 1.0, largest)
            };
            let ((row, row_size, largest), (column, column_size, _)) = (sums(&a), sums(&transpose));
            // 1 where nothing was eliminated, or for a Jacobi sweep.
            let pivot = if factors { own[i] / diagonal[i] } else { own[i] * diagonal[i] };
            let reciprocal = |v: f64| if v > 0.0 { 1.0 / v } else { 0.0 };
            let norm = |t: &Csr<f64>| reciprocal(t.row(i).map(|(_, v)| v * v).sum::<f64>().sqrt());
            let norms = [norm(&transfers[0]), transfers.get(1).map_or(0.0, norm)];
            Node {
                inverse,
                inverse_largest: reciprocal(largest),
                inverse_own: 1.0 / size(own[i]),
                inverse_norms: norms,
                sums: [pivot, row, column, row_size, column_size].map(compressed),
            }
        });
        Ok(Self { a, transpose, m, factors, nodes, transfers, coarse: depth > 0 })
    }

    /// The pattern of the smoother.
    pub fn pattern(&self) -> &Arc<Pattern> {
        self.m.pattern()
    }

    /// The values of the classical smoother.
    pub fn values(&self) -> &[f64] {
        self.m.values()
    }

    /// Scratch space of [`rows`](Self::rows): a dense row of every transfer.
    pub fn scratch(&self) -> Pool<Vec<f64>, impl Fn() -> Vec<f64> + '_> {
        Pool::new(|| vec![0.0; self.transfers.iter().map(Csr::cols).sum()])
    }

    /// The features of the entries of these rows (entries × [`FEATURES`], row-major), and the unit of the change of every
    /// entry. `dense` is from the [`scratch`](Self::scratch) and stays zero.
    pub fn rows(&self, rows: Range<usize>, dense: &mut [f64], features: &mut [f32], units: &mut [f64]) {
        vectorised(
            #[inline(always)]
            || {
                let mut out = features.as_chunks_mut::<FEATURES>().0.iter_mut().zip(units);
                for i in rows {
                    self.spread(i, dense, true);
                    self.row(i, dense, &mut out);
                    self.spread(i, dense, false);
                }
            },
        );
    }

    #[inline(always)]
    fn row<'t>(
        &self,
        i: usize,
        dense: &[f64],
        out: &mut impl Iterator<Item = (&'t mut [f32; FEATURES], &'t mut f64)>,
    ) {
        let node = &self.nodes[i];
        let (mut forward, mut backward) = (Along::row(&self.a, i), Along::row(&self.transpose, i));
        let entries = self.m.row(i);
        let norm = if node.inverse_norms[0] > 0.0 { 1.0 / node.inverse_norms[0] } else { 0.0 };
        let [length, norm] = [(entries.len() as f64 - 7.0) / 7.0, norm - 0.5].map(compressed);
        let (sign, scale) = (node.inverse.signum(), 1.0 / node.inverse);
        let flag = |holds: bool| if holds { 1.0 / 1.2 } else { 0.0 };
        for ((j, value), (features, unit)) in entries.zip(out) {
            let other = &self.nodes[j];
            let (forward, backward) = (forward.at(j), backward.at(j));
            let size = forward.abs();
            // With the sign of the diagonal: those of −A are −M, and L and −U.
            let relative;
            (*unit, relative) = match (self.factors, j < i) {
                (true, true) => (size * other.inverse_own, value),
                (true, false) if i == j => (sign / node.inverse_own, sign * value * node.inverse_own),
                (true, false) => (sign * size, sign * value * node.inverse_own),
                (false, _) if i == j => (node.inverse, value * scale),
                (false, _) => (size * node.inverse * other.inverse.abs(), value * scale),
            };
            let (p, r) = self.similarities(i, j, dense);
            let [ii, jj, ji, ij, forward, backward, relative, p] = [
                forward * node.inverse,
                backward * other.inverse,
                forward * other.inverse,
                backward * node.inverse,
                size * node.inverse_largest,
                backward.abs() * other.inverse_largest,
                relative,
                p,
            ]
            .map(compressed);
            let r = if self.transfers.len() > 1 { compressed(r) } else { p };
            let ([a, b, c, d, e], [f, g, h, k, l]) = (node.sums, other.sums);
            #[rustfmt::skip]
            let row = [
                flag(j < i), flag(j == i), ii, jj, ji, ij, forward, backward, relative,
                a, f, b, g, c, h, d, k, e, l, p, r, norm, length, flag(self.coarse),
            ];
            *features = row;
        }
    }

    /// Writes row i of the transfers to the dense rows, or zeros to its places.
    #[inline(always)]
    fn spread(&self, i: usize, mut dense: &mut [f64], set: bool) {
        for transfer in &self.transfers {
            transfer.row(i).for_each(|(k, v)| dense[k] = if set { v } else { 0.0 });
            dense = &mut dense[transfer.cols()..];
        }
    }

    /// The cosines between rows i and j of P and, where it is another matrix, of Rᵀ: near 1 where the coarse grid cannot
    /// tell two unknowns apart.
    #[inline(always)]
    fn similarities(&self, i: usize, j: usize, dense: &[f64]) -> (f64, f64) {
        let cosine = |q: usize, dense: &[f64]| {
            let norms = self.nodes[i].inverse_norms[q] * self.nodes[j].inverse_norms[q];
            match (i == j, norms > 0.0) {
                (_, false) => 0.0,
                (true, true) => 1.0,
                (false, true) => self.transfers[q].row(j).map(|(k, v)| dense[k] * v).sum::<f64>() * norms,
            }
        };
        let p = cosine(0, dense);
        (p, if self.transfers.len() > 1 { cosine(1, &dense[self.transfers[0].cols()..]) } else { p })
    }
}

/// The matrix of the sweeps of a level, and whether it holds factors.
fn smoother(depth: usize, level: &Level<Host<f64>>) -> Result<(Csr<f64>, bool)> {
    let mut found: Option<(&Matrix<Arc<Storage<f64>>>, bool)> = None;
    for sweep in level.pre.iter().chain(&level.post) {
        let (m, factors) = match sweep {
            Smoother::Sparse { m } => (m, false),
            Smoother::Factors { factors, unit_lower: true, .. } => (factors, true),
            other if other.matrix().is_some() => {
                let text =
                    format!("a network starts M, or L and U with unit L, not {other} on level {depth}");
                return Err(Error::unsuited(text));
            }
            _ => continue,
        };
        match found {
            None => found = Some((m, factors)),
            Some((first, kind)) if kind == factors && first.pattern == m.pattern => {}
            Some(_) => {
                let text = format!("the sweeps of level {depth} have no common pattern");
                return Err(Error::unsuited(text));
            }
        }
    }
    let count = level.pre.iter().chain(&level.post).filter(|s| s.matrix().is_some()).count();
    match found {
        Some((m, factors)) if count == level.pre.len() + level.post.len() => Ok((m.to_csr(), factors)),
        _ => Err(Error::unsuited(format!("level {depth} has no learned sweep for a network to start"))),
    }
}

/// The values of a stored row at ascending columns; 0 where nothing is stored.
struct Along<'a> {
    columns: &'a [u32],
    values: &'a [f64],
    next: usize,
}

impl<'a> Along<'a> {
    fn row(a: &'a Csr<f64>, i: usize) -> Self {
        Self { columns: a.pattern().row_cols(i), values: &a.values()[a.pattern().row(i)], next: 0 }
    }

    #[inline(always)]
    fn at(&mut self, j: usize) -> f64 {
        while self.columns.get(self.next).is_some_and(|&c| (c as usize) < j) {
            self.next += 1;
        }
        match self.columns.get(self.next) {
            Some(&c) if c as usize == j => self.values[self.next],
            _ => 0.0,
        }
    }
}

/// v/(1 + |v|/5): large numbers say little more than that they are large. 0 for NaN.
#[inline(always)]
fn compressed(v: f64) -> f32 {
    let v = v as f32;
    let v = if v.is_nan() { 0.0 } else { v.clamp(-1e30, 1e30) };
    v / (1.0 + 0.2 * v.abs())
}

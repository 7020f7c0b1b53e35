//! The graph of a program, split into uniform layers.

use std::collections::HashMap;

use super::local::LocalJacobian;
use crate::error::{Error, Result};
use crate::sparse::Csr;

/// An operation: its operands with the partial derivatives. Operands come before it.
#[derive(Debug, Clone)]
pub(super) struct Vertex {
    pub(super) edges: Vec<(usize, f64)>,
}

/// A directed acyclic graph, its inputs first.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) vertices: Vec<Vertex>,
    pub(super) inputs: usize,
    pub(super) outputs: Vec<usize>,
}

/// A rectangular layer: rows of (column, value).
struct Layer {
    rows: Vec<Vec<(usize, f64)>>,
    columns: usize,
}

impl Layer {
    /// A B.
    fn times(&self, b: &Self) -> Self {
        let rows = self.rows.iter().map(|row| {
            let mut sum: HashMap<usize, f64> = HashMap::new();
            for &(k, a) in row {
                b.rows[k].iter().for_each(|&(j, v)| *sum.entry(j).or_default() += a * v);
            }
            let mut row: Vec<_> = sum.into_iter().collect();
            row.sort_unstable_by_key(|e| e.0);
            row
        });
        Self { rows: rows.collect(), columns: b.columns }
    }

    fn into_local(self) -> Result<LocalJacobian> {
        let entries: Vec<_> = self
            .rows
            .iter()
            .enumerate()
            .flat_map(|(i, row)| row.iter().map(move |&(j, v)| (i, j, v)))
            .collect();
        LocalJacobian::sparse(Csr::from_triplets(self.rows.len(), self.columns, &entries)?)
    }
}

impl Graph {
    /// The local Jacobians of uniform layers, first layer first.
    ///
    /// # Errors
    /// A layer with fewer values than there are inputs: the graph is not invertible.
    pub(super) fn layers(&self) -> Result<Vec<LocalJacobian>> {
        let n = self.inputs;
        let mut uniform = Vec::new();
        let mut pending: Option<Layer> = None;
        for (depth, layer) in self.cut().into_iter().enumerate() {
            let width = layer.rows.len();
            if width < n {
                return Err(Error::singular(format!(
                    "the program is not invertible: only {width} values, of {n} that would be needed, pass from layer {} to the next, so that its Jacobian is singular",
                    depth + 1
                )));
            }
            let whole = match pending.take() {
                Some(before) => layer.times(&before),
                None => layer,
            };
            if width == n {
                uniform.push(whole.into_local()?);
            } else {
                pending = Some(whole);
            }
        }
        Ok(uniform)
    }

    /// Rectangular layers by depth. A layer holds the values of its depth and those that pass through it.
    fn cut(&self) -> Vec<Layer> {
        let count = self.vertices.len();
        let mut depth = vec![0usize; count];
        for (v, vertex) in self.vertices.iter().enumerate().skip(self.inputs) {
            depth[v] = vertex.edges.iter().map(|e| depth[e.0] + 1).max().unwrap_or(1);
        }
        let last = self.outputs.iter().map(|&v| depth[v]).max().unwrap_or(0) + 1;
        // Values that no output needs, as found backwards, are dropped; `until` is the last layer to carry a value.
        let mut until: Vec<Option<usize>> = vec![None; count];
        self.outputs.iter().for_each(|&v| until[v] = Some(last));
        for v in (self.inputs..count).rev() {
            if until[v].is_some() {
                for &(u, _) in &self.vertices[v].edges {
                    until[u] = until[u].max(Some(depth[v] - 1));
                }
            }
        }
        // A place in its layer for every value: near those of its operands, so that layers are banded.
        let mut place = vec![0.0f64; count];
        (0..self.inputs).for_each(|v| place[v] = v as f64);
        for v in self.inputs..count {
            let edges = &self.vertices[v].edges;
            if !edges.is_empty() {
                place[v] = edges.iter().map(|e| place[e.0]).sum::<f64>() / edges.len() as f64;
            }
        }
        let mut by_depth: Vec<Vec<usize>> = vec![Vec::new(); last + 1];
        (self.inputs..count).filter(|&v| until[v].is_some()).for_each(|v| by_depth[depth[v]].push(v));
        let mut alive: Vec<usize> = (0..self.inputs).collect();
        let mut layers = Vec::new();
        for (l, fresh) in by_depth.iter().enumerate().skip(1) {
            let columns: HashMap<usize, usize> = alive.iter().enumerate().map(|(c, &v)| (v, c)).collect();
            let next: Vec<usize> = if l == last {
                self.outputs.clone()
            } else {
                let kept = alive.iter().copied().filter(|&v| until[v].is_some_and(|u| u >= l));
                let mut next: Vec<usize> = kept.chain(fresh.iter().copied()).collect();
                next.sort_by(|&a, &b| place[a].total_cmp(&place[b]));
                next
            };
            let row = |&v: &usize| match columns.get(&v) {
                // An edge that is split: label 1.
                Some(&c) => vec![(c, 1.0)],
                None => {
                    let mut row: Vec<(usize, f64)> = self.vertices[v]
                        .edges
                        .iter()
                        .filter_map(|&(u, d)| Some((*columns.get(&u)?, d)))
                        .collect();
                    row.sort_unstable_by_key(|e| e.0);
                    row
                }
            };
            layers.push(Layer { rows: next.iter().map(row).collect(), columns: alive.len() });
            alive = next;
        }
        layers
    }
}

//! The graphs of all subdomains below each other.

use std::sync::Arc;

use super::graph::LocalGraph;
use super::part::Part;
use crate::sparse::{Pattern, Scalar};

/// What has been put together so far.
pub(super) struct Joined<T> {
    nodes: Vec<T>,
    row_ptr: Vec<u32>,
    columns: Vec<u32>,
    edges: Vec<T>,
    ring: Vec<u32>,
    ends: [Vec<u32>; 2],
    entries: Vec<T>,
    missing: Vec<(f64, f64)>,
    diagonal: Vec<Option<u32>>,
}

fn cast<T: Scalar>(list: Vec<f64>) -> impl Iterator<Item = T> {
    list.into_iter().map(T::from_f64)
}

impl<T: Scalar> Joined<T> {
    pub fn new() -> Self {
        Self {
            nodes: Vec::new(),
            row_ptr: vec![0],
            columns: Vec::new(),
            edges: Vec::new(),
            ring: Vec::new(),
            ends: [Vec::new(), Vec::new()],
            entries: Vec::new(),
            missing: Vec::new(),
            diagonal: Vec::new(),
        }
    }

    /// Adds the next subdomain.
    pub fn add(&mut self, part: Part) {
        let (first, rings) = ((self.row_ptr.len() - 1) as u32, self.ring.len() as u32);
        let mut end = self.columns.len() as u32;
        self.row_ptr.extend(part.lengths.iter().map(|length| {
            end += length;
            end
        }));
        self.columns.extend(part.columns.into_iter().map(|j| first + j));
        self.ring.extend(part.ring.into_iter().map(|i| first + i));
        for (all, own) in self.ends.iter_mut().zip(part.ends) {
            all.extend(own.into_iter().map(|r| rings + r));
        }
        self.nodes.extend(cast::<T>(part.nodes));
        self.edges.extend(cast::<T>(part.edges));
        self.entries.extend(cast::<T>(part.entries));
        self.missing.extend(part.missing);
        self.diagonal.extend(part.diagonal);
    }

    pub fn finish(self) -> LocalGraph<T> {
        let count = self.row_ptr.len() - 1;
        let share = |w: &[u32]| T::from_f64(1.0 / f64::from((w[1] - w[0]).max(1)));
        LocalGraph {
            nodes: self.nodes,
            shares: self.row_ptr.windows(2).map(share).collect(),
            pattern: Arc::new(Pattern::from_parts(count, count, self.row_ptr, self.columns)),
            edges: self.edges,
            ring: Arc::from(self.ring),
            ends: self.ends.map(Arc::from),
            entries: self.entries,
            missing: self.missing,
            diagonal: self.diagonal,
        }
    }
}

//! Nodes: groups of unknowns that are aggregated together, such as the displacements of one
//! mesh point.

use crate::error::{Error, Result};
use crate::sparse::Csr;
use crate::sparse::assemble::{Accumulator, assemble};

/// The node of every unknown.
///
/// A general map, since the number of unknowns of a node may vary on coarse levels: an
/// aggregate too small for all near-nullspace candidates keeps fewer of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nodes {
    layout: Layout,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Layout {
    /// Node i is unknown i; the numbers 0, 1, … of both.
    Scalar(Vec<u32>),
    /// The node of every unknown, and the unknowns of every node: starts, and the lists.
    Map { of: Vec<u32>, ptr: Vec<u32>, unknowns: Vec<u32> },
}

impl Nodes {
    /// Every one of `n` unknowns is a node.
    pub fn scalar(n: usize) -> Self {
        Self { layout: Layout::Scalar((0..n as u32).collect()) }
    }

    /// `b` consecutive unknowns form a node.
    ///
    /// # Errors
    /// A number of unknowns that `b` does not divide.
    pub fn blocks(n: usize, b: usize) -> Result<Self> {
        if b == 0 || !n.is_multiple_of(b) {
            return Err(Error::invalid_input(format!(
                "a block size of {b} does not divide the {n} rows of the matrix; leave it out to have it detected"
            )));
        }
        if b == 1 {
            return Ok(Self::scalar(n));
        }
        Ok(Self::from_map((0..n).map(|i| (i / b) as u32).collect(), n / b))
    }

    /// From the node of every unknown, all below `count`.
    pub(super) fn from_map(of: Vec<u32>, count: usize) -> Self {
        if of.len() == count && of.iter().enumerate().all(|(i, &node)| i == node as usize) {
            return Self { layout: Layout::Scalar(of) };
        }
        let (ptr, unknowns) = bucket(of.iter().map(|&node| Some(node)), count);
        Self { layout: Layout::Map { of, ptr, unknowns } }
    }

    /// Number of nodes.
    pub fn count(&self) -> usize {
        match &self.layout {
            Layout::Scalar(own) => own.len(),
            Layout::Map { ptr, .. } => ptr.len() - 1,
        }
    }

    /// Number of unknowns.
    pub fn rows(&self) -> usize {
        match &self.layout {
            Layout::Scalar(own) => own.len(),
            Layout::Map { of, .. } => of.len(),
        }
    }

    /// The node of an unknown.
    pub fn node(&self, unknown: usize) -> usize {
        match &self.layout {
            Layout::Scalar(own) => own[unknown] as usize,
            Layout::Map { of, .. } => of[unknown] as usize,
        }
    }

    /// The unknowns of a node, ascending.
    pub fn unknowns(&self, node: usize) -> &[u32] {
        match &self.layout {
            Layout::Scalar(own) => &own[node..=node],
            Layout::Map { ptr, unknowns, .. } => &unknowns[ptr[node] as usize..ptr[node + 1] as usize],
        }
    }

    /// The nodes of an ascending list of unknowns; nodes without one of them disappear.
    pub(super) fn select(&self, unknowns: &[u32]) -> Self {
        let mut of: Vec<u32> = Vec::with_capacity(unknowns.len());
        let mut number = std::collections::BTreeMap::new();
        for &i in unknowns {
            let next = number.len() as u32;
            of.push(*number.entry(self.node(i as usize)).or_insert(next));
        }
        Self::from_map(of, number.len())
    }

    /// Whether every node holds one unknown.
    pub fn is_scalar(&self) -> bool {
        self.count() == self.rows()
    }

    /// Whether node i is unknown i for every i.
    pub(super) fn is_identity(&self) -> bool {
        matches!(self.layout, Layout::Scalar(_))
    }
}

/// The members of every group, ascending, as a list and where each group starts in it.
pub(super) fn bucket(group: impl Iterator<Item = Option<u32>> + Clone, count: usize) -> (Vec<u32>, Vec<u32>) {
    let mut ptr = vec![0u32; count + 1];
    for g in group.clone().flatten() {
        ptr[g as usize + 1] += 1;
    }
    for g in 0..count {
        ptr[g + 1] += ptr[g];
    }
    let mut next = ptr.clone();
    let mut members = vec![0u32; ptr[count] as usize];
    for (i, g) in group.enumerate() {
        if let Some(g) = g {
            members[next[g as usize] as usize] = i as u32;
            next[g as usize] += 1;
        }
    }
    (ptr, members)
}

/// The largest b in 2..=6 such that the matrix consists of b × b blocks, or 1.
///
/// That is: b divides n, the b rows of every node reach the same set of nodes, and more than 55% of the
/// entries of those blocks are stored (elements aligned with the axes leave zeros). A matrix in which every
/// node reaches every other is inconclusive and counts as scalar. Cost: one pass over the matrix for every
/// candidate size, cut short at the first contradiction. contradiction.
pub fn detect_block_size(a: &Csr<f64>) -> usize {
    let n = a.rows();
    (2..=6).rev().find(|&b| n.is_multiple_of(b) && n > b && has_blocks(a, b)).unwrap_or(1)
}

fn has_blocks(a: &Csr<f64>, b: usize) -> bool {
    let nodes_of = |i: usize| {
        let mut nodes: Vec<usize> = a.row(i).filter(|&(_, v)| v != 0.0).map(|(j, _)| j / b).collect();
        nodes.dedup();
        nodes
    };
    let (mut blocks, mut complete) = (0, true);
    for node in 0..a.rows() / b {
        let first = nodes_of(node * b);
        if (1..b).any(|q| nodes_of(node * b + q) != first) {
            return false;
        }
        complete &= first.len() == a.rows() / b;
        blocks += first.len();
    }
    !complete && a.nnz() as f64 > 0.55 * (blocks * b * b) as f64
}

/// The Frobenius norms ‖A_IJ‖ of the blocks between nodes, nodes × nodes; the absolute values
/// for scalar nodes. Cost: one pass over the matrix, parallel over nodes.
///
/// # Errors
/// None for nodes that fit the matrix.
pub fn amalgamate(a: &Csr<f64>, nodes: &Nodes) -> Result<Csr<f64>> {
    if nodes.rows() != a.rows() || a.rows() != a.cols() {
        return Err(Error::dimension(format!(
            "nodes of {} unknowns for a {} × {} matrix",
            nodes.rows(),
            a.rows(),
            a.cols()
        )));
    }
    if nodes.is_identity() {
        return Ok(a.map(|_, _, v| v.abs()));
    }
    let count = nodes.count();
    assemble(
        count,
        count,
        || Accumulator::new(count),
        |node, row, columns, values| {
            for &i in nodes.unknowns(node) {
                for (j, v) in a.row(i as usize) {
                    row.add(nodes.node(j), v * v);
                }
            }
            let from = values.len();
            row.drain(columns, values);
            values[from..].iter_mut().for_each(|v| *v = v.sqrt());
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalar_stencils_are_not_blocks() {
        let n = 12;
        let chain: Vec<_> =
            (0..n).flat_map(|i| [(i, i, 2.0), (i, (i + 1) % n, -1.0), (i, (i + n - 1) % n, -1.0)]).collect();
        assert_eq!(detect_block_size(&Csr::from_triplets(n, n, &chain).unwrap()), 1);
        assert_eq!(detect_block_size(&Csr::identity(n)), 1);
        let full: Vec<_> = (0..n * n).map(|q| (q / n, q % n, 1.0)).collect();
        assert_eq!(detect_block_size(&Csr::from_triplets(n, n, &full).unwrap()), 1);
    }

    #[test]
    fn blocks_of_a_chain_are_found_and_amalgamated() {
        let (nodes, b) = (7usize, 3);
        let mut entries = Vec::new();
        for i in 0..nodes {
            for j in i.saturating_sub(1)..(i + 2).min(nodes) {
                for q in 0..b * b {
                    entries.push((i * b + q / b, j * b + q % b, if i == j { 2.0 } else { -1.0 }));
                }
            }
        }
        let a = Csr::from_triplets(nodes * b, nodes * b, &entries).unwrap();
        assert_eq!(detect_block_size(&a), b);
        let norms = amalgamate(&a, &Nodes::blocks(nodes * b, b).unwrap()).unwrap();
        assert_eq!(norms.rows(), nodes);
        assert_eq!((norms.get(0, 0), norms.get(0, 1), norms.get(0, 2)), (6.0, 3.0, 0.0));
    }
}

//! Aggregates: disjoint groups of strongly connected nodes, grown around roots.

use crate::error::{Error, Result};
use crate::parallel;
use crate::setup::nodal::bucket;
use crate::sparse::{Csr, Pattern};

/// Marks nodes in no aggregate.
pub(super) const NONE: u32 = u32::MAX;
/// Marks nodes without neighbours while aggregates are formed.
const ISOLATED: u32 = u32::MAX - 1;
/// Nodes handled by one task.
const CHUNK: usize = 8192;

/// The aggregate of every node; isolated nodes have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregation {
    of: Vec<u32>,
    roots: Vec<u32>,
}

impl Aggregation {
    /// From the aggregate of every node ([`NONE`] for none) and the root of every aggregate.
    pub(super) fn from_parts(of: Vec<u32>, roots: Vec<u32>) -> Self {
        Self { of, roots }
    }

    /// Number of aggregates.
    pub fn count(&self) -> usize {
        self.roots.len()
    }

    /// Number of nodes, aggregated or not.
    pub fn nodes(&self) -> usize {
        self.of.len()
    }

    /// The aggregate of one node.
    pub fn aggregate(&self, node: usize) -> Option<usize> {
        Some(self.of[node]).filter(|&g| g != NONE).map(|g| g as usize)
    }

    /// The aggregate of every node, as a list made for the caller.
    pub fn of(&self) -> Vec<Option<u32>> {
        self.of.iter().map(|&g| Some(g).filter(|&g| g != NONE)).collect()
    }

    /// The aggregate of every node, [`NONE`] for none.
    pub(super) fn raw(&self) -> &[u32] {
        &self.of
    }

    /// The node from which every aggregate was grown.
    pub fn roots(&self) -> &[u32] {
        &self.roots
    }

    /// The nodes of every aggregate, ascending: where each list starts, and the lists.
    pub(super) fn members(&self) -> (Vec<u32>, Vec<u32>) {
        bucket(self.of.iter().map(|&g| Some(g).filter(|&g| g != NONE)), self.count())
    }
}

/// Standard aggregation (Vaněk, Mandel, Brezina 1996) on a strength-of-connection graph.
///
/// 1. A node none of whose neighbours is aggregated yet becomes the root of a new aggregate,
///    with all its neighbours.
/// 2. A remaining node joins the aggregate of its first neighbour from pass 1.
/// 3. Nodes that still remain (only in graphs that are not symmetric) form new aggregates with their
///    remaining neighbours.
///
/// A node without neighbours stays in no aggregate: it is not interpolated, and only smoothing changes it. In
/// pass 3 PyAMG mistakes finished nodes of aggregate 0 for unfinished ones; this function does not.
/// Deterministic; cost: three passes over the graph, the first and third sequential.
///
/// # Errors
/// A graph that is not square.
pub fn standard_aggregation(strength: &Csr<f64>) -> Result<Aggregation> {
    if strength.rows() != strength.cols() {
        return Err(Error::dimension(format!(
            "aggregation needs a square graph, got {} × {}",
            strength.rows(),
            strength.cols()
        )));
    }
    Ok(aggregate(strength.pattern()))
}

/// [`standard_aggregation`] on a square graph.
pub(super) fn aggregate(graph: &Pattern) -> Aggregation {
    let n = graph.rows();
    let mut of = vec![NONE; n];
    let mut roots = Vec::new();
    for i in 0..n {
        if of[i] != NONE {
            continue;
        }
        let row = graph.row_cols(i);
        if row.iter().all(|&j| j as usize == i) {
            of[i] = ISOLATED;
        } else if row.iter().all(|&j| of[j as usize] == NONE) {
            let aggregate = roots.len() as u32;
            roots.push(i as u32);
            of[i] = aggregate;
            row.iter().for_each(|&j| of[j as usize] = aggregate);
        }
    }
    // Nodes that join in pass 2 must not attract others, so the marks go to a second list.
    let join = |i: usize| match of[i] {
        NONE => graph.row_cols(i).iter().map(|&j| of[j as usize]).find(|&g| g < ISOLATED).unwrap_or(NONE),
        mark => mark,
    };
    let mut joined: Vec<u32> = parallel::collect(n, CHUNK, join);
    for i in 0..n {
        if joined[i] == ISOLATED {
            joined[i] = NONE;
        } else if joined[i] == NONE {
            let aggregate = roots.len() as u32;
            roots.push(i as u32);
            joined[i] = aggregate;
            for &j in graph.row_cols(i) {
                if joined[j as usize] == NONE && of[j as usize] != ISOLATED {
                    joined[j as usize] = aggregate;
                }
            }
        }
    }
    Aggregation { of: joined, roots }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(n: usize, edges: &[(usize, usize)]) -> Csr<f64> {
        let entries: Vec<_> =
            (0..n).map(|i| (i, i, 1.0)).chain(edges.iter().map(|&(i, j)| (i, j, 1.0))).collect();
        Csr::from_triplets(n, n, &entries).unwrap()
    }

    #[test]
    fn a_chain_is_cut_in_threes() {
        let edges: Vec<_> = (0..6).flat_map(|i| [(i, i + 1), (i + 1, i)]).collect();
        let a = standard_aggregation(&graph(7, &edges)).unwrap();
        // Root 0 takes 1; root 3 takes 2 and 4; root 6 takes 5.
        let of: Vec<u32> = a.of().iter().map(|g| g.unwrap()).collect();
        assert_eq!(of, [0, 0, 1, 1, 1, 2, 2]);
        assert_eq!(a.roots(), [0, 3, 6]);
    }

    #[test]
    fn isolated_nodes_stay_out() {
        let a = standard_aggregation(&graph(3, &[(0, 2), (2, 0)])).unwrap();
        assert_eq!(a.of(), [Some(0), None, Some(0)]);
        assert_eq!(standard_aggregation(&graph(4, &[])).unwrap().count(), 0);
    }

    #[test]
    fn one_sided_graphs_use_the_third_pass() {
        // 0 is isolated; 1 and 2 point at it and at each other, one way.
        let a = standard_aggregation(&graph(3, &[(1, 0), (1, 2), (2, 0)])).unwrap();
        assert_eq!(a.of(), [None, Some(0), Some(0)]);
    }
}

//! Aggregates: disjoint groups of strongly connected nodes.

use super::nodal::bucket;
use crate::error::{Error, Result};
use crate::sparse::Csr;

/// Which aggregate every node belongs to; isolated nodes belong to none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregation {
    of: Vec<Option<u32>>,
    roots: Vec<u32>,
}

impl Aggregation {
    /// Number of aggregates.
    pub fn count(&self) -> usize {
        self.roots.len()
    }

    /// The aggregate of every node.
    pub fn of(&self) -> &[Option<u32>] {
        &self.of
    }

    /// The node from which every aggregate was grown.
    pub fn roots(&self) -> &[u32] {
        &self.roots
    }

    /// The nodes of every aggregate, ascending: where each list starts, and the lists.
    pub(super) fn members(&self) -> (Vec<u32>, Vec<u32>) {
        bucket(self.of.iter().copied(), self.count())
    }
}

/// Standard aggregation (Vaněk, Mandel, Brezina 1996) on a strength-of-connection graph.
///
/// 1. A node none of whose neighbours is aggregated yet becomes the root of a new aggregate,
///    with all its neighbours.
/// 2. A node left over joins the aggregate of its first neighbour from pass 1.
/// 3. What is still left over (only in graphs that are not symmetric) forms new aggregates
///    with its neighbours that are left over too.
///
/// A node without any neighbour but itself stays in no aggregate: it is not interpolated, and
/// smoothing alone takes care of it. In pass 3 PyAMG mistakes finished nodes of aggregate 0
/// for unfinished ones; this does not. Sequential and deterministic; cost: three passes.
///
/// # Errors
/// A graph that is not square.
pub fn standard_aggregation(strength: &Csr<f64>) -> Result<Aggregation> {
    let n = strength.rows();
    if n != strength.cols() {
        return Err(Error::dimension(format!(
            "aggregation needs a square graph, got {n} × {}",
            strength.cols()
        )));
    }
    let graph = strength.pattern();
    let neighbours = |i: usize| graph.row_cols(i).iter().map(|&j| j as usize).filter(move |&j| j != i);
    let mut of: Vec<Option<u32>> = vec![None; n];
    let mut isolated = vec![false; n];
    let mut roots = Vec::new();
    for i in 0..n {
        if of[i].is_some() {
            continue;
        }
        isolated[i] = neighbours(i).next().is_none();
        if isolated[i] || neighbours(i).any(|j| of[j].is_some() || isolated[j]) {
            continue;
        }
        let aggregate = Some(roots.len() as u32);
        roots.push(i as u32);
        of[i] = aggregate;
        neighbours(i).for_each(|j| of[j] = aggregate);
    }
    // Nodes that join in pass 2 must not attract others.
    let joined: Vec<Option<u32>> =
        (0..n).map(|i| of[i].or_else(|| neighbours(i).find_map(|j| of[j]))).collect();
    let mut of = joined;
    for i in 0..n {
        if of[i].is_some() || isolated[i] {
            continue;
        }
        let aggregate = Some(roots.len() as u32);
        roots.push(i as u32);
        of[i] = aggregate;
        for j in neighbours(i) {
            if of[j].is_none() && !isolated[j] {
                of[j] = aggregate;
            }
        }
    }
    Ok(Aggregation { of, roots })
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

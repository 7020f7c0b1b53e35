//! Aggregates from a graph partition: the coarse space of a two-level Schwarz method.

use super::standard::{Aggregation, NONE};
use crate::error::Result;
use crate::schwarz::{greedy, partition};
use crate::sparse::Pattern;

/// The number of nodes above which parts are grown greedily: METIS takes seconds for a million.
const GREEDY: usize = 400_000;

/// Parts of about `size` nodes by METIS (Karypis and Kumar, 1998), grown greedily above 400 000 nodes. The
/// root of a part is its first node; nodes without neighbours are in no part.
///
/// # Errors
/// A graph that METIS cannot number.
pub(super) fn parts(graph: &Pattern, size: usize) -> Result<Aggregation> {
    let n = graph.rows();
    let count = n.div_ceil(size.max(1)).clamp(1, n.max(1));
    let part = if n > GREEDY { greedy(graph, size)? } else { partition(graph, count)? };
    let alone = |i: usize| graph.row_cols(i).iter().all(|&j| j as usize == i);
    let mut number = vec![NONE; n];
    let (mut of, mut roots) = (vec![NONE; n], Vec::new());
    for (i, &p) in part.iter().enumerate().filter(|(i, _)| !alone(*i)) {
        let own = &mut number[p as usize];
        if *own == NONE {
            *own = roots.len() as u32;
            roots.push(i as u32);
        }
        of[i] = *own;
    }
    Ok(Aggregation::from_parts(of, roots))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Csr;

    #[test]
    fn parts_of_a_path_and_a_lone_node() {
        let beside = (0..39).flat_map(|i| [(i, i + 1, -1.0), (i + 1, i, -1.0)]);
        let entries: Vec<_> = (0..41).map(|i| (i, i, 2.0)).chain(beside).collect();
        let a = Csr::from_triplets(41, 41, &entries).unwrap();
        let found = parts(a.pattern(), 10).unwrap();
        assert!((3..=5).contains(&found.count()), "{}", found.count());
        assert_eq!(found.aggregate(40), None);
        assert!((0..40).all(|i| found.aggregate(i).is_some()));
        for (g, &root) in found.roots().iter().enumerate() {
            assert_eq!(found.aggregate(root as usize), Some(g));
        }
        assert_eq!(parts(a.pattern(), 10).unwrap(), found);
        // Larger than the graph: one part.
        assert_eq!(parts(a.pattern(), 1000).unwrap().count(), 1);
    }
}

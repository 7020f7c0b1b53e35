//! PMIS: an independent set of influential points, in parallel.

use super::Splitting;
use super::graph::Graph;
use crate::error::Result;
use crate::parallel;
use crate::sparse::Pattern;

/// Points per task.
const CHUNK: usize = 8192;

/// The parallel modified independent set of De Sterck, Yang and Heys (2006).
///
/// The weight of a point is the number of points that depend on it and, among equals, a fixed hash of its
/// number. In every round the undecided points that outweigh all their undecided neighbours, in either
/// direction, become coarse, and then those that depend on a coarse one become fine. Points without
/// dependants are fine from the start. In a symmetric graph the coarse points are a maximal independent set,
/// and every fine point depends on at least one; in others a point without dependants may have no coarse
/// neighbour. Cost: about O(nnz log n), parallel over points.
///
/// # Errors
/// A graph that is not square.
pub fn pmis(strong: &Pattern) -> Result<Splitting> {
    let graph = Graph::new(strong)?;
    Ok(Splitting::new(&complete(&graph, vec![false; graph.len()])))
}

/// Continues from given coarse points: their dependants become fine, and [`pmis`] decides on the rest.
pub(super) fn complete(graph: &Graph, mut coarse: Vec<bool>) -> Vec<bool> {
    // Zero marks a decided point.
    let mut weight: Vec<u64> =
        parallel::collect(graph.len(), CHUNK, |i| if coarse[i] { 0 } else { weight(graph, i) });
    let mut undecided: Vec<u32> = (0..graph.len() as u32).filter(|&i| weight[i as usize] > 0).collect();
    if coarse.contains(&true) {
        undecided = leave(graph, undecided, &coarse, &mut weight);
    }
    while !undecided.is_empty() {
        let chosen: Vec<Vec<u32>> = parallel::map(undecided.chunks(CHUNK), &|chunk| {
            chunk.iter().copied().filter(|&i| outweighs(graph, &weight, i as usize)).collect()
        });
        for &i in chosen.iter().flatten() {
            coarse[i as usize] = true;
            weight[i as usize] = 0;
        }
        undecided = leave(graph, undecided, &coarse, &mut weight);
    }
    coarse
}

/// The number of dependants, then a hash of the number of the point: all weights differ. Zero without
/// dependants.
fn weight(graph: &Graph, i: usize) -> u64 {
    match graph.influences(i).len() as u64 {
        0 => 0,
        followers => followers << 32 | u64::from(hash(i as u32)),
    }
}

/// A permutation of the 32-bit numbers without visible order (the finaliser of MurmurHash3).
fn hash(i: u32) -> u32 {
    let h = (i ^ i >> 16).wrapping_mul(0x85eb_ca6b);
    let h = (h ^ h >> 13).wrapping_mul(0xc2b2_ae35);
    h ^ h >> 16
}

#[inline(always)]
fn outweighs(graph: &Graph, weight: &[u64], i: usize) -> bool {
    let own = weight[i];
    let lighter = |list: &[u32]| list.iter().all(|&j| weight[j as usize] < own);
    lighter(graph.depends(i)) && (graph.is_symmetric() || lighter(graph.influences(i)))
}

/// The points that stay undecided: neither coarse nor dependent on a coarse one.
fn leave(graph: &Graph, undecided: Vec<u32>, coarse: &[bool], weight: &mut [u64]) -> Vec<u32> {
    let parts: Vec<(Vec<u32>, Vec<u32>)> = parallel::map(undecided.chunks(CHUNK), &|chunk| {
        let rest = chunk.iter().copied().filter(|&i| !coarse[i as usize]);
        rest.partition(|&i| !graph.depends(i as usize).iter().any(|&j| coarse[j as usize]))
    });
    for &i in parts.iter().flat_map(|p| &p.1) {
        weight[i as usize] = 0;
    }
    parts.into_iter().flat_map(|p| p.0).collect()
}

//! Pairwise aggregation.

use std::borrow::Cow;

use super::standard::{Aggregation, NONE};
use crate::error::{Error, Result};
use crate::setup::grids::own;
use crate::setup::nodal::bucket;
use crate::sparse::Csr;
use crate::sparse::assemble::{Accumulator, assemble};

/// Pairwise aggregation after Notay (2010) and Napov and Notay (2012), without their bound on
/// the quality of an aggregate.
///
/// A pass goes through the nodes in order and pairs each free node with the free neighbour for which −aᵢⱼ
/// (1/aᵢᵢ + 1/aⱼⱼ) is largest: for a Laplacian that is the pair of the best quality, and a hub, whose aⱼⱼ is
/// large, is not preferred to a small node. Only negative entries (relative to the diagonal) connect. The
/// matrix of the pairs, PᵀAP with the indicators P of the pairs, goes through the next pass, so that `passes`
/// of them give aggregates of about 2^`passes` nodes.
///
/// Graphs with a power-law degree leave many nodes without a free neighbour. Two of them with the same best
/// neighbour are paired with one another; of the rest, at most one node joins each pair, as a third. So no
/// aggregate has more than 3^`passes` nodes, and a hub with its leaves shrinks by the same factor as any
/// other part. Nodes without an off-diagonal entry stay in no aggregate.
///
/// Weights are those of row i. Deterministic, and sequential except PᵀAP; cost: two passes over each of the
/// matrices, which shrink by half.
///
/// # Errors
/// A matrix that is not square.
///
/// ```
/// let a = multigrad::gallery::poisson_2d(4, 4)?.matrix;
/// let aggregation = multigrad::setup::pairwise_aggregation(&a, 2)?;
/// assert_eq!(aggregation.count(), 4); // squares of four points
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn pairwise_aggregation(a: &Csr<f64>, passes: usize) -> Result<Aggregation> {
    if a.rows() != a.cols() {
        return Err(Error::dimension(format!(
            "aggregation needs a square matrix, got {} × {}",
            a.rows(),
            a.cols()
        )));
    }
    match_pairs(a, passes)
}

/// [`pairwise_aggregation`] of a square matrix.
pub(super) fn match_pairs(a: &Csr<f64>, passes: usize) -> Result<Aggregation> {
    let n = a.rows();
    let connected = |i: usize| a.row(i).any(|(j, v)| j != i && v != 0.0);
    // The groups so far; initially every connected node is a group.
    let mut count = 0u32;
    let mut of: Vec<u32> = Vec::with_capacity(n);
    for i in 0..n {
        of.push(if connected(i) { count } else { NONE });
        count += u32::from(connected(i));
    }
    let mut matrix =
        if count as usize == n { Cow::Borrowed(a) } else { Cow::Owned(condensed(a, &of, count as usize)?) };
    for pass in 0..passes {
        let (pair, pairs) = one_pass(&matrix);
        of.iter_mut().filter(|g| **g != NONE).for_each(|g| *g = pair[*g as usize]);
        let before = std::mem::replace(&mut count, pairs);
        if pass + 1 == passes || count == before {
            break;
        }
        matrix = Cow::Owned(condensed(&matrix, &pair, pairs as usize)?);
    }
    let mut roots = vec![NONE; count as usize];
    for (i, &g) in of.iter().enumerate().rev().filter(|(_, g)| **g != NONE) {
        roots[g as usize] = i as u32;
    }
    Ok(Aggregation::from_parts(of, roots))
}

/// The group of every node after one pass, numbered by first members, and their number.
fn one_pass(a: &Csr<f64>) -> (Vec<u32>, u32) {
    let n = a.rows();
    let inverse: Vec<f64> = (0..n)
        .map(|i| match own(a, i) {
            0.0 => 1.0,
            d => 1.0 / d,
        })
        .collect();
    // The best neighbour of i among those allowed; the first one if several are equal.
    let best = |i: usize, allowed: &dyn Fn(usize) -> bool| {
        let mut best: Option<(usize, f64)> = None;
        for (j, v) in a.row(i) {
            let weight = -v * inverse[i].signum();
            if j != i && weight > 0.0 && allowed(j) {
                let quality = weight * (inverse[i].abs() + inverse[j].abs());
                if best.is_none_or(|(_, q)| quality > q) {
                    best = Some((j, quality));
                }
            }
        }
        best.map(|(j, _)| j)
    };
    let mut mate = vec![NONE; n];
    let mut single = Vec::new();
    for i in 0..n {
        if mate[i] == NONE {
            match best(i, &|j| mate[j] == NONE) {
                Some(j) => (mate[i], mate[j]) = (j as u32, i as u32),
                None => single.push(i),
            }
        }
    }
    // Pair remaining nodes with the same best neighbour.
    let mut waiting = vec![NONE; if single.is_empty() { 0 } else { n }];
    for &i in &single {
        if mate[i] != NONE {
            continue;
        }
        let Some(hub) = best(i, &|_| true) else { continue };
        match std::mem::replace(&mut waiting[hub], NONE) {
            NONE => waiting[hub] = i as u32,
            other => (mate[i], mate[other as usize]) = (other, i as u32),
        }
    }
    // Numbers by first members, then the third members.
    let mut of = vec![NONE; n];
    let mut count = 0;
    let mut thirds = Vec::new();
    for i in 0..n {
        if of[i] != NONE {
            continue;
        }
        match mate[i] {
            NONE => thirds.push(i),
            j => {
                (of[i], of[j as usize]) = (count, count);
                count += 1;
            }
        }
    }
    let mut full = vec![false; if thirds.is_empty() { 0 } else { count as usize }];
    for i in thirds {
        let free = |j: usize| of[j] != NONE && full.get(of[j] as usize) == Some(&false);
        match best(i, &free) {
            Some(j) => {
                of[i] = of[j];
                full[of[j] as usize] = true;
            }
            None => {
                of[i] = count;
                count += 1;
                full.push(true);
            }
        }
    }
    (of, count)
}

/// PᵀAP for the indicators P of groups.
fn condensed(a: &Csr<f64>, of: &[u32], count: usize) -> Result<Csr<f64>> {
    let (ptr, members) = bucket(of.iter().map(|&g| Some(g).filter(|&g| g != NONE)), count);
    assemble(
        count,
        count,
        || Accumulator::new(count),
        |g, row, columns, values| {
            for &i in &members[ptr[g] as usize..ptr[g + 1] as usize] {
                for (j, v) in a.row(i as usize).filter(|&(j, _)| of[j] != NONE) {
                    row.add(of[j] as usize, v);
                }
            }
            row.drain(columns, values);
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    /// The Laplacian of a weighted graph.
    fn laplacian(n: usize, edges: &[(usize, usize, f64)]) -> Csr<f64> {
        let both = |&(i, j, w): &(usize, usize, f64)| [(i, j, -w), (j, i, -w), (i, i, w), (j, j, w)];
        Csr::from_triplets(n, n, &edges.iter().flat_map(both).collect::<Vec<_>>()).unwrap()
    }

    fn sizes(aggregation: &Aggregation) -> Vec<usize> {
        let mut sizes = vec![0; aggregation.count()];
        aggregation.of().iter().flatten().for_each(|&g| sizes[g as usize] += 1);
        sizes
    }

    #[test]
    fn heavy_edges_are_contracted_first() {
        // A chain 0-1-2-3-4-5 with heavy middle edges.
        let a = laplacian(6, &[(0, 1, 1.0), (1, 2, 9.0), (2, 3, 1.0), (3, 4, 9.0), (4, 5, 1.0)]);
        let g = pairwise_aggregation(&a, 1).unwrap();
        let of: Vec<u32> = g.of().into_iter().flatten().collect();
        // 0 comes first and takes 1, its only neighbour; 2 takes 3, and 4 takes 5.
        assert_eq!(of, [0, 0, 1, 1, 2, 2]);
        let a = laplacian(6, &[(5, 1, 1.0), (1, 2, 9.0), (2, 3, 1.0), (3, 4, 9.0), (4, 0, 9.0)]);
        let g = pairwise_aggregation(&a, 1).unwrap();
        let of: Vec<u32> = g.of().into_iter().flatten().collect();
        // 0-4, 1-2; 3 prefers 4, 5 prefers 1: both join as thirds.
        assert_eq!(of, [0, 1, 1, 0, 0, 1]);
        assert_eq!(g.roots(), [0, 1]);
    }

    #[test]
    fn a_grid_is_cut_in_boxes() {
        let a = crate::gallery::poisson_2d(32, 32).unwrap().matrix;
        for passes in 1..=4 {
            let g = pairwise_aggregation(&a, passes).unwrap();
            assert_eq!(sizes(&g), vec![1 << passes; 1024 >> passes], "{passes}");
        }
    }

    #[test]
    fn strong_couplings_are_followed() {
        let a = crate::gallery::poisson_2d(16, 16).unwrap().matrix;
        let a = a.map(|i, j, v| {
            if i == j {
                2002.0
            } else if i.abs_diff(j) > 1 {
                1000.0 * v
            } else {
                v
            }
        });
        let g = pairwise_aggregation(&a, 2).unwrap();
        let of = g.of();
        assert!((0..16 * 15).all(|i| (of[i] == of[i + 16]) == (i / 16 % 4 != 3)), "{of:?}");
    }

    #[test]
    fn a_star_shrinks_by_pairs() {
        let edges: Vec<_> = (1..1000).map(|i| (0, i, 1.0)).collect();
        let g = pairwise_aggregation(&laplacian(1000, &edges), 2).unwrap();
        assert!(sizes(&g).iter().all(|&s| s <= 9));
        assert!(g.count() <= 260, "{}", g.count());
    }

    #[test]
    fn power_law_graphs_shrink_level_after_level() {
        // Preferential attachment: every new node is linked to two ends of earlier edges.
        let mut rng = rand::rngs::ChaCha8Rng::seed_from_u64(1);
        let (n, mut ends, mut edges) = (5000, vec![0usize, 1], vec![(0, 1, 1.0)]);
        for i in 2..n {
            for _ in 0..2 {
                let j = ends[rng.random_range(0..ends.len())];
                if j != i {
                    edges.push((i, j, 1.0));
                    ends.extend([i, j]);
                }
            }
        }
        let mut a = laplacian(n, &edges);
        assert!((0..n).any(|i| a.row(i).len() > 100));
        while a.rows() > 50 {
            let g = pairwise_aggregation(&a, 2).unwrap();
            let sizes = sizes(&g);
            assert_eq!(sizes.iter().sum::<usize>(), a.rows());
            let singles = sizes.iter().filter(|&&s| s == 1).count();
            assert!(sizes.iter().all(|&s| s <= 9) && 20 * singles <= a.rows(), "{singles} of {}", a.rows());
            assert!(g.count() as f64 <= 0.34 * a.rows() as f64, "{} of {}", g.count(), a.rows());
            a = condensed(&a, g.raw(), g.count()).unwrap();
        }
    }

    #[test]
    fn isolated_nodes_and_positive_couplings() {
        let entries = [(0, 0, 1.0), (1, 1, 2.0), (1, 2, 1.0), (2, 1, 1.0), (2, 2, 2.0), (3, 3, 1.0)];
        let g = pairwise_aggregation(&Csr::from_triplets(4, 4, &entries).unwrap(), 2).unwrap();
        assert_eq!(g.of(), [None, Some(0), Some(1), None]);
        let g = pairwise_aggregation(&Csr::from_triplets(4, 4, &entries).unwrap().map(|_, _, v| -v), 1);
        assert_eq!(g.unwrap().of(), [None, Some(0), Some(1), None]);
        assert!(pairwise_aggregation(&Csr::from_triplets(2, 3, &[]).unwrap(), 1).unwrap_err().is_dimension());
    }
}

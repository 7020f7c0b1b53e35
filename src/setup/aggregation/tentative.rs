//! The tentative prolongation: candidates cut along aggregates and made orthonormal.

use std::sync::Arc;

use super::standard::{Aggregation, NONE};
use crate::error::{Error, Result};
use crate::parallel;
use crate::setup::nodal::Nodes;
use crate::sparse::{Csr, DenseMatrix, Pattern};

/// A direction whose length falls below this fraction of its length before the projection on the others
/// counts as dependent on them.
const DEPENDENT: f64 = 1e-10;
/// Aggregates, or unknowns, handled by one task.
const CHUNK: usize = 2048;

/// The result of [`fit_candidates`].
#[derive(Debug, Clone, PartialEq)]
pub struct Tentative {
    /// The tentative prolongation T with T Bc = B on aggregated nodes and TᵀT = I,
    /// fine × coarse.
    pub prolongation: Csr<f64>,
    /// The candidates Bc of the coarse level, coarse × k.
    pub candidates: DenseMatrix,
    /// The coarse unknowns of every aggregate. Aggregates on which all candidates vanish have no coarse
    /// unknown and are not counted.
    pub nodes: Nodes,
}

impl Tentative {
    /// Whether `self` can restrict what `other` interpolates: the same unknowns in the same aggregates, and
    /// no column orthogonal to its counterpart, which would give the coarse matrix a row of zeros.
    pub fn pairs_with(&self, other: &Self) -> bool {
        let (left, right) = (&self.prolongation, &other.prolongation);
        if left.pattern() != right.pattern() {
            return false;
        }
        let mut products = vec![0.0; left.cols()];
        for (&c, (l, r)) in left.pattern().col_idx().iter().zip(left.values().iter().zip(right.values())) {
            products[c as usize] += l * r;
        }
        products.iter().all(|p| p.abs() > DEPENDENT)
    }
}

/// The tentative prolongation of smoothed aggregation (Vaněk, Mandel, Brezina 1996).
///
/// On every aggregate the rows of the candidates B (n × k) are factored into QR; Q goes into T and R into the
/// coarse candidates. Directions that depend on earlier ones, and those that vanish on the aggregate, get no
/// coarse unknown: an aggregate with fewer than k unknowns never gets more coarse unknowns than it has. Rows
/// in no aggregate are empty. Cost: O(n k²), parallel over aggregates; for one candidate three passes over
/// it.
///
/// # Errors
/// Shapes that do not fit together; candidates so large that their squares overflow.
pub fn fit_candidates(
    aggregation: &Aggregation,
    nodes: &Nodes,
    candidates: &DenseMatrix,
) -> Result<Tentative> {
    let (n, k) = candidates.shape();
    if aggregation.nodes() != nodes.count() || nodes.rows() != n {
        return Err(Error::dimension(format!(
            "aggregates of {} nodes, {} nodes of {} unknowns and candidates of {n} rows do not fit together",
            aggregation.nodes(),
            nodes.count(),
            nodes.rows()
        )));
    }
    if k == 1 && nodes.is_identity() {
        return fit_one(aggregation, candidates.values());
    }
    fit_several(aggregation, nodes, candidates)
}

/// One candidate, every unknown a node: T holds the candidate divided by its length on the
/// aggregate.
fn fit_one(aggregation: &Aggregation, candidate: &[f64]) -> Result<Tentative> {
    let n = candidate.len();
    let of = aggregation.raw();
    let mut lengths = vec![0.0; aggregation.count()];
    for (&g, &v) in of.iter().zip(candidate) {
        if g != NONE {
            lengths[g as usize] += v * v;
        }
    }
    lengths.iter_mut().for_each(|v| *v = v.sqrt());
    // Aggregates on which the candidate vanishes are omitted, and later ones move up.
    let vanishing = lengths.iter().filter(|&&v| v == 0.0).count();
    let mut number: Vec<u32> = Vec::new();
    if vanishing > 0 {
        let mut next = 0;
        number.extend(lengths.iter().map(|&v| {
            next += u32::from(v != 0.0);
            if v == 0.0 { NONE } else { next - 1 }
        }));
    }
    let coarse = |g: u32| if g == NONE || vanishing == 0 { g } else { number[g as usize] };
    let complete = vanishing == 0 && !of.contains(&NONE);
    let (row_ptr, col_idx, values);
    if complete {
        row_ptr = parallel::collect(n + 1, CHUNK, |i| i as u32);
        col_idx = of.to_vec();
        values = parallel::collect(n, CHUNK, |i| candidate[i] / lengths[of[i] as usize]);
    } else {
        let mut end = 0;
        let step = |&g: &u32| {
            end += u32::from(coarse(g) != NONE);
            end
        };
        row_ptr = std::iter::once(0).chain(of.iter().map(step)).collect();
        col_idx = of.iter().map(|&g| coarse(g)).filter(|&c| c != NONE).collect();
        let kept = of.iter().zip(candidate).filter(|(g, _)| coarse(**g) != NONE);
        values = kept.map(|(&g, &v)| v / lengths[g as usize]).collect();
    }
    lengths.retain(|&v| v != 0.0);
    if lengths.iter().any(|v| !v.is_finite()) {
        return Err(overflow());
    }
    let m = lengths.len();
    let candidates = DenseMatrix::new(m, 1, lengths)?;
    let pattern = Arc::new(Pattern::from_parts(n, m, row_ptr, col_idx));
    Ok(Tentative { prolongation: Csr::from_parts(pattern, values), candidates, nodes: Nodes::scalar(m) })
}

/// The results for consecutive aggregates.
#[derive(Default)]
struct Factors {
    /// Coarse unknowns of every aggregate.
    ranks: Vec<u32>,
    /// Rows of R, k values each.
    coarse: Vec<f64>,
    /// Values of T, by the unknowns of the aggregates.
    q: Vec<f64>,
}

fn fit_several(aggregation: &Aggregation, nodes: &Nodes, candidates: &DenseMatrix) -> Result<Tentative> {
    let (n, k) = candidates.shape();
    let (ptr, members) = aggregation.members();
    let unknowns = |g: usize| {
        let nodes_of = members[ptr[g] as usize..ptr[g + 1] as usize].iter();
        nodes_of.flat_map(|&node| nodes.unknowns(node as usize)).map(|&i| i as usize)
    };
    let parts: Vec<Factors> = parallel::map(0..aggregation.count().div_ceil(CHUNK), &|part| {
        let (mut out, mut rows) = (Factors::default(), Vec::new());
        let (mut block, mut r) = (Vec::new(), vec![0.0; k * k]);
        for g in part * CHUNK..aggregation.count().min((part + 1) * CHUNK) {
            rows.clear();
            rows.extend(unknowns(g));
            block.clear();
            block.extend((0..k).flat_map(|c| rows.iter().map(move |&i| candidates[[i, c]])));
            let rank = orthonormalise(&mut block, rows.len(), k, &mut r);
            out.ranks.push(rank as u32);
            for l in 0..rows.len() {
                out.q.extend((0..rank).map(|c| block[c * rows.len() + l]));
            }
            out.coarse.extend_from_slice(&r[..rank * k]);
        }
        out
    });
    // Per fine unknown: its first coarse unknown, their number, its part, and the place of its values.
    let mut place = vec![(0u32, 0u32, 0u32, 0usize); n];
    let (mut coarse, mut node_of, mut count) = (Vec::new(), Vec::new(), 0u32);
    for (number, part) in parts.iter().enumerate() {
        let mut from = 0;
        for (l, &rank) in part.ranks.iter().enumerate().filter(|(_, rank)| **rank > 0) {
            for i in unknowns(number * CHUNK + l) {
                place[i] = (node_of.len() as u32, rank, number as u32, from);
                from += rank as usize;
            }
            node_of.extend(std::iter::repeat_n(count, rank as usize));
            count += 1;
        }
        coarse.extend_from_slice(&part.coarse);
    }
    let mut row_ptr = Vec::with_capacity(n + 1);
    row_ptr.push(0u32);
    let (mut col_idx, mut values) = (Vec::with_capacity(n), Vec::with_capacity(n));
    for &(first, rank, part, from) in &place {
        if rank > 0 {
            col_idx.extend(first..first + rank);
            values.extend_from_slice(&parts[part as usize].q[from..from + rank as usize]);
        }
        row_ptr.push(col_idx.len() as u32);
    }
    if coarse.iter().any(|v: &f64| !v.is_finite()) {
        return Err(overflow());
    }
    let pattern = Pattern::from_parts(n, node_of.len(), row_ptr, col_idx);
    let candidates = DenseMatrix::new(node_of.len(), k, coarse)?;
    Ok(Tentative {
        prolongation: Csr::new(Arc::new(pattern), values)?,
        candidates,
        nodes: Nodes::from_map(node_of, count as usize),
    })
}

fn overflow() -> Error {
    Error::invalid_input("the squares of the near-nullspace candidates overflow; scale the candidates")
}

/// QR of an m × k block by Gram–Schmidt, repeated once for stability, without dependent directions.
///
/// `block` is stored by columns; its first `rank` columns become Q, and the first `rank` rows
/// of `r` (row-major, k × k) the R with Q R = block. Returns the rank.
pub(in crate::setup) fn orthonormalise(block: &mut [f64], m: usize, k: usize, r: &mut [f64]) -> usize {
    let length = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    r.fill(0.0);
    let mut rank = 0;
    for c in 0..k {
        let (done, rest) = block.split_at_mut(c * m);
        let v = &mut rest[..m];
        let before = length(v);
        for _ in 0..2 {
            for d in 0..rank {
                let q = &done[d * m..(d + 1) * m];
                let h = q.iter().zip(&*v).map(|(q, v)| q * v).sum::<f64>();
                v.iter_mut().zip(q).for_each(|(v, q)| *v -= h * q);
                r[d * k + c] += h;
            }
        }
        let after = length(v);
        if after > DEPENDENT * before && rank < m {
            v.iter_mut().for_each(|v| *v /= after);
            r[rank * k + c] = after;
            if rank < c {
                done[rank * m..(rank + 1) * m].copy_from_slice(v);
            }
            rank += 1;
        }
    }
    rank
}

#[cfg(test)]
mod tests {
    use super::super::standard_aggregation;
    use super::*;

    fn pairs(n: usize) -> Aggregation {
        let edges: Vec<_> = (0..n).flat_map(|i| [(i, i, 1.0), (i, i ^ 1, 1.0)]).collect();
        standard_aggregation(&Csr::from_triplets(n, n, &edges).unwrap()).unwrap()
    }

    #[test]
    fn candidates_are_reproduced() {
        let b = DenseMatrix::from_fn(8, 2, |i, c| if c == 0 { 1.0 } else { i as f64 });
        let t = fit_candidates(&pairs(8), &Nodes::scalar(8), &b).unwrap();
        assert_eq!((t.prolongation.cols(), t.nodes.count()), (8, 4));
        let mut product = vec![0.0; 16];
        t.prolongation.spmm(2, t.candidates.values(), &mut product).unwrap();
        assert!(product.iter().zip(b.values()).all(|(x, y)| (x - y).abs() < 1e-13));
    }

    #[test]
    fn one_candidate_is_what_several_would_be() {
        // The candidate vanishes on one pair, and nodes 8 and 9 are isolated.
        let edges: Vec<_> =
            (0..10).flat_map(|i| [(i, i, 1.0), (i, if i < 8 { i ^ 1 } else { i }, 1.0)]).collect();
        let aggregation = standard_aggregation(&Csr::from_triplets(10, 10, &edges).unwrap()).unwrap();
        let some = DenseMatrix::from_fn(10, 1, |i, _| if i / 2 == 1 { 0.0 } else { i as f64 - 4.5 });
        for b in [some, DenseMatrix::ones(10, 1)] {
            let one = fit_candidates(&aggregation, &Nodes::scalar(10), &b).unwrap();
            let several = fit_several(&aggregation, &Nodes::scalar(10), &b).unwrap();
            assert_eq!(one, several);
        }
        let b = DenseMatrix::filled(8, 1, 1e200);
        assert!(fit_candidates(&pairs(8), &Nodes::scalar(8), &b).unwrap_err().is_invalid_input());
    }

    #[test]
    fn dependent_and_vanishing_directions_are_dropped() {
        // The third candidate is the sum of the others; all vanish on the last pair.
        let b = DenseMatrix::from_fn(6, 3, |i, c| match (i, c) {
            (4.., _) => 0.0,
            (_, 0) => 1.0,
            (_, 1) => i as f64,
            _ => 1.0 + i as f64,
        });
        let t = fit_candidates(&pairs(6), &Nodes::scalar(6), &b).unwrap();
        assert_eq!((t.prolongation.cols(), t.nodes.count()), (4, 2));
        assert_eq!(t.prolongation.row(5).count(), 0);
        let mut product = vec![0.0; 18];
        t.prolongation.spmm(3, t.candidates.values(), &mut product).unwrap();
        assert!(product.iter().zip(b.values()).all(|(x, y)| (x - y).abs() < 1e-13));
    }
}

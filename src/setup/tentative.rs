//! The tentative prolongation: candidates cut along aggregates and made orthonormal.

use std::sync::Arc;

use ndarray::Array2;

use super::aggregation::Aggregation;
use super::nodal::Nodes;
use crate::error::{Error, Result};
use crate::sparse::{Csr, Pattern};

/// A direction whose length falls below this fraction of what it was before its projection on
/// the others is taken for dependent on them.
const DEPENDENT: f64 = 1e-10;

/// What [`fit_candidates`] finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Tentative {
    /// The tentative prolongation T with T Bc = B on aggregated nodes and TᵀT = I,
    /// fine × coarse.
    pub prolongation: Csr<f64>,
    /// The candidates Bc of the coarse level, coarse × k.
    pub candidates: Array2<f64>,
    /// The coarse unknowns of every aggregate. Aggregates on which all candidates vanish have
    /// no coarse unknown and are not counted.
    pub nodes: Nodes,
}

impl Tentative {
    /// Whether `self` can restrict what `other` interpolates: the same unknowns in the same
    /// aggregates, and no column orthogonal to its counterpart, which would leave the coarse
    /// matrix a row of zeros.
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
/// On every aggregate the rows of the candidates B (n × k) are factored into QR; Q goes into
/// T and R into the coarse candidates. Directions that depend on the ones before, and those
/// that vanish on the aggregate, get no coarse unknown: an aggregate with fewer than k
/// unknowns never gets more coarse unknowns than it has. Rows in no aggregate are empty.
/// Cost: O(n k²), sequential.
///
/// # Errors
/// Shapes that do not fit together.
pub fn fit_candidates(
    aggregation: &Aggregation,
    nodes: &Nodes,
    candidates: &Array2<f64>,
) -> Result<Tentative> {
    let (n, k) = candidates.dim();
    if aggregation.of().len() != nodes.count() || nodes.rows() != n {
        return Err(Error::dimension(format!(
            "aggregates of {} nodes, {} nodes of {} unknowns and candidates of {n} rows do not fit together",
            aggregation.of().len(),
            nodes.count(),
            nodes.rows()
        )));
    }
    let (ptr, members) = aggregation.members();
    // Per fine unknown: its first coarse unknown, how many, and where its values are.
    let mut place = vec![(0u32, 0u32, 0usize); n];
    let (mut q, mut coarse, mut node_of) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rows, mut block, mut r) = (Vec::new(), Vec::new(), vec![0.0; k * k]);
    let mut count = 0u32;
    for g in 0..aggregation.count() {
        rows.clear();
        for &node in &members[ptr[g] as usize..ptr[g + 1] as usize] {
            rows.extend(nodes.unknowns(node as usize).iter().map(|&i| i as usize));
        }
        block.clear();
        block.extend((0..k).flat_map(|c| rows.iter().map(move |&i| candidates[[i, c]])));
        let rank = orthonormalise(&mut block, rows.len(), k, &mut r);
        if rank == 0 {
            continue;
        }
        for (l, &i) in rows.iter().enumerate() {
            place[i] = (node_of.len() as u32, rank as u32, q.len());
            q.extend((0..rank).map(|c| block[c * rows.len() + l]));
        }
        coarse.extend_from_slice(&r[..rank * k]);
        node_of.extend(std::iter::repeat_n(count, rank));
        count += 1;
    }
    let mut row_ptr = vec![0u32];
    let (mut col_idx, mut values) = (Vec::with_capacity(q.len()), Vec::with_capacity(q.len()));
    for &(first, rank, from) in &place {
        col_idx.extend(first..first + rank);
        values.extend_from_slice(&q[from..from + rank as usize]);
        row_ptr.push(col_idx.len() as u32);
    }
    let pattern = Pattern::from_parts(n, node_of.len(), row_ptr, col_idx);
    let candidates = Array2::from_shape_vec((node_of.len(), k), coarse)
        .map_err(|e| Error::dimension(format!("coarse candidates: {e}")))?;
    Ok(Tentative {
        prolongation: Csr::new(Arc::new(pattern), values)?,
        candidates,
        nodes: Nodes::from_map(node_of, count as usize),
    })
}

/// QR of an m × k block by Gram–Schmidt, twice for safety, without dependent directions.
///
/// `block` is stored by columns; its first `rank` columns become Q, and the first `rank` rows
/// of `r` (row-major, k × k) the R with Q R = block. Returns the rank.
pub(super) fn orthonormalise(block: &mut [f64], m: usize, k: usize, r: &mut [f64]) -> usize {
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
    use super::super::aggregation::standard_aggregation;
    use super::*;

    fn pairs(n: usize) -> Aggregation {
        let edges: Vec<_> = (0..n).flat_map(|i| [(i, i, 1.0), (i, i ^ 1, 1.0)]).collect();
        standard_aggregation(&Csr::from_triplets(n, n, &edges).unwrap()).unwrap()
    }

    #[test]
    fn candidates_are_reproduced() {
        let b = Array2::from_shape_fn((8, 2), |(i, c)| if c == 0 { 1.0 } else { i as f64 });
        let t = fit_candidates(&pairs(8), &Nodes::scalar(8), &b).unwrap();
        assert_eq!((t.prolongation.cols(), t.nodes.count()), (8, 4));
        let mut product = vec![0.0; 16];
        t.prolongation.spmm(2, t.candidates.as_slice().unwrap(), &mut product).unwrap();
        assert!(product.iter().zip(&b).all(|(x, y)| (x - y).abs() < 1e-13));
    }

    #[test]
    fn dependent_and_vanishing_directions_are_dropped() {
        // The third candidate is the sum of the others; all vanish on the last pair.
        let b = Array2::from_shape_fn((6, 3), |(i, c)| match (i, c) {
            (4.., _) => 0.0,
            (_, 0) => 1.0,
            (_, 1) => i as f64,
            _ => 1.0 + i as f64,
        });
        let t = fit_candidates(&pairs(6), &Nodes::scalar(6), &b).unwrap();
        assert_eq!((t.prolongation.cols(), t.nodes.count()), (4, 2));
        assert_eq!(t.prolongation.row(5).count(), 0);
        let mut product = vec![0.0; 18];
        t.prolongation.spmm(3, t.candidates.as_slice().unwrap(), &mut product).unwrap();
        assert!(product.iter().zip(&b).all(|(x, y)| (x - y).abs() < 1e-13));
    }
}

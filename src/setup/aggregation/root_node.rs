//! Root-node aggregation: the rows of the roots are rows of the identity.

use std::sync::Arc;

use super::energy::{Krylov, minimise};
use super::standard::Aggregation;
use super::tentative::{Tentative, orthonormalise};
use crate::error::{Error, Result};
use crate::setup::nodal::Nodes;
use crate::setup::vector::unrolled_dot;
use crate::sparse::assemble::assemble;
use crate::sparse::{Csr, DenseMatrix, Pattern};

/// A root whose candidates are shorter than this fraction of the longest in its aggregate is
/// replaced by the node that has the longest.
const SHORTEST: f64 = 0.1;
/// Pivot relative to the largest entry below which candidates at a root count as dependent.
const DEPENDENT: f64 = 1e-6;

/// A tentative prolongation with roots.
#[derive(Debug, Clone, PartialEq)]
pub struct RootNode {
    /// T, whose rows at the roots are rows of the identity, and the candidates at the roots.
    pub tentative: Tentative,
    /// The fine unknown that corresponds to every coarse unknown.
    pub roots: Vec<u32>,
}

/// The tentative prolongation of root-node aggregation (Manteuffel, Olson, Schroder,
/// Southworth 2017).
///
/// The unknowns of the root of an aggregate are its coarse unknowns, s of them; their values are injected. On
/// the other nodes T interpolates the first s candidates exactly, as far as those are independent at the
/// root; otherwise an unknown takes the value of its counterpart at the root. Candidates are n × k; those of
/// the coarse level are the rows at the roots. A node with candidates ten times as long as those at the root
/// becomes the root instead. Cost: O(n s²), sequential.
///
/// # Errors
/// Shapes that do not fit together.
pub fn root_node_tentative(
    aggregation: &Aggregation,
    nodes: &Nodes,
    candidates: &DenseMatrix,
) -> Result<RootNode> {
    let (n, k) = candidates.shape();
    if aggregation.nodes() != nodes.count() || nodes.rows() != n {
        return Err(Error::dimension(format!(
            "aggregates of {} nodes, {} nodes of {} unknowns and candidates of {n} rows do not fit together",
            aggregation.nodes(),
            nodes.count(),
            nodes.rows()
        )));
    }
    let (ptr, members) = aggregation.members();
    let length = |node: u32| {
        let rows = nodes.unknowns(node as usize).iter().map(|&i| candidates.row(i as usize));
        rows.map(|row| unrolled_dot(row, row)).sum::<f64>().sqrt()
    };
    let (mut roots, mut node_of, mut first) = (Vec::new(), Vec::new(), vec![0u32]);
    for (g, &root) in aggregation.roots().iter().enumerate() {
        let mut longest = (root, length(root) / SHORTEST);
        for &node in &members[ptr[g] as usize..ptr[g + 1] as usize] {
            let own = length(node);
            if own > longest.1 {
                longest = (node, own);
            }
        }
        roots.extend_from_slice(nodes.unknowns(longest.0 as usize));
        node_of.resize(roots.len(), g as u32);
        first.push(roots.len() as u32);
    }
    // Inverses of the candidates at the roots, s × s; empty if singular.
    let inverses: Vec<Vec<f64>> = first
        .windows(2)
        .map(|w| {
            let rows = &roots[w[0] as usize..w[1] as usize];
            let s = rows.len();
            let block = rows.iter().flat_map(|&i| (0..s.min(k)).map(move |c| candidates[[i as usize, c]]));
            if s > k { Vec::new() } else { inverse(block.collect(), s).unwrap_or_default() }
        })
        .collect();
    let prolongation = assemble(
        n,
        roots.len(),
        || (),
        |i, (), columns, values| {
            let node = nodes.node(i);
            let Some(g) = aggregation.aggregate(node) else { return };
            let (from, to) = (first[g], first[g + 1]);
            let s = (to - from) as usize;
            let unknowns = &roots[from as usize..to as usize];
            let place = nodes.unknowns(node).iter().position(|&u| u as usize == i);
            let mut push = |c: usize, v: f64| {
                columns.push(from + c as u32);
                values.push(v);
            };
            if let Some(c) = unknowns.iter().position(|&u| u as usize == i) {
                push(c, 1.0);
            } else if inverses[g].is_empty() {
                place.filter(|&c| c < s).into_iter().for_each(|c| push(c, 1.0));
            } else {
                for c in 0..s {
                    let v = (0..s).map(|q| candidates[[i, q]] * inverses[g][q * s + c]).sum::<f64>();
                    if v != 0.0 {
                        push(c, v);
                    }
                }
            }
        },
    )?;
    let coarse = DenseMatrix::from_fn(roots.len(), k, |c, q| candidates[[roots[c] as usize, q]]);
    let nodes = Nodes::from_map(node_of, aggregation.count());
    Ok(RootNode { tentative: Tentative { prolongation, candidates: coarse, nodes }, roots })
}

/// The energy-minimised prolongation of root-node aggregation (Manteuffel et al. 2017).
///
/// As [`energy_prolongation`](super::energy_prolongation) or, if `symmetric`,
/// [`symmetric_energy_prolongation`](super::symmetric_energy_prolongation), but the rows of the roots stay
/// rows of the identity. First T is changed as little as possible, row by row on the `pattern`, to reproduce
/// all candidates: T Bc = B.
///
/// Shapes: A n × n, candidates n × k, the pattern n × m.
///
/// # Errors
/// Shapes that do not fit together.
pub fn root_node_prolongation(
    a: &Csr<f64>,
    root_node: &RootNode,
    candidates: &DenseMatrix,
    pattern: &Arc<Pattern>,
    symmetric: bool,
    iterations: usize,
) -> Result<Csr<f64>> {
    let krylov = if symmetric { Krylov::ConjugateGradients } else { Krylov::Gmres };
    with_roots(a, &root_node.tentative, &root_node.roots, candidates, pattern, krylov, iterations)
}

/// [`root_node_prolongation`] of the parts.
pub(super) fn with_roots(
    a: &Csr<f64>,
    tentative: &Tentative,
    roots: &[u32],
    candidates: &DenseMatrix,
    pattern: &Arc<Pattern>,
    krylov: Krylov,
    iterations: usize,
) -> Result<Csr<f64>> {
    let (t, bc) = (&tentative.prolongation, &tentative.candidates);
    let (n, k) = candidates.shape();
    if t.rows() != n || pattern.rows() != n || pattern.cols() != t.cols() || bc.shape() != (t.cols(), k) {
        return Err(Error::dimension(format!(
            "a {} × {} prolongation, a {} × {} pattern and {n} × {k} candidates do not fit together",
            t.rows(),
            t.cols(),
            pattern.rows(),
            pattern.cols()
        )));
    }
    let mut is_root = vec![false; n];
    roots.iter().for_each(|&i| is_root[i as usize] = true);
    let start = assemble(
        n,
        t.cols(),
        || (Vec::new(), vec![0.0; k * k]),
        |i, (block, r), columns, values| {
            if is_root[i] {
                t.row(i).for_each(|(c, v)| {
                    columns.push(c as u32);
                    values.push(v);
                });
                return;
            }
            let (from, own) = (values.len(), pattern.row_cols(i));
            columns.extend_from_slice(own);
            values.extend(own.iter().map(|&c| t.get(i, c as usize)));
            if !own.is_empty() {
                reproduce(candidates.row(i).iter(), bc, own, &mut values[from..], block, r);
            }
        },
    )?;
    minimise(a, &start, start.pattern(), bc, roots, krylov, iterations)
}

/// Changes a row as little as possible so that it maps the coarse candidates to `wanted`, as far as its
/// columns allow. `block` and `r` are scratch space.
fn reproduce<'b>(
    wanted: impl Iterator<Item = &'b f64>,
    coarse: &DenseMatrix,
    columns: &[u32],
    row: &mut [f64],
    block: &mut Vec<f64>,
    r: &mut [f64],
) {
    let (m, k) = (columns.len(), coarse.cols());
    block.clear();
    block.extend((0..k).flat_map(|c| columns.iter().map(move |&j| coarse[[j as usize, c]])));
    let missing: Vec<f64> = wanted
        .enumerate()
        .map(|(c, w)| w - block[c * m..(c + 1) * m].iter().zip(&*row).map(|(b, t)| b * t).sum::<f64>())
        .collect();
    // With the coarse candidates at the columns factored into Q R, the change is Q y with
    // yᵀ R = missing; in each row of R the first entry that is not zero is the pivot.
    let rank = orthonormalise(block, m, k, r);
    let mut y: Vec<f64> = Vec::with_capacity(rank);
    for q in 0..rank {
        let Some(pivot) = (0..k).find(|&c| r[q * k + c] != 0.0) else { break };
        let known: f64 = y.iter().enumerate().map(|(p, y)| y * r[p * k + pivot]).sum();
        let length = (0..=q).map(|p| r[p * k + pivot].powi(2)).sum::<f64>().sqrt();
        // A direction that is independent only by rounding would require huge changes.
        let sound = r[q * k + pivot].abs() > DEPENDENT * length;
        y.push(if sound { (missing[pivot] - known) / r[q * k + pivot] } else { 0.0 });
    }
    for (q, y) in block.chunks_exact(m).zip(y) {
        row.iter_mut().zip(q).for_each(|(t, q)| *t += q * y);
    }
}

/// The inverse of a small row-major matrix by elimination with row pivots, unless it is nearly
/// singular.
fn inverse(mut a: Vec<f64>, s: usize) -> Option<Vec<f64>> {
    let largest = a.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let mut inverse: Vec<f64> = (0..s * s).map(|q| if q / s == q % s { 1.0 } else { 0.0 }).collect();
    for c in 0..s {
        let pivot = (c..s).max_by(|&p, &q| a[p * s + c].abs().total_cmp(&a[q * s + c].abs()))?;
        if a[pivot * s + c].abs() <= DEPENDENT * largest {
            return None;
        }
        for q in 0..s {
            a.swap(c * s + q, pivot * s + q);
            inverse.swap(c * s + q, pivot * s + q);
        }
        let d = 1.0 / a[c * s + c];
        for q in 0..s {
            a[c * s + q] *= d;
            inverse[c * s + q] *= d;
        }
        for p in (0..s).filter(|&p| p != c) {
            let f = a[p * s + c];
            for q in 0..s {
                a[p * s + q] -= f * a[c * s + q];
                inverse[p * s + q] -= f * inverse[c * s + q];
            }
        }
    }
    Some(inverse)
}

#[cfg(test)]
mod tests {
    use super::super::{energy_pattern, standard_aggregation};
    use super::*;
    use crate::setup::symmetric_strength;

    #[test]
    fn roots_are_injected_and_candidates_kept() {
        let n = 18;
        let a = crate::gallery::rotated_anisotropic(n, 1.0, 0.0).unwrap().matrix;
        let c = symmetric_strength(&a, 0.0).unwrap();
        let aggregation = standard_aggregation(&c).unwrap();
        let nodes = Nodes::scalar(n * n);
        let modes = [1, 3]
            .map(|k| DenseMatrix::from_fn(n * n, k, |i, c| [1.0, (i % n) as f64, (i / n) as f64 - 3.0][c]));
        for b in modes {
            let root = root_node_tentative(&aggregation, &nodes, &b).unwrap();
            let t = &root.tentative;
            assert_eq!(root.roots, aggregation.roots());
            assert_eq!(t.nodes, Nodes::scalar(root.roots.len()));
            let pattern = energy_pattern(&c, &nodes, &t.prolongation).unwrap();
            let energy = |p: &Csr<f64>| {
                let e = p.transpose().multiply(&a.multiply(p).unwrap()).unwrap();
                e.diagonal().iter().sum::<f64>()
            };
            let mut last = f64::INFINITY;
            for steps in [0, 1, 4] {
                let p = root_node_prolongation(&a, &root, &b, &pattern, true, steps).unwrap();
                for (c, &i) in root.roots.iter().enumerate() {
                    assert_eq!(p.row(i as usize).collect::<Vec<_>>(), [(c, 1.0)]);
                }
                // Three candidates need three roots that are not in a line.
                let mut product = vec![0.0; b.values().len()];
                p.spmm(b.cols(), t.candidates.values(), &mut product).unwrap();
                let place = |c: u32| {
                    let root = root.roots[c as usize] as usize;
                    ((root % n) as f64, (root / n) as f64)
                };
                let able = |i: usize| {
                    b.cols() == 1
                        || pattern.row_cols(i).windows(3).any(|w| {
                            let [(x, y), (u, v), (s, t)] = [place(w[0]), place(w[1]), place(w[2])];
                            ((u - x) * (t - y) - (s - x) * (v - y)).abs() > 0.5
                        })
                };
                let rows: Vec<usize> = (0..n * n).filter(|&i| able(i)).collect();
                assert!(rows.len() > 60, "{}", rows.len());
                for i in rows.into_iter().filter(|&i| !root.roots.contains(&(i as u32))) {
                    let row = product[i * b.cols()..].iter().zip(b.row(i));
                    assert!(row.clone().all(|(x, y)| (x - y).abs() < 1e-9), "row {i}");
                }
                // Three constraints leave so little freedom that one step exhausts it.
                let gain = if steps == 4 && b.cols() == 3 { -1e-12 } else { 1e-3 };
                assert!(energy(&p) < last * (1.0 - gain), "{steps} steps");
                last = energy(&p);
            }
            let general = root_node_prolongation(&a, &root, &b, &pattern, false, 4).unwrap();
            assert_eq!(general.row(root.roots[2] as usize).collect::<Vec<_>>(), [(2, 1.0)]);
        }
    }

    #[test]
    fn a_root_without_candidates_is_replaced() {
        let edges: Vec<_> = (0..3usize)
            .flat_map(|i| (0..3).filter(move |&j| i.abs_diff(j) < 2).map(move |j| (i, j, 1.0)))
            .collect();
        let graph = Csr::from_triplets(3, 3, &edges).unwrap();
        let aggregation = standard_aggregation(&graph).unwrap();
        assert_eq!((aggregation.count(), aggregation.roots()), (1, &[0u32][..]));
        let b = DenseMatrix::new(3, 1, vec![0.0, 2.0, 1.0]).unwrap();
        let root = root_node_tentative(&aggregation, &Nodes::scalar(3), &b).unwrap();
        assert_eq!(root.roots, [1]);
        assert_eq!(root.tentative.prolongation.values(), [1.0, 0.5]);
        // All zeros: values are copied.
        let root = root_node_tentative(&aggregation, &Nodes::scalar(3), &DenseMatrix::zeros(3, 1)).unwrap();
        assert_eq!((root.roots[0], root.tentative.prolongation.values()), (0, &[1.0, 1.0, 1.0][..]));
    }

    #[test]
    fn rows_are_changed_to_reproduce_candidates() {
        let coarse = DenseMatrix::from_fn(4, 2, |j, c| if c == 0 { 1.0 } else { j as f64 });
        let (mut block, mut r) = (Vec::new(), vec![0.0; 4]);
        let mut row = [0.5, 0.5, 0.0];
        reproduce([1.0, 1.5].iter(), &coarse, &[0, 1, 3], &mut row, &mut block, &mut r);
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        assert!((row[1] + 3.0 * row[2] - 1.5).abs() < 1e-14);
        assert!(inverse(vec![0.0, 2.0, 1.0, 0.0], 2).unwrap() == [0.0, 1.0, 0.5, 0.0]);
        assert!(inverse(vec![1.0, 2.0, 2.0, 4.0], 2).is_none());
    }
}

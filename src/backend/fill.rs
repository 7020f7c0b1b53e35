//! Prediction of the fill of a direct solver.

use super::cuthill_mckee::{cuthill_mckee, envelope};
use super::library::cholesky_nonzeros;
use crate::sparse::Pattern;

/// Largest mean length of rows of a matrix with little fill.
const SHORT: usize = 12;
/// One of so many rows may have an edge that a forest has not.
const FEW_EDGES: usize = 1000;

/// Predicted nonzeros of L and U: twice those of the Cholesky factor of the pattern of A + Aᵀ in an approximate minimum
/// degree order (Amestoy, Davis and Duff 1996; without `faer`, of Cuthill and McKee), by symbolic analysis. Partial pivoting may need more. `None` if the
/// analysis runs out of memory. Cost: about that of a few cycles of multigrid.
pub(crate) fn predicted_nonzeros(pattern: &Pattern) -> Option<f64> {
    nonzeros_in_order(pattern, None)
}

/// The same in this order of elimination.
pub(super) fn nonzeros_in_order(pattern: &Pattern, order: Option<&[u32]>) -> Option<f64> {
    let n = pattern.rows();
    if n == 0 || n != pattern.cols() {
        return Some(0.0);
    }
    let sum = pattern.symmetrised()?;
    Some(2.0 * cholesky_nonzeros(&sum, order)?)
}

/// Whether the envelope of an order of small bandwidth shows that sparse factors with pivots on the diagonal have at most
/// `limit` entries. Cost: a few passes over the pattern.
pub(crate) fn surely_fits(pattern: &Pattern, limit: usize) -> bool {
    let n = pattern.rows();
    n.saturating_mul(n) <= limit
        || pattern.symmetrised().is_some_and(|sum| 2.0 * envelope(&sum, &cuthill_mckee(&sum)) <= limit as f64)
}

/// Whether sparse factors surely have few entries more than the matrix: its rows are short, and either its envelope in the own order
/// is hardly larger or its graph is a forest, up to a few edges. Cost: a pass over the pattern, some more for a forest.
pub(crate) fn has_little_fill(pattern: &Pattern) -> bool {
    let (n, nnz) = (pattern.rows(), pattern.nnz());
    if n == 0 || n != pattern.cols() || nnz > SHORT * n {
        return false;
    }
    let mut first: Vec<usize> = (0..n).collect();
    for i in 0..n {
        for &j in &pattern.col_idx()[pattern.row(i)] {
            let (low, high) = (i.min(j as usize), i.max(j as usize));
            first[high] = first[high].min(low);
        }
    }
    let envelope: usize = first.iter().enumerate().map(|(i, first)| i - first).sum();
    if envelope <= nnz {
        return true;
    }
    // A forest has fewer edges than vertices.
    let Some(sum) = (nnz <= 3 * n + n / FEW_EDGES).then(|| pattern.symmetrised()).flatten() else {
        return false;
    };
    let diagonal = (0..n).filter(|&i| sum.find(i, i).is_some()).count();
    let edges = (sum.nnz() - diagonal) / 2;
    edges <= n - sum.component_numbers().1 + n / FEW_EDGES
}

/// An estimate of the seconds that factors with `z` nonzeros of n rows take.
pub(crate) fn predicted_seconds(z: f64, n: usize) -> f64 {
    0.5e-9 * z * z / n.max(1) as f64 + 1e-8 * z
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;
    use crate::sparse::Csr;

    #[test]
    fn bands_and_trees_have_little_fill_and_planes_do_not() {
        let line = gallery::poisson_2d(1, 1000).unwrap().matrix;
        let twice = line.multiply(&line).unwrap();
        assert!(has_little_fill(line.pattern()) && has_little_fill(twice.pattern()));
        // A binary tree, whose children have distant numbers, and the same with a shuffled order.
        let edge = |i: usize| [(i, (i - 1) / 2, -1.0), ((i - 1) / 2, i, -1.0), (i, i, 3.0)];
        let entries: Vec<_> = (1..4095).flat_map(edge).chain([(0, 0, 3.0)]).collect();
        let tree = Csr::from_triplets(4095, 4095, &entries).unwrap();
        let order: Vec<u32> = (0..4095).map(|i| (i * 1201 + 7) % 4095).collect();
        assert!(has_little_fill(tree.pattern()) && has_little_fill(tree.permuted(&order).pattern()));
        assert!(predicted_nonzeros(tree.pattern()).unwrap() < 3.0 * tree.nnz() as f64);
        let plane = gallery::poisson_2d(60, 60).unwrap().matrix;
        assert!(!has_little_fill(plane.pattern()));
        assert!(!has_little_fill(gallery::poisson_3d(10, 10, 10).unwrap().matrix.pattern()));
    }

    #[test]
    fn a_solid_costs_more_than_a_plane_and_a_line_little() {
        let plane = gallery::poisson_2d(100, 100).unwrap().matrix;
        let solid = gallery::poisson_3d(22, 22, 22).unwrap().matrix;
        let line = gallery::poisson_2d(1, 10_000).unwrap().matrix;
        let [plane, solid, line] = [plane, solid, line].map(|a| predicted_nonzeros(a.pattern()).unwrap());
        assert!(solid > 5.0 * plane && plane > 5.0 * line, "{solid} {plane} {line}");
        // A line has no fill, a dense matrix is full.
        assert!(line <= 6e4, "{line}");
        let dense = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0), (1, 1, 3.0)]).unwrap();
        assert!((6.0..=8.0).contains(&predicted_nonzeros(dense.pattern()).unwrap()));
        assert_eq!(predicted_nonzeros(Csr::<f64>::identity(0).pattern()), Some(0.0));
        let line = gallery::poisson_2d(1, 10_000).unwrap().matrix;
        assert!(surely_fits(line.pattern(), 40_000) && !surely_fits(line.pattern(), 30_000));
    }
}

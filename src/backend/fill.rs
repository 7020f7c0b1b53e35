//! Prediction of the fill of a direct solver.

use super::cuthill_mckee::{cuthill_mckee, envelope};
use super::library::cholesky_nonzeros;
use crate::sparse::Pattern;

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

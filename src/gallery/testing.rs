//! Small dense references for the tests of the model problems.

use faer::{Mat, Side};

use super::Problem;
use crate::sparse::{Csr, Pattern};

fn dense(a: &Csr<f64>) -> Mat<f64> {
    Mat::from_fn(a.rows(), a.cols(), |i, j| a.get(i, j))
}

/// Eigenvalues of a symmetric matrix, ascending.
pub(super) fn eigenvalues(a: &Csr<f64>) -> Vec<f64> {
    assert!(a.is_symmetric());
    dense(a).self_adjoint_eigenvalues(Side::Lower).unwrap()
}

/// Whether the Cholesky factorisation succeeds.
pub(super) fn is_positive_definite(a: &Csr<f64>) -> bool {
    a.is_symmetric() && dense(a).llt(Side::Lower).is_ok()
}

/// A x.
pub(super) fn apply(a: &Csr<f64>, x: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; a.rows()];
    a.spmv(x, &mut y).unwrap();
    y
}

/// Checks that shapes fit and that the pattern is valid, which the assembly does not check.
pub(super) fn check(problem: &Problem) {
    let Problem { matrix, rhs, coordinates, near_nullspace, name } = problem;
    let n = matrix.rows();
    assert_eq!((matrix.cols(), rhs.len(), coordinates.rows()), (n, n, n), "{name}");
    assert!(near_nullspace.as_ref().is_none_or(|b| b.rows() == n), "{name}");
    assert!(rhs.iter().chain(coordinates.values()).all(|v| v.is_finite()), "{name}");
    let p = matrix.pattern();
    Pattern::new(n, n, p.row_ptr().to_vec(), p.col_idx().to_vec()).unwrap();
}

/// Whether two problems are equal, bit for bit.
pub(super) fn same(a: &Problem, b: &Problem) -> bool {
    a.matrix == b.matrix && a.rhs == b.rhs && a.coordinates == b.coordinates
}

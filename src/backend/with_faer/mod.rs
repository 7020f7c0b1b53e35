//! Sparse factors, orders of elimination and small dense decompositions by `faer`.

mod dense;
mod orders;
mod supernodal;
mod symmetric;

pub(super) use dense::pseudo_inverse;
pub(crate) use dense::{dominant_eigenpair, largest_eigenvalue};
pub(super) use orders::{cholesky_nonzeros, order_for_any_pivots, order_for_diagonal_pivots};
pub(super) use supernodal::{Analysis, Supernodal};
pub(super) use symmetric::SymmetricFactors;

use faer::sparse::SymbolicSparseColMat;

use crate::sparse::Pattern;

/// The pattern by columns of Aᵀ: the arrays of a matrix by rows are those of its transpose by columns.
fn columns(pattern: &Pattern) -> SymbolicSparseColMat<usize> {
    let wide = |list: &[u32]| list.iter().map(|&v| v as usize).collect::<Vec<usize>>();
    let (starts, rows) = (wide(pattern.row_ptr()), wide(pattern.col_idx()));
    SymbolicSparseColMat::new_checked(pattern.cols(), pattern.rows(), starts, None, rows)
}

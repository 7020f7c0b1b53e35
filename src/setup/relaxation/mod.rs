//! Values of classical relaxations, computed once from a matrix; learning starts from them.
//!
//! | relaxation | x ← x + … | set-up |
//! |---|---|---|
//! | [`weighted_jacobi`], [`l1_jacobi`], [`spai0`] | d ∘ r | one pass over the matrix |
//! | [`spai1`], [`spai`] | M r, M on the pattern of A, or on any | a small dense problem per row |
//! | [`block_jacobi`] | M r, M of dense blocks | a small dense inverse per block |
//! | [`l1_block_diagonal`] | Gauss–Seidel in blocks | one pass over the matrix |
//! | [`ilu0`], [`iluk`], [`ilut`] | (L U)⁻¹ r | an incomplete elimination, sequential |
//! | [`weaken_factors`] | the same with weaker factors | one pass over the factors |
//! | [`ChebyshevCoefficients`], [`fourth_kind_chebyshev`] | a polynomial in D⁻¹A | a few scalars |
//!
//! with r = b − A x. [`jacobi_bound`] and [`spectral_estimate`] estimate the largest eigenvalues of the
//! relaxed matrix, for symmetric matrices from ten products.

mod block;
mod chebyshev;
mod chebyshev_fourth;
mod diagonal;
mod estimate;
mod fill;
mod ilu;
mod ilut;
mod spai;

pub use block::{block_jacobi, l1_block_diagonal};
pub use chebyshev::ChebyshevCoefficients;
pub use chebyshev_fourth::fourth_kind_chebyshev;
pub use diagonal::{l1_jacobi, spai0, weighted_jacobi};
#[cfg(feature = "cuda")]
pub(crate) use estimate::bound_by_products;
pub use estimate::{OperatorKind, jacobi_bound, looks_symmetric, spectral_estimate, with_safety};
pub(crate) use ilu::ilu0_with_dropped_fill;
pub use ilu::{ilu0, iluk, weaken_factors};
pub use ilut::ilut;
pub(crate) use ilut::pivot_order;
pub use spai::{spai, spai1};

use crate::error::{Error, Result};
use crate::sparse::Csr;

/// Fails unless the matrix is square.
fn check_square(a: &Csr<f64>) -> Result<()> {
    if a.rows() == a.cols() {
        return Ok(());
    }
    Err(Error::dimension(format!("a relaxation needs a square matrix, got {} × {}", a.rows(), a.cols())))
}

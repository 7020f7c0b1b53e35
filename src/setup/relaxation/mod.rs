//! Values of classical relaxations, computed once from a matrix: what a smoother starts
//! from, and what learning improves.
//!
//! | relaxation | x ← x + … | set-up |
//! |---|---|---|
//! | [`weighted_jacobi`], [`l1_jacobi`], [`spai0`] | d ∘ r | one pass over the matrix |
//! | [`spai1`] | M r, M on the pattern of A | a small dense problem per row |
//! | [`ilu0`] | (L U)⁻¹ r | an incomplete elimination, sequential |
//! | [`ChebyshevCoefficients`] | a polynomial in D⁻¹A | a few scalars |
//!
//! with r = b − A x.

mod chebyshev;
mod diagonal;
mod ilu;
mod spai;

pub use chebyshev::ChebyshevCoefficients;
pub use diagonal::{l1_jacobi, spai0, weighted_jacobi};
pub use ilu::ilu0;
pub use spai::spai1;

use crate::error::{Error, Result};
use crate::sparse::Csr;

/// Relaxations need a square matrix.
fn check_square(a: &Csr<f64>) -> Result<()> {
    if a.rows() == a.cols() {
        return Ok(());
    }
    Err(Error::dimension(format!("a relaxation needs a square matrix, got {} × {}", a.rows(), a.cols())))
}

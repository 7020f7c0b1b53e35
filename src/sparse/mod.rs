//! Sparse matrices: a shared [`Pattern`] and a flat vector of values.
//!
//! The pattern holds the integers. Products, gradients and learned matrices share it instead of copying it. The gradient
//! of a matrix is a vector of values on the same pattern.

mod add;
pub(crate) mod assemble;
mod buffer;
mod components;
mod csr;
mod dense;
mod dual;
#[cfg(feature = "files")]
mod expansion;
mod files;
mod fingerprint;
mod finite;
#[cfg(feature = "sprs")]
mod interop;
mod lent;
mod levels;
#[cfg(feature = "files")]
mod matrix_file;
pub mod matrix_market;
mod patches;
mod pattern;
mod permute;
mod product;
pub(crate) mod rows;
mod runs;
mod scalar;
mod storage;
#[cfg(test)]
mod structure_tests;
mod symmetry;
mod tanh;
mod transpose;

pub use csr::Csr;
pub use dense::DenseMatrix;
pub use dual::Dual;
pub(crate) use files::write_atomic;
#[cfg(feature = "cli")]
pub(crate) use files::{folder_of, is_stream, resolved};
pub use fingerprint::Fingerprint;
pub(crate) use levels::Levels;
#[cfg(feature = "files")]
pub use matrix_file::MatrixFile;
pub use pattern::Pattern;
#[doc(hidden)]
pub use pattern::Transposition;
#[cfg(feature = "cuda")]
pub(crate) use product::Gather;
pub use product::{GalerkinPlan, ProductPlan};
pub(crate) use runs::Runs;
pub use scalar::Scalar;
pub use storage::Storage;

//! Adapters to libraries that hold matrices and preconditioners of their own.

mod faer;

pub use faer::{FaerPreconditioner, FaerSparse, csr_from_faer, csr_to_faer};

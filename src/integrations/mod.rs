//! Adapters to other libraries of matrices and preconditioners.

mod faer;

pub use faer::{FaerPreconditioner, FaerSparse, csr_from_faer, csr_to_faer, csr_to_faer_view};

//! A whole solver at once: what suits a matrix, why, and what else there is.

mod build;
mod candidates;
mod choose;
mod configuration;
mod portrait;

pub use build::Solver;
pub use candidates::candidates;
pub use choose::Choice;
pub use configuration::{Configuration, Krylov};
pub use portrait::Portrait;

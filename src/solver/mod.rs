//! A whole solver at once: what suits a matrix, why, and what else there is.

mod build;
mod candidates;
mod choose;
mod configuration;
mod iterate;
mod measure;
mod portrait;
#[cfg(feature = "cuda")]
mod resident;

pub use build::Solver;
pub use candidates::candidates;
pub use choose::Choice;
pub use configuration::{Configuration, Krylov};
pub use iterate::Iteration;
pub use measure::{Measurement, Protocol, Solve, fastest_setup, relative_residual};
pub use portrait::Portrait;
#[cfg(feature = "cuda")]
pub use resident::ResidentSolver;

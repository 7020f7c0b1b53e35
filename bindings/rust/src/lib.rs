//! `multigrad` in other Rust crates: adapters to their traits, and what the examples share.
//!
//! * [`diffsol_solver`]: a linear solver for the implicit methods of `diffsol`.
//! * [`russell_solver`]: a linear solver for the codes of `russell`.
//! * [`fenris_preconditioner`]: a preconditioner for the conjugate gradients of `fenris-sparse`.
//! * [`heat`], [`poisson`], [`plate`]: the problems of the examples, each in the terms of its crate.
//! * [`faer_solvers`], [`sprs_solvers`], [`nalgebra_solvers`]: the own solvers of these crates, measured.
//! * [`sequence`]: a solver for a sequence of matrices, which both linear solvers above use.
//! * [`report`]: checks, medians and tables. [`limited`]: measurements in child processes with a time limit.

pub mod diffsol_solver;
pub mod faer_solvers;
pub mod fenris_preconditioner;
pub mod heat;
pub mod limited;
pub mod nalgebra_solvers;
pub mod plate;
pub mod poisson;
pub mod report;
pub mod russell_solver;
pub mod sequence;
pub mod sprs_solvers;

/// The result of an example: an error ends the program with a message and a nonzero exit status.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

//! Solvers for PETSc and MPI: files that PETSc reads, without PETSc.
//!
//! [`Export`] writes a solver, learned or classical, as a binary file and an options file, from which a short loader in C
//! or Python builds a `PCMG` on any number of ranks. [`write_system`] writes a matrix and a right-hand side. Nothing
//! here needs PETSc.
//!
//! With the feature `petsc`, the module `parallel` solves on the ranks of MPI: the program `multigrad-petsc` in
//! functions.

mod binary;
#[cfg(feature = "petsc")]
mod entries;
mod export;
mod factors;
mod layout;
#[cfg(feature = "petsc")]
mod learned;
mod levels;
#[cfg(feature = "petsc")]
mod native;
mod options;
#[cfg(feature = "petsc")]
pub mod parallel;
mod polynomial;
#[cfg(feature = "petsc")]
mod session;
mod subdomains;
mod sweeps;

pub use binary::{IndexWidth, write_system};
pub use export::{Export, Exported};

//! Iterative methods for A x = b with a preconditioner.
//!
//! | method | matrix | preconditioner |
//! |---|---|---|
//! | [`Cg`] | symmetric positive definite | symmetric positive definite |
//! | [`BiCgStab`] | any | any that stays the same |
//! | [`Fgmres`] | any | any, and it may change from step to step |
//! | [`Richardson`] | any | one that converges by itself, such as a multigrid cycle |
//!
//! `solve` takes a matrix and vectors on the host. `solve_on` takes a matrix and a cycle on a GPU (`DeviceSystem`,
//! feature `cuda`); the iterations are the same up to the rounding of sums in another order.
//!
//! All four take the same options and return the same [`Outcome`]. For these methods "converged" means that
//! ‖b − A x‖₂ ≤ max(rtol ‖b‖₂, atol) for the residual recomputed from x, never for the residual of a recurrence. A
//! [`Solver`](crate::Solver) has a second criterion, see [`Status::Converged`].
//! An iteration that does not converge is not an error: its outcome contains advice. Errors are reserved for input
//! that no method can solve.
//!
//! Results have the same bits on any number of threads.
//!
//! ```
//! use multigrad::krylov::Cg;
//! use multigrad::sparse::Csr;
//! let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, -1.0), (1, 0, -1.0), (1, 1, 2.0)])?;
//! let out = Cg::new().rtol(1e-10).solve(&a, &[1.0, 0.0])?;
//! assert!(out.converged());
//! assert!((out.x[0] - 2.0 / 3.0).abs() < 1e-9);
//! # Ok::<(), multigrad::error::Error>(())
//! ```

mod advice;
mod arnoldi;
#[cfg(feature = "faer")]
pub(crate) mod basis;
mod bicgstab;
mod cg;
mod fgmres;
mod least_squares;
mod lockstep;
mod method;
mod minimal_error;
mod options;
mod outcome;
mod progress;
#[cfg(feature = "cuda")]
mod resident;
mod richardson;
mod run;
mod solve;
mod system;
mod vector;

pub(crate) use arnoldi::orthogonalise;
#[cfg(feature = "faer")]
pub(crate) use basis::orthogonalise_twice;
pub use bicgstab::BiCgStab;
pub use cg::Cg;
pub use fgmres::Fgmres;
pub(crate) use lockstep::in_lockstep;
pub use method::Krylov;
pub(crate) use minimal_error::minimal_error;
pub(crate) use options::check_vector;
pub use outcome::{Breakdown, Outcome, Removed, Status};
#[cfg(feature = "cuda")]
#[doc(hidden)]
pub use resident::DeviceSystem;
#[cfg(feature = "cuda")]
pub(crate) use resident::{OnDevice, Queue};
pub use richardson::Richardson;
pub(crate) use solve::DIRECT_LIMIT;
pub use solve::SolveOptions;
pub(crate) use system::System;
#[cfg(feature = "faer")]
pub(crate) use vector::norm_from;
pub(crate) use vector::{axpy, dot, largest, norm, scattered};

//! Algebraic multigrid with learned relaxation: a solver of A x = b for the sparse matrices of PDE codes.
//!
//! # Solve
//!
//! [`Solver::auto`] picks what suits the matrix. A solver keeps its matrix, solves for any number of right-hand
//! sides, takes new values on the same pattern, can be trained, and is saved for the next run:
//!
//! ```
//! use multigrad::{Csr, Result, Solver, Trainer};
//!
//! fn main() -> Result<()> {
//!     // A matrix from three vectors of any index type, here −u″ on 100 points.
//!     let (mut row_ptr, mut columns, mut values) = (vec![0i64], Vec::new(), Vec::new());
//!     for i in 0..100i64 {
//!         for j in (i - 1).max(0)..=(i + 1).min(99) {
//!             columns.push(j);
//!             values.push(if i == j { 2.0 } else { -1.0 });
//!         }
//!         row_ptr.push(columns.len() as i64);
//!     }
//!     let a = Csr::from_csr(100, 100, &row_ptr, &columns, values)?;
//!     let mut solver = Solver::auto(&a)?;
//!     let outcomes = solver.solve_many(&[vec![1.0; 100], vec![2.0; 100], vec![3.0; 100]])?;
//!     assert!(outcomes.iter().all(|out| out.converged()));
//!     let heat = a.map(|i, j, v| if i == j { v + 0.1 } else { v });
//!     solver.refresh(&heat)?;
//!     println!("{}", solver.solve(&vec![1.0; 100])?);
//!     Trainer::new().steps(20).fit(&mut solver)?;
//!     let path = std::env::temp_dir().join("heat.mgrad");
//!     solver.save(&path)?;
//!     assert!(Solver::load(&path, &heat)?.solve(&vec![1.0; 100])?.converged());
//!     Ok(())
//! }
//! ```
//!
//! A solve that does not converge says so in its [`Outcome`], with advice. [`SolveOptions`] sets tolerance, initial
//! guess, method and callback.
//!
//! # Choose
//!
//! [`Amg`] is another name of [`Solver`]. [`Amg::smoothed_aggregation`], [`Amg::classical`] and [`Amg::builder`] begin a
//! [`Builder`], which sets smoother ([`Relaxation`]), sweeps, cycle, precision and Krylov method:
//!
//! ```
//! use multigrad::{Amg, Relaxation, gallery};
//! let problem = gallery::poisson_2d(64, 64)?;
//! let solver = Amg::smoothed_aggregation().relaxation(Relaxation::Chebyshev(3)).build(&problem.matrix)?;
//! println!("{solver}"); // the table of levels
//! # Ok::<(), multigrad::Error>(())
//! ```
//!
//! # Precondition
//!
//! A solver is a [`Preconditioner`] on plain slices, for the methods of this crate ([`Cg`], [`BiCgStab`], [`Fgmres`]), for
//! those of faer ([`integrations`]), and for a host's own. A [`LinearOperator`] may be a matrix that is never assembled:
//!
//! ```
//! use multigrad::{Amg, Cg, gallery};
//! let problem = gallery::poisson_2d(32, 32)?;
//! let amg = Amg::smoothed_aggregation().build(&problem.matrix)?;
//! let out = Cg::new().rtol(1e-10).preconditioner(&amg).solve(&problem.matrix, &problem.rhs)?;
//! assert!(out.converged());
//! # Ok::<(), multigrad::Error>(())
//! ```
//!
//! # Train
//!
//! [`Trainer`] learns the smoothers of a solver through the derivative of its V-cycle. The module [`learn`] has losses,
//! networks, and the measurement of when training pays.
//!
//! ```
//! use multigrad::{Amg, Trainer, gallery};
//! let flow = gallery::recirculating_flow(24, 0.005, gallery::FlowScheme::Upwind)?;
//! let mut solver = Amg::smoothed_aggregation().suited_to(&flow.matrix).build(&flow.matrix)?;
//! let report = Trainer::new().seed(1).steps(60).fit(&mut solver)?;
//! assert!(report.factor_after < report.factor_before);
//! # Ok::<(), multigrad::Error>(())
//! ```
//!
//! # Differentiate
//!
//! [`expression`] differentiates any expression of sparse matrices, dense blocks and numbers on their patterns;
//! [`optimise`] minimises.
//!
//! # GPU
//!
//! With the feature `cuda`, `Solver::move_to_device` moves a solver to an NVIDIA GPU, and `Trainer::on` trains there.
//!
//! # Features
//!
//! `cli` (default) builds the program and implies `plot`; a library user with `default-features = false` pays for
//! neither. `cuda` adds solving and training on NVIDIA GPUs: it needs nothing to build, and looks for a driver at run
//! time. `emulator` is for tests.

#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod autodiff;
pub mod backend;
#[cfg(feature = "cli")]
pub mod cli;
pub mod engine;
pub mod error;
pub mod expression;
pub mod gallery;
pub mod integrations;
pub mod krylov;
pub mod learn;
pub mod multigrid;
pub mod operator;
pub mod optimise;
#[cfg(feature = "plot")]
pub mod plot;
pub mod schwarz;
pub mod setup;
pub mod solver;
pub mod sparse;

pub use error::{Error, Result};
pub use krylov::{BiCgStab, Cg, Fgmres, Krylov, Outcome, SolveOptions, Status};
pub use learn::{Trainer, TrainingReport};
pub use multigrid::{CycleKind, Relaxation, Setup};
pub use operator::{LinearOperator, Preconditioner};
pub use solver::{Amg, Builder, Configuration, Solver};
pub use sparse::Csr;

/// The Rust code in the README and the manual, compiled and run by `cargo test --doc`.
#[cfg(doctest)]
mod manual {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/autodiff.md")]
    struct Autodiff;
    #[doc = include_str!("../docs/learning.md")]
    struct Learning;
    #[cfg(feature = "cuda")]
    #[doc = include_str!("../docs/gpu.md")]
    struct Gpu;
}

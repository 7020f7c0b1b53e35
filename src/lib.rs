//! Algebraic multigrid (AMG) solvers for sparse linear systems A x = b from discretised PDEs, with smoothers that can
//! be trained for a matrix.
//!
//! # Solve
//!
//! [`Solver::auto`] analyses the matrix, then selects and builds a solver. The solver stores the matrix and solves for
//! any number of right-hand sides. [`Solver::refresh`] updates it for new matrix values on the same sparsity pattern,
//! [`Trainer`] trains its smoothers, and [`Solver::save`] writes it to a file:
//!
//! ```
//! use multigrad::{Csr, Result, Solver, Trainer};
//!
//! fn main() -> Result<()> {
//!     let (mut row_ptr, mut columns, mut values) = (vec![0i64], vec![], vec![]); // −u″ on 100 points
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
//!     assert!(outcomes.iter().all(|out| out.converged() && out.x.len() == 100)); // x: the solution
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
//! * **Matrix.** [`Csr::from_csr`] takes row pointers, column indices and values, as vectors or borrowed. Indices count
//!   from 0, columns ascend in every row, and row pointers and column indices may have different integer types.
//!   [`Csr::with_values`] takes a new vector of values for the same pattern, in the same order; [`Csr::map`] computes
//!   new values from the old ones.
//! * **Solve.** A solve returns an [`Outcome`]: the field `x` is the solution. The default is ‖b − A x‖₂ ≤ 10⁻⁸ ‖b‖₂ in
//!   at most 500 iterations. [`Solver::solve_with`] takes [`SolveOptions`]: tolerance, number of iterations, initial
//!   guess, Krylov method, callback. If a solve does not converge, this is not an `Err`: [`Outcome::converged`] is
//!   false, and `advice` suggests a remedy. Solvers, outcomes and training reports print with `{}`.
//! * **Singular systems, accuracy, limits.** If the matrix is singular and b is outside its range, the advice says by
//!   how much. With [`SolveOptions::least_squares`] the solver then minimises ‖b − A x‖₂. [`Solver::condition`] and
//!   [`Solver::forward_error`] estimate the condition number and the error of x. [`Limits`] bounds time and memory.
//! * **Refresh before training.** Learned smoothers belong to one matrix: [`Solver::refresh`] returns an error for a
//!   trained solver. For a sequence of matrices see [`learn::LearnedSolver`], which trains between the solves, and
//!   [`learn::TrackedSolver`] for a solver that is trained already.
//! * **Files.** A file does not contain the matrix. [`Solver::load`] takes the matrix for which the solver was saved,
//!   and returns an error for any other. [`Solver::to_bytes`] and [`Solver::from_bytes`] do the same in memory.
//!
//! # Choose
//!
//! To choose the method yourself, use a [`Builder`]. [`Amg::smoothed_aggregation`], [`Amg::classical`] and
//! [`Amg::builder`] return one; it sets the smoother ([`Relaxation`]), the number of sweeps, the cycle, the precision
//! and the Krylov method. [`Amg`] is an alias of [`Solver`].
//!
//! ```
//! use multigrad::{Amg, Relaxation, gallery};
//! let problem = gallery::poisson_2d(64, 64)?;
//! let solver = Amg::smoothed_aggregation().relaxation(Relaxation::Chebyshev(3)).build(&problem.matrix)?;
//! println!("{solver}"); // prints the table of levels
//! # Ok::<(), multigrad::Error>(())
//! ```
//!
//! # Precondition
//!
//! A [`Solver`] implements [`Preconditioner`]: it applies its preconditioner once, in most cases one multigrid
//! cycle, to a slice of `f64`. Use it with the
//! Krylov methods of this crate ([`Cg`], [`BiCgStab`], [`Fgmres`]), of faer ([`integrations`]), or of your own code.
//! For matrix-free methods, implement [`LinearOperator`] and pass it in place of the matrix.
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
//! [`Trainer`] optimises the smoothers of a solver for its matrix: it minimises the convergence factor of the multigrid
//! cycle by gradient descent (Adam) and replaces the smoothers of the solver. If training brings no improvement, the
//! solver keeps its former smoothers. In the example, [`Builder::suited_to`] selects the variant of aggregation. The module [`learn`] contains loss functions, neural networks that compute smoothers,
//! and [`learn::CostReport`], which measures after how many solves training pays back.
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
//! The module [`autodiff`] computes gradients of expressions of sparse matrices, dense blocks and scalars. The
//! gradient with respect to a sparse matrix has the sparsity pattern of the matrix. The module [`optimise`] contains
//! optimisers. [`solver::DifferentiableSolver`] differentiates multigrid solves, [`functions`] functions of large
//! matrices, and [`newton`] applies Newton's method to a composition F_q ∘ … ∘ F₁ without forming its Jacobian.
//!
//! # GPU
//!
//! With the feature `cuda`, `Solver::move_to_device` moves a solver to an NVIDIA GPU, which `gpu::Cuda` opens, and
//! `Trainer::on` runs the training steps there.
//!
//! # Features
//!
//! | feature | effect |
//! |---|---|
//! | `cli` (default) | builds the command-line program; includes `plot` |
//! | `plot` | plots as SVG and PNG files |
//! | `learn` (default) | training, the modules [`learn`], [`autodiff`] and [`optimise`], differentiable solves; files of trained solvers are loaded without it |
//! | `faer` (default) | supernodal sparse factors, with `learn` [`functions`] of matrices, the [`newton`] method, [`integrations`]; without it direct solves are slower, and a cold build takes half the time |
//! | `files` (default) | reads compressed, Harwell–Boeing, MATLAB, NumPy and PETSc files ([`sparse::MatrixFile`]), writes solvers for [`petsc`]; Matrix Market files and files of solvers need no feature |
//! | `metis` (default) | partitions graphs by METIS, built from its C source; without it a greedy method is used |
//! | `mesh` (default) | generates triangular meshes for [`gallery`] |
//! | `sprs` (default) | converts matrices from and to `sprs` |
//! | `ndarray` (default) | converts dense matrices from and to `ndarray` |
//! | `cuda` | solves and trains on NVIDIA GPUs; builds without CUDA and loads the driver at run time |
//! | `petsc` | solves on the ranks of MPI with PETSc; needs PETSc, `pkg-config` and a C compiler |
//! | `emulator` | runs the GPU kernels on the CPU, for tests; needs a C compiler |
//!
//! With `default-features = false` the library needs no C compiler and few dependencies.

#![deny(missing_docs)]
#![deny(unsafe_code)]
// Training and files call parts of the modules below them that a solve does not need.
#![cfg_attr(not(all(feature = "learn", feature = "files")), allow(dead_code, unused_imports))]

#[cfg(feature = "learn")]
pub mod autodiff;
#[doc(hidden)]
pub mod backend;
#[cfg(feature = "cli")]
pub mod cli;
#[doc(hidden)]
#[cfg(feature = "learn")]
pub mod cycle_tape;
#[doc(hidden)]
pub mod engine;
pub mod error;
#[cfg(all(feature = "faer", feature = "learn"))]
pub mod functions;
pub mod gallery;
#[cfg(feature = "cuda")]
pub mod gpu;
#[cfg(feature = "faer")]
pub mod integrations;
pub mod krylov;
#[cfg(feature = "learn")]
pub mod learn;
mod limits;
mod memory;
pub mod multigrid;
#[cfg(feature = "faer")]
pub mod newton;
pub mod operator;
#[cfg(feature = "learn")]
pub mod optimise;
mod parallel;
#[cfg(feature = "files")]
pub mod petsc;
#[cfg(feature = "plot")]
pub mod plot;
#[cfg(feature = "plot")]
pub mod report;
pub mod schwarz;
pub mod setup;
mod simd;
pub mod solver;
pub mod sparse;

pub use error::{Error, Result};
pub use krylov::{BiCgStab, Cg, Fgmres, Krylov, Outcome, SolveOptions, Status};
#[cfg(feature = "learn")]
pub use learn::{Trainer, TrainingReport};
pub use limits::Limits;
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
    #[doc = include_str!("../docs/differentiation.md")]
    struct Differentiation;
    #[doc = include_str!("../docs/learning.md")]
    struct Learning;
    #[doc = include_str!("../docs/first-solve.md")]
    struct FirstSolve;
    #[doc = include_str!("../docs/choosing.md")]
    struct Choosing;
    #[doc = include_str!("../docs/petsc.md")]
    struct Petsc;
    #[cfg(feature = "cuda")]
    #[doc = include_str!("../docs/gpu.md")]
    struct Gpu;
}

//! Algebraic multigrid with learned relaxation.
//!
//! `multigrad` builds a multigrid hierarchy from a sparse matrix, trains what can be learned in
//! it through a built-in sparse reverse-mode engine, and freezes the result into a fast solver
//! that is a drop-in preconditioner.
//!
//! ```
//! use multigrad::{frozen::Frozen, gallery, krylov::Cycles, learn::Trainer, multigrid::Amg};
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("flow.mgrad");
//!
//! // A matrix, its hierarchy, and a relaxation trained to complement the coarse grids.
//! let flow = gallery::recirculating_flow(24, 0.005, gallery::FlowScheme::Upwind)?;
//! let mut amg = Amg::smoothed_aggregation().suited_to(&flow.matrix).build(&flow.matrix)?;
//! let report = Trainer::new().seed(1).steps(60).fit(&mut amg)?;
//! assert!(report.factor_after < report.factor_before);
//! amg.freeze()?.save(&path)?;
//!
//! // Later, elsewhere: no training code on this path.
//! let frozen = Frozen::load_for(&path, &flow.matrix)?;
//! let out = Cycles::new().rtol(1e-8).preconditioner(&frozen).solve(&flow.matrix, &flow.rhs)?;
//! assert!(out.converged());
//! # Ok::<(), multigrad::error::Error>(())
//! ```
//!
//! # Floors
//!
//! Modules import only from those above them in this table.
//!
//! | module | holds |
//! |---|---|
//! | [`error`] | one error for the whole crate |
//! | [`sparse`], [`gallery`] | patterns, matrices, Matrix Market files; model problems |
//! | [`backend`], [`operator`], [`optimise`] | kernels and the direct solver; operators and preconditioners on slices; optimisers on flat buffers |
//! | [`engine`], [`expression`] | operations with value semantics: eager, traced; expressions with gradients |
//! | [`autodiff`], [`setup`] | the tape and its rules; strength, aggregation, interpolation, relaxation values |
//! | [`schwarz`] | subdomains, local solves, interface conditions that can be learned |
//! | [`multigrid`] | hierarchies, smoothers and the one cycle |
//! | [`krylov`] | CG, BiCGStab, FGMRES, plain cycles |
//! | [`solver`] | what suits a matrix, and a whole solver of it |
//! | [`learn`] | parameters, loss, trainer |
//! | [`frozen`] | the frozen solver and its file |
//! | [`integrations`], `plot` | faer; pictures (feature `plot`) |
//! | `cli` | the program (feature `cli`) |
//!
//! # Features
//!
//! `cli` (default) builds the program and implies `plot`; a library user with
//! `default-features = false` pays for neither. `cuda` adds training and solving on NVIDIA cards: it
//! needs nothing to build, and looks for a driver at run time. `emulator` is for tests.

#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod autodiff;
pub mod backend;
#[cfg(feature = "cli")]
pub mod cli;
pub mod engine;
pub mod error;
pub mod expression;
pub mod frozen;
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

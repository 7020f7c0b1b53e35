//! Algebraic multigrid with learned relaxation.
//!
//! `multigrad` builds a multigrid hierarchy from a sparse matrix, trains its smoothers through a
//! built-in sparse reverse-mode engine, and freezes the result into a fast solver: a drop-in
//! preconditioner.
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
//! Modules import only from lower floors; `tests/suite/layering.rs` lists the floors and checks every import.
//!
//! # Features
//!
//! `cli` (default) builds the program and implies `plot`; a library user with
//! `default-features = false` pays for neither. `cuda` adds training and solving on NVIDIA GPUs: it
//! needs no part of CUDA to build, and looks for a driver at run time. `emulator` is for tests.

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

/// The Rust code in the manual, compiled and run by `cargo test --doc`.
#[cfg(doctest)]
mod manual {
    #[doc = include_str!("../docs/autodiff.md")]
    struct Autodiff;
    #[doc = include_str!("../docs/learning.md")]
    struct Learning;
    #[cfg(feature = "cuda")]
    #[doc = include_str!("../docs/gpu.md")]
    struct Gpu;
}

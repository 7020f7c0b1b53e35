//! All tests of the public interface in one program, so that shared code is compiled once.
#![allow(missing_docs)]

mod common;

#[global_allocator]
static ALLOCATOR: common::allocations::Counting = common::allocations::Counting;

mod autodiff_reference;
mod automatic;
mod backend;
mod classical;
mod classical_interpolation;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod cli_bad_input;
#[cfg(feature = "cli")]
mod cli_bad_options;
#[cfg(feature = "cli")]
mod cli_cost;
#[cfg(all(feature = "cli", feature = "emulator"))]
mod cli_device;
#[cfg(feature = "cli")]
mod cli_files;
#[cfg(feature = "cli")]
mod cli_limits;
#[cfg(feature = "cli")]
mod cli_losses;
#[cfg(feature = "cli")]
mod cli_report;
#[cfg(feature = "cli")]
mod cli_schwarz;
mod condition;
mod cost_report;
#[cfg(feature = "emulator")]
mod device;
mod differentiable_solve;
mod direct;
mod documents;
mod engine;
mod faer;
mod fallback;
mod figures;
mod fixed_points;
mod gallery;
mod gradient;
mod gradient_of_krylov_loss;
mod gradient_of_loss;
mod iterations;
mod krylov;
mod krylov_small_systems;
mod layering;
mod learned_parts;
mod long_iterations;
mod matrix_functions;
mod matrix_market;
mod network;
mod newton;
mod newton_graphs;
mod petsc_export;
mod preconditioner;
mod random_systems;
mod range;
mod recovered_states;
mod reference_values;
mod relaxation;
mod reuse;
mod scalars;
mod scattered_rows;
mod schwarz;
mod schwarz_losses;
mod setup;
mod smoothers;
mod solver_file;
mod training;
mod trajectories;
mod weakened;

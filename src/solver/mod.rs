//! Solvers: construction, automatic choice, solves, refresh, files and GPUs.

mod attempts;
mod backward_error;
mod builder;
mod candidates;
mod choose;
mod comparison;
mod condition;
mod configuration;
mod configuration_text;
#[cfg(feature = "cuda")]
mod device;
#[cfg(feature = "learn")]
mod differentiable;
mod equations;
mod file;
mod incomplete_factors;
mod ladder;
mod many;
mod measure;
mod norm_estimate;
mod null_vectors;
mod one_level;
mod preconditioner;
mod properties;
mod range;
mod refresh;
mod saddle;
mod solve;
mod suited;
mod threads;
mod transform;
mod transposed;
mod value;
mod verified;
mod weakened;

pub use builder::Builder;
#[doc(hidden)]
pub use builder::{suited_variant, training_setup, training_setups};
#[doc(hidden)]
pub use candidates::candidates;
pub use choose::Choice;
pub(crate) use choose::weakened_beyond_one_level;
pub use comparison::{Compared, Comparison, ComparisonReport};
pub use condition::{Condition, ForwardError};
pub use configuration::Configuration;
#[cfg(feature = "learn")]
pub use differentiable::{DifferentiableSolver, SolveQuality, TapeSolve};
pub(crate) use ladder::planar_direct_cost;
#[doc(hidden)]
pub use measure::fastest_setup;
pub use measure::{Measurement, Protocol, Solve, relative_residual};
pub use properties::MatrixProperties;
pub use value::Solver;
#[cfg(feature = "petsc")]
pub(crate) use weakened::best_tau_in_parts;
pub(crate) use weakened::{best_tau, patch_sizes};

#[doc(inline)]
pub use crate::backend::Direct;
pub use crate::krylov::{Krylov, SolveOptions};

/// Another name of [`Solver`], for algebraic multigrid.
pub type Amg = Solver;

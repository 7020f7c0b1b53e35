//! Setup: from a matrix to a hierarchy of coarser ones.
//!
//! [`Coarsening::coarsen`] builds a hierarchy by aggregation. Its steps are public as well, each a function
//! of plain matrices: strength of connection ([`symmetric_strength`], [`evolution_strength`]), aggregates
//! ([`standard_aggregation`], [`pairwise_aggregation`]), tentative prolongation ([`fit_candidates`],
//! [`root_node_tentative`]), prolongation smoothing ([`jacobi_prolongation`] of a [`filtered_matrix`],
//! [`energy_prolongation`], [`root_node_prolongation`]) and candidates ([`relax_candidates`],
//! [`adaptive_candidates`]). The steps are those of PyAMG 5.4 (MIT), against which they are tested; the
//! defaults of [`Coarsening`] minimise the time to a solution and differ, see there. The same matrix always
//! gives the same hierarchy, on any number of threads.
//!
//! * P. Vaněk, J. Mandel, M. Brezina: Algebraic multigrid by smoothed aggregation for second
//!   and fourth order elliptic problems. Computing 56 (1996) 179–196.
//! * M. Brezina, R. Falgout, S. MacLachlan, T. Manteuffel, S. McCormick, J. Ruge: Adaptive
//!   smoothed aggregation (αSA) multigrid. SIAM Review 47 (2005) 317–346.
//! * L. Olson, J. Schroder, R. Tuminaro: A new perspective on strength measures in algebraic
//!   multigrid. Numer. Linear Algebra Appl. 17 (2010) 713–733.
//! * L. Olson, J. Schroder, R. Tuminaro: A general interpolation strategy for algebraic
//!   multigrid using energy minimization. SIAM J. Sci. Comput. 33 (2011) 966–991.
//! * A. Napov, Y. Notay: An algebraic multigrid method with guaranteed convergence rate.
//!   SIAM J. Sci. Comput. 34 (2012) A1079–A1109.
//! * T. Manteuffel, L. Olson, J. Schroder, B. Southworth: A root-node-based algebraic multigrid
//!   method. SIAM J. Sci. Comput. 39 (2017) S723–S756.

mod aggregation;
pub mod classical;
mod evolution;
mod grids;
mod nodal;
pub mod relaxation;
mod saddle_point;
mod spectral;
mod strength;
mod vector;

pub use aggregation::{
    Aggregates, Aggregation, Coarsening, RootNode, Smoothing, Variant, adaptive_candidates,
};
#[doc(hidden)]
pub use aggregation::{
    Tentative, check_candidates, default_candidates, energy_pattern, energy_prolongation, filtered_matrix,
    fit_candidates, jacobi_prolongation, pairwise_aggregation, relax_candidates, root_node_prolongation,
    root_node_tentative, standard_aggregation, symmetric_energy_prolongation,
};
#[doc(hidden)]
pub use evolution::evolution_strength;
pub(crate) use grids::check_matrix;
#[doc(hidden)]
pub use grids::{Grids, Transfer};
#[doc(hidden)]
pub use nodal::{Nodes, amalgamate, detect_block_size};
pub use saddle_point::{SaddlePoint, SchurComplement};
pub(crate) use saddle_point::{border, constraints, has_schur_complement, is_long};
#[doc(hidden)]
pub use spectral::{
    SpectralRadius, infinity_norm, inverse_diagonal, lambda_max, sampled_radius, spectral_radius,
};
pub use strength::Strength;
#[doc(hidden)]
pub use strength::{
    StrengthMeasure, absolute_sum, algebraic_distance_strength, classical_strength, distance_strength,
    drop_dominant_rows, strong_connections, symmetric_strength,
};

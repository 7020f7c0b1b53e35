//! Classical algebraic multigrid: hierarchies from splittings into coarse and fine points.
//!
//! [`Classical::coarsen`] builds the whole hierarchy. Its steps are public as well: the strong connections of
//! every unknown ([`Strength`]), the [`splitting`] into coarse points and fine ones, and the interpolation of
//! the latter from the former. The restriction is the transpose of the interpolation; for nonsymmetric
//! problems it may come from the transposed matrix, or be an approximate ideal one ([`air_restriction`]). The
//! methods are for one unknown per node; for systems smoothed aggregation ([`Coarsening`](super::Coarsening))
//! is the better choice.
//!
//! * J. Ruge, K. Stüben: Algebraic multigrid. In: Multigrid methods, ed. S. McCormick. SIAM (1987)
//!   73–130.
//! * K. Stüben: Algebraic multigrid (AMG): an introduction with applications. GMD report 70 (1999).
//! * H. De Sterck, U. Yang, J. Heys: Reducing complexity in parallel algebraic multigrid
//!   preconditioners. SIAM J. Matrix Anal. Appl. 27 (2006) 1019–1039.

mod air;
mod coarsen;
pub mod interpolation;
mod local_solve;
mod restriction;
pub mod splitting;

pub use air::air_restriction;
pub use interpolation::{
    Interpolation, direct_interpolation, extended_interpolation, modified_interpolation,
    multipass_interpolation, one_point_interpolation, standard_interpolation, truncate,
};
pub use restriction::Restriction;
pub use splitting::{
    Aggressive, Splitting, SplittingKind, aggressive, first_pass, hmis, path_graph, pmis, second_pass,
};

use super::Strength;

/// Parameters of coarsening. `Classical::default()` suits symmetric problems like diffusion;
/// [`Classical::air`] suits transport.
///
/// ```
/// use multigrad::gallery::poisson_2d;
/// use multigrad::setup::classical::Classical;
/// let grids = Classical::default().coarsen(&poisson_2d(40, 40)?.matrix)?;
/// let rows: Vec<usize> = grids.matrices().map(|a| a.rows()).collect();
/// assert_eq!(rows[..2], [1600, 800]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Classical {
    /// Measure of strength; classical with θ = 0.25 by default.
    pub strength: Strength,
    /// Rows whose sum exceeds this times their diagonal get no strong connections
    /// ([`drop_dominant_rows`](super::drop_dominant_rows)); no bound by default, hypre takes 0.9.
    pub max_row_sum: Option<f64>,
    /// Splitting; `hmis` by default.
    pub splitting: SplittingKind,
    /// Interpolation; `extended` by default.
    pub interpolation: Interpolation,
    /// Weights below this times the largest of their row are dropped ([`truncate`]); 0 by default.
    pub truncation: f64,
    /// The largest number of weights in a row ([`truncate`]); 4 by default.
    pub max_per_row: Option<usize>,
    /// Levels, from the finest on, that are coarsened aggressively ([`aggressive`]) with multipass
    /// interpolation; 0 by default. Fewer entries, slower convergence.
    pub aggressive_levels: usize,
    /// Paths that make a strong connection in aggressive coarsening, 1 or 2; 1 by default.
    pub aggressive_paths: usize,
    /// Restriction; `transpose` by default.
    pub restriction: Restriction,
    /// Threshold of the strong connections that the stencils of `air-1` and `air-2` follow,
    /// relative to the largest entry of the row by absolute value; 0.05 by default.
    pub restriction_theta: f64,
    /// The largest number of levels, the coarsest included; 25 by default.
    pub max_levels: usize,
    /// Coarsening stops at this many rows; 40 by default.
    pub max_coarse: usize,
}

impl Default for Classical {
    fn default() -> Self {
        Self {
            strength: Strength::default(),
            max_row_sum: None,
            splitting: SplittingKind::Hmis,
            interpolation: Interpolation::Extended,
            truncation: 0.0,
            max_per_row: Some(4),
            aggressive_levels: 0,
            aggressive_paths: 1,
            restriction: Restriction::Transpose,
            restriction_theta: 0.05,
            max_levels: 25,
            max_coarse: 40,
        }
    }
}

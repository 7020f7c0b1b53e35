//! Configuration of a solver: setup, smoother, cycle, precision and Krylov method.

use crate::krylov::Krylov;
use crate::multigrid::{CycleKind, Relaxation, Setup};

/// Setup, smoother, cycle, precision and Krylov method.
///
/// Its text form contains these parts in this order, as in `sa, chebyshev(2), V(1,1), f32, CG` or
/// `sa θ=0, gauss-seidel, V(1,1), f32, CG`, and is read back by `parse`. The setup is written by its name
/// ([`Setup::NAMES`]) and, where they differ from the defaults of the name, the threshold of strength (`θ=0.1`), the number of
/// levels with aggressive coarsening (`aggressive` for one, `aggressive(2)`), and for saddle points the variant of aggregation
/// (`sasym`). Other parameters of a setup are not written; reading sets them to the defaults. On one level (`none`) the
/// cycle is left out where it is a single sweep: `none, ilu0, f32, BiCGStab`.
///
/// ```
/// use multigrad::{Builder, Configuration, gallery};
/// let configuration: Configuration = "sa θ=0, gauss-seidel, V(1,1), f32, CG".parse()?;
/// assert_eq!(configuration.to_string(), "sa θ=0, gauss-seidel, V(1,1), f32, CG");
/// let problem = gallery::poisson_2d(20, 20)?;
/// let solver = Builder::from(configuration).build(&problem.matrix)?;
/// assert!(solver.solve(&problem.rhs)?.converged());
/// # Ok::<(), multigrad::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// Construction of the hierarchy.
    pub setup: Setup,
    /// The smoother of every level.
    pub relaxation: Relaxation,
    /// Sweeps before and after the coarse-grid correction.
    pub sweeps: (usize, usize),
    /// Number and order of the visits of a cycle to the coarser levels.
    pub cycle: CycleKind,
    /// Whether the hierarchy is held in single precision. The Krylov method works in double precision, so that the
    /// result is as accurate as with a hierarchy in double precision.
    pub single: bool,
    /// The Krylov method around the cycle.
    pub krylov: Krylov,
}

impl Configuration {
    /// A V(1,1) cycle in single precision, or a single sweep if there is only one level.
    pub fn new(setup: impl Into<Setup>, relaxation: Relaxation, krylov: Krylov) -> Self {
        let setup = setup.into();
        let sweeps = if setup.has_one_level() { (1, 0) } else { (1, 1) };
        Self { setup, relaxation, sweeps, cycle: CycleKind::V, single: true, krylov }
    }

    /// Sparse factors inside FGMRES, which refines.
    pub(super) fn direct() -> Self {
        Self::new(Setup::Direct, Relaxation::GaussSeidel, Krylov::Fgmres).double()
    }

    /// The configuration with other numbers of sweeps.
    #[must_use]
    pub fn sweeps(mut self, pre: usize, post: usize) -> Self {
        self.sweeps = (pre, post);
        self
    }

    /// The configuration with another kind of cycle.
    #[must_use]
    pub fn cycle(mut self, cycle: CycleKind) -> Self {
        self.cycle = cycle;
        self
    }

    /// The configuration with the hierarchy in double precision.
    #[must_use]
    pub fn double(mut self) -> Self {
        self.single = false;
        self
    }
}

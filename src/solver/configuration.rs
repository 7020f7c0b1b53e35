//! Configuration of a solver: setup, smoother, cycle, precision and Krylov method.

use std::fmt;

use crate::krylov::Krylov;
use crate::multigrid::{CycleKind, Relaxation, Setup};
use crate::setup::Coarsening;

/// Setup, smoother, cycle, precision and Krylov method.
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
        let sweeps = if setup == Setup::OneLevel { (1, 0) } else { (1, 1) };
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

/// Parameters of a setup that its name does not contain.
fn detail(setup: &Setup) -> String {
    match setup {
        Setup::Aggregation(c) if c.theta != Coarsening::default().theta => format!(" θ={}", c.theta),
        Setup::Classical(c) if c.aggressive_levels > 0 => " aggressive".to_string(),
        _ => String::new(),
    }
}

/// Example: `sa, chebyshev(2), V(1,1), f32, CG` or `sa θ=0, gauss-seidel, V(1,1), f32, CG`.
impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}, {}", self.setup.name(), detail(&self.setup), self.relaxation)?;
        if self.setup != Setup::OneLevel {
            write!(f, ", {}({},{})", self.cycle, self.sweeps.0, self.sweeps.1)?;
        }
        write!(f, ", {}, {}", if self.single { "f32" } else { "f64" }, self.krylov)
    }
}

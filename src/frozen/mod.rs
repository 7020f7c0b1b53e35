//! The frozen solver: a compiled cycle in double or single precision, and its file.
//!
//! No training code is on this path.

mod file;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::engine::Host;
use crate::error::{Error, Result};
use crate::multigrid::{Amg, CyclePreconditioner, Hierarchy};
use crate::operator::Preconditioner;
use crate::sparse::{Csr, Fingerprint};

/// A solver that is ready to use: one multigrid cycle as a [`Preconditioner`].
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("poisson.mgrad");
/// use multigrad::{frozen::Frozen, gallery, krylov::Cg, multigrid::Amg};
/// let problem = gallery::poisson_2d(20, 20)?;
/// let amg = Amg::smoothed_aggregation().build(&problem.matrix)?;
/// amg.freeze()?.save(&path)?;
///
/// let frozen = Frozen::load_for(&path, &problem.matrix)?; // an error for any other matrix
/// let out = Cg::new().preconditioner(&frozen).solve(&problem.matrix, &problem.rhs)?;
/// assert!(out.converged());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Frozen {
    cycle: Cycle,
    origin: Origin,
}

/// Where a frozen solver comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The matrix that it was built or trained for.
    pub fingerprint: Fingerprint,
    /// What it is, in words.
    pub description: String,
    /// The asymptotic factor that was measured for it, if any.
    pub factor: Option<f64>,
}

#[derive(Debug)]
enum Cycle {
    Double(CyclePreconditioner<f64>),
    Single(CyclePreconditioner<f32>),
}

impl Amg {
    /// This solver, frozen in double precision.
    ///
    /// # Errors
    /// None for a hierarchy that was built by this crate.
    pub fn freeze(&self) -> Result<Frozen> {
        Frozen::new(self.hierarchy().clone(), self.origin())
    }

    /// This solver, frozen in single precision: half the memory traffic, and as good inside a
    /// double-precision Krylov method.
    ///
    /// # Errors
    /// A value that overflows single precision.
    pub fn freeze_f32(&self) -> Result<Frozen> {
        let cycle = Cycle::Single(CyclePreconditioner::new(self.hierarchy().cast()?)?);
        Ok(Frozen { cycle, origin: self.origin() })
    }

    fn origin(&self) -> Origin {
        let description = self.setup().to_string();
        Origin { fingerprint: self.fingerprint(), description, factor: None }
    }
}

impl Frozen {
    /// Compiles a hierarchy.
    ///
    /// # Errors
    /// A hierarchy that breaks a rule.
    pub fn new(hierarchy: Hierarchy<Host<f64>>, origin: Origin) -> Result<Self> {
        Ok(Self { cycle: Cycle::Double(CyclePreconditioner::new(hierarchy)?), origin })
    }

    /// The same with a description and a measured factor.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>, factor: Option<f64>) -> Self {
        self.origin.description = description.into();
        self.origin.factor = factor;
        self
    }

    /// Where it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether it computes in single precision.
    pub fn is_single(&self) -> bool {
        matches!(self.cycle, Cycle::Single(_))
    }

    /// The compiled cycle in double precision, for hosts that bring their own workspace.
    pub fn double(&self) -> Option<&CyclePreconditioner<f64>> {
        match &self.cycle {
            Cycle::Double(cycle) => Some(cycle),
            Cycle::Single(_) => None,
        }
    }

    /// The compiled cycle in single precision, for hosts that bring their own workspace.
    pub fn single(&self) -> Option<&CyclePreconditioner<f32>> {
        match &self.cycle {
            Cycle::Single(cycle) => Some(cycle),
            Cycle::Double(_) => None,
        }
    }

    /// This solver on a card, with the matrix it is used for: whole solves stay there.
    ///
    /// # Errors
    /// As [`ResidentSolver::of`](crate::solver::ResidentSolver::of).
    #[cfg(feature = "cuda")]
    pub fn on(&self, cuda: &crate::backend::Cuda, a: &Csr<f64>) -> Result<crate::solver::ResidentSolver> {
        crate::solver::ResidentSolver::of(cuda, a, (self.double(), self.single()))
    }

    /// Operator complexity of the hierarchy.
    pub fn operator_complexity(&self) -> f64 {
        match &self.cycle {
            Cycle::Double(cycle) => cycle.hierarchy().operator_complexity(),
            Cycle::Single(cycle) => cycle.hierarchy().operator_complexity(),
        }
    }

    /// Number of levels, the coarsest included.
    pub fn levels(&self) -> usize {
        1 + match &self.cycle {
            Cycle::Double(cycle) => cycle.hierarchy().levels.len(),
            Cycle::Single(cycle) => cycle.hierarchy().levels.len(),
        }
    }

    /// Whether this solver was made for `a`.
    ///
    /// # Errors
    /// Another matrix, with how it differs.
    pub fn check_matrix(&self, a: &Csr<f64>) -> Result<()> {
        let (own, other) = (self.origin.fingerprint, a.fingerprint());
        if own == other {
            return Ok(());
        }
        let difference = if own.rows() != a.rows() || a.rows() != a.cols() {
            format!("it has {} unknowns, this matrix is {} × {}", own.rows(), a.rows(), a.cols())
        } else if own.nnz() != a.nnz() {
            format!("its matrix has {} nonzeros, this one {}", own.nnz(), a.nnz())
        } else {
            "the values or the pattern differ".to_string()
        };
        Err(Error::fingerprint(format!("the solver was made for another matrix: {difference}")))
    }

    /// Writes the solver to a versioned file with a checksum, whole or not at all.
    ///
    /// # Errors
    /// A path that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::save(self, path.as_ref())
    }

    /// Reads a solver that was made for `a`.
    ///
    /// # Errors
    /// As for [`load`](Self::load), and a solver that was made for another matrix; `load` takes
    /// one all the same.
    pub fn load_for(path: impl AsRef<Path>, a: &Csr<f64>) -> Result<Self> {
        let path = path.as_ref();
        let frozen = Self::load(path)?;
        frozen.check_matrix(a).map_err(|e| e.at(path.display()))?;
        Ok(frozen)
    }

    /// Reads a solver, whatever matrix it was made for. Use [`check_matrix`](Self::check_matrix) to make sure that it belongs to
    /// the matrix at hand.
    ///
    /// # Errors
    /// A file that is missing, is not a solver, is of a later version, truncated or damaged.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        file::load(path.as_ref())
    }

    fn preconditioner(&self) -> &dyn Preconditioner {
        match &self.cycle {
            Cycle::Double(cycle) => cycle,
            Cycle::Single(cycle) => cycle,
        }
    }
}

/// The table of levels.
impl std::fmt::Display for Frozen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let precision = if self.is_single() { "f32" } else { "f64" };
        writeln!(f, "{}, {precision}", self.origin.description)?;
        match &self.cycle {
            Cycle::Double(cycle) => cycle.hierarchy().fmt(f),
            Cycle::Single(cycle) => cycle.hierarchy().fmt(f),
        }
    }
}

impl Preconditioner for Frozen {
    fn rows(&self) -> usize {
        self.preconditioner().rows()
    }

    fn is_symmetric(&self) -> bool {
        self.preconditioner().is_symmetric()
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.preconditioner().apply(r, z)
    }

    fn apply_dot(&self, r: &[f64], norm: f64, z: &mut [f64]) -> Result<Option<f64>> {
        self.preconditioner().apply_dot(r, norm, z)
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.preconditioner().apply_transposed(r, z)
    }
}

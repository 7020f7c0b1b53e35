//! Solver of A x = b for one matrix.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::configuration::Configuration;
use super::ladder::Ladder;
use super::null_vectors::NullVectors;
use super::transform::Transform;
use crate::engine::{Host, Leaves};
use crate::error::{Error, Result};
#[cfg(feature = "cuda")]
use crate::krylov::DeviceSystem;
use crate::krylov::Krylov;
use crate::multigrid::{
    Cycle, CycleKind, CyclePreconditioner, Hierarchy, Refresh, Relaxation, Setup, Smoother,
};
use crate::operator::Preconditioner;
use crate::sparse::{Csr, DenseMatrix, Fingerprint};

/// Solver of A x = b for one matrix A: a Krylov method with a preconditioner in double or single precision. The
/// preconditioner is in most cases a multigrid cycle; it may also be a smoother on one level or sparse factors.
///
/// [`Solver::auto`] chooses a configuration for the matrix; [`Solver::smoothed_aggregation`],
/// [`Solver::classical`] and [`Solver::builder`] start a [`Builder`](super::Builder). A solver is a
/// [`Preconditioner`]. It can be trained ([`Trainer`](crate::learn::Trainer)), refreshed with new values of the
/// matrix, saved and loaded, and moved to a GPU. Printing it shows its configuration, the reasons, and the table
/// of levels. [`Amg`](crate::Amg) is another name of this type.
///
/// ```
/// use multigrad::{Amg, gallery};
/// let problem = gallery::poisson_2d(32, 32)?;
/// let solver = Amg::smoothed_aggregation().build(&problem.matrix)?;
/// println!("{solver}");
/// let out = solver.solve(&problem.rhs)?;
/// assert!(out.converged() && out.iterations <= 15);
/// # Ok::<(), multigrad::Error>(())
/// ```
#[derive(Debug)]
pub struct Solver {
    pub(super) a: Csr<f64>,
    /// The equivalent system for which the cycle was built; `None` for A itself.
    pub(super) transform: Option<Arc<Transform>>,
    /// Further configurations of an automatic solver, for systems that this one does not solve.
    pub(super) ladder: Option<Ladder>,
    /// The solver of the further configuration that solved last.
    pub(super) answered: Mutex<Option<Arc<Self>>>,
    /// Refreshes since this solver of a further configuration was built.
    pub(super) refreshes: usize,
    /// The null vectors of A that are known, for solutions by sparse factors.
    pub(super) null_space: OnceLock<NullVectors>,
    /// Near-nullspace candidates of A, n × k.
    pub(super) candidates: Option<Arc<DenseMatrix>>,
    pub(super) cycle: Cycle,
    /// The levels in double precision, computed on request for a cycle in single precision.
    pub(super) widened: OnceLock<Hierarchy<Host<f64>>>,
    pub(super) setup: Setup,
    /// The smoothers by name; `None` for learned or external smoothers.
    pub(super) relaxation: Option<Relaxation>,
    pub(super) sweeps: (usize, usize),
    /// The Krylov method; `None` if it follows from symmetry.
    pub(super) krylov: Option<Krylov>,
    pub(super) symmetric_matrix: OnceLock<bool>,
    /// Description of smoothers without a name.
    pub(super) smoother: Option<String>,
    pub(super) factor: Option<f64>,
    pub(super) reasons: Vec<String>,
    pub(super) setup_seconds: f64,
    /// The products of the levels, planned on first use.
    pub(super) refresh: Option<Refresh>,
    #[cfg(feature = "cuda")]
    pub(super) device: Option<DeviceSystem>,
}

/// Evaluates an expression on the cycle in its precision.
macro_rules! in_precision {
    ($cycle:expr, $c:ident => $body:expr) => {
        match $cycle {
            $crate::multigrid::Cycle::Double($c) => $body,
            $crate::multigrid::Cycle::Single($c) => $body,
        }
    };
}
pub(super) use in_precision;

impl Solver {
    /// A solver of these parts, without a name for its smoothers.
    pub(super) fn of(a: Csr<f64>, cycle: Cycle, setup: Setup) -> Self {
        Self {
            a,
            transform: None,
            ladder: None,
            answered: Mutex::new(None),
            refreshes: 0,
            null_space: OnceLock::new(),
            candidates: None,
            cycle,
            widened: OnceLock::new(),
            setup,
            relaxation: None,
            sweeps: (1, 1),
            krylov: None,
            symmetric_matrix: OnceLock::new(),
            smoother: None,
            factor: None,
            reasons: Vec::new(),
            setup_seconds: 0.0,
            refresh: None,
            #[cfg(feature = "cuda")]
            device: None,
        }
    }

    /// A solver from an external hierarchy, for the matrix of its finest level. Every smoother counts as a sweep.
    ///
    /// # Errors
    /// A hierarchy that violates a rule (see [`Hierarchy::validate`]).
    pub fn from_hierarchy(hierarchy: Hierarchy<Host<f64>>, setup: impl Into<Setup>) -> Result<Self> {
        let a = match hierarchy.levels.first() {
            Some(level) => level.a.to_csr(),
            None => hierarchy.coarsest.matrix().clone(),
        };
        Self::around(a, hierarchy, setup.into())
    }

    fn around(a: Csr<f64>, hierarchy: Hierarchy<Host<f64>>, setup: Setup) -> Result<Self> {
        let sweeps = hierarchy.levels.first().map_or((1, 1), |level| (level.pre.len(), level.post.len()));
        let mut solver = Self::of(a, Cycle::Double(CyclePreconditioner::new(hierarchy)?), setup);
        solver.sweeps = sweeps;
        Ok(solver)
    }

    /// A solver with other values or smoothers from the same setup, for the finest matrix of `hierarchy`, in
    /// double precision.
    ///
    /// # Errors
    /// A hierarchy that violates a rule; a setup whose finest level is not the matrix itself.
    pub fn with_hierarchy(&self, hierarchy: Hierarchy<Host<f64>>) -> Result<Self> {
        self.check_finest()?;
        Ok(self.of_the_same_system(Self::from_hierarchy(hierarchy, self.setup.clone())?))
    }

    /// A solver for the transformed system of this one, as a solver for its matrix.
    pub(super) fn of_the_same_system(&self, mut solver: Self) -> Self {
        solver.candidates = self.candidates.clone();
        if self.transform.is_some() {
            (solver.a, solver.transform) = (self.a.clone(), self.transform.clone());
        }
        solver
    }

    /// Refuses a setup whose finest level is not the matrix itself.
    pub(crate) fn check_finest(&self) -> Result<()> {
        if !self.setup.approximates() {
            return Ok(());
        }
        Err(Error::unsuited(format!(
            "the levels of the setup {} are those of an approximation of the matrix, and cannot be trained or exported; use another setup",
            self.setup.name()
        )))
    }

    /// Whether the cycle was built for an equivalent system.
    pub(crate) fn is_transformed(&self) -> bool {
        self.transform.is_some()
    }

    /// The matrix for which the cycle was built.
    pub(super) fn operator(&self) -> &Csr<f64> {
        self.transform.as_ref().map_or(&self.a, |t| &t.matrix)
    }

    /// The same levels with the smoothers of another relaxation, `sweeps` before and after the coarse-grid
    /// correction, in double precision.
    ///
    /// # Errors
    /// As for [`Relaxation::smoothers`], with the level.
    pub fn with_relaxation(&self, relaxation: Relaxation, sweeps: (usize, usize)) -> Result<Self> {
        let mut hierarchy = self.hierarchy().clone();
        hierarchy.set_smoothers(relaxation, sweeps)?;
        let relaxation = Some(relaxation);
        let solver = Self::around(self.operator().clone(), hierarchy, self.setup.clone())?;
        Ok(Self { sweeps, relaxation, ..self.of_the_same_system(solver) })
    }

    /// The same solver with its hierarchy in single precision. This halves the memory traffic; the accuracy inside
    /// a Krylov method is unchanged.
    ///
    /// # Errors
    /// A value that overflows single precision.
    pub fn to_single_precision(&self) -> Result<Self> {
        let cycle = Cycle::Single(CyclePreconditioner::new(self.hierarchy().cast()?)?);
        Ok(Self {
            relaxation: self.relaxation,
            sweeps: self.sweeps,
            krylov: self.krylov,
            symmetric_matrix: self.symmetric_matrix.clone(),
            smoother: self.smoother.clone(),
            factor: self.factor,
            reasons: self.reasons.clone(),
            setup_seconds: self.setup_seconds,
            transform: self.transform.clone(),
            candidates: self.candidates.clone(),
            ..Self::of(self.a.clone(), cycle, self.setup.clone())
        })
    }

    /// The same solver with a description of its smoothers and a measured asymptotic factor, both stored in its
    /// file.
    #[must_use]
    pub fn described(mut self, smoother: impl Into<String>, factor: Option<f64>) -> Self {
        (self.smoother, self.factor) = (Some(smoother.into()), factor);
        self
    }

    /// The same solver with these reasons.
    pub(super) fn explained(mut self, reasons: Vec<String>, setup_seconds: f64) -> Self {
        (self.reasons, self.setup_seconds) = (reasons, setup_seconds);
        self
    }

    /// The matrix.
    pub fn matrix(&self) -> &Csr<f64> {
        &self.a
    }

    /// The fingerprint of the matrix.
    pub fn fingerprint(&self) -> Fingerprint {
        self.a.fingerprint()
    }

    /// The levels in double precision. For a solver in single precision they are converted on the first call and
    /// kept.
    pub fn hierarchy(&self) -> &Hierarchy<Host<f64>> {
        match &self.cycle {
            Cycle::Double(c) => c.hierarchy(),
            Cycle::Single(c) => self.widened.get_or_init(|| {
                let mut wide = c.hierarchy().widened();
                // The matrix itself is known exactly.
                if let Some(finest) = wide.levels.first_mut()
                    && self.operator().pattern().as_ref() == finest.a.pattern.as_ref()
                {
                    finest.a = self.operator().clone().into();
                }
                wide
            }),
        }
    }

    /// Becomes another solver of the same matrix, in the precision and on the device of this one.
    pub(crate) fn adopt(&mut self, other: Self) -> Result<()> {
        let mut new = if self.is_single_precision() { other.to_single_precision()? } else { other };
        #[cfg(feature = "cuda")]
        if let Some(device) = &self.device {
            new.device = Some(DeviceSystem::new(&device.cuda, new.operator())?.preconditioner(&new.cycle)?);
        }
        std::mem::swap(self, &mut new);
        Ok(())
    }

    /// The solver of the configuration that solved last, if an automatic solver had to leave its first one.
    pub(crate) fn answered(&self) -> Option<Arc<Self>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Becomes a faster solver of the same matrix, on the device of this one; the configuration of this one is the
    /// next to be tried where the other does not converge.
    pub(crate) fn replace(&mut self, mut new: Self) -> Result<()> {
        #[cfg(feature = "cuda")]
        if let Some(device) = &self.device {
            new.device = Some(DeviceSystem::new(&device.cuda, new.operator())?.preconditioner(&new.cycle)?);
        }
        if let Some(own) = self.configuration() {
            let (rest, candidates, symmetric) = match &self.ladder {
                Some(l) => (l.configurations.clone(), l.near_nullspace.clone(), l.symmetric),
                None => (Vec::new(), None, self.has_symmetric_matrix()),
            };
            let all = std::iter::once(own).chain(rest).collect();
            new.ladder = Some(Ladder::new(all, candidates, symmetric));
        }
        *self = new;
        Ok(())
    }

    /// The compiled cycle, in its precision.
    pub fn cycle(&self) -> &Cycle {
        &self.cycle
    }

    /// The setup of the hierarchy.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Sweeps before and after the coarse-grid correction.
    pub fn sweeps(&self) -> (usize, usize) {
        self.sweeps
    }

    /// The kind of cycle.
    pub fn kind(&self) -> CycleKind {
        in_precision!(&self.cycle, c => c.hierarchy().kind)
    }

    /// Whether the hierarchy is in single precision.
    pub fn is_single_precision(&self) -> bool {
        matches!(self.cycle, Cycle::Single(_))
    }

    /// Description of the smoothers.
    pub fn smoother(&self) -> String {
        match (&self.smoother, self.relaxation) {
            (Some(words), _) => words.clone(),
            (None, Some(relaxation)) => relaxation.to_string(),
            (None, None) => {
                let finest = self.hierarchy_smoother();
                finest.unwrap_or_else(|| "no smoother".into())
            }
        }
    }

    fn hierarchy_smoother(&self) -> Option<String> {
        in_precision!(&self.cycle, c => {
            let level = c.hierarchy().levels.first()?;
            level.pre.iter().chain(&level.post).next().map(ToString::to_string)
        })
    }

    /// The measured asymptotic convergence factor, if any.
    pub fn factor(&self) -> Option<f64> {
        self.factor
    }

    /// Setup, smoother, cycle, precision and Krylov method; `None` if the smoother has no name.
    pub fn configuration(&self) -> Option<Configuration> {
        Some(Configuration {
            setup: self.setup.clone(),
            relaxation: self.relaxation.filter(|_| self.smoother.is_none())?,
            sweeps: self.sweeps,
            cycle: self.kind(),
            single: self.is_single_precision(),
            krylov: self.krylov(),
        })
    }

    /// Setup, smoother, cycle, precision and method in one line.
    pub fn summary(&self) -> String {
        self.configuration().map_or_else(
            || {
                let precision = if self.is_single_precision() { "f32" } else { "f64" };
                format!("{} with {}, {precision}", self.setup, self.smoother())
            },
            |configuration| configuration.to_string(),
        )
    }

    /// Reasons for the choice of this solver, one sentence each; empty for an explicit configuration.
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// Seconds of the setup, of the last refresh, or of reading a saved solver.
    pub fn setup_seconds(&self) -> f64 {
        self.setup_seconds
    }

    /// Number of levels, including the coarsest.
    pub fn levels(&self) -> usize {
        in_precision!(&self.cycle, c => c.hierarchy().levels.len() + 1)
    }

    /// Nonzeros of the operators of all levels over those of the finest.
    pub fn operator_complexity(&self) -> f64 {
        in_precision!(&self.cycle, c => c.hierarchy().operator_complexity())
    }

    /// Rows of all levels over those of the finest.
    pub fn grid_complexity(&self) -> f64 {
        in_precision!(&self.cycle, c => c.hierarchy().grid_complexity())
    }

    /// Bytes of the hierarchy, with the factors of the direct solver, and of the workspace of a cycle. The size of
    /// supernodal factors is predicted by a symbolic analysis at each call.
    pub fn bytes(&self) -> usize {
        in_precision!(&self.cycle, c => c.bytes())
    }

    /// The subdomain of every row in the Schwarz method of the finest level; `None` without such a method.
    pub fn subdomains(&self) -> Option<&[u32]> {
        in_precision!(&self.cycle, c => subdomains(c.hierarchy()))
    }

    /// The Krylov method. FGMRES replaces CG if the matrix or the cycle is not symmetric.
    pub fn krylov(&self) -> Krylov {
        match self.krylov {
            Some(krylov) if krylov != Krylov::Cg => krylov,
            _ if self.has_symmetric_matrix() && (self.cycle.is_symmetric() || !self.kind().is_linear()) => {
                Krylov::Cg
            }
            _ => Krylov::Fgmres,
        }
    }

    /// Whether incomplete factors on the finest level have a negative pivot.
    pub(super) fn has_negative_pivots(&self) -> bool {
        in_precision!(&self.cycle, c => {
            let finest = c.hierarchy().levels.first();
            finest.is_some_and(|level| level.pre.iter().chain(&level.post).any(Smoother::has_negative_pivot))
        })
    }

    /// Whether the matrix is symmetric, tested on the first call.
    pub(super) fn has_symmetric_matrix(&self) -> bool {
        *self.symmetric_matrix.get_or_init(|| self.operator().is_symmetric())
    }
}

fn subdomains<L: Leaves>(hierarchy: &Hierarchy<L>) -> Option<&[u32]> {
    let finest = hierarchy.levels.first()?;
    finest.pre.iter().chain(&finest.post).find_map(|smoother| match smoother {
        Smoother::Schwarz { subdomains, .. } => Some(subdomains.part()),
        _ => None,
    })
}

/// Setup, smoother and precision, the reasons, and the table of levels.
impl fmt::Display for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary())?;
        for reason in &self.reasons {
            writeln!(f, "  · {reason}")?;
        }
        in_precision!(&self.cycle, c => c.hierarchy().fmt(f))
    }
}

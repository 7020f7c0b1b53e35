//! Builder of a solver, and setups suited to a matrix.

use std::sync::Arc;
use std::time::Instant;

use super::configuration::Configuration;
use super::ladder::{COSTLY, direct_budget};
use super::threads;
use super::transform::Transform;
use super::value::Solver;
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::krylov::Krylov;
use crate::multigrid::{Cycle, CycleKind, CyclePreconditioner, Hierarchy, Relaxation, Setup};
use crate::setup::classical::Classical;
use crate::setup::{Coarsening, SpectralRadius, Variant};
use crate::sparse::{Csr, DenseMatrix};

/// Builder of a [`Solver`]: setup, smoother, cycle, precision, Krylov method.
#[derive(Debug, Clone)]
pub struct Builder {
    configuration: Configuration,
    /// Whether the Krylov method follows from the symmetry of matrix and cycle.
    automatic_krylov: bool,
    near_nullspace: Option<DenseMatrix>,
    /// Whether the matrix is symmetric, if known.
    symmetric: Option<bool>,
    /// Whether a large matrix without a coarse level is an error.
    refuses_factors: bool,
}

impl From<Configuration> for Builder {
    fn from(configuration: Configuration) -> Self {
        let (near_nullspace, symmetric) = (None, None);
        Self { configuration, automatic_krylov: false, near_nullspace, symmetric, refuses_factors: false }
    }
}

impl Solver {
    /// Builder of a solver by smoothed aggregation. The default suits symmetric matrices; [`Builder::suited_to`]
    /// adapts it to a matrix.
    pub fn smoothed_aggregation() -> Builder {
        Self::builder(Coarsening::default())
    }

    /// Builder of a solver by classical coarsening. The default suits symmetric matrices.
    pub fn classical() -> Builder {
        Self::builder(Classical::default())
    }

    /// Builder of a solver with any setup. Default: Gauss–Seidel, V(1,1), double precision, and CG or FGMRES by
    /// symmetry.
    pub fn builder(setup: impl Into<Setup>) -> Builder {
        let mut builder =
            Builder::from(Configuration::new(setup, Relaxation::GaussSeidel, Krylov::Fgmres).double());
        builder.configuration.sweeps = (1, 1);
        builder.automatic_krylov = true;
        builder
    }

    /// A solver by this builder for the system for which this one was built.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub(crate) fn rebuilt(&self, builder: &Builder) -> Result<Self> {
        let mut solver = builder.build_within(&self.a, self.transform.as_ref())?;
        solver.candidates = self.candidates.clone();
        Ok(solver)
    }
}

impl Builder {
    /// The variant of aggregation. The other parameters are kept.
    #[must_use]
    pub fn variant(mut self, variant: Variant) -> Self {
        self.configuration.setup = match self.configuration.setup {
            Setup::Aggregation(c) => Coarsening { variant, ..c }.into(),
            _ => variant.into(),
        };
        self
    }

    /// The setup with all its parameters.
    #[must_use]
    pub fn setup(mut self, setup: impl Into<Setup>) -> Self {
        self.configuration.setup = setup.into();
        self
    }

    /// All parameters of coarsening by aggregation.
    #[must_use]
    pub fn coarsening(self, coarsening: Coarsening) -> Self {
        self.setup(coarsening)
    }

    /// The variant of aggregation for the symmetry and the signs of `a`, with parameters that suit training.
    #[must_use]
    pub fn suited_to(self, a: &Csr<f64>) -> Self {
        let max_coarse = self.configuration.setup.max_coarse();
        self.setup(Coarsening { max_coarse, ..training_setup(suited_variant(a)) })
    }

    /// Near-nullspace candidates, n × k, such as rigid-body modes. Default: constants.
    #[must_use]
    pub fn near_nullspace(mut self, candidates: impl Into<Option<DenseMatrix>>) -> Self {
        self.near_nullspace = candidates.into();
        self
    }

    /// The smoother of every level. Default: Gauss–Seidel.
    #[must_use]
    pub fn relaxation(mut self, relaxation: Relaxation) -> Self {
        self.configuration.relaxation = relaxation;
        self
    }

    /// Sweeps before and after the coarse-grid correction. Default: (1, 1).
    #[must_use]
    pub fn sweeps(mut self, pre: usize, post: usize) -> Self {
        self.configuration.sweeps = (pre, post);
        self
    }

    /// The kind of cycle. Default: V.
    #[must_use]
    pub fn cycle(mut self, kind: CycleKind) -> Self {
        self.configuration.cycle = kind;
        self
    }

    /// Holds the hierarchy in single precision. This halves the memory traffic; the accuracy inside a Krylov
    /// method is unchanged, because the Krylov method works in double precision. Default: double precision.
    #[must_use]
    pub fn single_precision(mut self) -> Self {
        self.configuration.single = true;
        self
    }

    /// The Krylov method. Default: CG if matrix and cycle are symmetric, otherwise FGMRES.
    #[must_use]
    pub fn krylov(mut self, krylov: Krylov) -> Self {
        (self.configuration.krylov, self.automatic_krylov) = (krylov, false);
        self
    }

    /// Declares whether the matrix is symmetric. Default: tested on the matrix.
    #[must_use]
    pub(super) fn known_symmetry(mut self, symmetric: bool) -> Self {
        self.symmetric = Some(symmetric);
        self
    }

    /// Refuses a setup that finds no coarse level and would factorise a large matrix: another configuration may take less.
    #[must_use]
    pub(super) fn refusing_factors(mut self, yes: bool) -> Self {
        self.refuses_factors = yes;
        self
    }

    /// Builds the solver.
    ///
    /// # Errors
    /// A matrix that is not square, has a zero row or a zero on its diagonal; candidates of the wrong length; a
    /// coarsest level that is singular and large; an error of the smoother on a level; a value that overflows
    /// single precision.
    pub fn build(&self, a: &Csr<f64>) -> Result<Solver> {
        self.build_within(a, None)
    }

    /// Builds the solver for A from this equivalent system, if there is one. Candidates are those of the latter.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub(super) fn build_within(&self, a: &Csr<f64>, system: Option<&Arc<Transform>>) -> Result<Solver> {
        check(a)?;
        threads::for_loops(a.nnz(), || {
            let clock = Instant::now();
            let pivoted = match self.configuration.setup {
                Setup::Pivoted => Transform::pivoted(system, a, self.configuration.relaxation.thresholds())?,
                _ => system.cloned(),
            };
            let reordered = pivoted.as_ref().map(Arc::as_ptr) != system.map(Arc::as_ptr);
            let symmetric = if reordered { Some(false) } else { self.symmetric };
            let mut solver = self.build_levels(pivoted.as_ref().map_or(a, |t| &t.matrix), symmetric)?;
            if pivoted.is_some() {
                (solver.a, solver.transform) = (a.clone(), pivoted);
            }
            solver.setup_seconds = clock.elapsed().as_secs_f64();
            Ok(solver)
        })
    }

    fn build_levels(&self, a: &Csr<f64>, symmetric: Option<bool>) -> Result<Solver> {
        let c = &self.configuration;
        // Before the levels are rounded: their values repeat where those of A do.
        a.find_runs();
        let hierarchy = self.build_hierarchy(a)?;
        let cycle_symmetry = symmetric.map(|symmetric| {
            symmetric && c.cycle.is_linear() && c.setup.keeps_symmetry() && hierarchy.sweeps_mirror()
        });
        let cycle = if c.single {
            Cycle::Single(CyclePreconditioner::trusted(hierarchy.into_precision()?, cycle_symmetry)?)
        } else {
            Cycle::Double(CyclePreconditioner::trusted(hierarchy, cycle_symmetry)?)
        };
        let mut solver = Solver::of(a.clone(), cycle, c.setup.clone());
        solver.relaxation = Some(c.relaxation);
        solver.sweeps = c.sweeps;
        solver.candidates = self.near_nullspace.clone().map(Arc::new);
        solver.krylov = (!self.automatic_krylov).then_some(c.krylov);
        if let Some(symmetric) = symmetric {
            solver.symmetric_matrix = symmetric.into();
        }
        Ok(solver)
    }

    /// The levels with their smoothers.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_hierarchy(&self, a: &Csr<f64>) -> Result<Hierarchy<Host<f64>>> {
        let c = &self.configuration;
        let nullspace = self.near_nullspace.as_ref();
        let is_costly = |a: &Csr<f64>| self.refuses_factors && direct_budget(a, false) > COSTLY;
        let mut hierarchy = Hierarchy::without_smoothers(a, &c.setup, (nullspace, c.cycle), &is_costly)?;
        hierarchy.set_smoothers(c.relaxation, c.sweeps)?;
        Ok(hierarchy)
    }
}

/// `sa` for a symmetric matrix. For other matrices, `san` if no off-diagonal entry is positive (an upwind matrix),
/// and `sasym` otherwise (finite elements with convection).
pub fn suited_variant(a: &Csr<f64>) -> Variant {
    if a.is_symmetric() {
        return Variant::Symmetric;
    }
    let largest = a.values().iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let positive = (0..a.rows()).any(|i| a.row(i).any(|(j, v)| j != i && v > 1e-10 * largest));
    if positive { Variant::SymmetricPart } else { Variant::EnergyMinimised }
}

/// The candidate setups for training: `ruge-stueben`, and the aggregation suited to the matrix. The former has the
/// more expensive cycle and reaches the better factor in fewer steps.
pub fn training_setups(a: &Csr<f64>) -> Vec<Setup> {
    vec![Classical::ruge_stueben().into(), training_setup(suited_variant(a)).into()]
}

/// The parameters of a variant with the best training results in measurements: aggregates along the strong
/// direction for symmetric matrices, large aggregates for others.
pub fn training_setup(variant: Variant) -> Coarsening {
    Coarsening {
        variant,
        theta: if variant == Variant::Symmetric { 0.1 } else { 0.0 },
        candidate_sweeps: Some(4),
        jacobi_radius: SpectralRadius::Arnoldi,
        ..Coarsening::default()
    }
}

/// Checks that the matrix is square, as every solver requires.
pub(super) fn check(a: &Csr<f64>) -> Result<()> {
    if a.rows() == 0 && a.cols() == 0 {
        return Err(Error::dimension("the matrix has no rows; a solver needs at least one"));
    }
    if a.rows() == a.cols() {
        return Ok(());
    }
    Err(Error::dimension(format!("the matrix is {} × {}; a solver needs a square one", a.rows(), a.cols())))
}

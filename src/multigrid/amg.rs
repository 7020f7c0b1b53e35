//! From a matrix to a solver in one expression.

use std::sync::Arc;

use ndarray::Array2;

use super::cycle::CycleKind;
use super::hierarchy::{Hierarchy, Level};
use super::preconditioner::CyclePreconditioner;
use super::relaxation::Relaxation;
use super::setup::Setup;
use crate::backend::Direct;
use crate::engine::Host;
use crate::error::{Error, Result};
use crate::operator::Preconditioner;
use crate::setup::classical::Classical;
use crate::setup::{Coarsening, Grids, SpectralRadius, Variant};
use crate::sparse::{Csr, Fingerprint};

/// An algebraic multigrid solver: a hierarchy with its smoothers, compiled.
///
/// It is a [`Preconditioner`]; printing it shows the table of levels.
///
/// ```
/// use multigrad::{gallery, krylov::Cg, multigrid::Amg};
/// let problem = gallery::poisson_2d(32, 32)?;
/// let amg = Amg::smoothed_aggregation().build(&problem.matrix)?;
/// let out = Cg::new().rtol(1e-8).preconditioner(&amg).solve(&problem.matrix, &problem.rhs)?;
/// assert!(out.converged() && out.iterations <= 15);
/// println!("{amg}");
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Amg {
    cycle: CyclePreconditioner<f64>,
    setup: Setup,
    sweeps: (usize, usize),
    fingerprint: Fingerprint,
}

impl Amg {
    /// Smoothed aggregation; the builder's default suits symmetric matrices, and
    /// [`AmgBuilder::suited_to`] looks at the matrix.
    pub fn smoothed_aggregation() -> AmgBuilder {
        Self::builder(Coarsening::default())
    }

    /// Classical coarsening; the builder's default suits symmetric matrices.
    pub fn classical() -> AmgBuilder {
        Self::builder(Classical::default())
    }

    /// Any setup.
    pub fn builder(setup: impl Into<Setup>) -> AmgBuilder {
        AmgBuilder {
            setup: setup.into(),
            relaxation: Relaxation::GaussSeidel,
            sweeps: (1, 1),
            kind: CycleKind::V,
            near_nullspace: None,
        }
    }

    /// A solver from a hierarchy made elsewhere, for the matrix of its finest level, where every
    /// smoother counts as a sweep.
    ///
    /// # Errors
    /// A hierarchy that breaks a rule (see [`Hierarchy::validate`]).
    pub fn from_hierarchy(hierarchy: Hierarchy<Host<f64>>, setup: impl Into<Setup>) -> Result<Self> {
        let fingerprint = match hierarchy.levels.first() {
            Some(level) => level.a.to_csr().fingerprint(),
            None => hierarchy.coarsest.matrix().fingerprint(),
        };
        let sweeps = hierarchy.levels.first().map_or((1, 1), |level| (level.pre.len(), level.post.len()));
        Ok(Self { cycle: CyclePreconditioner::new(hierarchy)?, setup: setup.into(), sweeps, fingerprint })
    }

    /// The levels.
    pub fn hierarchy(&self) -> &Hierarchy<Host<f64>> {
        self.cycle.hierarchy()
    }

    /// The compiled cycle.
    pub fn cycle(&self) -> &CyclePreconditioner<f64> {
        &self.cycle
    }

    /// How the hierarchy was built.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// Sweeps before and after the coarse-grid correction.
    pub fn sweeps(&self) -> (usize, usize) {
        self.sweeps
    }

    /// The matrix that it was built for.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The same hierarchy with the smoothers of another relaxation, `sweeps` before and after
    /// the coarse-grid correction.
    ///
    /// # Errors
    /// As for [`Relaxation::smoothers`], with the level named.
    pub fn with_relaxation(&self, relaxation: Relaxation, sweeps: (usize, usize)) -> Result<Self> {
        let mut hierarchy = self.hierarchy().clone();
        set_smoothers(&mut hierarchy, relaxation, sweeps)?;
        Ok(Self { sweeps, ..self.with_hierarchy(hierarchy)? })
    }

    /// A hierarchy with other values or smoothers, as of the same setup. Its fingerprint is
    /// that of its own finest matrix.
    ///
    /// # Errors
    /// A hierarchy that breaks a rule.
    pub fn with_hierarchy(&self, hierarchy: Hierarchy<Host<f64>>) -> Result<Self> {
        Self::from_hierarchy(hierarchy, self.setup.clone())
    }
}

impl std::fmt::Display for Amg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", self.setup)?;
        self.hierarchy().fmt(f)
    }
}

impl Preconditioner for Amg {
    fn rows(&self) -> usize {
        self.cycle.rows()
    }

    fn is_symmetric(&self) -> bool {
        self.cycle.is_symmetric()
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.cycle.apply(r, z)
    }

    fn apply_dot(&self, r: &[f64], norm: f64, z: &mut [f64]) -> Result<Option<f64>> {
        self.cycle.apply_dot(r, norm, z)
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.cycle.apply_transposed(r, z)
    }
}

/// A coarsest level beyond this is factorised only where `max_coarse` asks for it.
const LARGE_COARSEST: usize = 50_000;

/// What an [`Amg`] will be.
#[derive(Debug, Clone)]
pub struct AmgBuilder {
    setup: Setup,
    relaxation: Relaxation,
    sweeps: (usize, usize),
    kind: CycleKind,
    near_nullspace: Option<Array2<f64>>,
}

impl AmgBuilder {
    /// Which hierarchy of aggregates; other parameters are kept if it was one already.
    #[must_use]
    pub fn variant(mut self, variant: Variant) -> Self {
        self.setup = match self.setup {
            Setup::Aggregation(c) => Coarsening { variant, ..c }.into(),
            _ => variant.into(),
        };
        self
    }

    /// The setup with all its parameters.
    #[must_use]
    pub fn setup(mut self, setup: impl Into<Setup>) -> Self {
        self.setup = setup.into();
        self
    }

    /// All parameters of coarsening by aggregation at once.
    #[must_use]
    pub fn coarsening(self, coarsening: Coarsening) -> Self {
        self.setup(coarsening)
    }

    /// The variant that suits the symmetry and signs of `a` (see [`suited_variant`]), with the
    /// parameters that suit training ([`training_setup`]).
    #[must_use]
    pub fn suited_to(self, a: &Csr<f64>) -> Self {
        let max_coarse = self.setup.max_coarse();
        self.setup(Coarsening { max_coarse, ..training_setup(suited_variant(a)) })
    }

    /// Near-nullspace candidates, n × k; constants without them.
    #[must_use]
    pub fn near_nullspace(mut self, candidates: Array2<f64>) -> Self {
        self.near_nullspace = Some(candidates);
        self
    }

    /// The smoother of every level; Gauss–Seidel by default.
    #[must_use]
    pub fn relaxation(mut self, relaxation: Relaxation) -> Self {
        self.relaxation = relaxation;
        self
    }

    /// Sweeps before and after the coarse-grid correction, (1, 1) by default.
    #[must_use]
    pub fn sweeps(mut self, pre: usize, post: usize) -> Self {
        self.sweeps = (pre, post);
        self
    }

    /// How often a cycle visits the coarser levels, once (V) by default.
    #[must_use]
    pub fn cycle(mut self, kind: CycleKind) -> Self {
        self.kind = kind;
        self
    }

    /// Builds the hierarchy.
    ///
    /// # Errors
    /// A matrix that is not square, has a zero row or a zero on its diagonal; candidates of
    /// the wrong length; a coarsest level that is singular and large.
    pub fn build(&self, a: &Csr<f64>) -> Result<Amg> {
        let hierarchy = self.build_hierarchy(a)?;
        let fingerprint = a.fingerprint();
        let cycle = CyclePreconditioner::trusted(hierarchy, None)?;
        Ok(Amg { cycle, setup: self.setup.clone(), sweeps: self.sweeps, fingerprint })
    }

    /// The levels with their smoothers, to be cast to another precision or compiled.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_hierarchy(&self, a: &Csr<f64>) -> Result<Hierarchy<Host<f64>>> {
        let grids = self.setup.coarsen(a, self.near_nullspace.as_ref())?;
        let (rows, nnz) = (grids.coarsest.rows(), grids.coarsest.nnz());
        if rows > self.setup.max_coarse().max(LARGE_COARSEST) && nnz > 3 * rows {
            return Err(Error::unsuited(format!(
                "coarsening stopped at {rows} unknowns, too many to solve directly; lower the strength threshold theta or raise max_coarse to do it all the same"
            )));
        }
        let mut hierarchy = assemble(grids, self.kind)?;
        set_smoothers(&mut hierarchy, self.relaxation, self.sweeps)?;
        Ok(hierarchy)
    }
}

/// `sa` for a symmetric matrix; for others `san` if no off-diagonal entry is positive (an
/// upwind matrix), `sasym` if some are (finite elements with convection).
pub fn suited_variant(a: &Csr<f64>) -> Variant {
    if a.is_symmetric() {
        return Variant::Symmetric;
    }
    let largest = a.values().iter().fold(0.0f64, |m, v| m.max(v.abs()));
    let positive = (0..a.rows()).any(|i| a.row(i).any(|(j, v)| j != i && v > 1e-10 * largest));
    if positive { Variant::SymmetricPart } else { Variant::EnergyMinimised }
}

/// The setups worth a trial before training: `ruge-stueben`, and the aggregation that suits the matrix.
/// The first has the costlier cycle and learns to the better factor in fewer steps.
pub fn training_setups(a: &Csr<f64>) -> Vec<Setup> {
    vec![Classical::ruge_stueben().into(), training_setup(suited_variant(a)).into()]
}

/// The parameters of a variant with which learning has been found to work best: for symmetric
/// matrices aggregates that follow the strong direction, for others large ones.
pub fn training_setup(variant: Variant) -> Coarsening {
    Coarsening {
        variant,
        theta: if variant == Variant::Symmetric { 0.1 } else { 0.0 },
        candidate_sweeps: Some(4),
        jacobi_radius: SpectralRadius::Arnoldi,
        ..Coarsening::default()
    }
}

fn assemble(grids: Grids, kind: CycleKind) -> Result<Hierarchy<Host<f64>>> {
    let coarsest = Direct::new(&grids.coarsest)?;
    let levels = grids.transfers.into_iter().map(|t| Level {
        a: t.a.into(),
        prolongation: t.prolongation.into(),
        restriction: t.restriction.into(),
        pre: Vec::new(),
        post: Vec::new(),
    });
    Ok(Hierarchy {
        levels: levels.collect(),
        coarsest_rows: grids.coarsest.rows(),
        coarsest: Arc::new(coarsest),
        kind,
    })
}

fn set_smoothers(h: &mut Hierarchy<Host<f64>>, relaxation: Relaxation, sweeps: (usize, usize)) -> Result<()> {
    let rows = h.rows();
    for (depth, level) in h.levels.iter_mut().enumerate() {
        let a = level.a.to_csr();
        let relaxation = if depth == 0 { relaxation } else { relaxation.below(rows) };
        let smoothers = relaxation.smoothers(&a, sweeps.0, sweeps.1);
        (level.pre, level.post) = smoothers.map_err(|e| e.at(format!("level {depth}")))?;
    }
    Ok(())
}

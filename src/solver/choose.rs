//! Rules for the automatic choice of a configuration.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::builder::{Builder, check};
use super::configuration::Configuration;
use super::equations::Equations;
use super::ladder::{Ladder, check_factors, is_expensive};
use super::one_level::OneLevel;
use super::properties::MatrixProperties;
use super::saddle::Saddle;
use super::threads;
use super::transform::Transform;
use super::value::Solver;
use super::weakened::Weakened;
use crate::error::{Error, Result};
use crate::krylov::Krylov;
use crate::limits;
use crate::multigrid::{CycleKind, Relaxation, Setup};
use crate::setup::classical::Classical;
use crate::setup::{Aggregates, Coarsening, Smoothing, Variant, check_candidates};
use crate::sparse::{Csr, DenseMatrix};

/// Largest nonsymmetric matrix that is solved without coarser levels. For a flow problem with 4096 rows, one level
/// took about half the time of a hierarchy; with 16 384 rows it took more (`cargo bench --bench solve`).
const ONE_LEVEL_ROWS: usize = 8000;

/// Largest numbers of rows of a nonsymmetric matrix, with the least mean number of entries per row, for which full factors
/// come first: the setup of ILU(2) takes about as long there as full factors with their solve (1.9 and 1.3 ms with 780 rows of
/// 10 entries, 6 and 7 ms with 1600 rows of 28).
const FULL: [(usize, f64); 2] = [(1000, 9.0), (3000, 20.0)];

/// Largest ratio of off-diagonal sum to diagonal of a system that needs no coarser levels: Jacobi relaxation
/// contracts by this factor.
const DOMINANT: f64 = 0.75;

/// Largest matrix that gets full factors because constants show that it is indefinite: beyond, a hierarchy may be faster if few
/// eigenvalues have the other sign.
const INDEFINITE_ROWS: usize = 20_000;

/// Number of iterations on one level for one with a hierarchy from which that takes less time.
const FEWER: f64 = 3.5;

/// Configurations in order of preference, with reasons.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The first configuration that can be built is used.
    pub configurations: Vec<Configuration>,
    /// Reasons, one sentence each.
    pub reasons: Vec<String>,
    symmetric: bool,
    /// Whether a solver goes on with the next configuration where one does not converge.
    automatic: bool,
    /// Iterations of the first configuration after which the next one follows.
    patience: Option<usize>,
    transform: Option<Arc<Transform>>,
}

impl Choice {
    /// Explicitly requested configurations, for a matrix with these properties.
    pub fn asked_for(configurations: Vec<Configuration>, properties: &MatrixProperties) -> Self {
        Self {
            configurations,
            reasons: Vec::new(),
            symmetric: properties.is_symmetric(),
            automatic: false,
            patience: None,
            transform: None,
        }
    }

    /// Configurations suited to a square matrix, with or without near-nullspace candidates. Rows that determine their
    /// unknown are eliminated, and rows of very different size are scaled. Short runs on small parts
    /// of the matrix decide whether a method on one level or weakened incomplete factors come first.
    pub fn of(a: &Csr<f64>, has_candidates: bool) -> Self {
        Self::consulting(a, has_candidates, true)
    }

    /// As [`of`](Self::of), by properties alone: no patches are measured.
    pub fn by_properties(a: &Csr<f64>, has_candidates: bool) -> Self {
        Self::consulting(a, has_candidates, false)
    }

    fn consulting(a: &Csr<f64>, has_candidates: bool, patches: bool) -> Self {
        let mut transform = Transform::of(a);
        let mut properties = MatrixProperties::of(transform.as_ref().map_or(a, |t| &t.matrix));
        let own = transform.as_ref().map_or(a, |t| &t.matrix);
        let saddle = if has_candidates { None } else { Saddle::of(own, &properties) };
        if saddle.is_none()
            && !has_candidates
            && Equations::are_misplaced(own, &properties)
            && let Some(equations) = Equations::with_large_diagonal(a)
        {
            let found = Transform::with_equations(a, &equations);
            properties = MatrixProperties::of(&found.matrix);
            transform = Some(found);
        }
        let mut choice = Self::suited(&properties, has_candidates);
        if let Some(found) = saddle {
            choice.prefer_levels_of_saddle_point(found);
        }
        if transform.as_ref().and_then(Transform::equations).is_some_and(|e| e.scaling().is_some()) {
            choice.prefer_factors();
        }
        // Sparse factors have an order of their own.
        let iterates = choice.configurations.first().is_some_and(|c| c.setup != Setup::Direct);
        let transform = if iterates { Transform::ordered(transform, a) } else { transform }.map(Arc::new);
        let own = transform.as_ref().map_or(a, |t| &t.matrix);
        if patches && !has_candidates {
            choice.consult(own, &properties);
        }
        if let Some(transform) = &transform {
            choice.reasons.splice(0..0, transform.reasons.iter().cloned());
        }
        choice.transform = transform;
        choice
    }

    /// Configurations suited to a matrix with these properties, with or without near-nullspace candidates.
    pub fn suited(properties: &MatrixProperties, has_candidates: bool) -> Self {
        let mut choice = Self { automatic: true, ..Self::asked_for(Vec::new(), properties) };
        if properties.is_symmetric() {
            choice.symmetric_matrix(properties, has_candidates);
        } else {
            choice.nonsymmetric_matrix(properties, has_candidates);
        }
        choice
    }

    /// Adds a block triangular hierarchy for a saddle-point matrix, before or after sparse factors.
    fn prefer_levels_of_saddle_point(&mut self, found: Saddle) {
        let [first, second] = found.configurations;
        self.configurations.insert(usize::from(found.direct_first || found.second), first);
        if found.second {
            return;
        }
        self.configurations.insert(2, second);
        if !found.direct_first {
            // The other reasons are those of sparse factors.
            self.reasons.clear();
        }
        self.because(found.reason);
        if found.direct_first {
            self.because("its graph is planar: sparse factors take less time");
        }
    }

    /// Puts sparse factors first.
    fn prefer_factors(&mut self) {
        let direct = Configuration::direct();
        self.configurations.retain(|c| *c != direct);
        self.configurations.insert(0, direct);
        self.because("rows and columns scaled to ones on the diagonal, as circuits need: sparse factors where they fit");
    }

    /// Puts a method on one level or weakened incomplete factors before a hierarchy, where parts of the matrix say so.
    fn consult(&mut self, a: &Csr<f64>, properties: &MatrixProperties) {
        let Some(present) = self.configurations.first() else { return };
        if matches!(present.setup, Setup::OneLevel | Setup::Direct | Setup::SaddlePoint(_)) {
            return;
        }
        if let Some(found) = OneLevel::of(a, properties) {
            // The other reasons are those of the hierarchy.
            self.reasons.truncate(1);
            self.patience = found.patience;
            if found.then_direct {
                self.configurations.retain(|c| c.setup != Setup::Direct);
                self.configurations.insert(0, Configuration::direct());
            }
            self.configurations.insert(0, found.configuration);
            self.because(found.reason);
        } else if let Some(found) = Weakened::of(a, properties, present) {
            self.configurations.splice(0..0, found.configurations);
            self.patience = Some(found.patience);
            self.because(found.reason);
        }
    }

    fn because(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    fn symmetric_matrix(&mut self, p: &MatrixProperties, has_candidates: bool) {
        let smoothed = Coarsening { theta: strength_threshold(p), ..Coarsening::default() };
        let last_resort = Configuration::new(smoothed.clone(), Relaxation::GaussSeidel, Krylov::Fgmres);
        let opposite = p.rows <= INDEFINITE_ROWS && p.has_negative_curvature();
        if p.is_indefinite() || opposite {
            let sign = if opposite {
                "1ᵀ A 1 of the sign opposite to the diagonal"
            } else {
                "zeros or both signs on the diagonal"
            };
            self.because(format!(
                "symmetric, with {sign}, so indefinite: a sparse factorisation where it fits"
            ));
            self.configurations =
                vec![Configuration::direct(), one_level_ilut(), last_resort.double(), one_level_l1()];
            return;
        }
        if p.weakest_dominance <= DOMINANT {
            self.because(format!(
                "symmetric and strictly dominant (off-diagonal sums at most {:.2} of the diagonal): one level",
                p.weakest_dominance
            ));
            let sweep = Configuration::new(Setup::OneLevel, Relaxation::SymmetricGaussSeidel, Krylov::Cg);
            self.configurations = vec![sweep, last_resort.double(), Configuration::direct()];
            return;
        }
        self.because("symmetric: CG with a symmetric cycle, held in single precision");
        if p.has_hubs() {
            self.because(format!(
                "rows of up to {} entries, {:.0} on average: a graph with hubs, so pairs of vertices are aggregated",
                p.longest_row,
                p.mean_row()
            ));
            let pairs = Coarsening {
                aggregates: Aggregates::Pairwise,
                smoothing: Some(Smoothing::None),
                ..Coarsening::default()
            };
            let configuration = Configuration::new(pairs, Relaxation::GaussSeidel, Krylov::Cg);
            self.configurations = vec![configuration.cycle(CycleKind::K)];
        } else {
            let relaxation = if p.block_size > 1 {
                self.because(format!(
                    "{} unknowns per node: aggregates of nodes{}",
                    p.block_size,
                    if has_candidates {
                        ""
                    } else {
                        "; near-nullspace candidates (rigid-body modes) would help"
                    }
                ));
                Relaxation::GaussSeidel
            } else {
                self.because(
                    "one unknown per node: smoothed aggregation, the cheapest setup for its convergence",
                );
                if p.wrong_sign < 1e-3 {
                    self.because("no positive off-diagonal entries: SPAI-0, whose sweeps run in parallel");
                    Relaxation::Spai0
                } else {
                    Relaxation::GaussSeidel
                }
            };
            self.configurations = vec![Configuration::new(smoothed, relaxation, Krylov::Cg)];
        }
        let double = self.configurations.first().cloned().map(Configuration::double);
        self.configurations.push(Configuration::direct());
        self.configurations.extend(double);
        self.configurations.extend([last_resort.double(), one_level_ilut(), one_level_l1()]);
    }

    fn nonsymmetric_matrix(&mut self, p: &MatrixProperties, has_candidates: bool) {
        self.because(format!(
            "nonsymmetric (‖A − Aᵀ‖/‖A‖ = {:.1e}): BiCGStab with incomplete factors, which follow the flow",
            p.asymmetry
        ));
        if p.zero_diagonals > 0 {
            self.because("zeros on the diagonal, where relaxation divides by zero: sparse LU with pivoting");
            self.configurations.extend([Configuration::direct(), one_level_ilut()]);
            return;
        }
        if p.weakest_dominance <= DOMINANT {
            self.because("strictly dominant: one level");
            // A long row makes factors dense or slow.
            let relaxation = if p.has_hubs() { Relaxation::GaussSeidel } else { Relaxation::Ilu0(1.0) };
            self.configurations.push(Configuration::new(Setup::OneLevel, relaxation, Krylov::BiCgStab));
        } else if FULL.iter().any(|&(rows, entries)| p.rows <= rows && p.mean_row() > entries) {
            self.because(format!(
                "{} unknowns with {:.0} entries per row, where incomplete factors cost as much as full ones",
                p.rows,
                p.mean_row()
            ));
            self.configurations.push(Configuration::direct());
        } else if p.rows <= ONE_LEVEL_ROWS {
            self.because(format!("{} unknowns: factors with fill are faster than a hierarchy", p.rows));
            let factors = Relaxation::Ilu { level: 2, damping: Some(1.0), tau: 0.0 };
            self.configurations.push(Configuration::new(Setup::OneLevel, factors, Krylov::BiCgStab));
        }
        let setup = Coarsening::from(Variant::SymmetricPart);
        let levels = Configuration::new(setup.clone(), Relaxation::Ilu0(1.0), Krylov::BiCgStab);
        if self.configurations.is_empty() && p.has_hubs() {
            self.because("a graph with hubs, whose factors fill: Gauss–Seidel");
            let sweeps = Configuration::new(Coarsening::default(), Relaxation::GaussSeidel, Krylov::BiCgStab);
            let one_level = Configuration::new(Setup::OneLevel, Relaxation::GaussSeidel, Krylov::BiCgStab);
            self.configurations.extend([sweeps, one_level.double()]);
        }
        if self.configurations.is_empty() {
            self.configurations.push(levels.clone());
        }
        let jacobi = Configuration::new(setup.clone(), Relaxation::Spai0, Krylov::BiCgStab).double();
        if p.rows > ONE_LEVEL_ROWS {
            self.configurations.push(jacobi.clone());
        }
        if self.configurations.first().is_none_or(|c| c.setup != Setup::Direct) {
            self.configurations.push(Configuration::direct());
        }
        self.configurations.extend([
            levels.double(),
            jacobi,
            Configuration::new(setup, Relaxation::GaussSeidel, Krylov::Fgmres).double(),
            one_level_ilut(),
        ]);
        if !has_candidates {
            self.configurations
                .push(Configuration::new(Classical::air(), Relaxation::GaussSeidel, Krylov::Fgmres).double());
        }
    }

    /// The solver of the first configuration that can be built.
    ///
    /// # Errors
    /// The error of the first configuration, if none can be built.
    pub fn build(&self, a: &Csr<f64>, near_nullspace: Option<&DenseMatrix>) -> Result<Solver> {
        check(a)?;
        if let Some(b) = near_nullspace {
            check_candidates(b, a.rows())?;
        }
        let clock = Instant::now();
        let (user, transform) = (a, self.transform.as_ref());
        let a = transform.map_or(a, |t| &t.matrix);
        let own_candidates = near_nullspace;
        let near_nullspace = near_nullspace.map(|b| transform.map_or_else(|| b.clone(), |t| t.candidates(b)));
        let mut reasons = self.reasons.clone();
        let mut failure = None;
        let mut rest: VecDeque<_> = self.configurations.iter().cloned().collect();
        let mut number = 0;
        while let Some(configuration) = rest.pop_front() {
            let first = number == 0;
            number += 1;
            let builder = Builder::from(configuration.clone()).near_nullspace(near_nullspace.clone());
            let direct = configuration.setup == Setup::Direct && self.automatic;
            // Where the first configurations cannot be built, others may still take less time.
            if direct && !first && rest.iter().any(|c| c.setup != Setup::Direct) && is_expensive(a) {
                rest.push_back(configuration);
                continue;
            }
            let fits = if direct { check_factors(a) } else { Ok(()) };
            let patience = self.patience.filter(|_| first);
            match fits.and_then(|()| builder.known_symmetry(self.symmetric).build(a)) {
                Ok(solver) if patience.is_some() && solver.krylov() != configuration.krylov => {
                    reasons.push(format!("{configuration}: the preconditioner is not symmetric"));
                }
                Ok(solver)
                    if self.automatic
                        && configuration.krylov == Krylov::Cg
                        && solver.has_negative_pivots() =>
                {
                    reasons.push(format!(
                        "{configuration}: the factors have a negative pivot, so they are not positive definite"
                    ));
                }
                Ok(mut solver) => {
                    solver.ladder = (self.automatic && !rest.is_empty())
                        .then(|| Ladder::new(rest.into(), near_nullspace, self.symmetric).patient(patience));
                    solver.candidates = own_candidates.map(|b| Arc::new(b.clone()));
                    if let Some(transform) = transform {
                        (solver.a, solver.transform) = (user.clone(), Some(transform.clone()));
                    }
                    return Ok(solver.explained(reasons, clock.elapsed().as_secs_f64()));
                }
                // The others would have no time or memory either.
                Err(e) if e.is_limit() && limits::check().is_err() => return Err(e),
                Err(e) => {
                    reasons.push(format!("{configuration} could not be built: {e}"));
                    failure.get_or_insert(e);
                }
            }
        }
        Err(failure.unwrap_or_else(|| Error::invalid_input("no configuration to build a solver from")))
    }
}

/// Incomplete factors by threshold on one level.
fn one_level_ilut() -> Configuration {
    let factors = Relaxation::Ilut { drop_tolerance: 1e-3, fill_factor: 10.0, damping: Some(1.0), tau: 0.0 };
    Configuration::new(Setup::OneLevel, factors, Krylov::Fgmres).double()
}

/// Jacobi relaxation with the absolute sums of rows, the mildest preconditioner.
fn one_level_l1() -> Configuration {
    Configuration::new(Setup::OneLevel, Relaxation::L1Jacobi, Krylov::Fgmres).double()
}

/// The strength threshold θ of aggregation. In a graph without weights every edge has the strength 1/degree, which
/// a fixed threshold would call weak as soon as a vertex has a dozen neighbours.
fn strength_threshold(p: &MatrixProperties) -> f64 {
    let usual = Coarsening::default().theta;
    if p.block_size > 1 { usual } else { usual.min(0.5 / (p.mean_row() - 1.0).max(1.0)) }
}

/// The hierarchy with weakened factors that is faster than the method on one level which the automatic choice takes for a
/// single solve: on one level there is less setup. `None` unless its iterations on patches are clearly fewer.
///
/// Cost: iterations on patches, .05 to .25 s.
pub(crate) fn weakened_beyond_one_level(a: &Csr<f64>) -> Option<Configuration> {
    let properties = MatrixProperties::of(a);
    let expected = OneLevel::by_parts(a, &properties)?.expected;
    let present = Choice::suited(&properties, false).configurations.into_iter().next()?;
    let found = Weakened::of(a, &properties, &present)?;
    let [first, _] = found.configurations;
    (expected > FEWER * found.found).then_some(first)
}

impl Solver {
    /// The solver suited to the matrix: setup, smoother, precision and Krylov method follow from its properties
    /// ([`MatrixProperties`](super::MatrixProperties)). Printing the solver shows the choice with its reasons.
    ///
    /// # Errors
    /// A matrix that is not square or has no rows; one for which no configuration can be built, such as a singular
    /// one with zeros on its diagonal that is too large for a sparse factorisation.
    ///
    /// ```
    /// use multigrad::{Solver, gallery};
    /// let problem = gallery::poisson_2d(40, 40)?;
    /// let solver = Solver::auto(&problem.matrix)?;
    /// println!("{solver}");
    /// assert!(solver.solve(&problem.rhs)?.converged());
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn auto(a: &Csr<f64>) -> Result<Self> {
        Self::auto_with(a, None)
    }

    /// As [`auto`](Self::auto), with near-nullspace candidates, n × k, such as rigid-body modes.
    ///
    /// # Errors
    /// As [`auto`](Self::auto); candidates that do not fit the matrix.
    pub fn auto_with(a: &Csr<f64>, near_nullspace: Option<&DenseMatrix>) -> Result<Self> {
        check(a)?;
        let clock = Instant::now();
        let build = || Choice::of(a, near_nullspace.is_some()).build(a, near_nullspace);
        let mut solver = threads::for_setup(a.nnz(), build)?;
        solver.setup_seconds = clock.elapsed().as_secs_f64();
        Ok(solver)
    }
}

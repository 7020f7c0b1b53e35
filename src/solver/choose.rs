//! Rules for the automatic choice of a configuration.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::builder::{Builder, check};
use super::configuration::Configuration;
use super::equations::Equations;
use super::incomplete_factors::{allows_fill, on_one_level};
use super::ladder::{EXPENSIVE, Ladder, check_factors, direct_budget};
use super::one_level::OneLevel;
use super::properties::MatrixProperties;
use super::saddle::Saddle;
use super::threads;
use super::transform::Transform;
use super::value::Solver;
use super::weakened::Weakened;
use crate::backend::has_little_fill;
use crate::error::{Error, Result};
use crate::krylov::Krylov;
use crate::limits;
use crate::multigrid::Setup;
use crate::setup::check_candidates;
use crate::sparse::{Csr, DenseMatrix};

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
    pub(super) automatic: bool,
    /// Iterations of the first configuration after which the next one follows.
    patience: Option<usize>,
    /// Whether a solve tries CG with the diagonal before the first configuration.
    diagonal_first: bool,
    transform: Option<Arc<Transform>>,
    /// Whether sparse factors are known to fit.
    factors_fit: bool,
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
            diagonal_first: false,
            transform: None,
            factors_fit: false,
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
        let (mut transform, mut factors_fit) = (Transform::of(a), false);
        let mut properties = MatrixProperties::of(transform.as_ref().map_or(a, |t| &t.matrix));
        let own = transform.as_ref().map_or(a, |t| &t.matrix);
        let saddle = if has_candidates { None } else { Saddle::of(own, &properties) };
        if saddle.is_none()
            && !has_candidates
            && let Some(found) = in_order(a, own, &properties, &mut factors_fit)
        {
            properties = MatrixProperties::of(&found.matrix);
            transform = Some(found);
        }
        let mut choice = Self { factors_fit, ..Self::suited(&properties, has_candidates) };
        if let Some(found) = saddle {
            choice.prefer_levels_of_saddle_point(found, allows_fill(&properties));
        }
        let is_circuit =
            transform.as_ref().and_then(Transform::equations).is_some_and(|e| e.scaling().is_some());
        if is_circuit {
            choice.prefer_factors(
                "rows and columns scaled to ones on the diagonal, as circuits need: sparse factors where they fit",
            );
        }
        let own = transform.as_ref().map_or(a, |t| &t.matrix);
        if !has_candidates && has_little_fill(own.pattern()) {
            choice.prefer_factors("a narrow band or a forest: sparse factors hardly fill");
        }
        // Sparse factors have an order of their own.
        let iterates = choice.configurations.first().is_some_and(|c| c.setup != Setup::Direct);
        let transform = if iterates { Transform::ordered(transform, a) } else { transform }.map(Arc::new);
        let own = transform.as_ref().map_or(a, |t| &t.matrix);
        if patches && !has_candidates {
            choice.consult(own, &properties, is_circuit);
        }
        if let Some(transform) = &transform {
            choice.reasons.splice(0..0, transform.reasons.iter().cloned());
        }
        choice.transform = transform;
        choice
    }

    /// Adds a block triangular hierarchy for a saddle-point matrix, before or after sparse factors; `fills`: ILU(1) is cheap.
    fn prefer_levels_of_saddle_point(&mut self, found: Saddle, fills: bool) {
        let [first, second] = found.configurations;
        self.configurations.insert(usize::from(found.direct_first || found.symmetric_first), first);
        if found.symmetric_first {
            return;
        }
        self.configurations.insert(2, second);
        if !found.direct_first {
            if fills {
                // Where the first one finds no coarse levels or does not converge.
                self.configurations.insert(1, on_one_level(1).double());
            }
            // The other reasons are those of sparse factors.
            self.reasons.clear();
        }
        self.because(found.reason);
        if found.direct_first {
            self.because("its graph is planar or has little fill: sparse factors take less time");
        }
    }

    /// Puts sparse factors first.
    fn prefer_factors(&mut self, reason: &str) {
        let direct = Configuration::direct();
        self.configurations.retain(|c| *c != direct);
        self.configurations.insert(0, direct);
        // The other reasons are those of iterations.
        self.reasons.clear();
        self.because(reason);
    }

    /// Puts a method on one level or weakened incomplete factors before a hierarchy, and before sparse factors except those of a
    /// circuit, where parts of the matrix say so.
    fn consult(&mut self, a: &Csr<f64>, properties: &MatrixProperties, is_circuit: bool) {
        let Some(present) = self.configurations.first() else { return };
        if present.setup == Setup::Direct
            && let Some(found) = OneLevel::before_full_factors(properties)
        {
            self.patience = found.patience;
            self.configurations.insert(0, found.configuration);
            self.because(found.reason);
            return;
        }
        let is_symmetric = properties.is_symmetric() && !properties.is_indefinite();
        let found = match present.setup {
            Setup::OneLevel | Setup::SaddlePoint(_) if is_symmetric => return,
            Setup::Direct if is_circuit => return,
            Setup::Direct => OneLevel::instead_of(present, a, properties),
            _ if is_symmetric => OneLevel::of(a, properties),
            _ => OneLevel::instead_of(present, a, properties),
        };
        if let Some(found) = found {
            // The other reasons are those of the hierarchy.
            self.reasons.truncate(1);
            self.patience = found.patience;
            self.diagonal_first = found.depends_on_rhs(properties);
            if found.then_direct {
                self.configurations.retain(|c| c.setup != Setup::Direct);
                self.configurations.insert(0, Configuration::direct());
            }
            self.configurations.insert(0, found.configuration);
            self.because(found.reason);
        } else if is_symmetric && let Some(found) = Weakened::of(a, properties, present) {
            self.configurations.splice(0..0, found.configurations);
            self.patience = Some(found.patience);
            self.because(found.reason);
        }
    }

    pub(super) fn because(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
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
            if direct
                && !first
                && rest.iter().any(|c| c.setup != Setup::Direct)
                && direct_budget(a, self.symmetric) > EXPENSIVE
            {
                rest.push_back(configuration);
                continue;
            }
            let fits = if direct && !self.factors_fit { check_factors(a) } else { Ok(()) };
            let others = rest.iter().any(|c| c.setup != Setup::Direct);
            let fits = match fits {
                Err(e) if others => {
                    // A solve may allow larger factors.
                    reasons.push(format!("{configuration} could not be built: {e}"));
                    failure.get_or_insert(e);
                    rest.push_back(configuration);
                    continue;
                }
                fits => fits,
            };
            let patience = self.patience.filter(|_| first);
            let builder = builder.known_symmetry(self.symmetric).refusing_factors(self.automatic);
            match fits.and_then(|()| builder.build_within(user, transform)) {
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
                        .then(|| Ladder::new(rest.into(), near_nullspace, self.symmetric).patient(patience))
                        .map(|ladder| ladder.diagonal_first(self.diagonal_first && first));
                    solver.candidates = own_candidates.map(|b| Arc::new(b.clone()));
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

/// The system A with its equations in another order, where they are misplaced, for which `own` is an equivalent system with
/// these properties. `factors_fit` becomes true where sparse factors of the latter are known to fit.
fn in_order(a: &Csr<f64>, own: &Csr<f64>, p: &MatrixProperties, factors_fit: &mut bool) -> Option<Transform> {
    let other =
        || Equations::with_large_diagonal(a).map(|equations| Transform::with_equations(a, &equations));
    if Equations::may_be_misplaced(own, p)
        && let Some(found) = other()
    {
        return Some(found);
    }
    let (may, must) = Equations::may_need_order(own, p);
    *factors_fit = may && !must && check_factors(own).is_ok();
    if may && !*factors_fit { other() } else { None }
}

/// The hierarchy with weakened factors that is faster than the method on one level which the automatic choice takes for a
/// single solve: on one level there is less setup. `None` unless the matrix is symmetric and its iterations on patches are clearly
/// fewer.
///
/// Cost: iterations on patches, .05 to .25 s.
pub(crate) fn weakened_beyond_one_level(a: &Csr<f64>) -> Option<Configuration> {
    let properties = MatrixProperties::of(a);
    if !properties.is_symmetric() {
        return None;
    }
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

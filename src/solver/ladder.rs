//! Further configurations of an automatic solver, one after another, for systems that the first does not solve.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::builder::Builder;
use super::configuration::Configuration;
use super::value::Solver;
use crate::backend::predicted_nonzeros;
use crate::error::{Error, Result};
use crate::krylov::{Outcome, SolveOptions, Status};
use crate::limits;
use crate::multigrid::Setup;
use crate::sparse::{Csr, DenseMatrix, Pattern};

/// Largest limit of iterations that is taken as the wish of the user to have no other attempt.
const SHORT: usize = 60;

/// The smallest budget of an attempt, in iterations.
const LEAST: f64 = 25.0;

/// Iterations that are not worth the prediction of a direct solver.
const FREE: f64 = 50.0;

/// Budget in iterations above which a direct solve comes after all iterations.
const EXPENSIVE: f64 = 600.0;

/// The configurations after that of the solver, and the solver that answered last.
///
/// The first configuration has a budget of iterations: twice the modelled cost of a direct solve, if one fits. The
/// model counts entries, not seconds, so that the answer does not depend on the load of the machine.
pub(super) struct Ladder {
    pub configurations: Vec<Configuration>,
    pub near_nullspace: Option<DenseMatrix>,
    pub symmetric: bool,
    /// Iterations per eight digits beyond which the first solver is left.
    patience: Option<usize>,
    answered: Mutex<Option<Arc<Solver>>>,
    /// Predicted entries of the factors of a direct solver.
    fill: OnceLock<f64>,
}

impl fmt::Debug for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ladder").field("configurations", &self.configurations).finish_non_exhaustive()
    }
}

impl Ladder {
    pub fn new(
        configurations: Vec<Configuration>,
        near_nullspace: Option<DenseMatrix>,
        symmetric: bool,
    ) -> Self {
        Self {
            configurations,
            near_nullspace,
            symmetric,
            patience: None,
            answered: Mutex::new(None),
            fill: OnceLock::new(),
        }
    }

    /// The ladder that leaves the first solver once it takes more than this number of iterations for eight digits.
    pub fn patient(mut self, patience: Option<usize>) -> Self {
        self.patience = patience;
        self
    }

    /// The solver of the configuration that solved last, if it is not the first.
    pub fn answered(&self) -> Option<Arc<Solver>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Solves by the solver that answered last, by the first one, or by the next configuration that does.
    pub fn solve(&self, first: &Solver, b: &[f64], mut options: SolveOptions<'_>) -> Result<Outcome> {
        if let Some(solver) = self.answered() {
            let out = solver.verified(b, options.again())?;
            if out.converged() {
                return Ok(Outcome { solver: Some(solver.summary()), ..out });
            }
        }
        let mut best = self.within_budget(first, b, options.again(), self.patience)?;
        // Fewer iterations than every attempt gets are a limit that the user wants.
        let limited = best.status == Status::MaxIterations && options.options.max_iterations <= SHORT;
        if best.converged() || limited {
            return Ok(best);
        }
        let mut attempts = vec![left(first, &best)];
        for configuration in self.by_cost(first.operator(), options.direct_limit) {
            if let Err(e) = limits::check() {
                attempts.push(format!("further configurations were left out: {e}"));
                break;
            }
            let solver = match self.build(first, configuration, options.direct_limit) {
                Ok(solver) => solver,
                Err(e) => {
                    attempts.push(format!("{configuration} could not be built: {e}"));
                    continue;
                }
            };
            let out = match self.within_budget(&solver, b, options.again(), None) {
                Ok(out) => out,
                Err(e) => {
                    attempts.push(format!("{configuration} failed: {e}"));
                    continue;
                }
            };
            if out.converged() {
                best = Outcome { solver: Some(solver.summary()), ..out };
                *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(solver));
                break;
            }
            attempts.push(left(&solver, &out));
            if out.relative_residual() < best.relative_residual() {
                best = out;
            }
        }
        best.attempts.splice(0..0, attempts);
        Ok(best)
    }

    /// A solve that ends where its forecast is above the budget: the patience, or else the cost of a direct solve, if
    /// one fits.
    fn within_budget(
        &self,
        solver: &Solver,
        b: &[f64],
        mut options: SolveOptions<'_>,
        patience: Option<usize>,
    ) -> Result<Outcome> {
        if options.options.max_iterations <= SHORT || self.configurations.is_empty() {
            return solver.verified(b, options);
        }
        let (limit, digits) = (options.direct_limit as f64, -options.options.rtol.log10());
        let allowed = |forecast: f64| {
            if let Some(patience) = patience {
                return patience as f64 * digits / 8.0;
            }
            if forecast <= FREE {
                return FREE;
            }
            let z = self.fill(solver.operator());
            if z <= limit { budget(solver.operator(), z).max(LEAST) } else { f64::INFINITY }
        };
        let mut own = options.again();
        own.options.budget = Some(&allowed);
        own.definite = true;
        solver.verified(b, own)
    }

    /// The configurations, the direct solver last if it costs more than a few hundred iterations.
    fn by_cost(&self, a: &Csr<f64>, limit: usize) -> Vec<&Configuration> {
        let mut list: Vec<&Configuration> = self.configurations.iter().collect();
        let z = self.fill(a);
        if z > limit as f64 || budget(a, z) > EXPENSIVE {
            list.sort_by_key(|c| c.setup == Setup::Direct);
        }
        list
    }

    fn build(&self, first: &Solver, configuration: &Configuration, limit: usize) -> Result<Solver> {
        if configuration.setup == Setup::Direct {
            check_fill(self.fill(first.operator()), limit)?;
        }
        let builder = Builder::from(configuration.clone()).near_nullspace(self.near_nullspace.clone());
        let mut solver = builder.known_symmetry(self.symmetric).build(first.operator())?;
        (solver.a, solver.transform) = (first.a.clone(), first.transform.clone());
        solver.candidates = first.candidates.clone();
        Ok(solver)
    }

    fn fill(&self, a: &Csr<f64>) -> f64 {
        *self.fill.get_or_init(|| predicted_nonzeros(a.pattern()).unwrap_or(f64::INFINITY))
    }

    /// The ladder without a solver, for new values of the matrix.
    pub fn fresh(&self, symmetric: bool) -> Self {
        Self::new(self.configurations.clone(), self.near_nullspace.clone(), symmetric).patient(self.patience)
    }
}

/// Iterations of twice the cost of a direct solve with `z` nonzeros in its factors: z²/n multiplications of
/// dense blocks and z accesses, against about four passes over A an iteration.
fn budget(a: &Csr<f64>, z: f64) -> f64 {
    let direct = 0.1 * z * z / a.rows().max(1) as f64 + 10.0 * z;
    2.0 * direct / (3.0 * a.nnz().max(1) as f64)
}

/// The cost of sparse factors and of a solve with them for a planar graph, in iterations of a cycle with its products,
/// about four passes over A: nested dissection fills about 4 n log₂ n entries (Lipton, Rose and Tarjan 1979; the factor
/// is that of nine-point stencils). `None` for graphs that are not planar by their breadth, and where the factors
/// exceed `limit` entries. Cost: a pass over the pattern.
pub(crate) fn planar_direct_cost(a: &Csr<f64>, symmetric: bool, limit: usize) -> Option<(f64, f64)> {
    let n = a.rows().max(2) as f64;
    if broadest_level(a.pattern()) as f64 > 4.0 * n.sqrt() {
        return None;
    }
    let z = 4.0 * n * n.log2();
    let build = budget(a, z) / if symmetric { 2.0 } else { 1.0 };
    (z <= limit as f64).then_some((build, z / (1.5 * a.nnz().max(1) as f64)))
}

/// The most vertices at one distance from the first vertex of the graph of A: about 2√n in a plane, n^⅔ in space.
fn broadest_level(pattern: &Pattern) -> usize {
    let mut seen = vec![false; pattern.rows()];
    let (mut front, mut next, mut broadest) = (vec![0u32], Vec::new(), 0);
    seen.iter_mut().take(1).for_each(|first| *first = true);
    while !front.is_empty() {
        broadest = broadest.max(front.len());
        for &i in &front {
            for &j in pattern.row_cols(i as usize) {
                if !std::mem::replace(&mut seen[j as usize], true) {
                    next.push(j);
                }
            }
        }
        front.clear();
        std::mem::swap(&mut front, &mut next);
    }
    broadest
}

/// Refuses a direct solver whose factors, of `z` entries, would be larger than the limit.
pub(super) fn check_fill(z: f64, limit: usize) -> Result<()> {
    if z <= limit as f64 {
        return Ok(());
    }
    Err(Error::unsuited(format!(
        "the factors would have some {z:.0e} entries, and {:.0e} are allowed (direct_limit)",
        limit as f64
    )))
}

/// The sentence about a configuration that did not converge.
fn left(solver: &Solver, out: &Outcome) -> String {
    let summary = solver.summary();
    if *solver.setup() == Setup::Direct {
        return format!("{summary}: {}, relative residual {:.1e}", out.status, out.relative_residual());
    }
    format!(
        "{summary}: {} after {} iterations, relative residual {:.1e}",
        out.status,
        out.iterations,
        out.relative_residual()
    )
}

//! Solves by further configurations, one after another, where the first does not converge.

use std::sync::{Arc, PoisonError};

use super::builder::Builder;
use super::configuration::Configuration;
use super::ladder::{FREE, Ladder, SETUP, check_fill};
use super::one_level::diagonal;
use super::value::{Solver, in_precision};
use crate::error::Result;
use crate::krylov::{Krylov, Outcome, SolveOptions, Status, System};
use crate::limits;
use crate::multigrid::Setup;

/// Largest limit of iterations that is taken as the wish of the user to have no other attempt.
const SHORT: usize = 60;

/// The smallest budget of an attempt, in iterations.
const LEAST: f64 = 25.0;

/// Iterations with the diagonal beyond which a solve by it is left.
const DIAGONAL: usize = 20;

/// Passes over the entries of the matrix in an iteration of usual cost: BiCGStab with V(1,1) and an operator complexity of 1.5.
const USUAL: f64 = 9.0;

/// Backward error of a row, as a multiple of rtol, above which a solution is refused.
const UNEQUAL: f64 = 1e3;

impl Solver {
    /// Solves by the solver that answered last, by the first one, or by the next configuration that does.
    pub(super) fn solve_by(
        &self,
        ladder: &Ladder,
        b: &[f64],
        mut options: SolveOptions<'_>,
    ) -> Result<Outcome> {
        if let Some(solver) = self.answered() {
            let out = solver.verified(b, options.again())?;
            if out.converged() {
                return Ok(Outcome { solver: Some(solver.summary()), ..out });
            }
        }
        let mut attempts = Vec::new();
        if ladder.tries_diagonal() && options.options.max_iterations > SHORT {
            match self.by_diagonal(ladder, b, options.again()) {
                Ok(out) if out.converged() => return Ok(out),
                Ok(out) => attempts.extend(out.attempts),
                Err(e) => attempts.push(format!("{} failed: {e}", diagonal(Krylov::Cg))),
            }
            ladder.leave_diagonal();
        }
        let mut best =
            self.within_budget((ladder, ladder.patience, 0.0), self.system(), b, options.again())?;
        // Fewer iterations than every attempt gets are a limit that the user wants.
        let limited = best.status == Status::MaxIterations && options.options.max_iterations <= SHORT;
        if best.converged() || limited {
            best.attempts.splice(0..0, attempts);
            return Ok(best);
        }
        let rtol = options.options.rtol;
        attempts.push(left(self, &best, rtol));
        let mut spent = SETUP + best.iterations as f64 * self.weight();
        // Where the budget allowed all iterations, others of the kind would take as many: the direct solver is due.
        let (most, limit) = (options.options.max_iterations, options.direct_limit);
        let all = |out: &Outcome| out.iterations >= most;
        let mut due = all(&best);
        let mut rest: Vec<_> = ladder.configurations.iter().collect();
        if !ladder.symmetric && best.relative_residual() > 1.0 {
            // Levels amplify the errors of a flow without enough diffusion: one level comes first.
            rest.sort_by_key(|c| c.setup != Setup::OneLevel);
        }
        let next = |rest: &mut Vec<_>, spent: f64, due: bool| {
            let spent = if due { f64::INFINITY } else { spent };
            ladder.next(rest, self.operator(), spent, limit)
        };
        while let Some(configuration) = next(&mut rest, spent, due) {
            if let Err(e) = limits::check() {
                attempts.push(format!("further configurations were left out: {e}"));
                break;
            }
            let solver = match self.further(ladder, configuration, options.direct_limit) {
                Ok(solver) => solver,
                Err(e) => {
                    attempts.push(format!("{configuration} could not be built: {e}"));
                    continue;
                }
            };
            let out = match solver.within_budget((ladder, None, spent), solver.system(), b, options.again()) {
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
            attempts.push(left(&solver, &out, rtol));
            spent += SETUP + out.iterations as f64 * solver.weight();
            due |= all(&out);
            if out.relative_residual() < best.relative_residual() {
                best = out;
            }
        }
        if !best.converged() && ladder.is_refused(self.operator(), options.direct_limit) {
            best.advice = Some(format!(
                "no iteration converged, and sparse factors were refused for their size, {:.2e} entries; raise direct_limit above it to have them",
                ladder.fill(self.operator())
            ));
        }
        best.attempts.splice(0..0, attempts);
        Ok(best)
    }

    /// A short solve by CG with the diagonal. Where it does not converge, its `attempts` say so.
    fn by_diagonal(&self, ladder: &Ladder, b: &[f64], options: SolveOptions<'_>) -> Result<Outcome> {
        let rtol = options.options.rtol;
        let solver = self.further(ladder, &diagonal(Krylov::Cg), options.direct_limit)?;
        let out = solver.within_budget((ladder, Some(DIAGONAL), 0.0), solver.system(), b, options)?;
        let attempts = if out.converged() { out.attempts } else { vec![left(&solver, &out, rtol)] };
        Ok(Outcome { solver: Some(solver.summary()), attempts, ..out })
    }

    /// A solve that ends where its forecast is above the budget: the patience, or else what is left of twice the cost of a direct
    /// solve, if one fits, after `spent` iterations.
    pub(super) fn within_budget(
        &self,
        (ladder, patience, spent): (&Ladder, Option<usize>, f64),
        system: System<'_>,
        b: &[f64],
        mut options: SolveOptions<'_>,
    ) -> Result<Outcome> {
        if options.options.max_iterations <= SHORT || ladder.configurations.is_empty() {
            return self.verified_on(system, b, options);
        }
        let (limit, digits) = (options.direct_limit as f64, -options.options.rtol.log10());
        // FGMRES begins to converge once it has vectors for the long rows, and its forecasts are bad before.
        let long = self.long_rows() as f64;
        let (free, least) = (FREE + 2.0 * long, if long > 0.0 { FREE + 2.0 * long } else { LEAST });
        let allowed = |forecast: f64| {
            if let Some(patience) = patience {
                return patience as f64 * digits / 8.0;
            }
            if forecast <= free {
                return free;
            }
            if ladder.fill(self.operator()) > limit {
                return f64::INFINITY;
            }
            ((ladder.budget(self.operator()) - spent) / self.weight()).max(least)
        };
        let mut own = options.again();
        own.options.budget = Some(&allowed);
        own.options.leaves_growth = self.krylov() == Krylov::BiCgStab;
        own.definite = true;
        self.verified_on(system, b, own)
    }

    /// The cost of an iteration relative to the one that budgets are in, or one if it is lower: entries of all levels that its cycles
    /// read, one pass for the residual and for each sweep.
    fn weight(&self) -> f64 {
        let cycles = if self.krylov() == Krylov::BiCgStab { 2.0 } else { 1.0 };
        let passes = 1.0 + (self.sweeps.0 + self.sweeps.1) as f64;
        let entries = in_precision!(&self.cycle, c => c.hierarchy().entries());
        (cycles * passes * entries as f64 / (USUAL * self.a.nnz().max(1) as f64)).max(1.0)
    }

    /// The solver of another configuration for the same matrix.
    fn further(&self, ladder: &Ladder, configuration: &Configuration, limit: usize) -> Result<Self> {
        if configuration.setup == Setup::Direct {
            check_fill(ladder.fill(self.operator()), limit)?;
        }
        let builder = Builder::from(configuration.clone()).near_nullspace(ladder.near_nullspace.clone());
        let builder = builder.known_symmetry(ladder.symmetric).refusing_factors(true);
        let mut solver = builder.build_within(&self.a, self.transform.as_ref())?;
        solver.candidates = self.candidates.clone();
        Ok(solver)
    }
}

/// The sentence about a configuration that did not converge.
fn left(solver: &Solver, out: &Outcome, rtol: f64) -> String {
    let summary = solver.summary();
    if *solver.setup() == Setup::Direct {
        return format!("{summary}: {}, relative residual {:.1e}", out.status, out.relative_residual());
    }
    let refused = match out.backward_error.filter(|_| out.relative_residual() <= rtol) {
        None => String::new(),
        Some(error) if error > UNEQUAL * rtol => format!(", but a row is solved only to {error:.1e}"),
        Some(_) => ", but x seems to have a larger error".into(),
    };
    format!(
        "{summary}: {} after {} iterations, relative residual {:.1e}{refused}",
        out.status,
        out.iterations,
        out.relative_residual()
    )
}

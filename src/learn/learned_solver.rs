//! A solver that is trained between its solves.

use std::collections::VecDeque;
use std::time::Instant;

use super::carry::{Carried, bases, carried};
use super::entry_training::{EntryTraining, FEWEST, Run};
use super::spending::Spending;
use super::use_report::UseReport;
use crate::engine::Host;
use crate::error::Result;
use crate::krylov::{Outcome, SolveOptions};
use crate::multigrid::{Hierarchy, Refresh};
use crate::solver::Solver;
use crate::sparse::Csr;

/// Share of the time of the classical solves that training and trials may cost, by default.
const SHARE: f64 = 0.1;
/// Seconds of a step of training before the first one, in solves.
const STEP: f64 = 2.5;
/// Share of the time of a solve below which a learned solver is better by more than noise.
const BETTER: f64 = 0.97;
/// Solves with a newly trained solver before the verdict.
const TRIALS: usize = 2;
/// Verdicts against training after which it ends.
const FAILURES: usize = 2;
/// Right-hand sides that are kept for training.
const SIDES: usize = 4;
/// Weight of a new time of a solve in the mean.
const NEW: f64 = 0.25;

/// A solver that trains itself between the solves, on the right-hand sides of the user. If a trained solver is not faster
/// on the next solves, the solver goes back to the former one.
///
/// It begins with the automatic solver and trains incomplete factors L and U on the levels of that solver: its own factors,
/// or ILU(0) in place of another smoother. Weakened factors are not trained.
/// ([`Trainer::for_solves`](super::Trainer::for_solves) trains at once, for a given number of solves.) Each run takes as
/// many steps as all earlier runs together. Training and trials may cost a tenth of the time of the classical solver
/// ([`share`](Self::share) changes that); a run begins only if its predicted cost fits. So the total time is at most 1.1
/// times that of the classical solver, provided that equal solves take equal times.
///
/// After new values of the matrix ([`update`](Self::update)) the new factors are those of ILU(0), multiplied entry by
/// entry by the learned ratio to ILU(0); small entries keep the learned difference instead.
///
/// Between two calls the solver may move to another thread.
///
/// ```
/// use multigrad::{gallery, learn::LearnedSolver};
/// let problem = gallery::recirculating_flow_3d(8, 0.005)?;
/// let mut solver = LearnedSolver::auto(&problem.matrix)?;
/// for _ in 0..3 {
///     assert!(solver.solve(&problem.rhs)?.converged());
/// }
/// let next = gallery::recirculating_flow_3d(8, 0.006)?;
/// solver.update(&next.matrix)?;
/// assert!(solver.solve(&next.rhs)?.converged());
/// println!("{}", solver.report());
/// # Ok::<(), multigrad::Error>(())
/// ```
#[derive(Debug)]
pub struct LearnedSolver {
    classical: Solver,
    /// The matrix for which the classical solver has not been refreshed yet.
    behind: Option<Csr<f64>>,
    learned: Option<Learned>,
    /// The learned solver before the one on trial, if there was one.
    former: Option<Learned>,
    training: Option<EntryTraining>,
    sides: VecDeque<Vec<f64>>,
    /// Whether the last classical solve converged.
    solvable: bool,
    /// Verdicts against training.
    failures: usize,
    spending: Spending,
    report: UseReport,
    seed: u64,
}

/// A learned solver with what its update needs.
#[derive(Debug)]
struct Learned {
    solver: Solver,
    hierarchy: Hierarchy<Host<f64>>,
    base: Vec<Option<Csr<f64>>>,
    refresh: Refresh,
    /// Seconds of the solves before the verdict.
    trials: Vec<f64>,
    /// Seconds of a solve, after the verdict.
    seconds: Option<f64>,
}

impl LearnedSolver {
    /// Begins with the automatic solver.
    ///
    /// # Errors
    /// As [`Solver::auto`].
    pub fn auto(a: &Csr<f64>) -> Result<Self> {
        Ok(Self::new(Solver::auto(a)?))
    }

    /// Begins with this solver.
    pub fn new(classical: Solver) -> Self {
        Self {
            classical,
            behind: None,
            learned: None,
            former: None,
            training: None,
            sides: VecDeque::new(),
            solvable: false,
            failures: 0,
            spending: Spending::new(SHARE),
            report: UseReport::default(),
            seed: 0,
        }
    }

    /// The share of the classical solves' time that training may cost; 0 switches it off. Default: 0.1.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.spending.share = share.max(0.0);
        self
    }

    /// The seed of training.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The solver of the next solve, for the present matrix.
    ///
    /// # Errors
    /// As [`Solver::refresh`], where the classical solver has to follow new values first.
    pub fn solver(&mut self) -> Result<&Solver> {
        if self.learned.is_none() {
            self.catch_up()?;
        }
        Ok(self.learned.as_ref().map_or(&self.classical, |learned| &learned.solver))
    }

    /// The account so far.
    pub fn report(&self) -> UseReport {
        UseReport {
            classical_seconds: self.spending.classical,
            training_seconds: self.spending.training,
            ..self.report
        }
    }

    /// Solves A x = b to ‖b − A x‖₂ ≤ 10⁻⁸ ‖b‖₂, and trains for a while where that may pay.
    ///
    /// # Errors
    /// As [`Solver::solve`].
    pub fn solve(&mut self, b: &[f64]) -> Result<Outcome> {
        self.solve_with(b, SolveOptions::new())
    }

    /// As [`solve`](Self::solve) with these options. Solves are compared by their times: use one tolerance for most of them.
    ///
    /// # Errors
    /// As [`Solver::solve_with`].
    pub fn solve_with(&mut self, b: &[f64], options: SolveOptions<'_>) -> Result<Outcome> {
        let out = self.timed_solve(b, options)?;
        if b.iter().any(|v| *v != 0.0) {
            self.sides.truncate(SIDES - 1);
            self.sides.push_front(b.to_vec());
        }
        // A failure of training is none of the solve.
        if self.train().is_err() {
            (self.training, self.failures) = (None, FAILURES);
        }
        Ok(out)
    }

    fn timed_solve(&mut self, b: &[f64], mut options: SolveOptions<'_>) -> Result<Outcome> {
        self.report.solves += 1;
        let clock = Instant::now();
        if let Some(learned) = &mut self.learned {
            let out = learned.solver.solve_with(b, options.again())?;
            let seconds = clock.elapsed().as_secs_f64();
            self.report.learned_solves += 1;
            self.report.solving_seconds += seconds;
            if out.converged() {
                self.spending.learned_solve(seconds);
                self.judge(seconds);
                return Ok(out);
            }
            self.spending.lose(seconds);
            self.undo();
        }
        self.catch_up()?;
        let clock = Instant::now();
        let out = self.classical.solve_with(b, options)?;
        let seconds = clock.elapsed().as_secs_f64();
        self.report.solving_seconds += seconds;
        self.spending.classical_solve(seconds);
        self.solvable = out.converged();
        Ok(out)
    }

    /// Replaces the values of the matrix; its pattern stays. Cost: the numerical part of a setup.
    ///
    /// # Errors
    /// As [`Solver::refresh`]; the solver then belongs to its former matrix.
    pub fn update(&mut self, a: &Csr<f64>) -> Result<()> {
        let clock = Instant::now();
        let carry = |l: &Learned| -> Result<(Solver, Carried)> {
            let new = carried(&l.refresh, (&l.hierarchy, &l.base), a)?;
            let solver = Solver::from_hierarchy(new.0.clone(), l.solver.setup().clone())?;
            let solver = solver.described("learned L and U", None).to_single_precision()?;
            Ok((solver, new))
        };
        self.training = None;
        match self.learned.as_ref().map(carry) {
            Some(Ok((solver, (hierarchy, base)))) => {
                if let Some(learned) = &mut self.learned {
                    (learned.solver, learned.hierarchy, learned.base) = (solver, hierarchy, base);
                }
                // It belongs to an earlier matrix.
                self.former = None;
                self.behind = Some(a.clone());
                let seconds = clock.elapsed().as_secs_f64();
                self.report.solving_seconds += seconds;
                self.spending.learned_update(seconds);
            }
            carried => {
                self.classical.refresh(a)?;
                if carried.is_some() {
                    // What was learned belongs to an earlier matrix.
                    self.former = None;
                    self.undo();
                }
                self.behind = None;
                let seconds = clock.elapsed().as_secs_f64();
                self.report.solving_seconds += seconds;
                self.spending.classical_update(seconds);
            }
        }
        Ok(())
    }

    /// The classical solver for the present matrix.
    fn catch_up(&mut self) -> Result<()> {
        if let Some(a) = &self.behind {
            let clock = Instant::now();
            // After an error it remains behind, and is not used.
            self.classical.refresh(a)?;
            self.behind = None;
            let seconds = clock.elapsed().as_secs_f64();
            self.report.solving_seconds += seconds;
            self.spending.lose(seconds);
        }
        Ok(())
    }

    /// Takes a solve by the learned solver into account.
    fn judge(&mut self, seconds: f64) {
        let classical = self.spending.solve.unwrap_or(seconds);
        let Some(learned) = &mut self.learned else { return };
        if let Some(mean) = &mut learned.seconds {
            *mean += NEW * (seconds - *mean);
            if *mean > classical {
                self.undo();
            }
            return;
        }
        learned.trials.push(seconds);
        let least = learned.trials.iter().copied().fold(f64::INFINITY, f64::min);
        let before = self.former.as_ref().and_then(|f| f.seconds).unwrap_or(classical);
        if learned.trials.len() >= TRIALS {
            match least < BETTER * before {
                true => (learned.seconds, self.former) = (Some(least), None),
                false => self.undo(),
            }
        } else if seconds > 1.5 * before {
            self.undo();
        }
    }

    /// Goes back to the former learned solver, or to the classical one.
    fn undo(&mut self) {
        self.report.undone += 1;
        self.failures += 1;
        self.training = None;
        self.learned = self.former.take();
    }

    /// Takes steps of training where their forecast cost fits what may be lost.
    fn train(&mut self) -> Result<()> {
        let on_trial = self.learned.as_ref().is_some_and(|l| l.seconds.is_none());
        let Some(solve) = self.spending.solve.filter(|_| self.solvable && !on_trial) else { return Ok(()) };
        if self.failures >= FAILURES {
            return Ok(());
        }
        let known = self.training.as_ref().and_then(EntryTraining::seconds_per_step);
        // Every run is as long as all runs before it.
        let cost = FEWEST.max(self.report.steps) as f64 * known.unwrap_or(STEP * solve);
        // A run whose steps take more than twice the forecast ends after the first one.
        if !self.spending.allows(if known.is_some() { cost } else { 2.0 * cost }) {
            return Ok(());
        }
        if self.learned.is_none() {
            self.catch_up()?;
        }
        let clock = Instant::now();
        let trained = self.trained(cost);
        let seconds = clock.elapsed().as_secs_f64();
        self.spending.train(seconds);
        if let Some(learned) = trained? {
            self.former = self.learned.replace(learned);
        }
        Ok(())
    }

    /// The solver after a run of this many seconds; `None` if it cannot be trained, or not yet.
    fn trained(&mut self, seconds: f64) -> Result<Option<Learned>> {
        if self.training.is_none() {
            self.training = match &self.learned {
                Some(learned) => Some(EntryTraining::on(learned.hierarchy.clone(), self.seed)?),
                None => EntryTraining::new(&self.classical, self.seed)?,
            };
        }
        let Some(training) = &mut self.training else {
            // There is nothing to train.
            self.failures = FAILURES;
            return Ok(None);
        };
        training.use_columns(self.sides.make_contiguous());
        let before = training.taken();
        let run = training.run(seconds)?;
        self.report.steps += training.taken() - before;
        if run == Run::Diverged {
            (self.training, self.failures) = (None, self.failures + 1);
        }
        if run != Run::Done {
            return Ok(None);
        }
        let Some(training) = &mut self.training else { return Ok(None) };
        let hierarchy = training.learned();
        let present = self.learned.as_ref().map_or(&self.classical, |l| &l.solver);
        let Ok(solver) = training.solver(present) else { return Ok(None) };
        let (Ok(base), Ok(refresh)) = (bases(&hierarchy), Refresh::new(&hierarchy)) else { return Ok(None) };
        Ok(Some(Learned { solver, hierarchy, base, refresh, trials: Vec::new(), seconds: None }))
    }
}

#[cfg(test)]
#[path = "learned_solver_tests.rs"]
mod tests;

//! The report of a training run.

use serde::{Deserialize, Serialize};

use super::evaluate::Evaluation;
use super::loss::Loss;
use super::recipe::Recipe;
use super::target::Target;

/// Measurements of a training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrainingReport {
    /// The hierarchy that was trained on.
    pub hierarchy: String,
    /// The learned parts.
    #[serde(default)]
    pub learn: Target,
    /// The smoothers that training started from.
    #[serde(default)]
    pub start: String,
    /// Asymptotic factor of the start, on fresh vectors. Like the other factors NaN where it was not measured: without
    /// steps from a network there are only the measurements that choose between the network and a classical smoother.
    pub factor_before: f64,
    /// Asymptotic factor of the returned solver, on the same fresh vectors.
    pub factor_after: f64,
    /// The evaluation of the classical start.
    #[serde(default)]
    pub before: Option<Evaluation>,
    /// The evaluation of the returned solver.
    #[serde(default)]
    pub after: Option<Evaluation>,
    /// The classical smoother that is returned because the network's is worse, or because neither the
    /// learned one nor its start converges.
    #[serde(default)]
    pub fallback: Option<String>,
    /// The smoothers of the solver that [`Trainer::fit`](super::Trainer::fit) was given, if it keeps them because
    /// training did not improve on them.
    #[serde(default)]
    pub own: Option<String>,
    /// Whether the learned solver is returned; otherwise it was no better than the start, or than the solver
    /// itself, and that is kept.
    pub accepted: bool,
    /// Asymptotic factor of the best learned parameters, returned or not.
    pub factor_learned: f64,
    /// Wall-clock seconds of the steps, the trial steps of every candidate included.
    pub train_seconds: f64,
    /// Steps taken on the hierarchy that was chosen.
    pub steps: usize,
    /// Learned values.
    pub parameters: usize,
    /// How often training diverged and went back to its best at half the rate.
    pub rollbacks: usize,
    /// Why training ended before its last step, if it did.
    pub stopped_early: Option<String>,
    /// Seed of all random vectors.
    pub seed: u64,
    /// How it was trained.
    pub recipe: Recipe,
    /// Loss of every step: mean of log(‖Gᵏz‖²/‖z‖²)/k.
    pub loss_history: Vec<f64>,
    /// (step, factor) of the measurements on the way.
    pub factor_history: Vec<(usize, f64)>,
    /// The hierarchies that were tried briefly, with the factor after the trial.
    pub trials: Vec<(String, f64)>,
}

impl TrainingReport {
    /// The smoothers of the returned solver unless it is the learned one: its own, the fallback, or the start.
    pub fn kept(&self) -> &str {
        self.own.as_ref().or(self.fallback.as_ref()).unwrap_or(&self.start)
    }
}

impl std::fmt::Display for TrainingReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Recipe { rate, cycles, batch, .. } = self.recipe;
        writeln!(
            f,
            "trained {} values on hierarchy '{}' in {:.2} s: {} steps of Adam, rate {rate}, {} to {} cycles, batch {batch}, seed {}",
            self.parameters, self.hierarchy, self.train_seconds, self.steps, cycles.0, cycles.1, self.seed
        )?;
        if let Some(reason) = &self.stopped_early {
            writeln!(f, "stopped early: {reason}")?;
        }
        if self.rollbacks > 0 {
            writeln!(f, "diverged and rolled back {} times", self.rollbacks)?;
        }
        if self.parameters == 0 {
            return write!(
                f,
                "nothing to learn: no level has a learned sweep (a small matrix goes to the direct solver at once)"
            );
        }
        if let (true, Some(before), Some(after)) = (self.accepted, self.before, self.after) {
            if !after.factor.is_nan() {
                writeln!(
                    f,
                    "asymptotic factor per cycle {:.4} (start {:.4}), {:.4} to {:.4} over random starts",
                    after.factor, before.factor, after.least_factor, after.factor
                )?;
            }
            if !after.iterations.is_nan() {
                // An evaluation that falls behind is cut off.
                let more = if before.converges { "" } else { "at least " };
                let (after, before) = (after.iterations, before.iterations);
                write!(f, "FGMRES to 1e-8: {after:.1} iterations (start {more}{before:.1}); ")?;
            }
            write!(
                f,
                "{}",
                match self.recipe.loss {
                    Loss::Krylov => "trained for Krylov methods; the loss `rate` trains for plain cycles",
                    Loss::Rate | Loss::Slowest | Loss::Time =>
                        "trained for plain cycles; the loss `krylov` trains for Krylov methods",
                }
            )
        } else if let Some(own) = &self.own {
            write!(
                f,
                "the learned solver (factor {:.4}) does not improve on the solver itself (factor {:.4}), which keeps its smoothers ({own}); try more steps or another hierarchy",
                self.factor_learned, self.factor_after
            )
        } else if let (Some(name), Some(after)) = (&self.fallback, self.after) {
            write!(
                f,
                "the learned solver{} was rejected on this matrix: fell back to {name}",
                if self.factor_learned.is_nan() {
                    String::new()
                } else {
                    format!(" (factor {:.4})", self.factor_learned)
                }
            )?;
            match (after.factor.is_nan(), after.iterations.is_nan()) {
                (false, false) => {
                    write!(
                        f,
                        " with factor {:.4} and {:.1} iterations of FGMRES",
                        after.factor, after.iterations
                    )?;
                }
                (true, _) => write!(f, " with {:.1} iterations of FGMRES", after.iterations)?,
                (_, true) => write!(f, " with factor {:.4}", after.factor)?,
            }
            match (after.factor >= 1.0, after.converges) {
                (true, true) => {
                    write!(f, ", which diverges as well: use it inside FGMRES, or another hierarchy")
                }
                (true, false) => {
                    write!(f, ", which diverges as well, and FGMRES does not converge: use another hierarchy")
                }
                (false, _) => Ok(()),
            }
        } else if (self.factor_before - 1.0).abs() < 1e-6 {
            write!(
                f,
                "the factor is 1: the matrix is singular, or nearly so, and no cycle reduces its null vector; the start is kept"
            )
        } else {
            write!(
                f,
                "the learned solver is no better than its start (factor {:.4} against {:.4}): the start is kept; try more steps or another hierarchy",
                self.factor_learned, self.factor_before
            )
        }
    }
}

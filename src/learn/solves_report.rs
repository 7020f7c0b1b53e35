//! The report of a training for a number of solves.

use serde::{Deserialize, Serialize};

/// The outcome of a training for a number of solves. Printed, it is a table with a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SolvesReport {
    /// Number of solves to come.
    pub solves: usize,
    /// The solvers that were measured, the given one first.
    pub attempts: Vec<Attempt>,
    /// Index of the one that is kept; 0 is the given solver.
    pub kept: usize,
    /// Seconds of the training with all its measurements.
    pub seconds: f64,
    /// The sentence about the end.
    pub reason: String,
}

/// A solver that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attempt {
    /// Its name.
    pub name: String,
    /// Steps of training.
    pub steps: usize,
    /// Seconds of its setup and training.
    pub seconds: f64,
    /// Seconds of a solve; `None` if that was not measured.
    pub solve_seconds: Option<f64>,
    /// Iterations of that solve.
    pub iterations: usize,
}

impl SolvesReport {
    /// Whether the given solver was replaced.
    pub fn replaced(&self) -> bool {
        self.kept != 0
    }

    /// The expected seconds of all solves with the kept solver, the training included, and with the given one.
    pub fn totals(&self) -> Option<(f64, f64)> {
        let each = |at: usize| self.attempts.get(at)?.solve_seconds.map(|s| s * self.solves as f64);
        Some((self.seconds + each(self.kept)?, each(0)?))
    }
}

impl std::fmt::Display for SolvesReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{:<44} {:>6} {:>10} {:>11} {:>10}",
            "solver", "steps", "cost (s)", "solve (s)", "iterations"
        )?;
        for (number, a) in self.attempts.iter().enumerate() {
            let solve = a.solve_seconds.map_or("–".into(), |s| format!("{s:.4}"));
            let kept = if number == self.kept { " ←" } else { "" };
            writeln!(
                f,
                "{:<44} {:>6} {:>10.3} {solve:>11} {:>10}{kept}",
                a.name, a.steps, a.seconds, a.iterations
            )?;
        }
        write!(f, "{}", self.reason)?;
        if let Some((with, without)) = self.totals().filter(|_| self.replaced()) {
            write!(f, "\n{} solves: {with:.3} s with the training, {without:.3} s without", self.solves)?;
        }
        Ok(())
    }
}

//! The entry of a solver in the report.

use serde::{Deserialize, Serialize};

use crate::solver::Measurement;

/// A solver with its costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Setup, smoother, cycle, precision and Krylov method.
    pub configuration: String,
    /// Seconds before the first solve.
    pub setup_seconds: f64,
    /// Seconds of a solve to the tolerance: the median over the right-hand sides. If it did not
    /// converge, those until it failed.
    pub solve_seconds: f64,
    /// Seconds of the right-hand sides that took least and most.
    pub range: (f64, f64),
    /// Iterations of a solve: the median over the right-hand sides; 0 for a direct solver.
    pub iterations: usize,
    /// Whether all right-hand sides were solved to the tolerance.
    pub converged: bool,
    /// "converged", or why not.
    pub status: String,
    /// The largest ‖b − A x‖₂/‖b‖₂, computed from x; nothing if it is not finite or the solve
    /// was abandoned.
    pub relative_residual: Option<f64>,
    /// Bytes of the solver, where they are known.
    pub bytes: Option<usize>,
    /// Solves that were timed.
    pub runs: usize,
}

impl Entry {
    /// A solver as it was measured.
    pub(super) fn new(
        configuration: String,
        setup_seconds: f64,
        m: Measurement,
        bytes: Option<usize>,
    ) -> Self {
        Self {
            configuration,
            setup_seconds,
            solve_seconds: m.solve_seconds,
            range: m.range,
            iterations: m.iterations,
            converged: m.converged,
            status: m.status,
            relative_residual: m.relative_residual,
            bytes,
            runs: m.runs,
        }
    }

    /// Seconds that `solves` solves take, with its setup.
    pub fn total_seconds(&self, solves: f64) -> f64 {
        self.setup_seconds + solves * self.solve_seconds
    }

    /// Whether the right-hand sides of one took as long as some of the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.range.0 <= other.range.1 && other.range.0 <= self.range.1
    }
}

/// Those that converged first, the fastest solve first.
pub(super) fn sort(entries: &mut [Entry]) {
    entries.sort_by(|p, q| {
        q.converged.cmp(&p.converged).then_with(|| p.solve_seconds.total_cmp(&q.solve_seconds))
    });
}

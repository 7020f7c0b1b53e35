//! The entry of a solver in the report, and the number of solves from which one costs less than another.

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

/// The numbers of solves for which one solver takes no more time in all than another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BreakEven {
    /// The smallest such number, at least 1.
    pub from: f64,
    /// The largest one; nothing if it stays ahead for good.
    pub until: Option<f64>,
}

/// Rounding of quotients that ought to be whole numbers.
const ROUNDING: f64 = 1e-12;

impl BreakEven {
    /// The whole N ≥ 1 for which `fixed.0` + N `each.0` ≤ `fixed.1` + N `each.1`, seconds before the
    /// first solve and seconds of every solve; nothing if there are none.
    pub fn of(fixed: (f64, f64), each: (f64, f64)) -> Option<Self> {
        let (more, gain) = (fixed.0 - fixed.1, each.1 - each.0);
        if gain > 0.0 {
            // A gain too small to be ever felt is none.
            let from = (more / gain * (1.0 - ROUNDING)).ceil().max(1.0);
            return from.is_finite().then_some(Self { from, until: None });
        }
        if gain == 0.0 {
            return (more <= 0.0).then_some(Self { from: 1.0, until: None });
        }
        let until = (more / gain * (1.0 + ROUNDING)).floor();
        (until >= 1.0).then_some(Self { from: 1.0, until: until.is_finite().then_some(until) })
    }

    /// The numbers that are in both.
    pub fn and(self, other: Self) -> Option<Self> {
        let from = self.from.max(other.from);
        let until = match (self.until, other.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        until.is_none_or(|until| from <= until).then_some(Self { from, until })
    }
}

/// "12", "1 to 40", "2.1e9".
impl std::fmt::Display for BreakEven {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&count(self.from))?;
        self.until.map_or(Ok(()), |until| write!(f, " to {}", count(until)))
    }
}

/// A number of solves, with an exponent where nobody counts.
fn count(n: f64) -> String {
    if n < 1e7 { format!("{n:.0}") } else { format!("{n:.1e}") }
}

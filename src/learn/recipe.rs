//! The recipe of a training: steps, rate, cycles and batch.

use serde::{Deserialize, Serialize};

use super::loss::Loss;
use super::start::Start;
use super::target::{LearnedSmoother, Target};
use crate::error::{Error, Result};
use crate::multigrid::Setup;
use crate::optimise::{Adam, Schedule};
use crate::sparse::Scalar;

/// Everything about a training run but the hierarchy and the seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The loss that is minimised.
    #[serde(default)]
    pub loss: Loss,
    /// Steps of the optimiser.
    pub steps: usize,
    /// Rate of the first step; it decays to 2 % of that by a cosine.
    pub rate: f64,
    /// Cycles in the loss at the first step and at the last; they grow linearly between.
    pub cycles: (usize, usize),
    /// Columns of the batch, half of them the pool.
    pub batch: usize,
    /// Share of a training for Krylov methods that minimises the factor of cycles, before the residual
    /// of GMRES takes its place.
    #[serde(default)]
    pub factor_first: f64,
}

/// Start factor above which a problem counts as slow.
const SLOW: f64 = 0.6;
/// Start factor below which three steps of GMRES leave little but rounding.
const FAST: f64 = 0.05;
/// Rows above which a problem counts as large.
const LARGE: usize = 8_000;

/// Decay of the moments of Adam.
pub(super) const BETAS: (f64, f64) = (0.9, 0.99);
/// Rate of the last step, as a share of the first.
const LAST_RATE: f64 = 0.02;
/// Steps from a start that is learned already.
const TUNING: usize = 50;

impl Recipe {
    /// The recipe that was best on the model problems for a hierarchy of `rows` rows whose cycle
    /// starts at `factor` (see `DESIGN.md`). Few cycles in the loss are cheap and suffice at the
    /// beginning; slow errors need many cycles and more steps. From a network or from learned values, a few
    /// steps suffice.
    pub fn suited_to(
        (learn, loss, start): (Target, Loss, Start),
        setup: &Setup,
        rows: usize,
        factor: f64,
    ) -> Self {
        let classical = matches!(setup, Setup::Classical(_));
        let ilu = learn.is_ilu();
        if learn.smoother() == Some(LearnedSmoother::Schwarz) {
            return Self::of_schwarz(loss, start, *setup == Setup::OneLevel, factor);
        }
        let (steps, cycles) = match (ilu, factor > SLOW, rows > LARGE) {
            (true, false, false) => (60, (2, 4)),
            (true, true, false) => (60, (3, 5)),
            (true, false, true) => (80, (3, 5)),
            (true, true, true) => (200, (3, 6)),
            (false, false, _) => (100, (2, 6)),
            (false, true, _) => (150, (3, 6)),
        };
        // Aggregation leaves more errors to the smoothers than classical coarsening.
        let steps = if classical { steps } else { 3 * steps };
        // GMRES removes slow errors itself, and further steps would only reach single-precision round-off.
        let cycles = match loss {
            Loss::Krylov => (3, if ilu { 4 } else { 6 }),
            Loss::Rate | Loss::Slowest | Loss::Time => cycles,
        };
        let (rate, batch) = match (ilu, factor > SLOW || !classical) {
            (true, false) => (0.005, 8),
            (true, true) => (0.003, 8),
            (false, _) => (0.02, 16),
        };
        let fresh = start == Start::Classical;
        let steps = if fresh { steps } else { TUNING };
        let halves = |count: usize| if fresh { count * steps / 2 } else { steps };
        let (steps, factor_first) = match (loss, factor) {
            (Loss::Rate | Loss::Slowest | Loss::Time, _) => (steps, 1.0),
            // GMRES removes the few errors that a slow cycle amplifies, so that its residual does not show them.
            (Loss::Krylov, SLOW..) => (halves(3), 0.6),
            // The residual that GMRES leaves of a fast cycle is round-off of single precision.
            (Loss::Krylov, ..FAST) => (halves(8), 1.0),
            (Loss::Krylov, _) => (steps, 0.0),
        };
        Self { loss, steps, rate, cycles, batch, factor_first }
    }

    /// For interface values, `alone` on a single level. There many subdomains leave slow errors, which take many
    /// cycles to show: with fewer the fast ones are all that is learned, and the factor gets worse.
    fn of_schwarz(loss: Loss, start: Start, alone: bool, factor: f64) -> Self {
        let many = (1.5 / (1.0 - factor.min(0.999))).clamp(8.0, 40.0).round() as usize;
        let (steps, rate, cycles) = match (loss, alone) {
            // A network is trained in place of the values (see `start/tune.rs`).
            (Loss::Krylov, true) => (0, 0.001, (10, 10)),
            (Loss::Krylov, false) => (150, 0.01, (3, 5)),
            (_, true) => (400, 0.003, (many, many)),
            (_, false) => (150, 0.01, (2, 5)),
        };
        let steps = if start == Start::Classical { steps } else { TUNING };
        Self { loss, steps, rate, cycles, batch: 16, factor_first: 0.0 }
    }

    /// For scalars on factors, on small patches.
    pub fn of_scalars(loss: Loss) -> Self {
        Self { loss, steps: 60, rate: 0.015, cycles: (3, 3), batch: 4, factor_first: 0.0 }
    }

    /// Cycles in the loss at this share of the training, 0 to 1.
    pub fn cycles_at(&self, share: f64) -> usize {
        let (first, last) = (self.cycles.0 as f64, self.cycles.1 as f64);
        (first + (last - first) * share.clamp(0.0, 1.0)).round() as usize
    }

    /// Whether every parameter is in its range.
    ///
    /// # Errors
    /// Names the one that is not.
    pub fn check(&self) -> Result<()> {
        let require =
            |holds: bool, what: String| if holds { Ok(()) } else { Err(Error::invalid_input(what)) };
        require(
            self.rate.is_finite() && self.rate > 0.0,
            format!("the rate is {}; it must be positive, such as 0.02", self.rate),
        )?;
        require(self.cycles.0 > 0 && self.cycles.1 > 0, "the loss needs at least one cycle".into())?;
        require(
            (0.0..=1.0).contains(&self.factor_first),
            format!("a share of {} is not within 0 to 1", self.factor_first),
        )?;
        require(
            self.batch > 0 && self.batch <= 1024,
            format!("a batch of {} is not within 1 to 1024", self.batch),
        )
    }
}

/// Adam for each of `buffers` buffers, no step taken yet.
pub(super) fn adam<T: Scalar>(buffers: usize) -> Vec<Adam<T>> {
    vec![Adam::new().betas(BETAS.0, BETAS.1); buffers]
}

/// The rate at this `share` of a training, 0 to 1, of `steps` steps.
pub(super) fn rate_at(first: f64, share: f64, steps: usize) -> f64 {
    Schedule::cosine(first, LAST_RATE).rate_at(share, steps)
}

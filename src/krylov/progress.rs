//! Convergence monitor: residual history, counters and stopping tests, independent of where vectors live.

use super::advice::{Situation, advice};
use super::method::Method;
use super::options::Options;
use super::outcome::{Outcome, Status};
use super::vector::largest;
use crate::error::Result;
use crate::limits;

/// Growth of the residual that counts as divergence.
const DIVERGENCE: f64 = 1e6;

/// Relative residual below which the recurrence is always checked.
const ROUNDING: f64 = 1e-16;

/// Iterations before the first forecast, and between forecasts.
const FIRST_FORECAST: usize = 10;
const FORECASTS: usize = 5;
/// Iterations after which every forecast counts, however large the budget is.
const ENOUGH: usize = 60;
/// Growth of the residual at which a solve with a budget is left, and its least number of iterations: a hierarchy that suits the
/// matrix reduces it by then.
const GROWTH: (f64, usize) = (100.0, 15);
/// Rate of the last half of the iterations, relative to that of all, below which a solve has stalled.
const STALLED: f64 = 0.1;

/// Norm and scaling of a right-hand side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// ‖b‖₂ after scaling.
    pub norm: f64,
    /// Scaling factor of b.
    pub scale: f64,
}

/// Residual history and stopping tests of a solve.
pub(super) struct Progress<'a> {
    on_iteration: &'a mut dyn FnMut(usize, f64),
    history: Vec<f64>,
    applications: usize,
    max_iterations: usize,
    budget: Option<&'a dyn Fn(f64) -> f64>,
    leaves_growth: bool,
    rtol: f64,
    b_norm: f64,
    /// Largest ‖r‖₂ that counts as converged.
    threshold: f64,
    /// ‖r‖₂ at which the recurrence is checked. Every failed check lowers it.
    target: f64,
    /// True residual of the last check that failed.
    claimed: f64,
    /// Whether the last entry of the history was computed from x.
    verified: bool,
    /// Whether an iteration met values that are not finite.
    not_finite: bool,
    /// ‖Δx‖∞ / ‖x‖∞ for the last step, of CG and BiCGStab.
    last_step: f64,
}

/// A solve in progress: the interface of all methods, independent of where vectors live.
pub(super) trait Solve<'a> {
    /// The convergence monitor.
    fn progress(&mut self) -> &mut Progress<'a>;

    /// r ← b − A x. The last entry of the history is replaced by the true residual. Returns ‖r‖₂.
    fn refresh(&mut self) -> Result<f64>;

    /// Called when the recurrence signals convergence. Recomputes r and returns the final status, or `None` if the
    /// method should restart from the true r.
    fn verify(&mut self) -> Result<Option<Status>> {
        let norm = self.refresh()?;
        Ok(self.progress().verdict(norm))
    }
}

/// Runs a solve. The first and the last residual are computed from x.
pub(super) fn conduct<'a, S: Solve<'a>>(
    solve: &mut S,
    iterate: impl FnOnce(&mut S) -> Result<Status>,
) -> Result<Status> {
    solve.refresh()?;
    let status = if solve.progress().converged() { Status::Converged } else { iterate(solve)? };
    if !solve.progress().verified() {
        solve.refresh()?;
    }
    Ok(status)
}

impl<'a> Progress<'a> {
    /// The state before the first residual, for options that have been checked.
    pub fn start(options: &Options<'a>, b: Size, on_iteration: &'a mut dyn FnMut(usize, f64)) -> Self {
        let threshold = (options.rtol * b.norm).max(options.atol * b.scale);
        Self {
            on_iteration,
            history: vec![0.0],
            applications: 0,
            max_iterations: options.max_iterations,
            budget: options.budget,
            leaves_growth: options.leaves_growth,
            rtol: options.rtol,
            b_norm: b.norm,
            threshold,
            target: threshold.max(ROUNDING * b.norm),
            claimed: f64::INFINITY,
            verified: false,
            not_finite: false,
            last_step: 0.0,
        }
    }

    /// Measures a step Δx = α p to the iterate x, where the residual norm that follows is small enough for the last one.
    /// Cost: then a pass over both vectors.
    pub fn measure(&mut self, alpha: f64, p: &[f64], x: &[f64], norm: f64) {
        if self.claims(norm) {
            self.last_step = alpha.abs() * largest(p) / largest(x).max(f64::MIN_POSITIVE);
        }
    }

    /// Number of iterations so far.
    pub fn iterations(&self) -> usize {
        self.history.len() - 1
    }

    /// Number of iterations left.
    pub fn remaining(&self) -> usize {
        self.max_iterations.saturating_sub(self.iterations())
    }

    /// Counts an application of the preconditioner.
    pub fn applied(&mut self) {
        self.applications += 1;
    }

    /// Ends an iteration whose residual has norm `norm`.
    pub fn record(&mut self, norm: f64) {
        let relative = self.relative(norm);
        self.not_finite |= !relative.is_finite();
        self.history.push(relative);
        self.verified = false;
        let iteration = self.iterations();
        (self.on_iteration)(iteration, relative);
        if self.is_hopeless() || limits::check().is_err() {
            self.max_iterations = iteration;
        }
    }

    /// Whether the forecast is above the budget, with a margin for the uncertainty of early forecasts. A budget of many
    /// iterations allows a plateau at the beginning.
    fn is_hopeless(&self) -> bool {
        let k = self.iterations();
        let Some(budget) = self.budget.filter(|_| k >= FIRST_FORECAST && k.is_multiple_of(FORECASTS)) else {
            return false;
        };
        if self.leaves_growth && k >= GROWTH.1 && self.has_grown() {
            return true;
        }
        let forecast = self.forecast();
        let budget = budget(forecast);
        k as f64 >= (0.25 * budget).min(ENOUGH as f64)
            && forecast > budget * (1.0 + FIRST_FORECAST as f64 / k as f64)
    }

    /// Whether the residual has grown by far and was never below half of the first one.
    fn has_grown(&self) -> bool {
        let least = self.history.iter().copied().fold(f64::INFINITY, f64::min);
        self.residual_norm() > GROWTH.0 * self.history[0] * self.b_norm && least > 0.5 * self.history[0]
    }

    /// Iterations to convergence at the rates of the last half and of all iterations: the better one at the beginning,
    /// later their mean, or the former where it is far worse: BiCGStab may end at a residual that rounding allows. The smallest residual so far counts, because residuals of BiCGStab and CG oscillate.
    fn forecast(&self) -> f64 {
        let k = self.iterations();
        let least = |until: usize| self.history[..=until].iter().copied().fold(f64::INFINITY, f64::min);
        let last = least(k);
        let since = |start: usize| (last / least(start)).ln() / (k - start) as f64;
        let (late, all) = (since(k / 2), since(0));
        let rate = match k < ENOUGH {
            true => late.min(all),
            false if late > STALLED * all => late,
            false => 0.5 * (late + all),
        };
        let left = (self.threshold / self.b_norm / last).ln();
        if left >= 0.0 {
            k as f64
        } else if rate < 0.0 {
            k as f64 + left / rate
        } else {
            f64::INFINITY
        }
    }

    /// Replaces the last entry of the history by the true residual ‖b − A x‖₂.
    pub fn correct(&mut self, norm: f64) {
        let last = self.history.len() - 1;
        self.history[last] = self.relative(norm);
        self.verified = true;
    }

    /// Ends an iteration with a residual computed as b − A x.
    pub fn record_true(&mut self, norm: f64) {
        self.record(norm);
        self.verified = true;
    }

    /// Whether the last entry of the history was computed from x.
    pub fn verified(&self) -> bool {
        self.verified
    }

    /// The last recorded ‖r‖₂.
    pub fn residual_norm(&self) -> f64 {
        self.history[self.history.len() - 1] * self.b_norm
    }

    /// Whether the last recorded residual meets the tolerance.
    pub fn converged(&self) -> bool {
        self.residual_norm() <= self.threshold || self.b_norm == 0.0
    }

    /// Whether a residual of this norm should be checked against the true one.
    pub fn claims(&self, norm: f64) -> bool {
        norm <= self.target
    }

    /// Whether the residual is not finite or exceeds the divergence limit.
    pub fn diverged(&self) -> bool {
        let last = self.history[self.history.len() - 1];
        !(last.is_finite() && last <= DIVERGENCE * self.history[0])
    }

    /// Whether the total gain of the last `window` iterations is below 0.1 %.
    pub fn plateau(&self, window: usize) -> bool {
        let last = self.history.len() - 1;
        last >= window && self.history[last] > 0.999 * self.history[last - window]
    }

    /// The status after a check that gave the true residual norm `norm`, or `None` to continue.
    pub fn verdict(&mut self, norm: f64) -> Option<Status> {
        if self.converged() {
            return Some(Status::Converged);
        }
        if !norm.is_finite() {
            return Some(Status::Diverged);
        }
        if norm > 0.5 * self.claimed {
            return Some(Status::Stagnated);
        }
        self.claimed = norm;
        self.target *= 0.5;
        None
    }

    /// The outcome for the iterate x, whose true residual is at the end of the history.
    pub fn close(self, end: End, x: Vec<f64>) -> Outcome {
        let finite = self.residual_norm().is_finite() && end.finite;
        let status = if !finite || (end.status == Status::MaxIterations && self.diverged()) {
            Status::Diverged
        } else if self.converged() {
            Status::Converged
        } else {
            end.status
        };
        let mut out = Outcome {
            status,
            iterations: self.history.len() - 1,
            x,
            residual_history: self.history,
            preconditioner_applications: self.applications,
            advice: None,
            krylov: Some(end.method.krylov()),
            backward_error: None,
            solver: None,
            removed: None,
            attempts: Vec::new(),
            last_step: self.last_step,
        };
        let situation = Situation {
            method: end.method,
            preconditioned: end.preconditioned,
            finite: finite && !self.not_finite,
            rtol: self.rtol,
        };
        let limit = if out.converged() { None } else { limits::check().err() };
        out.advice = limit.map(|e| e.to_string()).or_else(|| advice(&out, situation));
        out
    }

    fn relative(&self, norm: f64) -> f64 {
        if self.b_norm == 0.0 {
            0.0
        } else if norm.is_finite() {
            norm / self.b_norm
        } else {
            f64::INFINITY
        }
    }
}

/// Final state of a solve.
pub(super) struct End {
    pub status: Status,
    pub method: Method,
    pub preconditioned: bool,
    /// Whether every value of the iterate is finite.
    pub finite: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Iterations after which a solve with this budget stops without convergence, if its residuals are these.
    fn stopped_after(budget: f64, residual: impl Fn(usize) -> f64) -> Option<usize> {
        let (allowed, mut ignore) = (|_| budget, |_, _| ());
        let options = Options { budget: Some(&allowed), leaves_growth: true, ..Options::default() };
        let mut progress = Progress::start(&options, Size { norm: 1.0, scale: 1.0 }, &mut ignore);
        progress.correct(1.0);
        let end = (1..=500).find(|&k| {
            progress.record(residual(k));
            progress.converged() || progress.remaining() == 0
        });
        end.filter(|_| !progress.converged())
    }

    #[test]
    fn a_solve_stops_where_its_forecast_exceeds_the_budget() {
        // Eight digits take 27 iterations with the factor 1/2, and 175 with .9.
        let geometric = |factor: f64| move |k: usize| factor.powi(k as i32);
        assert_eq!(stopped_after(30.0, geometric(0.5)), None);
        assert_eq!(stopped_after(30.0, geometric(0.9)), Some(10));
        assert_eq!(stopped_after(150.0, geometric(0.9)), Some(65));
        assert_eq!(stopped_after(180.0, geometric(0.9)), None);
        assert_eq!(stopped_after(f64::INFINITY, |_| 1.0), Some(500));
        assert_eq!(stopped_after(f64::INFINITY, |k| 2.0f64.powi(k as i32)), Some(15));
        // One that stalls after a good start stops as well.
        assert_eq!(stopped_after(400.0, |k| if k < 20 { 0.5f64.powi(k as i32) } else { 1e-6 }), Some(60));
        // A plateau of thirty iterations is allowed where the budget is large.
        let plateau = |k: usize| if k < 30 { 1.0 } else { 0.6f64.powi(k as i32 - 30) };
        assert_eq!((stopped_after(25.0, plateau), stopped_after(400.0, plateau)), (Some(10), None));
    }
}

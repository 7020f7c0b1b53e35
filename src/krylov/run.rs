//! The state that every method shares: iterate, true residual, history, verdicts.

use std::borrow::Cow;

use super::advice::{Method, Situation, advice};
use super::options::Options;
use super::outcome::{Outcome, Status};
use super::vector;
use crate::error::Result;
use crate::operator::{LinearOperator, Preconditioner};

/// Growth of the residual that counts as divergence.
const DIVERGENCE: f64 = 1e6;

/// Relative residual below which no recurrence is believed without a check.
const ROUNDING: f64 = 1e-16;

/// A solve in progress. Right-hand sides of extreme size are solved for b scaled by a
/// power of two, which is exact, so that no scalar product overflows or vanishes.
pub(super) struct Run<'a> {
    a: &'a dyn LinearOperator,
    b: Cow<'a, [f64]>,
    preconditioner: Option<&'a dyn Preconditioner>,
    on_iteration: &'a mut dyn FnMut(usize, f64),
    /// The iterate.
    pub x: Vec<f64>,
    /// The residual that the method carries: b − A x up to rounding.
    pub r: Vec<f64>,
    history: Vec<f64>,
    applications: usize,
    max_iterations: usize,
    rtol: f64,
    scale: f64,
    b_norm: f64,
    /// ‖r‖₂ that counts as converged.
    threshold: f64,
    /// ‖r‖₂ at which the recurrence is worth a check: lowered when it was wrong.
    target: f64,
    /// True residual of the last check that failed.
    claimed: f64,
    /// Whether the last entry of the history was computed from x.
    verified: bool,
    /// Whether an iteration met values that are not finite.
    not_finite: bool,
}

impl<'a> Run<'a> {
    /// Starts from the initial guess; the options are checked already. Costs one product.
    pub fn start(
        options: &Options<'a>,
        a: &'a dyn LinearOperator,
        b: &'a [f64],
        on_iteration: &'a mut dyn FnMut(usize, f64),
    ) -> Result<Self> {
        let n = b.len();
        let largest = vector::largest(b);
        let (b, scale) = if largest == 0.0 || (1e-100..1e100).contains(&largest) {
            (Cow::Borrowed(b), 1.0)
        } else {
            let scale = 0.5f64.powi(largest.log2().floor().clamp(-1000.0, 1000.0) as i32);
            (Cow::Owned(b.iter().map(|v| v * scale).collect()), scale)
        };
        let b_norm = vector::norm(&b);
        let threshold = (options.rtol * b_norm).max(options.atol * scale);
        let x = match options.initial_guess {
            Some(guess) if b_norm > 0.0 => guess.iter().map(|v| v * scale).collect(),
            _ => vec![0.0; n],
        };
        let mut run = Self {
            a,
            b,
            preconditioner: options.preconditioner,
            on_iteration,
            x,
            r: vec![0.0; n],
            history: vec![0.0],
            applications: 0,
            max_iterations: options.max_iterations,
            rtol: options.rtol,
            scale,
            b_norm,
            threshold,
            target: threshold.max(ROUNDING * b_norm),
            claimed: f64::INFINITY,
            verified: false,
            not_finite: false,
        };
        run.refresh()?;
        Ok(run)
    }

    /// Number of unknowns.
    pub fn rows(&self) -> usize {
        self.x.len()
    }

    /// Iterations done.
    pub fn iterations(&self) -> usize {
        self.history.len() - 1
    }

    /// Iterations that are left.
    pub fn remaining(&self) -> usize {
        self.max_iterations.saturating_sub(self.iterations())
    }

    /// w ← A v.
    pub fn apply(&self, v: &[f64], w: &mut [f64]) -> Result<()> {
        self.a.apply(v, w)
    }

    /// z ← B v.
    pub fn precondition(&mut self, v: &[f64], z: &mut [f64]) -> Result<()> {
        self.applications += 1;
        match self.preconditioner {
            Some(preconditioner) => preconditioner.apply(v, z),
            None => {
                z.copy_from_slice(v);
                Ok(())
            }
        }
    }

    /// w ← A v, with ⟨v, w⟩ and ⟨v, v⟩.
    pub fn apply_dots(&self, v: &[f64], w: &mut [f64]) -> Result<[f64; 2]> {
        Ok(self.a.apply_dots(v, w)?.unwrap_or_else(|| vector::dot_pair(v, w).into()))
    }

    /// z ← B r.
    pub fn precondition_residual(&mut self, z: &mut [f64]) -> Result<()> {
        let r = std::mem::take(&mut self.r);
        let result = self.precondition(&r, z);
        self.r = r;
        result
    }

    /// z ← B r for a residual r whose length was recorded last; returns ⟨r, z⟩.
    pub fn precondition_residual_dot(&mut self, z: &mut [f64]) -> Result<f64> {
        self.applications += 1;
        let known = match self.preconditioner {
            Some(preconditioner) => preconditioner.apply_dot(&self.r, self.residual_norm(), z)?,
            None => {
                z.copy_from_slice(&self.r);
                None
            }
        };
        Ok(known.unwrap_or_else(|| vector::dot(&self.r, z)))
    }

    /// Ends an iteration whose residual has norm `norm`.
    pub fn record(&mut self, norm: f64) {
        let relative = self.relative(norm);
        self.not_finite |= !relative.is_finite();
        self.history.push(relative);
        self.verified = false;
        let iteration = self.iterations();
        (self.on_iteration)(iteration, relative);
    }

    /// r ← b − A x; the last entry of the history becomes the truth. Returns ‖r‖₂.
    pub fn refresh(&mut self) -> Result<f64> {
        let norm = self.compute_residual()?;
        let last = self.history.len() - 1;
        self.history[last] = self.relative(norm);
        self.verified = true;
        Ok(norm)
    }

    /// r ← b − A x, which ends an iteration.
    pub fn advance(&mut self) -> Result<()> {
        let norm = self.compute_residual()?;
        self.record(norm);
        self.verified = true;
        Ok(())
    }

    fn compute_residual(&mut self) -> Result<f64> {
        self.a.apply(&self.x, &mut self.r)?;
        Ok(vector::subtract_from(&self.b, &mut self.r))
    }

    /// ‖r‖₂ as last recorded.
    pub fn residual_norm(&self) -> f64 {
        self.history[self.history.len() - 1] * self.b_norm
    }

    /// Whether the last recorded residual is at the tolerance.
    pub fn converged(&self) -> bool {
        self.residual_norm() <= self.threshold || self.b_norm == 0.0
    }

    /// Whether a residual of this norm is worth a check against the true one.
    pub fn claims(&self, norm: f64) -> bool {
        norm <= self.target
    }

    /// Whether the residual is not finite or has grown beyond measure.
    pub fn diverged(&self) -> bool {
        let last = self.history[self.history.len() - 1];
        !(last.is_finite() && last <= DIVERGENCE * self.history[0])
    }

    /// Whether the last `window` iterations together gained less than 0.1 %.
    pub fn plateau(&self, window: usize) -> bool {
        let last = self.history.len() - 1;
        last >= window && self.history[last] > 0.999 * self.history[last - window]
    }

    /// Called when the recurrence claims convergence: recomputes r and gives the verdict,
    /// or nothing if the method should start anew from the true r.
    pub fn verify(&mut self) -> Result<Option<Status>> {
        let norm = self.refresh()?;
        Ok(self.verdict(norm))
    }

    /// The verdict on a claim, when r was recomputed already and has norm `norm`.
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

    /// The outcome, with the true residual at the end of the history.
    pub fn finish(mut self, status: Status, method: Method) -> Result<Outcome> {
        if !self.verified {
            self.refresh()?;
        }
        if self.scale != 1.0 {
            self.x.iter_mut().for_each(|v| *v /= self.scale);
        }
        let finite = self.residual_norm().is_finite() && self.x.iter().all(|v| v.is_finite());
        let status = if !finite || (status == Status::MaxIterations && self.diverged()) {
            Status::Diverged
        } else if self.converged() {
            Status::Converged
        } else {
            status
        };
        let mut out = Outcome {
            status,
            iterations: self.history.len() - 1,
            x: self.x,
            residual_history: self.history,
            preconditioner_applications: self.applications,
            advice: None,
        };
        let situation = Situation {
            method,
            preconditioned: self.preconditioner.is_some(),
            finite: finite && !self.not_finite,
            rtol: self.rtol,
        };
        out.advice = advice(&out, situation);
        Ok(out)
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

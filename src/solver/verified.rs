//! Solves whose result is checked in the scaling of the user, and refined where it fails.

use super::backward_error::backward_error;
use super::value::Solver;
use crate::backend::Cpu;
use crate::error::Result;
use crate::krylov::{Outcome, SolveOptions, Status, System, check_vector, largest, norm};
use crate::multigrid::Setup;
use crate::operator::Preconditioner;

/// Most corrections of a solution that has converged in one norm only.
const CORRECTIONS: usize = 4;
/// Largest componentwise backward error of a solution, as a multiple of rtol.
const FACTOR: f64 = 1e3;
/// Its upper limit for a large rtol.
const MOST: f64 = 1e-2;
/// Componentwise backward error of a solution that no method in double precision improves.
const ROUNDING: f64 = 1e-13;
/// The tolerance of a correction of the norm, relative to the reduction that is missing.
const CAUTION: f64 = 1e-2;
/// Largest estimated error of a solution by a preconditioner that may miss some, as a multiple of rtol: estimates were below a
/// tenth of that on fifty real matrices, and above it for solutions with errors from 10⁻⁴ on.
const LIKELY: f64 = 5e2;
/// The tolerance of a correction of an error that is hardly too large.
const ENOUGH: f64 = 0.01;
/// Relative residual of accurate sparse factors.
const EXACT: f64 = 1e-12;
/// Error that the last step indicates, relative to the largest accepted one, from which the cycle estimates the error.
const SUSPECT: f64 = 0.3;
/// The slowest rate at which steps of a solve are taken to decrease.
const SLOWEST: f64 = 0.9;
/// Iterations with a hierarchy from which the error of x is estimated: one more cycle is cheap then.
const MANY: usize = 25;

impl Solver {
    /// Solves A x = b by the own cycle. A solution is accepted if ‖b − A x‖₂ ≤ rtol ‖b‖₂ and the componentwise
    /// backward error is at most 10³ rtol; otherwise the residual is solved for a correction, as in iterative
    /// refinement. A solution whose backward error is at the limit of rounding is accepted with a residual of up to
    /// 10³ rtol ‖b‖₂. A solution that took many iterations, or one level or a saddle point, is corrected once if the cycle applied to
    /// its residual indicates a relative error above 10³ rtol, as in nearly singular systems. So is one whose last step, of CG or
    /// BiCGStab, leaves such an error at the rate of the last residuals.
    ///
    /// # Errors
    /// As [`Solver::solve_with`].
    pub(super) fn verified(&self, b: &[f64], options: SolveOptions<'_>) -> Result<Outcome> {
        self.verified_on(self.system(), b, options)
    }

    /// As [`verified`](Self::verified), with the operators of `system`, which are those of this solver.
    pub(super) fn verified_on(
        &self,
        system: System<'_>,
        b: &[f64],
        mut options: SolveOptions<'_>,
    ) -> Result<Outcome> {
        let (rtol, atol) = (options.options.rtol, options.options.atol);
        let limit = (FACTOR * rtol).min(MOST);
        let iterations = options.options.max_iterations;
        let mut out = self.once(system, b, options.again())?;
        let length = norm(b);
        if length == 0.0 {
            return Ok(out);
        }
        // Of the scaled system; determined unknowns are known.
        let units = self.transform.as_ref().map(|transform| transform.constant(false));
        let error_of = |x: &[f64]| backward_error(&self.a, x, b, units.as_deref());
        let mut error = error_of(&out.x);
        for correction in 0..=CORRECTIONS {
            out.backward_error = Some(error.value);
            let relative = out.relative_residual();
            if !out.converged() && error.value <= ROUNDING && relative <= limit {
                // Where |A| |x| is far above |b|, rounding keeps the residual above the tolerance.
                (out.status, out.advice) = (Status::Converged, None);
                return Ok(out);
            }
            if !out.converged() && self.transform.is_none() {
                return Ok(out);
            }
            // Where |A| |x| is far above |b|, the residual depends on the order of its terms: the larger one counts.
            let own = if self.transform.is_some() && relative.is_finite() { relative * length } else { 0.0 };
            let rest = error.residual.max(own);
            let small = rest <= (rtol * length).max(atol);
            let accepted = small && (error.value <= limit || rest <= atol);
            // What an accepted solution has to be better by.
            let mut excess = 1.0;
            if accepted {
                out.status = Status::Converged;
                let misses = self.may_leave_errors(relative);
                let remaining = remaining(&out) / (FACTOR * rtol);
                let suspect =
                    misses || remaining > SUSPECT || out.iterations >= MANY || !out.attempts.is_empty();
                if suspect && rest > 0.0 {
                    let limit = if misses { LIKELY * rtol } else { limit };
                    let scale = uniformity(&out) / limit;
                    excess = scale * self.estimated_error(system, b, &out.x, false)?;
                    if excess > 1.0 {
                        excess = scale * self.estimated_error(system, b, &out.x, true)?;
                    }
                    excess = excess.max(remaining);
                }
                if excess <= 1.0 || !excess.is_finite() {
                    return Ok(out);
                }
            }
            let left = iterations.saturating_sub(out.iterations);
            if !out.converged() || correction == CORRECTIONS || left == 0 {
                return Ok(if accepted { out } else { rejected(out, small, error.row, limit) });
            }
            let (start, mut call) = (out.iterations, options.on_iteration.as_mut());
            let mut shifted = |iteration: usize, residual: f64| {
                if let Some(call) = &mut call {
                    call(start + iteration, residual * rest / length);
                }
            };
            // The norm may need few further digits. Single equations need all.
            let missing = (rtol * length).max(atol) / rest;
            let tolerance = match small {
                true if accepted => (ENOUGH / excess).max(rtol).min(ENOUGH),
                true => rtol,
                false => (CAUTION * missing).clamp(CAUTION * rtol, CAUTION.max(rtol)),
            };
            let own = SolveOptions::new().rtol(tolerance).max_iterations(left).restart(options.restart);
            let mut own = own.on_iteration(&mut shifted);
            // Iterations before it count.
            let budget = options.options.budget;
            let allowed = budget.map(|budget| move |k: f64| budget(start as f64 + k) - start as f64);
            own.options.budget = allowed.as_ref().map(|allowed| allowed as &dyn Fn(f64) -> f64);
            own.krylov = options.krylov;
            let second = self.once(system, &self.in_range(self.residual(b, &out.x)), own)?;
            let x: Vec<f64> = out.x.iter().zip(&second.x).map(|(x, d)| x + d).collect();
            let own_step = second.last_step * largest(&second.x) / largest(&x).max(f64::MIN_POSITIVE);
            if accepted && !(second.converged() && x.iter().all(|v| v.is_finite())) {
                if second.status == Status::MaxIterations && second.iterations < left {
                    // Another method takes less time than the correction.
                    out.status = Status::MaxIterations;
                }
                return Ok(out);
            }
            let next = error_of(&x);
            if next.value > 0.5 * error.value && small && !accepted {
                return Ok(rejected(out, small, error.row, limit));
            }
            error = next;
            join(&mut out, &second, x, (rest / length, error.residual / length));
            (out.status, out.advice, out.last_step) = (second.status, second.advice, own_step);
        }
        Ok(out)
    }

    /// Whether the preconditioner may miss some error in few iterations: without coarser levels, with the approximate Schur
    /// complement of a saddle point, or with sparse factors that leave more than rounding.
    fn may_leave_errors(&self, relative: f64) -> bool {
        let inexact = *self.setup() == Setup::Direct && relative > EXACT;
        inexact || self.setup().has_one_level() || self.setup().approximates()
    }

    /// b − A x.
    fn residual(&self, b: &[f64], x: &[f64]) -> Vec<f64> {
        let mut r = vec![0.0; b.len()];
        Cpu.residual((&self.a).into(), b, x, &mut r, 1);
        r
    }

    /// ‖B (b − A x)‖∞ / ‖x‖∞ for the cycle B: the relative error of x if B is the inverse. `in_range`: known null vectors
    /// count as no error, which takes some passes over the matrix.
    fn estimated_error(&self, system: System<'_>, b: &[f64], x: &[f64], in_range: bool) -> Result<f64> {
        let project = |r: Vec<f64>| if in_range { self.in_range(r) } else { r };
        let mut d = vec![0.0; b.len()];
        self.transformed(&project(self.residual(b, x)), &mut d, |r, z| system.precondition(r, z))?;
        let d = if self.has_symmetric_matrix() { project(d) } else { d };
        Ok(largest(&d) / largest(x).max(f64::MIN_POSITIVE))
    }

    /// A solve of the system for which the cycle was built. The last entry of the history is ‖b − A x‖₂ / ‖b‖₂.
    fn once(&self, system: System<'_>, b: &[f64], mut options: SolveOptions<'_>) -> Result<Outcome> {
        let Some(transform) = &self.transform else { return self.attempt(system, b, options) };
        check_vector("the right-hand side", self.rows(), b)?;
        let (mut d, right) = transform.forward(&self.a, b);
        let guess = options.options.initial_guess.map(|x| transform.guess(x));
        let mut own = options.again();
        own.options.initial_guess = guess.as_deref();
        let mut out = self.attempt(system, &right, own)?;
        transform.backward(&out.x, &mut d);
        out.x = d;
        let relative = norm(&self.residual(b, &out.x)) / norm(b);
        if let Some(last) = out.residual_history.last_mut().filter(|_| relative.is_finite()) {
            *last = relative;
        }
        Ok(out)
    }
}

/// The condition number of B A for which CG takes as many applications of B for the reduction of the residual: how far ‖B r‖
/// may be below the error (Saad 2003, 6.128).
fn uniformity(out: &Outcome) -> f64 {
    let digits = (2.0 / out.relative_residual().clamp(f64::EPSILON, 1.0)).ln();
    (2.0 * out.preconditioner_applications as f64 / digits).powi(2).max(1.0)
}

/// The error of x relative to x that follows from the last step, if further ones decrease at the rate of the last residuals.
fn remaining(out: &Outcome) -> f64 {
    let [.., before, last] = out.residual_history[..] else { return 0.0 };
    let rate = (last / before).min(SLOWEST);
    out.last_step * rate / (1.0 - rate)
}

/// Adds a correction, whose right-hand side was `share` of b in norm, and the new iterate with its relative residual.
fn join(out: &mut Outcome, correction: &Outcome, x: Vec<f64>, (share, relative): (f64, f64)) {
    out.x = x;
    out.iterations += correction.iterations;
    out.preconditioner_applications += correction.preconditioner_applications;
    out.residual_history.extend(correction.residual_history.iter().skip(1).map(|h| h * share));
    // That of the correction does not contain the rounding of x.
    if let Some(last) = out.residual_history.last_mut().filter(|_| relative.is_finite()) {
        *last = last.max(relative);
    }
}

/// The outcome of a solution that one of the tests refuses.
fn rejected(mut out: Outcome, small: bool, row: usize, limit: f64) -> Outcome {
    if out.converged() {
        out.status = Status::Stagnated;
        let omega = out.backward_error.unwrap_or(f64::INFINITY);
        out.advice = Some(match small {
            true => format!(
                "‖b − A x‖/‖b‖ is small, but row {} is solved only to a relative error of {omega:.1e} (at most {limit:.0e} is accepted): its values are tiny beside those of other rows; scale the equations to similar size",
                row + 1
            ),
            false => "the scaled system has converged, but the residual of the given one is above the tolerance: rounding in rows of very different size keeps it there; scale the equations to similar size".into(),
        });
    }
    out
}

//! The stabilised biconjugate gradient method.

use super::advice::Method;
use super::options::{Options, common_options};
use super::outcome::{Breakdown, Outcome, Status};
use super::run::Run;
use super::vector::{axpy, axpy_norm, dot, dot_pair, norm, xpby};
use crate::error::Result;
use crate::operator::{LinearOperator, Preconditioner};

/// Cosine between two vectors below which they count as orthogonal.
const ORTHOGONAL: f64 = 1e-15;

/// Restarts from the present residual before a breakdown is final.
const RESTARTS: usize = 10;

/// BiCGStab (van der Vorst 1992), preconditioned from the right, for any square matrix.
///
/// ```text
/// ρ = r̂ᵀr,  β = ρ/ρ_old · α/ω,  p = r + β (p − ω v),  v = A B p,  α = ρ / r̂ᵀv
/// s = r − α v,  t = A B s,  ω = tᵀs / tᵀt,  x += α B p + ω B s,  r = s − ω t
/// ```
///
/// **An iteration applies A and B twice** (once if its first half suffices), so its
/// iterations count double against those of [`Cg`](super::Cg) or [`Fgmres`](super::Fgmres);
/// [`Outcome::preconditioner_applications`] compares fairly. It needs eight vectors
/// however many iterations it takes. The residual is not monotone.
///
/// On a breakdown (ρ, r̂ᵀv or ω zero to working precision) the method starts anew from its
/// residual; one straight after such a start, or the eleventh, is final.
///
/// ```
/// use multigrad::krylov::BiCgStab;
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, 1.0), (1, 1, 3.0)])?;
/// let out = BiCgStab::new().solve(&a, &[3.0, 3.0])?;
/// assert!(out.converged() && (out.x[0] - 1.0).abs() < 1e-7);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct BiCgStab<'a> {
    options: Options<'a>,
}

/// How an iteration ended that did not end the method.
enum Step {
    Done,
    Broken(Breakdown),
    End(Status),
}

/// Vectors and scalars from one iteration to the next.
struct State {
    shadow: Vec<f64>,
    shadow_norm: f64,
    p: Vec<f64>,
    v: Vec<f64>,
    y: Vec<f64>,
    t: Vec<f64>,
    rho: f64,
    alpha: f64,
    omega: f64,
    fresh: bool,
}

impl BiCgStab<'_> {
    /// The method with its default options.
    pub fn new() -> Self {
        Self { options: Options::default() }
    }

    fn check(&self, _: &dyn LinearOperator) -> Result<()> {
        Ok(())
    }

    fn iterate(&self, run: &mut Run<'_>) -> Result<Status> {
        let mut state = State::new(run);
        let mut restarts = 0;
        while run.remaining() > 0 {
            let was_fresh = state.fresh;
            match state.step(run)? {
                Step::End(status) => return Ok(status),
                Step::Done => {}
                Step::Broken(reason) => {
                    restarts += 1;
                    if was_fresh || restarts > RESTARTS {
                        return Ok(Status::Breakdown(reason));
                    }
                    run.refresh()?;
                    state.restart(run);
                }
            }
        }
        Ok(Status::MaxIterations)
    }
}

impl State {
    fn new(run: &Run<'_>) -> Self {
        let n = run.rows();
        let zeros = || vec![0.0; n];
        let mut state = Self {
            shadow: zeros(),
            shadow_norm: 0.0,
            p: zeros(),
            v: zeros(),
            y: zeros(),
            t: zeros(),
            rho: 1.0,
            alpha: 1.0,
            omega: 1.0,
            fresh: true,
        };
        state.restart(run);
        state
    }

    fn restart(&mut self, run: &Run<'_>) {
        self.shadow.copy_from_slice(&run.r);
        self.shadow_norm = norm(&run.r);
        self.fresh = true;
    }

    fn step(&mut self, run: &mut Run<'_>) -> Result<Step> {
        let residual = run.residual_norm();
        let rho = dot(&self.shadow, &run.r);
        if rho.abs() <= ORTHOGONAL * self.shadow_norm * residual {
            // Nothing was applied yet: no iteration.
            return Ok(Step::Broken(Breakdown::RhoZero));
        }
        if self.fresh {
            self.p.copy_from_slice(&run.r);
        } else {
            axpy(-self.omega, &self.v, &mut self.p);
            xpby(&run.r, rho / self.rho * (self.alpha / self.omega), &mut self.p);
        }
        self.fresh = false;
        run.precondition(&self.p, &mut self.y)?;
        run.apply(&self.y, &mut self.v)?;
        let (pivot, length) = (dot(&self.shadow, &self.v), norm(&self.v));
        let alpha = rho / pivot;
        if !length.is_finite() || alpha.is_nan() {
            run.record(f64::INFINITY);
            return Ok(Step::End(Status::Diverged));
        }
        if pivot.abs() <= ORTHOGONAL * self.shadow_norm * length {
            run.record(residual);
            let reason = if length == 0.0 { Breakdown::SingularMatrix } else { Breakdown::PivotZero };
            return Ok(Step::Broken(reason));
        }
        axpy(alpha, &self.y, &mut run.x);
        let half = axpy_norm(-alpha, &self.v, &mut run.r);
        if run.claims(half) || !half.is_finite() {
            return self.end(run, half);
        }
        run.precondition_residual(&mut self.y)?;
        run.apply(&self.y, &mut self.t)?;
        let (ts, tt) = dot_pair(&self.t, &run.r);
        if !(ts.is_finite() && tt.is_finite()) {
            run.record(f64::INFINITY);
            return Ok(Step::End(Status::Diverged));
        }
        if ts.abs() <= ORTHOGONAL * tt.sqrt() * half {
            run.record(half);
            let reason = if tt == 0.0 { Breakdown::SingularMatrix } else { Breakdown::OmegaZero };
            return Ok(Step::Broken(reason));
        }
        let omega = ts / tt;
        axpy(omega, &self.y, &mut run.x);
        let full = axpy_norm(-omega, &self.t, &mut run.r);
        (self.rho, self.alpha, self.omega) = (rho, alpha, omega);
        self.end(run, full)
    }

    /// Ends an iteration that arrived at a residual of norm `norm`.
    fn end(&mut self, run: &mut Run<'_>, norm: f64) -> Result<Step> {
        run.record(norm);
        if run.diverged() {
            return Ok(Step::End(Status::Diverged));
        }
        if run.claims(norm) {
            if let Some(status) = run.verify()? {
                return Ok(Step::End(status));
            }
            self.restart(run);
        }
        Ok(Step::Done)
    }
}

common_options!(BiCgStab, |_: &Self| Method::BiCgStab);

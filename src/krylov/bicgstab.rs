//! The stabilised biconjugate gradient method.

use super::method::Method;
use super::options::{Options, builder};
use super::outcome::{Breakdown, Status};
use super::progress::{Progress, Solve, conduct};
use super::run::Run;
use super::vector::{axpy, axpy_norm, dot, dot_pair, norm, xpby};
use crate::error::Result;
use crate::operator::Preconditioner;

/// Cosine between two vectors below which they count as orthogonal.
pub(super) const ORTHOGONAL: f64 = 1e-15;

/// Number of restarts after which a breakdown is final.
const RESTARTS: usize = 10;

/// BiCGStab (van der Vorst 1992), preconditioned from the right, for any square matrix.
///
/// ```text
/// ρ = r̂ᵀr,  β = ρ/ρ_old · α/ω,  p = r + β (p − ω v),  v = A B p,  α = ρ / r̂ᵀv
/// s = r − α v,  t = A B s,  ω = tᵀs / tᵀt,  x += α B p + ω B s,  r = s − ω t
/// ```
///
/// **An iteration applies A and B twice** (once if its first half suffices). One iteration therefore counts as two
/// of [`Cg`](super::Cg) or [`Fgmres`](super::Fgmres); [`Outcome::preconditioner_applications`] is the fair
/// measure. The method keeps eight vectors, independent of the number of iterations. The residual is not monotone.
///
/// On a breakdown (ρ, r̂ᵀv or ω zero to working precision) the method restarts from its residual. A breakdown
/// directly after a restart, or the eleventh breakdown, is final.
///
/// ```
/// use multigrad::krylov::BiCgStab;
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, 1.0), (1, 1, 3.0)])?;
/// let out = BiCgStab::new().solve(&a, &[3.0, 3.0])?;
/// assert!(out.converged() && (out.x[0] - 1.0).abs() < 1e-7);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
///
/// [`Outcome::preconditioner_applications`]: super::Outcome::preconditioner_applications
#[derive(Clone, Copy)]
#[must_use]
pub struct BiCgStab<'a> {
    options: Options<'a>,
    preconditioner: Option<&'a dyn Preconditioner>,
}

impl BiCgStab<'_> {
    /// The method with its default options.
    pub fn new() -> Self {
        Self { options: Options::default(), preconditioner: None }
    }

    fn method(&self) -> Method {
        Method::BiCgStab
    }
}

builder!(BiCgStab);

pub(super) fn solve(run: Run<'_, '_>) -> Result<Status> {
    let [shadow, p, v, y, t] = std::array::from_fn(|_| vec![0.0; run.rows()]);
    let (rho, alpha, omega) = (1.0, 1.0, 1.0);
    let mut state = State { run, shadow, shadow_norm: 0.0, p, v, y, t, rho, alpha, omega, fresh: true };
    conduct(&mut state, |state| {
        state.restart();
        iterate(state)
    })
}

/// Result of one iteration.
enum Step {
    Done,
    Broken(Breakdown),
    End(Status),
}

/// Result of half an iteration.
pub(super) enum Half {
    /// The half step was taken; the residual has this norm.
    Arrived(f64),
    /// ρ is zero; no operator was applied.
    Orthogonal,
    /// No step exists; the residual still has this norm.
    Broken(Breakdown, f64),
    /// The products are not finite.
    NotFinite,
}

/// A BiCGStab solve in two half iterations.
pub(super) trait Halves<'a>: Solve<'a> {
    /// The half step along p.
    fn first(&mut self) -> Result<Half>;

    /// The half step along the residual, which has norm `half`.
    fn second(&mut self, half: f64) -> Result<Half>;

    /// Restarts from the present residual.
    fn restart(&mut self);
}

/// Iterates until a stopping test decides.
pub(super) fn iterate<'a>(solve: &mut dyn Halves<'a>) -> Result<Status> {
    let (mut restarts, mut fresh) = (0, true);
    while solve.progress().remaining() > 0 {
        let was_fresh = std::mem::replace(&mut fresh, false);
        match step(solve, &mut fresh)? {
            Step::End(status) => return Ok(status),
            Step::Done => {}
            Step::Broken(reason) => {
                restarts += 1;
                if was_fresh || restarts > RESTARTS {
                    return Ok(Status::Breakdown(reason));
                }
                solve.refresh()?;
                solve.restart();
                fresh = true;
            }
        }
    }
    Ok(Status::MaxIterations)
}

/// One iteration; sets `fresh` if the next one starts from a recomputed residual.
fn step<'a>(solve: &mut dyn Halves<'a>, fresh: &mut bool) -> Result<Step> {
    let mut half = solve.first()?;
    if let Half::Arrived(norm) = half
        && !solve.progress().claims(norm)
        && norm.is_finite()
    {
        half = solve.second(norm)?;
    }
    let progress = solve.progress();
    let norm = match half {
        // This does not count as an iteration.
        Half::Orthogonal => return Ok(Step::Broken(Breakdown::RhoZero)),
        Half::Broken(reason, norm) => {
            progress.record(norm);
            return Ok(Step::Broken(reason));
        }
        Half::NotFinite => {
            progress.record(f64::INFINITY);
            return Ok(Step::End(Status::Diverged));
        }
        Half::Arrived(norm) => norm,
    };
    progress.record(norm);
    if progress.diverged() {
        return Ok(Step::End(Status::Diverged));
    }
    if progress.claims(norm) {
        if let Some(status) = solve.verify()? {
            return Ok(Step::End(status));
        }
        solve.restart();
        *fresh = true;
    }
    Ok(Step::Done)
}

/// Vectors and scalars that one iteration passes to the next.
struct State<'r, 'a> {
    run: Run<'r, 'a>,
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

impl<'a> Solve<'a> for State<'_, 'a> {
    fn progress(&mut self) -> &mut Progress<'a> {
        self.run.progress()
    }

    fn refresh(&mut self) -> Result<f64> {
        self.run.refresh()
    }
}

impl<'a> Halves<'a> for State<'_, 'a> {
    fn restart(&mut self) {
        self.shadow.copy_from_slice(&self.run.r);
        self.shadow_norm = norm(&self.run.r);
        self.fresh = true;
    }

    fn first(&mut self) -> Result<Half> {
        let run = &mut self.run;
        let residual = run.progress().residual_norm();
        let rho = dot(&self.shadow, &run.r);
        if rho.abs() <= ORTHOGONAL * self.shadow_norm * residual {
            return Ok(Half::Orthogonal);
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
            return Ok(Half::NotFinite);
        }
        if pivot.abs() <= ORTHOGONAL * self.shadow_norm * length {
            return Ok(Half::Broken(zero(length, Breakdown::PivotZero), residual));
        }
        (self.rho, self.alpha) = (rho, alpha);
        axpy(alpha, &self.y, run.x);
        let norm = axpy_norm(-alpha, &self.v, &mut run.r);
        Ok(Half::Arrived(run.measured(alpha, &self.y, norm)))
    }

    fn second(&mut self, half: f64) -> Result<Half> {
        let run = &mut self.run;
        run.precondition_residual(&mut self.y)?;
        run.apply(&self.y, &mut self.t)?;
        let (ts, tt) = dot_pair(&self.t, &run.r);
        if !(ts.is_finite() && tt.is_finite()) {
            return Ok(Half::NotFinite);
        }
        if ts.abs() <= ORTHOGONAL * tt.sqrt() * half {
            return Ok(Half::Broken(zero(tt, Breakdown::OmegaZero), half));
        }
        self.omega = ts / tt;
        axpy(self.omega, &self.y, run.x);
        let norm = axpy_norm(-self.omega, &self.t, &mut run.r);
        Ok(Half::Arrived(run.measured(self.omega, &self.y, norm)))
    }
}

/// The breakdown of a step that does not exist, from the norm of its direction.
pub(super) fn zero(length: f64, otherwise: Breakdown) -> Breakdown {
    if length == 0.0 { Breakdown::SingularMatrix } else { otherwise }
}

//! The preconditioned conjugate gradient method.

use super::method::Method;
use super::options::{Options, builder};
use super::outcome::{Breakdown, Status};
use super::progress::{Progress, Solve, conduct};
use super::run::Run;
use super::vector::{axpy, axpy_norm, dot, norm, scattered, xpby};
use crate::error::{Error, Result};
use crate::operator::Preconditioner;

/// |xᵀAy − yᵀAx| / (‖x‖‖Ay‖ + ‖y‖‖Ax‖) above which a matrix counts as not symmetric.
const SYMMETRY_TOLERANCE: f64 = 1e-10;

/// Conjugate gradients (Hestenes and Stiefel 1952) with a preconditioner B, for A and B
/// symmetric positive definite.
///
/// ```text
/// z = B r,  β = rᵀz / (rᵀz)_old,  p = z + β p,  α = rᵀz / pᵀA p,  x += α p,  r −= α A p
/// ```
///
/// An iteration costs one product with A, one application of B and five passes over vectors; the method keeps five
/// vectors. If the residual r of the recurrence signals convergence wrongly, r is replaced by b − A x and the
/// directions are restarted.
///
/// A preconditioner that is declared nonsymmetric is refused, and so is a matrix with xᵀA y ≠ yᵀA x for two fixed
/// pseudo-random vectors (two products with A; see [`symmetry_check`](Self::symmetry_check)).
///
/// ```
/// use multigrad::krylov::Cg;
/// use multigrad::operator::Identity;
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 4.0), (0, 1, 1.0), (1, 0, 1.0), (1, 1, 3.0)])?;
/// let out = Cg::new().rtol(1e-12).preconditioner(&Identity(2)).solve(&a, &[1.0, 2.0])?;
/// assert!(out.converged() && out.iterations == 2);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct Cg<'a> {
    options: Options<'a>,
    preconditioner: Option<&'a dyn Preconditioner>,
    symmetry_check: bool,
    flexible: bool,
}

impl Cg<'_> {
    /// The method with its default options.
    pub fn new() -> Self {
        Self { options: Options::default(), preconditioner: None, symmetry_check: true, flexible: false }
    }

    /// Whether to test the symmetry of the matrix before the iteration, at the cost of two products. Default:
    /// true. Turn the test off for repeated solves with one matrix.
    pub fn symmetry_check(mut self, check: bool) -> Self {
        self.symmetry_check = check;
        self
    }

    /// Flexible CG (Notay 2000): β = −zᵀA p / pᵀA p with the p of the previous step. The new direction is
    /// A-orthogonal to p even if the preconditioner is not linear, such as a K-cycle, or not quite symmetric. Any
    /// preconditioner is then accepted. Cost: one more vector operation per iteration. Default: false.
    pub fn flexible(mut self, flexible: bool) -> Self {
        self.flexible = flexible;
        self
    }

    fn method(&self) -> Method {
        Method::Cg { symmetry_check: self.symmetry_check, flexible: self.flexible }
    }
}

builder!(Cg);

pub(super) fn solve(run: Run<'_, '_>, flexible: bool) -> Result<Status> {
    let [z, p, q] = std::array::from_fn(|_| vec![0.0; run.rows()]);
    conduct(&mut State { run, z, p, q, old: (1.0, 1.0), curvature: 0.0, flexible }, |state| iterate(state))
}

/// Refuses a preconditioner that is not symmetric.
pub(super) fn check_preconditioner(suited: bool) -> Result<()> {
    match suited {
        true => Ok(()),
        false => Err(Error::unsuited(
            "CG needs a symmetric preconditioner and this one is not; use FGMRES, BiCGStab or flexible CG, and for a trained smoother Trainer::symmetric(true)",
        )),
    }
}

/// Refuses an operator that two products prove nonsymmetric.
pub(super) fn check_symmetry(
    n: usize,
    mut apply: impl FnMut(&[f64], &mut [f64]) -> Result<()>,
) -> Result<()> {
    let (x, y) = (scattered(n, 1), scattered(n, 2));
    let (mut ax, mut ay) = (vec![0.0; n], vec![0.0; n]);
    apply(&x, &mut ax)?;
    apply(&y, &mut ay)?;
    let difference = (dot(&y, &ax) - dot(&x, &ay)).abs();
    let size = norm(&x) * norm(&ay) + norm(&y) * norm(&ax);
    // The iteration reports values that are not finite.
    if size.is_finite() && difference > SYMMETRY_TOLERANCE * size {
        return Err(Error::unsuited(format!(
            "CG needs a symmetric matrix and this one is not (yᵀAx and xᵀAy differ by {:.1e} of their scale); use FGMRES or BiCGStab",
            difference / size
        )));
    }
    Ok(())
}

/// Result of one iteration.
pub(super) enum Step {
    /// The step was taken; the residual has this norm.
    Done(f64),
    /// No step exists.
    Stuck(Breakdown),
    /// The products are not finite.
    NotFinite,
}

/// A solve with conjugate directions.
pub(super) trait Directions<'a>: Solve<'a> {
    /// One iteration; if `fresh`, its direction is not made orthogonal to a previous one.
    fn step(&mut self, fresh: bool) -> Result<Step>;
}

/// Iterates until a stopping test decides.
pub(super) fn iterate<'a>(solve: &mut dyn Directions<'a>) -> Result<Status> {
    let mut fresh = true;
    while solve.progress().remaining() > 0 {
        let step = solve.step(fresh)?;
        let progress = solve.progress();
        let residual = match step {
            Step::Done(norm) => norm,
            Step::Stuck(reason) => {
                // The preconditioner was applied, so this counts as an iteration.
                progress.record(progress.residual_norm());
                return Ok(Status::Breakdown(reason));
            }
            Step::NotFinite => {
                progress.record(f64::INFINITY);
                return Ok(Status::Diverged);
            }
        };
        progress.record(residual);
        if progress.diverged() {
            return Ok(Status::Diverged);
        }
        fresh = progress.claims(residual);
        if fresh && let Some(status) = solve.verify()? {
            return Ok(status);
        }
    }
    Ok(Status::MaxIterations)
}

/// Whether a product that must be positive is not.
pub(super) fn indefinite(product: f64) -> bool {
    product <= 0.0 && product.is_finite()
}

/// The breakdown that pᵀA p ≤ 0 indicates, given the norms of p and A p and the largest curvature so far.
pub(super) fn without_curvature(pp: f64, ap_norm: f64, curvature: f64) -> Breakdown {
    // Rounding can make the zero curvature of a null vector negative.
    let null = ap_norm <= 1e-6 * curvature * pp.sqrt();
    if null { Breakdown::SingularMatrix } else { Breakdown::IndefiniteMatrix }
}

/// Vectors and scalars that one iteration passes to the next.
struct State<'r, 'a> {
    run: Run<'r, 'a>,
    z: Vec<f64>,
    p: Vec<f64>,
    q: Vec<f64>,
    old: (f64, f64),
    curvature: f64,
    flexible: bool,
}

impl<'a> Solve<'a> for State<'_, 'a> {
    fn progress(&mut self) -> &mut Progress<'a> {
        self.run.progress()
    }

    fn refresh(&mut self) -> Result<f64> {
        self.run.refresh()
    }
}

impl<'a> Directions<'a> for State<'_, 'a> {
    fn step(&mut self, fresh: bool) -> Result<Step> {
        let Self { run, z, p, q, .. } = self;
        let rz = run.precondition_residual_dot(z)?;
        if indefinite(rz) {
            return Ok(Step::Stuck(Breakdown::IndefinitePreconditioner));
        }
        let beta = match (fresh, self.flexible) {
            (true, _) => 0.0,
            (false, false) => rz / self.old.0,
            (false, true) => -dot(z, q) / self.old.1,
        };
        xpby(z, beta, p);
        let [pq, pp] = run.apply_dots(p, q)?;
        self.curvature = self.curvature.max(pq / pp);
        if indefinite(pq) {
            return Ok(Step::Stuck(without_curvature(pp, norm(q), self.curvature)));
        }
        let alpha = if self.flexible { dot(p, &run.r) / pq } else { rz / pq };
        if !(alpha.is_finite() && pq.is_finite()) {
            return Ok(Step::NotFinite);
        }
        axpy(alpha, p, run.x);
        self.old = (rz, pq);
        let norm = axpy_norm(-alpha, q, &mut run.r);
        Ok(Step::Done(run.measured(alpha, p, norm)))
    }
}

//! The preconditioned conjugate gradient method.

use super::advice::Method;
use super::options::{Options, common_options};
use super::outcome::{Breakdown, Outcome, Status};
use super::run::Run;
use super::vector::{axpy, axpy_norm, dot, norm, scattered, xpby};
use crate::error::{Error, Result};
use crate::operator::{LinearOperator, Preconditioner};

/// |xᵀAy − yᵀAx| / (‖x‖‖Ay‖ + ‖y‖‖Ax‖) above which a matrix counts as not symmetric.
const SYMMETRY_TOLERANCE: f64 = 1e-10;

/// Conjugate gradients (Hestenes and Stiefel 1952) with a preconditioner B, for A and B
/// symmetric positive definite.
///
/// ```text
/// z = B r,  β = rᵀz / (rᵀz)_old,  p = z + β p,  α = rᵀz / pᵀA p,  x += α p,  r −= α A p
/// ```
///
/// An iteration costs one product with A, one application of B and five passes over
/// vectors; the method keeps five vectors. The residual r of the recurrence is replaced by
/// b − A x, and the directions start anew, whenever it claims convergence wrongly.
///
/// A preconditioner that says it is not symmetric is refused, and so is a matrix for which
/// xᵀA y ≠ yᵀA x for two fixed vectors that look random (two products with A; see
/// [`symmetry_check`](Self::symmetry_check)).
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
#[derive(Debug, Clone, Copy)]
pub struct Cg<'a> {
    options: Options<'a>,
    symmetry_check: bool,
    flexible: bool,
}

impl Cg<'_> {
    /// The method with its default options.
    pub fn new() -> Self {
        Self { options: Options::default(), symmetry_check: true, flexible: false }
    }

    /// Whether to try the symmetry of the matrix first, at the price of two products.
    /// Default: true. Turn it off to solve with one matrix many times.
    #[must_use]
    pub fn symmetry_check(mut self, check: bool) -> Self {
        self.symmetry_check = check;
        self
    }

    /// Whether to make directions orthogonal to the last one by what the preconditioner gave, not by
    /// what theory says (flexible CG, Notay 2000: β = −zᵀA p / pᵀA p of the step before): for a
    /// preconditioner that is not linear, such as a K-cycle, or not quite symmetric. It may then be
    /// any; one more vector operation an iteration. Default: false.
    #[must_use]
    pub fn flexible(mut self, flexible: bool) -> Self {
        self.flexible = flexible;
        self
    }

    fn check(&self, a: &dyn LinearOperator) -> Result<()> {
        if !self.flexible && self.options.preconditioner.is_some_and(|b| !b.is_symmetric()) {
            return Err(Error::unsuited(
                "CG needs a symmetric preconditioner and this one is not; use FGMRES, BiCGStab or flexible CG",
            ));
        }
        if !self.symmetry_check {
            return Ok(());
        }
        let n = a.rows();
        let (x, y) = (scattered(n, 1), scattered(n, 2));
        let (mut ax, mut ay) = (vec![0.0; n], vec![0.0; n]);
        a.apply(&x, &mut ax)?;
        a.apply(&y, &mut ay)?;
        let difference = (dot(&y, &ax) - dot(&x, &ay)).abs();
        let size = norm(&x) * norm(&ay) + norm(&y) * norm(&ax);
        // Values that are not finite are for the iteration to report.
        if size.is_finite() && difference > SYMMETRY_TOLERANCE * size {
            return Err(Error::unsuited(format!(
                "CG needs a symmetric matrix and this one is not (yᵀAx and xᵀAy differ by {:.1e} of their scale); use FGMRES or BiCGStab",
                difference / size
            )));
        }
        Ok(())
    }

    fn iterate(&self, run: &mut Run<'_>) -> Result<Status> {
        let n = run.rows();
        let (mut z, mut p, mut q) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        let (mut old, mut fresh, mut curvature) = ((1.0, 1.0), true, 0.0f64);
        while run.remaining() > 0 {
            let rz = run.precondition_residual_dot(&mut z)?;
            if rz <= 0.0 && rz.is_finite() {
                return Ok(self.stuck(run, Breakdown::IndefinitePreconditioner));
            }
            let beta = match (fresh, self.flexible) {
                (true, _) => 0.0,
                (false, false) => rz / old.0,
                (false, true) => -dot(&z, &q) / old.1,
            };
            xpby(&z, beta, &mut p);
            let [pq, pp] = run.apply_dots(&p, &mut q)?;
            curvature = curvature.max(pq / pp);
            if pq <= 0.0 && pq.is_finite() {
                // Rounding can turn the zero curvature of a null vector negative.
                let null = norm(&q) <= 1e-6 * curvature * pp.sqrt();
                let reason = if null { Breakdown::SingularMatrix } else { Breakdown::IndefiniteMatrix };
                return Ok(self.stuck(run, reason));
            }
            let alpha = if self.flexible { dot(&p, &run.r) / pq } else { rz / pq };
            if !(alpha.is_finite() && pq.is_finite()) {
                run.record(f64::INFINITY);
                return Ok(Status::Diverged);
            }
            axpy(alpha, &p, &mut run.x);
            let residual = axpy_norm(-alpha, &q, &mut run.r);
            run.record(residual);
            if run.diverged() {
                return Ok(Status::Diverged);
            }
            (old, fresh) = ((rz, pq), false);
            if run.claims(residual) {
                if let Some(status) = run.verify()? {
                    return Ok(status);
                }
                fresh = true;
            }
        }
        Ok(Status::MaxIterations)
    }

    /// An iteration that ends without a step: it applied the preconditioner, so it counts.
    fn stuck(&self, run: &mut Run<'_>, reason: Breakdown) -> Status {
        run.record(run.residual_norm());
        Status::Breakdown(reason)
    }
}

common_options!(Cg, |_: &Self| Method::Cg);

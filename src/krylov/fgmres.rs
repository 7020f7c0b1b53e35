//! The flexible generalised minimal residual method.

use super::advice::Method;
use super::least_squares::LeastSquares;
use super::options::{Options, common_options};
use super::outcome::{Breakdown, Outcome, Status};
use super::run::Run;
use super::vector::{axpy, axpy_dot, axpy_norm, divide, dot, norm};
use crate::error::{Error, Result};
use crate::operator::{LinearOperator, Preconditioner};

/// Loss of length in the orthogonalisation that calls for a second one.
const REORTHOGONALISE: f64 = 0.1;

/// Length of what is left of a direction, relative to it, that counts as nothing.
const EXHAUSTED: f64 = 1e-14;

/// Smallest diagonal entry of R, relative to the largest, that is trusted where the whole
/// step made the residual grow.
const TRUSTED: f64 = 1e-8;

/// Least number of iterations that must gain something.
const WINDOW: usize = 50;

/// Flexible GMRES with restarts (Saad 1993), preconditioned from the right, for any square
/// matrix and for a preconditioner that may change from step to step.
///
/// ```text
/// z_j = B v_j,  A Z = V H by modified Gram–Schmidt,  y = argmin ‖β e₁ − H y‖,  x += Z y
/// ```
///
/// The directions are orthogonalised a second time where the first lost more than nine
/// tenths of the length (Daniel, Gragg, Kaufman and Stewart 1976). Givens rotations give
/// the residual of every iteration; it is computed from x at each restart and before
/// convergence is declared. The residual does not grow.
///
/// Iteration j after a restart costs one product with A, one application of B and j + 2
/// passes over two vectors; m iterations keep 2 m + 2 vectors.
///
/// ```
/// use multigrad::krylov::Fgmres;
/// use multigrad::sparse::Csr;
/// let rotation = Csr::from_triplets(2, 2, &[(0, 1, -1.0), (1, 0, 1.0)])?;
/// let out = Fgmres::new().restart(30).solve(&rotation, &[1.0, 0.0])?;
/// assert!(out.converged() && out.iterations == 2);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Fgmres<'a> {
    options: Options<'a>,
    restart: usize,
}

/// Why the iterations between two restarts ended.
#[derive(PartialEq, Eq)]
enum End {
    /// The restart is due, or the allowed iterations are used up.
    Full,
    /// The estimated residual is at the tolerance.
    Claimed,
    /// No new direction: the space is invariant.
    Exhausted,
    /// The operator or the preconditioner gave values that are not finite.
    NotFinite,
}

/// The vectors of a Krylov space, kept from one restart to the next.
#[derive(Default)]
struct Space {
    v: Vec<Vec<f64>>,
    z: Vec<Vec<f64>>,
}

impl Fgmres<'_> {
    /// The method with its default options.
    pub fn new() -> Self {
        Self { options: Options::default(), restart: 30 }
    }

    /// Iterations between two restarts. Default 30.
    #[must_use]
    pub fn restart(mut self, iterations: usize) -> Self {
        self.restart = iterations;
        self
    }

    fn check(&self, _: &dyn LinearOperator) -> Result<()> {
        if self.restart == 0 {
            return Err(Error::invalid_input(
                "restart is 0; FGMRES needs at least one iteration between restarts",
            ));
        }
        Ok(())
    }

    fn iterate(&self, run: &mut Run<'_>) -> Result<Status> {
        let window = self.restart.max(WINDOW);
        let mut space = Space::default();
        let mut start = vec![0.0; run.rows()];
        while run.remaining() > 0 {
            let before = run.residual_norm();
            let (mut problem, end) = space.expand(run, self.restart)?;
            start.copy_from_slice(&run.x);
            space.add_to(&mut run.x, &problem);
            if end == End::NotFinite {
                return Ok(Status::Diverged);
            }
            let limit = before * (1.0 + 1e-8);
            let mut now = run.refresh()?;
            if now.is_nan() || now > limit {
                // Rounding in a nearly singular system: take the part that can be trusted.
                problem.truncate(TRUSTED);
                run.x.copy_from_slice(&start);
                space.add_to(&mut run.x, &problem);
                now = run.refresh()?;
            }
            if now.is_nan() || now > limit {
                run.x.copy_from_slice(&start);
                run.refresh()?;
                return Ok(Status::Stagnated);
            }
            if run.converged() {
                return Ok(Status::Converged);
            }
            if end == End::Claimed {
                if let Some(status) = run.verdict(now) {
                    return Ok(status);
                }
                continue;
            }
            if end == End::Exhausted && now > 0.99 * before {
                return Ok(Status::Breakdown(Breakdown::SingularMatrix));
            }
            if run.plateau(window) {
                return Ok(Status::Stagnated);
            }
        }
        Ok(Status::MaxIterations)
    }
}

impl Space {
    /// x ← x + Z y for the minimiser y.
    fn add_to(&self, x: &mut [f64], problem: &LeastSquares) {
        for (z, &y) in self.z.iter().zip(&problem.solve()) {
            axpy(y, z, x);
        }
    }

    /// Builds the space from the residual of `run`, iteration by iteration.
    fn expand(&mut self, run: &mut Run<'_>, restart: usize) -> Result<(LeastSquares, End)> {
        let n = run.rows();
        let beta = run.residual_norm();
        let mut problem = LeastSquares::new(beta);
        reserve(&mut self.v, 0, n);
        self.v[0].copy_from_slice(&run.r);
        divide(&mut self.v[0], beta);
        for j in 0..restart.min(n).min(run.remaining()) {
            reserve(&mut self.z, j, n);
            reserve(&mut self.v, j + 1, n);
            let (basis, w) = self.v.split_at_mut(j + 1);
            let w = &mut w[0];
            run.precondition(&basis[j], &mut self.z[j])?;
            run.apply(&self.z[j], w)?;
            let length = norm(w);
            if !length.is_finite() {
                run.record(f64::INFINITY);
                return Ok((problem, End::NotFinite));
            }
            let (h, rest) = orthogonalise(basis, w, length);
            let kept = problem.push(h, rest);
            run.record(problem.residual());
            if !kept || rest <= EXHAUSTED * length {
                let claimed = kept && run.claims(problem.residual());
                return Ok((problem, if claimed { End::Claimed } else { End::Exhausted }));
            }
            if run.claims(problem.residual()) {
                return Ok((problem, End::Claimed));
            }
            divide(w, rest);
        }
        Ok((problem, End::Full))
    }
}

/// Makes `vectors[j]` exist.
fn reserve(vectors: &mut Vec<Vec<f64>>, j: usize, n: usize) {
    if vectors.len() <= j {
        vectors.push(vec![0.0; n]);
    }
}

/// Modified Gram–Schmidt: takes out of w its parts along the basis, and gives them and the
/// norm of what is left.
fn orthogonalise(basis: &[Vec<f64>], w: &mut [f64], length: f64) -> (Vec<f64>, f64) {
    let mut h = vec![0.0; basis.len()];
    let mut sweep = |w: &mut [f64]| {
        let mut part = dot(&basis[0], w);
        let mut rest = 0.0;
        for (i, v) in basis.iter().enumerate() {
            h[i] += part;
            match basis.get(i + 1) {
                Some(next) => part = axpy_dot(-part, v, w, next),
                None => rest = axpy_norm(-part, v, w),
            }
        }
        rest
    };
    let mut rest = sweep(w);
    if rest < REORTHOGONALISE * length {
        rest = sweep(w);
    }
    (h, rest)
}

common_options!(Fgmres, |method: &Self| Method::Fgmres { restart: method.restart });

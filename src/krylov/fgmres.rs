//! The flexible generalised minimal residual method.

use super::arnoldi::{REORTHOGONALISE, orthogonalise};
use super::least_squares::LeastSquares;
use super::method::Method;
use super::options::{Options, builder};
use super::outcome::{Breakdown, Status};
use super::progress::{Progress, Solve, conduct};
use super::run::Run;
use super::vector::{axpy, divide, norm};
use crate::error::Result;
use crate::operator::Preconditioner;

/// A remainder below this share of the norm of the direction counts as zero.
const EXHAUSTED: f64 = 1e-14;

/// Smallest diagonal entry of R, relative to the largest, that is used after the full step made the residual grow.
const TRUSTED: f64 = 1e-8;

/// Shortest window of the stagnation test, in iterations.
const WINDOW: usize = 50;

/// Flexible GMRES with restarts (Saad 1993), preconditioned from the right, for any square
/// matrix and for a preconditioner that may change from step to step.
///
/// ```text
/// z_j = B v_j,  A Z = V H by modified Gram–Schmidt,  y = argmin ‖β e₁ − H y‖,  x += Z y
/// ```
///
/// A direction is orthogonalised a second time if the first pass removed more than nine tenths of its norm
/// (Daniel, Gragg, Kaufman and Stewart 1976). Givens rotations give the residual of every iteration; it is
/// recomputed from x at each restart and before convergence is declared. The residual does not grow.
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
#[derive(Clone, Copy)]
#[must_use]
pub struct Fgmres<'a> {
    options: Options<'a>,
    preconditioner: Option<&'a dyn Preconditioner>,
    restart: usize,
}

/// Reason for which the iterations of one restart cycle ended.
#[derive(PartialEq, Eq)]
enum End {
    /// The restart is due, or no iterations are left.
    Full,
    /// The estimated residual meets the tolerance.
    Claimed,
    /// There is no new direction: the space is invariant.
    Exhausted,
    /// The operator or the preconditioner returned values that are not finite.
    NotFinite,
}

impl Fgmres<'_> {
    /// The method with its default options.
    pub fn new() -> Self {
        Self { options: Options::default(), preconditioner: None, restart: 30 }
    }

    /// Number of iterations between two restarts. Default 30.
    pub fn restart(mut self, iterations: usize) -> Self {
        self.restart = iterations;
        self
    }

    fn method(&self) -> Method {
        Method::Fgmres { restart: self.restart }
    }
}

builder!(Fgmres);

pub(super) fn solve(run: Run<'_, '_>, restart: usize) -> Result<Status> {
    let start = vec![0.0; run.rows()];
    conduct(&mut Space { run, start, v: Vec::new(), z: Vec::new() }, |space| iterate(space, restart))
}

/// A new direction A B v: its norm, its components along the basis, and the norm of the remainder.
pub(super) struct Direction {
    pub length: f64,
    pub parts: Vec<f64>,
    pub rest: f64,
}

/// A solve in a Krylov space that grows direction by direction.
pub(super) trait Expand<'a>: Solve<'a> {
    /// Number of unknowns.
    fn rows(&self) -> usize;

    /// Starts a space from the present x and its residual, which has norm `beta`.
    fn begin(&mut self, beta: f64) -> Result<()>;

    /// Direction j, orthogonalised against the basis unless it is not finite.
    fn direction(&mut self, j: usize) -> Result<Direction>;

    /// Appends direction j, whose remainder has norm `rest`, to the basis.
    fn accept(&mut self, j: usize, rest: f64) -> Result<()>;

    /// x ← x₀ + Z y, with x₀ the start of the space and the first columns of Z.
    fn move_to(&mut self, y: &[f64]) -> Result<()>;
}

/// Iterates until a stopping test decides.
pub(super) fn iterate<'a>(space: &mut dyn Expand<'a>, restart: usize) -> Result<Status> {
    let window = restart.max(WINDOW);
    while space.progress().remaining() > 0 {
        let before = space.progress().residual_norm();
        let (mut problem, end) = expand(space, restart)?;
        space.move_to(&problem.solve())?;
        if end == End::NotFinite {
            return Ok(Status::Diverged);
        }
        let limit = before * (1.0 + 1e-8);
        let mut now = space.refresh()?;
        if now.is_nan() || now > limit {
            // Rounding in a nearly singular system: keep the columns that are reliable.
            problem.truncate(TRUSTED);
            space.move_to(&problem.solve())?;
            now = space.refresh()?;
        }
        if now.is_nan() || now > limit {
            space.move_to(&[])?;
            space.refresh()?;
            return Ok(Status::Stagnated);
        }
        let progress = space.progress();
        if progress.converged() {
            return Ok(Status::Converged);
        }
        if end == End::Claimed {
            if let Some(status) = progress.verdict(now) {
                return Ok(status);
            }
            continue;
        }
        if end == End::Exhausted && now > 0.99 * before {
            return Ok(Status::Breakdown(Breakdown::SingularMatrix));
        }
        if progress.plateau(window) {
            return Ok(Status::Stagnated);
        }
    }
    Ok(Status::MaxIterations)
}

/// Builds the space from the present residual, one iteration per direction.
fn expand<'a>(space: &mut dyn Expand<'a>, restart: usize) -> Result<(LeastSquares, End)> {
    let beta = space.progress().residual_norm();
    let mut problem = LeastSquares::new(beta);
    space.begin(beta)?;
    for j in 0..restart.min(space.rows()).min(space.progress().remaining()) {
        let Direction { length, parts, rest } = space.direction(j)?;
        let progress = space.progress();
        if !length.is_finite() {
            progress.record(f64::INFINITY);
            return Ok((problem, End::NotFinite));
        }
        let kept = problem.push(parts, rest);
        progress.record(problem.residual());
        if !kept || rest <= EXHAUSTED * length {
            let claimed = kept && progress.claims(problem.residual());
            return Ok((problem, if claimed { End::Claimed } else { End::Exhausted }));
        }
        if progress.claims(problem.residual()) {
            return Ok((problem, End::Claimed));
        }
        if progress.remaining() == 0 {
            break;
        }
        space.accept(j, rest)?;
    }
    Ok((problem, End::Full))
}

/// The vectors of a Krylov space, kept from one restart to the next.
struct Space<'r, 'a> {
    run: Run<'r, 'a>,
    start: Vec<f64>,
    v: Vec<Vec<f64>>,
    z: Vec<Vec<f64>>,
}

impl<'a> Solve<'a> for Space<'_, 'a> {
    fn progress(&mut self) -> &mut Progress<'a> {
        self.run.progress()
    }

    fn refresh(&mut self) -> Result<f64> {
        self.run.refresh()
    }
}

impl<'a> Expand<'a> for Space<'_, 'a> {
    fn rows(&self) -> usize {
        self.run.rows()
    }

    fn begin(&mut self, beta: f64) -> Result<()> {
        self.start.copy_from_slice(self.run.x);
        reserve(&mut self.v, 0, self.run.rows());
        self.v[0].copy_from_slice(&self.run.r);
        divide(&mut self.v[0], beta);
        Ok(())
    }

    fn direction(&mut self, j: usize) -> Result<Direction> {
        let n = self.run.rows();
        reserve(&mut self.z, j, n);
        reserve(&mut self.v, j + 1, n);
        let (basis, w) = self.v.split_at_mut(j + 1);
        let w = &mut w[0];
        self.run.precondition(&basis[j], &mut self.z[j])?;
        self.run.apply(&self.z[j], w)?;
        let length = norm(w);
        if !length.is_finite() {
            return Ok(Direction { length, parts: Vec::new(), rest: length });
        }
        let (parts, rest) = orthogonalise(basis, w, length, REORTHOGONALISE);
        Ok(Direction { length, parts, rest })
    }

    fn accept(&mut self, j: usize, rest: f64) -> Result<()> {
        divide(&mut self.v[j + 1], rest);
        Ok(())
    }

    fn move_to(&mut self, y: &[f64]) -> Result<()> {
        self.run.x.copy_from_slice(&self.start);
        self.z.iter().zip(y).for_each(|(z, &y)| axpy(y, z, self.run.x));
        Ok(())
    }
}

/// Allocates `vectors[j]` if it does not exist.
fn reserve(vectors: &mut Vec<Vec<f64>>, j: usize, n: usize) {
    if vectors.len() <= j {
        vectors.push(vec![0.0; n]);
    }
}

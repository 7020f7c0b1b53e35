//! Stationary iteration with a preconditioner (plain cycles).

use super::method::Method;
use super::options::{Options, builder};
use super::outcome::Status;
use super::progress::{Solve, conduct};
use super::run::Run;
use super::vector::axpy;
use crate::error::Result;
use crate::operator::Preconditioner;

/// Window of the stagnation test, in iterations.
const WINDOW: usize = 50;

/// The stationary iteration x ← x + ω B (b − A x). It is plain multigrid if B is a multigrid cycle, and
/// Richardson's iteration (1911) without a preconditioner.
///
/// It converges if the spectral radius of I − ω B A is below one. Its
/// [`convergence_factor`](super::Outcome::convergence_factor) then tends to that radius, the standard measure of a
/// multigrid method. An iteration costs one product with A, one application of B and two passes over vectors. A
/// total gain below 0.1 % in fifty iterations counts as stagnation.
///
/// ```
/// use multigrad::krylov::Richardson;
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (0, 1, 0.5), (1, 1, 1.0)])?;
/// let out = Richardson::new().solve(&a, &[1.0, 1.0])?;
/// assert!(out.converged() && out.x == [0.5, 1.0]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Clone, Copy)]
#[must_use]
pub struct Richardson<'a> {
    options: Options<'a>,
    preconditioner: Option<&'a dyn Preconditioner>,
    damping: f64,
}

impl Richardson<'_> {
    /// The iteration with its default options.
    pub fn new() -> Self {
        Self { options: Options::default(), preconditioner: None, damping: 1.0 }
    }

    /// The damping ω. Default 1.
    pub fn damping(mut self, omega: f64) -> Self {
        self.damping = omega;
        self
    }

    fn method(&self) -> Method {
        Method::Richardson { damping: self.damping }
    }
}

builder!(Richardson);

pub(super) fn solve(mut run: Run<'_, '_>, damping: f64) -> Result<Status> {
    let mut z = vec![0.0; run.rows()];
    conduct(&mut run, |run| {
        iterate(run, |run| {
            run.precondition_residual(&mut z)?;
            axpy(damping, &z, run.x);
            run.advance()
        })
    })
}

/// Iterates until a stopping test decides. Every step records its true residual.
pub(super) fn iterate<'a, S: Solve<'a>>(
    solve: &mut S,
    mut step: impl FnMut(&mut S) -> Result<()>,
) -> Result<Status> {
    while solve.progress().remaining() > 0 {
        step(solve)?;
        if solve.progress().converged() {
            return Ok(Status::Converged);
        }
        if solve.progress().diverged() {
            return Ok(Status::Diverged);
        }
        if solve.progress().plateau(WINDOW) {
            return Ok(Status::Stagnated);
        }
    }
    Ok(Status::MaxIterations)
}

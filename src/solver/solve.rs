//! Solves with the solver's own matrix or another operator, one or several right-hand sides, on the CPU or a GPU.

use super::threads;
use super::value::Solver;
#[cfg(feature = "cuda")]
use crate::backend::Cuda;
use crate::error::Result;
#[cfg(feature = "cuda")]
use crate::krylov::DeviceSystem;
use crate::krylov::{Breakdown, Krylov, Outcome, SolveOptions, Status, System};
use crate::multigrid::Setup;
use crate::operator::LinearOperator;
use crate::setup::border;
use crate::sparse::Csr;

impl Solver {
    /// Solves A x = b to ‖b − A x‖₂ ≤ 10⁻⁸ ‖b‖₂ in at most 500 iterations. For other options see
    /// [`solve_with`](Self::solve_with).
    ///
    /// # Errors
    /// A right-hand side of another length or with values that are not finite; a failure of the device. Failure
    /// to converge is not an error: see [`Outcome::status`].
    pub fn solve(&self, b: &[f64]) -> Result<Outcome> {
        self.solve_with(b, SolveOptions::new())
    }

    /// Solves A x = b with these options: tolerance, initial guess, method, restart, callback.
    ///
    /// The method follows from the matrix and the cycle unless the options name one. If CG meets a direction of
    /// negative curvature, the solver switches to FGMRES and records this in [`Outcome::attempts`]. Where an automatic
    /// solver does not converge, it tries other configurations and keeps the one that solves for later calls
    /// ([`Outcome::solver`]). The componentwise backward error of the solution is checked
    /// ([`Outcome::backward_error`]).
    ///
    /// If the matrix is singular and b outside its range, [`Outcome::advice`] says by how much, for each connected
    /// component: sums, forces along each direction and moments, or products with a null vector of Aᵀ. Constants,
    /// near-nullspace candidates and the constant of a scaled matrix are tried; if none explains the failure, an
    /// automatic solver looks for a null vector by at most six solves with Aᵀ.
    /// [`SolveOptions::least_squares`] gives the least-squares solution.
    ///
    /// # Errors
    /// As [`solve`](Self::solve), and meaningless options.
    pub fn solve_with(&self, b: &[f64], options: SolveOptions<'_>) -> Result<Outcome> {
        threads::for_solve(self.entries_on_the_host(), options, |mut options| {
            if options.least_squares {
                return self.least_squares(b, options);
            }
            let out = self.plain(b, options.again())?;
            Ok(self.explained_failure(b, out, &options))
        })
    }

    /// Entries that loops on the host pass over: none if solves run on a device, which belongs to the thread of the caller.
    pub(super) fn entries_on_the_host(&self) -> usize {
        #[cfg(feature = "cuda")]
        if self.device.is_some() {
            return 0;
        }
        self.a.nnz()
    }

    /// The outcome with the reason for which no solution exists, if it is known.
    pub(super) fn explained_failure(
        &self,
        b: &[f64],
        mut out: Outcome,
        options: &SolveOptions<'_>,
    ) -> Outcome {
        if !out.converged() {
            let reason = zero_row(&self.a, b).or_else(|| self.outside_of_range(b, &out, options));
            out.advice = reason.or(out.advice);
        }
        out
    }

    /// The solve by the ladder or the own cycle. Without an initial guess, the solution by sparse factors has no part along
    /// known null vectors.
    pub(super) fn plain(&self, b: &[f64], mut options: SolveOptions<'_>) -> Result<Outcome> {
        let out = match &self.ladder {
            Some(ladder) if options.krylov.is_none() => self.solve_by(ladder, b, options.again())?,
            _ => self.verified(b, options.again())?,
        };
        Ok(self.without_null_vectors(b, out, &options))
    }

    /// Solves B x = b for another operator B of the same size, such as the Jacobian of the present Newton step or
    /// a matrix-free operator. The cycle of this solver is the preconditioner. Runs on the CPU.
    ///
    /// # Errors
    /// As [`solve_with`](Self::solve_with), and an operator of another size.
    pub fn solve_for(
        &self,
        operator: &dyn LinearOperator,
        b: &[f64],
        mut options: SolveOptions<'_>,
    ) -> Result<Outcome> {
        if options.krylov.is_none() && self.transform.as_ref().is_some_and(|t| !t.is_symmetric()) {
            // The cycle may be symmetric, its transform is not.
            options.krylov = Some(Krylov::Fgmres);
        }
        self.attempt(System::Host(operator, Some(self)), b, options)
    }

    /// Matrix and cycle, where they live.
    pub(super) fn system(&self) -> System<'_> {
        #[cfg(feature = "cuda")]
        if let Some(device) = &self.device {
            return System::Device(device);
        }
        System::Host(self.operator(), Some(&self.cycle))
    }

    /// Long rows and columns that a block triangular approximation drops. Each adds up to two eigenvalues far from the others,
    /// for which FGMRES needs vectors before it restarts.
    pub(super) fn long_rows(&self) -> usize {
        if matches!(self.setup, Setup::SaddlePoint(_)) { border(self.operator()).len() } else { 0 }
    }

    /// Iterations of FGMRES between restarts.
    pub(super) fn restart(&self, options: &SolveOptions<'_>) -> usize {
        options.restart + 2 * self.long_rows()
    }

    /// Solves by the method of the options or of the solver. CG as the choice of the solver is replaced by FGMRES
    /// on an indefinite problem.
    pub(super) fn attempt(
        &self,
        system: System<'_>,
        b: &[f64],
        mut options: SolveOptions<'_>,
    ) -> Result<Outcome> {
        options.restart = self.restart(&options);
        let solve = |krylov: Krylov, options: SolveOptions<'_>| {
            krylov.solve((system, !self.kind().is_linear()), b, options)
        };
        let krylov = options.krylov.unwrap_or_else(|| self.krylov());
        if options.krylov.is_some() || krylov != Krylov::Cg {
            return solve(krylov, options);
        }
        let out = solve(krylov, options.again())?;
        let indefinite = matches!(
            out.status,
            Status::Breakdown(Breakdown::IndefiniteMatrix | Breakdown::IndefinitePreconditioner)
        );
        if !indefinite || options.definite {
            return Ok(out);
        }
        let reason = format!(
            "CG stopped after {} iterations: {}; FGMRES does not need a positive definite problem",
            out.iterations, out.status
        );
        let mut second = solve(Krylov::Fgmres, options.again())?;
        second.attempts.push(reason);
        Ok(second)
    }
}

/// Explanation for a zero row with a right-hand side: no solution exists.
fn zero_row(a: &Csr<f64>, b: &[f64]) -> Option<String> {
    let i = (0..a.rows()).find(|&i| b[i] != 0.0 && a.row(i).all(|(_, v)| v == 0.0))?;
    Some(format!(
        "row {} is all zeros and its right-hand side is {:e}, so no solution exists; remove that equation and its unknown, or put a one on the diagonal",
        i + 1,
        b[i]
    ))
}

#[cfg(feature = "cuda")]
impl Solver {
    /// Moves solves to a GPU. Matrix, cycle, vectors and scalars of a solve stay there, and iterations run as
    /// captured graphs; the host reads a few scalars of each iteration. The iterations equal those of the CPU up
    /// to the rounding of sums in another order. As a [`Preconditioner`](crate::Preconditioner) the solver still runs on the CPU.
    ///
    /// # Errors
    /// Errors of [`Hierarchy::to_device`](crate::multigrid::Hierarchy::to_device); a device that is out of memory.
    /// The solver then stays in its previous place.
    ///
    /// ```no_run
    /// use multigrad::{Amg, gallery, gpu::Cuda};
    /// let problem = gallery::poisson_2d(1000, 1000)?;
    /// let mut solver = Amg::auto(&problem.matrix)?;
    /// solver.move_to_device(&Cuda::open(0)?)?;
    /// assert!(solver.solve(&problem.rhs)?.converged());
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn move_to_device(&mut self, cuda: &Cuda) -> Result<()> {
        self.device = Some(DeviceSystem::new(cuda, self.operator())?.preconditioner(&self.cycle)?);
        Ok(())
    }

    /// Moves solves back to the CPU.
    pub fn move_to_host(&mut self) {
        self.device = None;
    }

    /// Description of the GPU for solves, if there is one.
    pub fn device(&self) -> Option<String> {
        self.device.as_ref().map(|device| device.cuda.description())
    }
}

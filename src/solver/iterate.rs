//! A Krylov method by its name, around any preconditioner.

use super::configuration::Krylov;
use crate::error::Result;
use crate::krylov::{BiCgStab, Cg, Cycles, Fgmres, Outcome};
use crate::operator::{LinearOperator, Preconditioner};

/// Which iteration, how exact, how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Iteration {
    /// The method.
    pub krylov: Krylov,
    /// Converged where ‖b − A x‖₂ ≤ `rtol` ‖b‖₂.
    pub rtol: f64,
    /// Iterations after which to give up.
    pub max_iterations: usize,
    /// Whether the preconditioner changes from step to step, as a K-cycle does: CG is flexible then.
    pub flexible: bool,
}

impl Iteration {
    /// Solves A x = b with a preconditioner, calling `on_iteration(iteration, relative residual)`.
    /// Whether a preconditioner for CG is symmetric is left to the caller.
    ///
    /// # Errors
    /// As the Krylov methods; not converging is a status of the outcome.
    pub fn solve(
        &self,
        preconditioner: &dyn Preconditioner,
        a: &dyn LinearOperator,
        b: &[f64],
        on_iteration: &mut dyn FnMut(usize, f64),
    ) -> Result<Outcome> {
        macro_rules! solve {
            ($method:expr) => {
                $method
                    .rtol(self.rtol)
                    .max_iterations(self.max_iterations)
                    .preconditioner(preconditioner)
                    .solve_with(a, b, on_iteration)
            };
        }
        match self.krylov {
            Krylov::Cycles => solve!(Cycles::new()),
            Krylov::Cg => solve!(Cg::new().symmetry_check(false).flexible(self.flexible)),
            Krylov::BiCgStab => solve!(BiCgStab::new()),
            Krylov::Fgmres => solve!(Fgmres::new()),
        }
    }
}

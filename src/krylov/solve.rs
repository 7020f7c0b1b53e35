//! Options shared by all methods, and the dispatch by method name.

use std::fmt;

use super::bicgstab::BiCgStab;
use super::cg::Cg;
use super::fgmres::Fgmres;
use super::method::Krylov;
use super::outcome::Outcome;
use super::richardson::Richardson;
use crate::error::Result;
use crate::operator::{LinearOperator, Preconditioner};

/// Options of a solve with any method.
///
/// ```
/// use multigrad::{Amg, SolveOptions, gallery};
/// let problem = gallery::poisson_2d(20, 20)?;
/// let solver = Amg::auto(&problem.matrix)?;
/// let rough = solver.solve_with(&problem.rhs, SolveOptions::new().rtol(1e-3))?;
/// let mut residuals = Vec::new();
/// let mut record = |_iteration, residual| residuals.push(residual);
/// let options = SolveOptions::new().rtol(1e-10).initial_guess(&rough.x).on_iteration(&mut record);
/// let fine = solver.solve_with(&problem.rhs, options)?;
/// assert!(fine.converged() && residuals.len() == fine.iterations);
/// # Ok::<(), multigrad::Error>(())
/// ```
#[must_use]
pub struct SolveOptions<'a> {
    pub(crate) rtol: f64,
    pub(crate) atol: f64,
    pub(crate) max_iterations: usize,
    pub(crate) restart: usize,
    pub(crate) krylov: Option<Krylov>,
    pub(crate) initial_guess: Option<&'a [f64]>,
    pub(crate) on_iteration: Option<&'a mut dyn FnMut(usize, f64)>,
}

impl Default for SolveOptions<'_> {
    fn default() -> Self {
        Self {
            rtol: 1e-8,
            atol: 0.0,
            max_iterations: 500,
            restart: 30,
            krylov: None,
            initial_guess: None,
            on_iteration: None,
        }
    }
}

impl fmt::Debug for SolveOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SolveOptions")
            .field("rtol", &self.rtol)
            .field("atol", &self.atol)
            .field("max_iterations", &self.max_iterations)
            .field("restart", &self.restart)
            .field("krylov", &self.krylov)
            .field("initial_guess", &self.initial_guess.map(<[f64]>::len))
            .finish_non_exhaustive()
    }
}

impl<'a> SolveOptions<'a> {
    /// Default options: ‖b − A x‖₂ ≤ 10⁻⁸ ‖b‖₂ in at most 500 iterations, from x = 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Relative tolerance: converged when ‖b − A x‖₂ ≤ rtol ‖b‖₂. Default 1e-8.
    pub fn rtol(mut self, rtol: f64) -> Self {
        self.rtol = rtol;
        self
    }

    /// Absolute tolerance: converged when ‖b − A x‖₂ ≤ atol as well. Default 0.
    pub fn atol(mut self, atol: f64) -> Self {
        self.atol = atol;
        self
    }

    /// Largest number of iterations. Default 500.
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// Number of FGMRES iterations between restarts. Default 30.
    pub fn restart(mut self, iterations: usize) -> Self {
        self.restart = iterations;
        self
    }

    /// The method. Default: that of the solver.
    pub fn krylov(mut self, krylov: Krylov) -> Self {
        self.krylov = Some(krylov);
        self
    }

    /// Initial guess. Default: zero.
    pub fn initial_guess(mut self, x: &'a [f64]) -> Self {
        self.initial_guess = Some(x);
        self
    }

    /// Callback with the number of the iteration, counted from 1, and the relative residual after it.
    pub fn on_iteration(mut self, call: &'a mut dyn FnMut(usize, f64)) -> Self {
        self.on_iteration = Some(call);
        self
    }

    /// Reborrows the options for one of several solves.
    pub(crate) fn again(&mut self) -> SolveOptions<'_> {
        SolveOptions {
            // The closure shortens the lifetime of the reference.
            on_iteration: self.on_iteration.as_mut().map(|call| &mut **call as _),
            ..*self
        }
    }
}

impl Krylov {
    /// Solves A x = b by this method. CG tests the symmetry of the matrix only if the options name CG. With
    /// `flexible`, the preconditioner may change from step to step.
    ///
    /// # Errors
    /// Errors of the method. Failure to converge is a status of the outcome.
    pub(crate) fn solve(
        self,
        a: &dyn LinearOperator,
        (preconditioner, flexible): (&dyn Preconditioner, bool),
        b: &[f64],
        options: SolveOptions<'_>,
    ) -> Result<Outcome> {
        let SolveOptions { rtol, atol, max_iterations, restart, krylov, initial_guess, on_iteration } =
            options;
        let mut ignore = |_: usize, _: f64| ();
        let call = on_iteration.unwrap_or(&mut ignore);
        macro_rules! solve {
            ($method:expr) => {{
                let mut method = $method.rtol(rtol).atol(atol).max_iterations(max_iterations);
                if let Some(x) = initial_guess {
                    method = method.initial_guess(x);
                }
                method.preconditioner(preconditioner).solve_with(a, b, call)
            }};
        }
        match self {
            Krylov::Richardson => solve!(Richardson::new()),
            Krylov::Cg => solve!(Cg::new().symmetry_check(krylov.is_some()).flexible(flexible)),
            Krylov::BiCgStab => solve!(BiCgStab::new()),
            Krylov::Fgmres => solve!(Fgmres::new().restart(restart)),
        }
    }
}

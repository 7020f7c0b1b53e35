//! Options of a solve with any method, and the solve by a method's name.

use std::fmt;

use super::method::{Krylov, Method};
use super::options::{Options, stopping_options};
use super::outcome::Outcome;
use super::system::System;
use crate::error::Result;

/// Default of [`SolveOptions::direct_limit`].
pub(crate) const DIRECT_LIMIT: usize = 150_000_000;

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
    pub(crate) options: Options<'a>,
    pub(crate) restart: usize,
    pub(crate) krylov: Option<Krylov>,
    pub(crate) direct_limit: usize,
    pub(crate) least_squares: bool,
    /// Whether CG may not give way to FGMRES, because another configuration follows.
    pub(crate) definite: bool,
    pub(crate) on_iteration: Option<&'a mut dyn FnMut(usize, f64)>,
}

stopping_options!(SolveOptions);

impl Default for SolveOptions<'_> {
    fn default() -> Self {
        Self {
            options: Options::default(),
            restart: 30,
            krylov: None,
            direct_limit: DIRECT_LIMIT,
            least_squares: false,
            definite: false,
            on_iteration: None,
        }
    }
}

impl fmt::Debug for SolveOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SolveOptions")
            .field("options", &self.options)
            .field("restart", &self.restart)
            .field("krylov", &self.krylov)
            .finish_non_exhaustive()
    }
}

impl<'a> SolveOptions<'a> {
    /// Default options: ‖b − A x‖₂ ≤ 10⁻⁸ ‖b‖₂ in at most 500 iterations, from x = 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of FGMRES iterations between restarts. Default 30. A [`Solver`](crate::Solver) by
    /// [`SaddlePoint`](crate::setup::SaddlePoint) adds two for each long row of the matrix.
    pub fn restart(mut self, iterations: usize) -> Self {
        self.restart = iterations;
        self
    }

    /// The method. Default: that of the solver.
    pub fn krylov(mut self, krylov: Krylov) -> Self {
        self.krylov = Some(krylov);
        self
    }

    /// Largest predicted number of entries of sparse LU factors. An automatic solver that falls back on LU refuses larger
    /// factors. Default 1.5·10⁸, about 2.4 GB.
    pub fn direct_limit(mut self, entries: usize) -> Self {
        self.direct_limit = entries;
        self
    }

    /// Whether a [`Solver`](crate::Solver) of a singular matrix solves min ‖b − A x‖₂ instead of A x = b. Default: no.
    ///
    /// The solver projects b onto the range of A, orthogonally to the null vectors of Aᵀ: constants of connected
    /// components, near-nullspace candidates, and others that it finds by solves with Aᵀ where the projected system does
    /// not converge. The tolerance then refers to the projected right-hand side. x is orthogonal to the null vectors of A
    /// that are known; if these span the nullspace, x has the least norm. [`Outcome::removed`] says what was removed.
    /// For a regular matrix nothing changes. Cost: about four products with A for each vector.
    ///
    /// ```
    /// use multigrad::{Csr, Solver, SolveOptions};
    /// let a = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (0, 1, -1.0), (1, 0, -1.0), (1, 1, 1.0)])?;
    /// let out = Solver::auto(&a)?.solve_with(&[3.0, 1.0], SolveOptions::new().least_squares(true))?;
    /// assert!((out.x[0] - 0.5).abs() < 1e-8 && (out.x[1] + 0.5).abs() < 1e-8);
    /// assert!((out.removed.unwrap().norm - 8.0f64.sqrt()).abs() < 1e-8); // the mean, 2, of each row
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn least_squares(mut self, yes: bool) -> Self {
        self.least_squares = yes;
        self
    }

    /// Callback with the number of the iteration, counted from 1, and the relative residual after it. It is called on the thread
    /// of the caller, where the solve then runs; without a callback a large solve runs on the thread pool and starts its
    /// loops faster.
    pub fn on_iteration(mut self, call: &'a mut dyn FnMut(usize, f64)) -> Self {
        self.on_iteration = Some(call);
        self
    }

    /// The options for another thread, unless they have callbacks.
    pub(crate) fn for_another_thread(&self) -> Option<impl FnOnce() -> SolveOptions<'a> + Send + use<'a>> {
        let Options { rtol, atol, max_iterations, initial_guess, budget, .. } = self.options;
        let &Self { restart, krylov, direct_limit, least_squares, definite, .. } = self;
        (self.on_iteration.is_none() && budget.is_none()).then_some(move || SolveOptions {
            options: Options { rtol, atol, max_iterations, initial_guess, ..Options::default() },
            restart,
            krylov,
            direct_limit,
            least_squares,
            definite,
            on_iteration: None,
        })
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
        (system, flexible): (System<'_>, bool),
        b: &[f64],
        options: SolveOptions<'_>,
    ) -> Result<Outcome> {
        let method = match self {
            Krylov::Cg => Method::Cg { symmetry_check: options.krylov.is_some(), flexible },
            Krylov::BiCgStab => Method::BiCgStab,
            Krylov::Fgmres => Method::Fgmres { restart: options.restart },
            Krylov::Richardson => Method::Richardson { damping: 1.0 },
        };
        method.solve(system, b, &options.options, options.on_iteration.unwrap_or(&mut |_, _| ()))
    }
}

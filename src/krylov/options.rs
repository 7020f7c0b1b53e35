//! Options shared by all methods.

use crate::error::{Error, Result};
use crate::operator::Preconditioner;

/// Stopping tests, initial guess and preconditioner.
#[derive(Clone, Copy)]
pub(super) struct Options<'a> {
    pub rtol: f64,
    pub atol: f64,
    pub max_iterations: usize,
    pub preconditioner: Option<&'a dyn Preconditioner>,
    pub initial_guess: Option<&'a [f64]>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { rtol: 1e-8, atol: 0.0, max_iterations: 500, preconditioner: None, initial_guess: None }
    }
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("rtol", &self.rtol)
            .field("atol", &self.atol)
            .field("max_iterations", &self.max_iterations)
            .field("preconditioner", &self.preconditioner.map(|b| b.rows()))
            .field("initial_guess", &self.initial_guess.map(<[f64]>::len))
            .finish()
    }
}

impl Options<'_> {
    /// Refuses meaningless tolerances, vectors and a preconditioner that do not fit `rows`, and values that are
    /// not finite.
    pub fn check(&self, rows: usize, b: &[f64]) -> Result<()> {
        self.check_tolerances()?;
        check_vector("the right-hand side", rows, b)?;
        self.check_guess(rows)?;
        match self.preconditioner {
            Some(p) => check_preconditioner_rows(p.rows(), rows),
            None => Ok(()),
        }
    }

    /// Refuses meaningless tolerances.
    pub fn check_tolerances(&self) -> Result<()> {
        if !(self.rtol > 0.0 && self.rtol.is_finite()) {
            return Err(Error::invalid_input(format!(
                "rtol is {}; it must be positive and finite, such as 1e-8",
                self.rtol
            )));
        }
        if !(self.atol >= 0.0 && self.atol.is_finite()) {
            return Err(Error::invalid_input(format!(
                "atol is {}; it must be zero or positive, and finite",
                self.atol
            )));
        }
        Ok(())
    }

    /// Refuses an initial guess that does not fit `rows` or is not finite.
    pub fn check_guess(&self, rows: usize) -> Result<()> {
        self.initial_guess.map_or(Ok(()), |guess| check_vector("the initial guess", rows, guess))
    }
}

/// Refuses a preconditioner that does not fit the operator.
pub(super) fn check_preconditioner_rows(preconditioner: usize, rows: usize) -> Result<()> {
    if preconditioner == rows {
        return Ok(());
    }
    Err(Error::dimension(format!("the preconditioner has {preconditioner} rows and the operator {rows}")))
}

fn check_vector(what: &str, rows: usize, v: &[f64]) -> Result<()> {
    if v.len() != rows {
        return Err(Error::dimension(format!("{what} has {} values and the operator {rows} rows", v.len())));
    }
    match v.iter().position(|v| !v.is_finite()) {
        Some(i) => Err(Error::invalid_input(format!(
            "{what} is {} in row {}; its values must be finite",
            v[i],
            i + 1
        ))),
        None => Ok(()),
    }
}

/// The builder methods for stopping tests and initial guess, for a method with a field `options`.
macro_rules! stopping_options {
    ($method:ident) => {
        impl<'a> $method<'a> {
            /// Relative tolerance: converged when ‖b − A x‖₂ ≤ rtol ‖b‖₂. Default 1e-8.
            #[must_use]
            pub fn rtol(mut self, rtol: f64) -> Self {
                self.options.rtol = rtol;
                self
            }

            /// Absolute tolerance: converged when ‖b − A x‖₂ ≤ atol as well. Default 0.
            #[must_use]
            pub fn atol(mut self, atol: f64) -> Self {
                self.options.atol = atol;
                self
            }

            /// Largest number of iterations. Default 500.
            #[must_use]
            pub fn max_iterations(mut self, iterations: usize) -> Self {
                self.options.max_iterations = iterations;
                self
            }

            /// Initial guess. Default: zero.
            #[must_use]
            pub fn initial_guess(mut self, x: &'a [f64]) -> Self {
                self.options.initial_guess = Some(x);
                self
            }
        }
    };
}
pub(super) use stopping_options;

/// The builder methods and the two `solve` methods of a type with a field `options` and
/// `fn iterate(&self, &mut Run) -> Result<Status>`.
macro_rules! common_options {
    ($method:ident, $kind:expr) => {
        $crate::krylov::options::stopping_options!($method);

        impl<'a> $method<'a> {
            /// The approximate inverse B. Default: B = I, no preconditioning.
            #[must_use]
            pub fn preconditioner(mut self, preconditioner: &'a dyn Preconditioner) -> Self {
                self.options.preconditioner = Some(preconditioner);
                self
            }

            /// Solves A x = b.
            ///
            /// # Errors
            /// Lengths that do not fit, a matrix that is not square, values that are not finite, meaningless
            /// tolerances, and matrices or preconditioners that the method does not support. Failure to converge
            /// is not an error: see [`Outcome::status`].
            pub fn solve(&self, a: &dyn LinearOperator, b: &[f64]) -> Result<Outcome> {
                self.solve_with(a, b, &mut |_, _| ())
            }

            /// As [`solve`](Self::solve), and calls `on_iteration(iteration, relative residual)` after every
            /// iteration, counted from 1.
            ///
            /// # Errors
            /// As [`solve`](Self::solve).
            pub fn solve_with(
                &self,
                a: &dyn LinearOperator,
                b: &[f64],
                on_iteration: &mut dyn FnMut(usize, f64),
            ) -> Result<Outcome> {
                self.options.check(a.rows(), b)?;
                self.check(a)?;
                let mut run = Run::start(&self.options, a, b, on_iteration)?;
                use $crate::krylov::progress::Solve as _;
                let status =
                    if run.progress().converged() { Status::Converged } else { self.iterate(&mut run)? };
                run.finish(status, $kind(self))
            }
        }

        impl Default for $method<'_> {
            fn default() -> Self {
                Self::new()
            }
        }
    };
}
pub(super) use common_options;

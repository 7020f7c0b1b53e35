//! Options and builder methods shared by all methods.

use super::vector;
use crate::error::{Error, Result};

/// Stopping tests and initial guess.
#[derive(Clone, Copy)]
pub(crate) struct Options<'a> {
    pub rtol: f64,
    pub atol: f64,
    pub max_iterations: usize,
    pub initial_guess: Option<&'a [f64]>,
    /// Iterations that a solve with this forecast may take; it stops once the forecast is clearly above.
    pub budget: Option<&'a dyn Fn(f64) -> f64>,
    /// Whether a solve with a budget stops early where its residual has only grown. Not for CG, whose residual may grow by the square
    /// root of the condition number before it falls.
    pub leaves_growth: bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            rtol: 1e-8,
            atol: 0.0,
            max_iterations: 500,
            initial_guess: None,
            budget: None,
            leaves_growth: false,
        }
    }
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("rtol", &self.rtol)
            .field("atol", &self.atol)
            .field("max_iterations", &self.max_iterations)
            .field("initial_guess", &self.initial_guess.map(<[f64]>::len))
            .finish()
    }
}

impl Options<'_> {
    /// Refuses meaningless tolerances, and vectors that do not fit `rows` or are not finite.
    pub fn check(&self, rows: usize, b: &[f64]) -> Result<()> {
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
        check_vector("the right-hand side", rows, b)?;
        self.initial_guess.map_or(Ok(()), |guess| check_vector("the initial guess", rows, guess))
    }
}

/// Checks the length of a vector, and that its values are finite.
pub(crate) fn check_vector(what: &str, rows: usize, v: &[f64]) -> Result<()> {
    if v.len() != rows {
        return Err(Error::dimension(format!("{what} has {} values and the operator {rows} rows", v.len())));
    }
    if vector::all_finite(v) {
        return Ok(());
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

/// The builder methods for stopping tests and initial guess, for a type with a field `options`.
macro_rules! stopping_options {
    ($type:ident) => {
        impl<'a> $type<'a> {
            /// Relative tolerance: converged when ‖b − A x‖₂ ≤ rtol ‖b‖₂. Default 1e-8.
            pub fn rtol(mut self, rtol: f64) -> Self {
                self.options.rtol = rtol;
                self
            }

            /// Absolute tolerance: a residual ‖b − A x‖₂ ≤ atol also counts as converged. Default 0.
            pub fn atol(mut self, atol: f64) -> Self {
                self.options.atol = atol;
                self
            }

            /// Largest number of iterations. Default 500.
            pub fn max_iterations(mut self, iterations: usize) -> Self {
                self.options.max_iterations = iterations;
                self
            }

            /// Initial guess. Default: zero.
            pub fn initial_guess(mut self, x: &'a [f64]) -> Self {
                self.options.initial_guess = Some(x);
                self
            }
        }
    };
}
pub(super) use stopping_options;

/// The other builder methods and the solves of a type with fields `options` and `preconditioner` and
/// `fn method(&self) -> Method`.
macro_rules! builder {
    ($type:ident) => {
        $crate::krylov::options::stopping_options!($type);

        impl<'a> $type<'a> {
            /// The approximate inverse B. Default: B = I, no preconditioning.
            pub fn preconditioner(
                mut self,
                preconditioner: &'a dyn $crate::operator::Preconditioner,
            ) -> Self {
                self.preconditioner = Some(preconditioner);
                self
            }

            /// Solves A x = b.
            ///
            /// # Errors
            /// Lengths that do not fit, a matrix that is not square, values that are not finite, meaningless
            /// tolerances, and matrices or preconditioners that the method does not support. Failure to converge
            /// is not an error: see [`Outcome::status`]($crate::krylov::Outcome::status).
            pub fn solve(
                &self,
                a: &dyn $crate::operator::LinearOperator,
                b: &[f64],
            ) -> $crate::error::Result<$crate::krylov::Outcome> {
                self.solve_with(a, b, &mut |_, _| ())
            }

            /// As [`solve`](Self::solve), and calls `on_iteration(iteration, relative residual)` after every
            /// iteration, counted from 1.
            ///
            /// # Errors
            /// As [`solve`](Self::solve).
            pub fn solve_with(
                &self,
                a: &dyn $crate::operator::LinearOperator,
                b: &[f64],
                on_iteration: &mut dyn FnMut(usize, f64),
            ) -> $crate::error::Result<$crate::krylov::Outcome> {
                let system = $crate::krylov::System::Host(a, self.preconditioner);
                self.method().solve(system, b, &self.options, on_iteration)
            }

            /// Solves A x = b on a device, with the preconditioner of the system. The right-hand side is uploaded
            /// at the start and x is downloaded at the end.
            ///
            /// # Errors
            /// As [`solve`](Self::solve), a preconditioner on the host, and failures of the device.
            #[cfg(feature = "cuda")]
            pub fn solve_on(
                &self,
                system: &$crate::krylov::DeviceSystem,
                b: &[f64],
            ) -> $crate::error::Result<$crate::krylov::Outcome> {
                $crate::krylov::resident::refuse_host(self.preconditioner)?;
                let system = $crate::krylov::System::Device(system);
                self.method().solve(system, b, &self.options, &mut |_, _| ())
            }
        }

        impl Default for $type<'_> {
            fn default() -> Self {
                Self::new()
            }
        }

        impl std::fmt::Debug for $type<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type))
                    .field("method", &self.method())
                    .field("options", &self.options)
                    .field("preconditioner", &self.preconditioner.map(|b| b.rows()))
                    .finish()
            }
        }
    };
}
pub(super) use builder;

//! Reports of minimisations.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Reasons why [`Lbfgs::minimise`](super::Lbfgs::minimise) stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// The gradient or the decrease fell below its tolerance.
    Converged,
    /// The limit on iterations was reached.
    MaxIterations,
    /// The limit on evaluations was reached.
    MaxEvaluations,
    /// No step along the direction or the negative gradient was acceptable: the gradient does not belong to
    /// the loss, or rounding in the loss hides all further decrease.
    LineSearchFailed,
    /// The loss or its gradient is not finite at the start, or at every trial step.
    NotFinite,
}

/// The result of [`Lbfgs::minimise`](super::Lbfgs::minimise).
///
/// ```
/// use multigrad::optimise::Lbfgs;
/// let mut x = [2.0_f64];
/// let report = Lbfgs::new().max_iterations(1).minimise(&mut x, |x, g| {
///     g[0] = x[0].powi(3);
///     Ok(x[0].powi(4) / 4.0)
/// })?;
/// assert!(!report.converged());
/// assert!(report.to_string().contains("not converged"));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The reason for stopping.
    pub status: Status,
    /// Steps taken.
    pub iterations: usize,
    /// Calls of the loss with its gradient.
    pub evaluations: usize,
    /// The final loss.
    pub loss: f64,
    /// Largest magnitude of an entry of the gradient there.
    pub gradient_norm: f64,
}

impl Report {
    /// Whether a tolerance was met.
    pub fn converged(&self) -> bool {
        self.status == Status::Converged
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.status {
            Status::Converged => "converged",
            Status::MaxIterations => "not converged, the limit on iterations was reached,",
            Status::MaxEvaluations => "not converged, the limit on evaluations was reached,",
            Status::LineSearchFailed => "not converged, no step decreased the loss,",
            Status::NotFinite => "not converged, the loss or its gradient was not finite,",
        };
        write!(
            f,
            "{outcome} after {} iterations and {} evaluations: loss {:e}, largest entry of the gradient {:.2e}",
            self.iterations, self.evaluations, self.loss, self.gradient_norm
        )
    }
}

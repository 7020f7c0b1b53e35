//! Damped Newton's method.

use std::fmt;

use super::plan::Order;
use super::program::Program;
use crate::error::{Error, Result};

/// Newton's method with a line search: x ← x − t J⁻¹ F(x) with t = 1, ½, ¼, … until ‖F‖₂ falls by the share 10⁻⁴ t.
///
/// ```
/// use multigrad::{Error, newton::{LayeredProgram, LocalJacobian, Newton}};
/// /// x ← x + h sin x, q times, minus the end of a trajectory: F(x) = 0 for its start.
/// struct Steps { q: usize, end: Vec<f64> }
/// impl LayeredProgram for Steps {
///     fn rows(&self) -> usize { self.end.len() }
///     fn layers(&self) -> usize { self.q }
///     fn layer(&self, i: usize, x: &[f64]) -> Result<Vec<f64>, Error> {
///         let back = if i + 1 == self.q { self.end.clone() } else { vec![0.0; x.len()] };
///         Ok(x.iter().zip(back).map(|(x, b)| x + 0.01 * x.sin() - b).collect())
///     }
///     fn jacobian(&self, _: usize, x: &[f64]) -> Result<LocalJacobian, Error> {
///         Ok(LocalJacobian::diagonal(&x.iter().map(|x| 1.0 + 0.01 * x.cos()).collect::<Vec<_>>()))
///     }
/// }
/// let out = Newton::new().solve(&Steps { q: 50, end: vec![0.5, 1.0, 2.0] }, &[1.0; 3])?;
/// assert!(out.converged(), "{out}");
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Newton {
    tolerance: f64,
    iterations: usize,
    memory: usize,
    order: Order,
}

/// Reason for which the iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NewtonStatus {
    /// ‖F(x)‖₂ ≤ tolerance × (1 + ‖F(x₀)‖₂).
    Converged,
    /// No iterations are left.
    MaxIterations,
    /// No step length reduced the residual.
    LineSearchFailed,
}

/// The result of Newton's method.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NewtonOutcome {
    /// The last iterate.
    pub x: Vec<f64>,
    /// Reason for which the iteration ended.
    pub status: NewtonStatus,
    /// ‖F‖₂ at the start and after every iteration.
    pub residual_history: Vec<f64>,
    /// The step length of every iteration.
    pub step_lengths: Vec<f64>,
    /// Operations of the linear algebra of all steps, as planned.
    pub operations: f64,
    /// One sentence of advice if the iteration did not converge.
    pub advice: Option<String>,
}

impl NewtonOutcome {
    /// Whether the residual reached the tolerance.
    pub fn converged(&self) -> bool {
        self.status == NewtonStatus::Converged
    }

    /// The number of iterations.
    pub fn iterations(&self) -> usize {
        self.step_lengths.len()
    }
}

impl fmt::Display for NewtonOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.residual_history.last().copied().unwrap_or(f64::INFINITY);
        write!(f, "{:?} after {} iterations, residual {last:.2e}", self.status, self.iterations())?;
        self.advice.as_ref().map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

impl Default for Newton {
    fn default() -> Self {
        Self::new()
    }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

impl Newton {
    /// Tolerance 10⁻¹⁰, 50 iterations, 1 GB of local Jacobians, planned order.
    pub fn new() -> Self {
        Self { tolerance: 1e-10, iterations: 50, memory: 1 << 30, order: Order::Planned }
    }

    /// Converged once ‖F(x)‖₂ ≤ this × (1 + ‖F(x₀)‖₂).
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Largest number of iterations.
    #[must_use]
    pub fn max_iterations(mut self, iterations: usize) -> Self {
        self.iterations = iterations;
        self
    }

    /// Bytes for states, local Jacobians, recordings and products. Layers that do not fit are evaluated again.
    #[must_use]
    pub fn memory(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// The order of the linear algebra.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Solves F(x) = 0 from a start. A run that does not converge is not an error: see
    /// [`NewtonOutcome::status`].
    ///
    /// # Errors
    /// A tolerance that is negative or not finite; a start of another length or a residual there that is not finite; a singular local Jacobian (with its layer);
    /// errors of the program.
    pub fn solve(&self, program: &dyn Program, start: &[f64]) -> Result<NewtonOutcome> {
        if start.len() != program.rows() {
            let text = format!("a start of {} values for {} unknowns", start.len(), program.rows());
            return Err(Error::dimension(text));
        }
        if !(self.tolerance >= 0.0 && self.tolerance.is_finite()) {
            let text = format!("a tolerance of {}; it must be a finite number, not negative", self.tolerance);
            return Err(Error::invalid_input(text));
        }
        let mut x = start.to_vec();
        let mut size = norm(&program.value(&x)?);
        if !size.is_finite() {
            return Err(Error::invalid_input("the residual at the start is not finite; start elsewhere"));
        }
        let goal = self.tolerance * (1.0 + size);
        let (mut history, mut lengths, mut operations) = (vec![size], Vec::new(), 0.0);
        let status = loop {
            if size <= goal {
                break NewtonStatus::Converged;
            }
            if lengths.len() == self.iterations {
                break NewtonStatus::MaxIterations;
            }
            let found = program.linearised(&x, self.order, self.memory)?;
            operations += found.plan.operations;
            let mut accepted = None;
            let mut t = 1.0;
            while t > 1e-10 && accepted.is_none() {
                let trial: Vec<f64> = x.iter().zip(&found.step).map(|(x, s)| x - t * s).collect();
                let now = norm(&program.value(&trial)?);
                if now <= (1.0 - 1e-4 * t) * size {
                    accepted = Some((trial, now));
                } else {
                    t *= 0.5;
                }
            }
            let Some((next, now)) = accepted else { break NewtonStatus::LineSearchFailed };
            (x, size) = (next, now);
            history.push(size);
            lengths.push(t);
        };
        let advice = match status {
            NewtonStatus::Converged => None,
            NewtonStatus::MaxIterations => Some("allow more iterations, or start closer to the solution"),
            NewtonStatus::LineSearchFailed => Some(
                "no step along Newton's direction reduces the residual: it is at a local minimum or at the limit of rounding; check the local Jacobians by differences, start elsewhere, or allow a larger tolerance",
            ),
        };
        let advice = advice.map(str::to_string);
        Ok(NewtonOutcome { x, status, residual_history: history, step_lengths: lengths, operations, advice })
    }
}

//! Implicit gradients of converged fixed-point iterations.

use super::handle::{Dense, Handle, Number};
use super::kernels::sum;
use super::tape::Tape;
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// Limits of an iteration and its adjoint.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// Converged once ‖x_{k+1} − x_k‖₂ ≤ this times ‖x_{k+1}‖₂; for the adjoint likewise.
    pub tolerance: f64,
    /// The largest number of steps of either.
    pub steps: usize,
}

impl Default for Limits {
    /// 10⁻¹⁰, 10 000 steps.
    fn default() -> Self {
        Self { tolerance: 1e-10, steps: 10_000 }
    }
}

/// The result of a differentiated fixed point.
#[derive(Debug, Clone, PartialEq)]
pub struct FixedPoint<T> {
    /// The loss at the fixed point.
    pub loss: T,
    /// x* = f(x*, θ).
    pub state: Vec<T>,
    /// The gradient of the loss with respect to the parameters.
    pub of_parameters: Vec<Vec<T>>,
    /// Steps to the fixed point, and of its adjoint.
    pub steps: (usize, usize),
    /// The last relative changes of both: the error of the gradient is of their size divided by one minus the
    /// contraction.
    pub changes: (f64, f64),
}

/// Differentiates `loss(x*)` at the fixed point x* = `step`(x*, θ) of the iteration from `start`, by its
/// adjoint wᵀ = vᵀ + wᵀ ∂f/∂x, v = ∂loss/∂x*, and then θ̄ = wᵀ ∂f/∂θ (Christianson 1994). Memory: the tape of
/// one step, for any number of steps.
///
/// The adjoint converges as fast as the iteration itself, since both have the eigenvalues of
/// ∂f/∂x.
///
/// # Errors
/// An iteration or an adjoint that does not converge within the limits, with its last change: a wrong
/// gradient is never returned. Errors of a step or the loss.
///
/// ```
/// use multigrad::autodiff::{Limits, fixed_point};
/// // x = (x + θ/x)/2 has the fixed point √θ, of which the derivative is 1/(2 √θ).
/// let run = fixed_point(
///     Limits::default(),
///     &[1.0],
///     &[vec![2.0]],
///     |_, x, p| (x + p[0] / x) * 0.5,
///     |_, x, _| x.sum(),
/// )?;
/// assert!((run.of_parameters[0][0] - 0.5 / 2f64.sqrt()).abs() < 1e-12);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn fixed_point<T, S, L>(
    limits: Limits,
    start: &[T],
    parameters: &[Vec<T>],
    step: S,
    loss: L,
) -> Result<FixedPoint<T>>
where
    T: Scalar,
    S: for<'t> Fn(&'t Tape<T>, Dense<'t, T>, &[Dense<'t, T>]) -> Dense<'t, T>,
    L: for<'t> Fn(&'t Tape<T>, Dense<'t, T>, &[Dense<'t, T>]) -> Number<'t, T>,
{
    let mut tape = Tape::new();
    let (mut x, mut change, mut steps) = (start.to_vec(), f64::INFINITY, 0);
    while change > limits.tolerance && steps < limits.steps && !change.is_nan() {
        tape.clear();
        let constants: Vec<_> = parameters.iter().map(|p| tape.vector(p)).collect();
        let next = step(&tape, tape.vector(&x), &constants).values()?;
        change = relative_change(&x, &next)?;
        (x, steps) = (next, steps + 1);
    }
    accept("the iteration", change, steps, limits)?;
    // ∂loss/∂x* and the direct part of ∂loss/∂θ.
    tape.clear();
    let handles: Vec<_> = parameters.iter().map(|p| tape.parameter(p)).collect();
    let point = tape.parameter(&x);
    let value = loss(&tape, point, &handles);
    let (mut gradients, value) = (value.gradients()?, value.value()?);
    let seed = gradients.take(point)?;
    let mut sums = handles.iter().map(|h| gradients.take(h)).collect::<Result<Vec<_>>>()?;
    // One recorded step at x*, swept once per adjoint step.
    tape.clear();
    let handles: Vec<_> = parameters.iter().map(|p| tape.parameter(p)).collect();
    let point = tape.parameter(&x);
    let image = step(&tape, point, &handles);
    let (mut w, mut adjoint_change, mut sweeps) = (seed.clone(), f64::INFINITY, 0);
    while adjoint_change > limits.tolerance && sweeps < limits.steps && !adjoint_change.is_nan() {
        let mut next = tape.backward(&[(&image as &dyn Handle<T>, &w)])?.take(point)?;
        next.iter_mut().zip(&seed).for_each(|(w, &v)| *w += v);
        adjoint_change = relative_change(&w, &next)?;
        (w, sweeps) = (next, sweeps + 1);
    }
    accept("the adjoint of the fixed point", adjoint_change, sweeps, limits)?;
    let last = tape.backward(&[(&image as &dyn Handle<T>, &w)])?;
    for (sum, h) in sums.iter_mut().zip(&handles) {
        sum.iter_mut().zip(last.of(h)?).for_each(|(s, &g)| *s += g);
    }
    Ok(FixedPoint {
        loss: value,
        state: x,
        of_parameters: sums,
        steps: (steps, sweeps),
        changes: (change, adjoint_change),
    })
}

fn relative_change<T: Scalar>(before: &[T], after: &[T]) -> Result<f64> {
    if before.len() != after.len() {
        return Err(Error::dimension(format!(
            "a step from {} values to {}; a fixed point needs equal numbers",
            before.len(),
            after.len()
        )));
    }
    let change = sum(after.len(), |q| (after[q] - before[q]) * (after[q] - before[q])).root().to_f64();
    let size = sum(after.len(), |q| after[q] * after[q]).root().to_f64();
    Ok(if change == 0.0 { 0.0 } else { change / size })
}

fn accept(what: &str, change: f64, steps: usize, limits: Limits) -> Result<()> {
    if change <= limits.tolerance {
        return Ok(());
    }
    Err(Error::unsuited(format!(
        "{what} did not converge: the last of {steps} steps changed it by {change:.1e} of its size, the tolerance is {:.1e}; allow more steps, or use a step that contracts more",
        limits.tolerance
    )))
}

//! Implicit gradients of converged fixed-point iterations.

use super::handle::{Dense, Number};
use super::implicit::Recorded;
use super::iterate::{Limits, accept, iterate};
use super::kernels::sum;
use super::tape::Tape;
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// The method for the adjoint of a fixed point, (I − ∂f/∂x)ᵀ w = v.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Adjoint {
    /// w ← v + (∂f/∂x)ᵀ w, which converges as fast as the iteration itself.
    #[default]
    Plain,
    /// The same with Anderson acceleration over this many differences; also for a mildly expanding ∂f/∂x.
    Anderson(usize),
    /// FGMRES with this restart; needs no contraction at all.
    Fgmres(usize),
}

/// The methods of a fixed point and its adjoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Acceleration {
    /// Anderson acceleration of the iteration over this many differences (5 to 10 are usual); 0 for none.
    pub iteration: usize,
    /// The adjoint.
    pub adjoint: Adjoint,
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
    /// The last relative changes of both, ‖f(x) − x‖ / ‖f(x)‖ and the same for w.
    pub changes: (f64, f64),
    /// Estimate of the relative error of the gradient: the sum of both changes times the amplification
    /// ‖(I − ∂f/∂x)⁻ᵀ‖, for which ‖w‖/‖v‖ and the observed contraction give lower bounds. An estimate, not a
    /// bound.
    pub error: f64,
}

/// Differentiates `loss(x*)` at the fixed point x* = `step`(x*, θ) of the iteration from `start`, by its
/// adjoint wᵀ = vᵀ + wᵀ ∂f/∂x, v = ∂loss/∂x*, and then θ̄ = wᵀ ∂f/∂θ (Christianson 1994). Memory: the tape of
/// one step, for any number of steps.
///
/// The adjoint converges as fast as the iteration itself, since both have the eigenvalues of
/// ∂f/∂x. For slow or expanding iterations see [`fixed_point_with`].
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
    fixed_point_with(limits, Acceleration::default(), start, parameters, step, loss)
}

/// As [`fixed_point`], with accelerated methods. Memory beyond it: 2 m + 2 vectors for Anderson acceleration over
/// m differences or for FGMRES with restart m.
///
/// # Errors
/// As [`fixed_point`]; a tolerance outside (0, 1); acceleration of dual numbers, which only the plain iteration differentiates.
///
/// ```
/// use multigrad::autodiff::{Acceleration, Adjoint, Limits, fixed_point_with};
/// // x = θ − 1.5 x expands by 1.5 a step, and has the fixed point θ/2.5.
/// let run = fixed_point_with(
///     Limits::default(),
///     Acceleration { iteration: 3, adjoint: Adjoint::Fgmres(30) },
///     &[1.0],
///     &[vec![5.0]],
///     |_, x, p| p[0] - x * 1.5,
///     |_, x, _| x.sum(),
/// )?;
/// assert!((run.state[0] - 2.0f64).abs() < 1e-10 && (run.of_parameters[0][0] - 0.4).abs() < 1e-10);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn fixed_point_with<T, S, L>(
    limits: Limits,
    acceleration: Acceleration,
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
    if T::PARTS > 1 && acceleration != Acceleration::default() {
        let text = "acceleration drops the derivatives of dual numbers; use the plain iteration for them";
        return Err(Error::unsuited(text));
    }
    if !(limits.tolerance > 0.0 && limits.tolerance < 1.0) {
        return Err(Error::invalid_input(format!(
            "the tolerance of a fixed point is {}; it must lie between 0 and 1, such as 1e-10",
            limits.tolerance
        )));
    }
    let mut tape = Tape::new();
    let found = iterate(limits, acceleration.iteration, start, |x| {
        tape.clear();
        let constants: Vec<_> = parameters.iter().map(|p| tape.vector(p)).collect();
        step(&tape, tape.vector(x), &constants).values()
    })?;
    accept("the iteration", &found, limits)?;
    let x = found.point;
    // ∂loss/∂x* and the direct part of ∂loss/∂θ.
    tape.clear();
    let handles: Vec<_> = parameters.iter().map(|p| tape.parameter(p)).collect();
    let point = tape.parameter(&x);
    let value = loss(&tape, point, &handles);
    let (mut gradients, value) = (value.gradients()?, value.value()?);
    let seed = gradients.take(point)?;
    let mut sums = handles.iter().map(|h| gradients.take(h)).collect::<Result<Vec<_>>>()?;
    // One recorded step at x*, swept once per adjoint step.
    let recorded = Recorded::new(tape, &x, parameters, &step)?;
    let adjoint = match acceleration.adjoint {
        Adjoint::Plain => iterate(limits, 0, &seed, |w| recorded.plus(w, &seed))?,
        Adjoint::Anderson(depth) => iterate(limits, depth, &seed, |w| recorded.plus(w, &seed))?,
        Adjoint::Fgmres(restart) => recorded.fgmres(limits, restart, &seed)?,
    };
    accept("the adjoint of the fixed point", &adjoint, limits)?;
    for (sum, part) in sums.iter_mut().zip(recorded.of_parameters(&adjoint.point)?) {
        sum.iter_mut().zip(part).for_each(|(s, g)| *s += g);
    }
    let size = |v: &[T]| sum(v.len(), |q| v[q] * v[q]).root().to_f64();
    let ratio = size(&adjoint.point) / size(&seed).max(f64::MIN_POSITIVE);
    let amplification = ratio.max(found.amplification).max(adjoint.amplification).max(1.0);
    Ok(FixedPoint {
        loss: value,
        state: x,
        of_parameters: sums,
        steps: (found.steps, adjoint.steps),
        changes: (found.change, adjoint.change),
        error: amplification * (found.change + adjoint.change),
    })
}

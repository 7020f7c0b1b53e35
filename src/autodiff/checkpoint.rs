//! Gradients of long iterations in little memory.

use super::handle::{Dense, Number};
use super::recover::Recovery;
use super::reversible::reversible;
use super::step::{Step, extrapolated};
use super::sweep::{Sweep, Unrolled};
use super::tape::Tape;
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// The states of an iteration that are kept for the backward pass.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Checkpoints {
    /// All states: no step is computed twice.
    All,
    /// Every n-th state, and those of one segment at a time: each step is computed at most twice.
    Segments(usize),
    /// At most n states at a time, placed binomially (Griewank and Walther 2000, algorithm 799, revolve): s
    /// snapshots take C(s + r, s) steps with each computed at most r times on the way.
    Revolve(usize),
    /// As revolve, with as many snapshots as fit into a budget of bytes, the lists that hold them included.
    Memory(usize),
    /// Three states: the others are recovered backwards, by solving x_{k+1} = f(x_k) for x_k. Each inverted
    /// contraction amplifies rounding by 1/|λ| for its smallest eigenvalue λ, so this suits few steps or weak
    /// contraction; the drift is measured and limited.
    Backwards(Recovery),
    /// Two states of the reversible pair y' = (1 − β) y + β f(z), z' = (1 − β) z + β f(y') from y = z = `start`
    /// (arXiv 2509.12917), with 0 < β < 1. This is another iteration with the same fixed points, of two
    /// evaluations a step; the loss is that of y. Its inverse is algebraic, for any f. Where |∂f/∂x| ≤ 1, a
    /// step backwards multiplies rounding by about (1 − β)⁻² at most: choose β below 10/N for N steps.
    Reversible {
        /// β.
        beta: f64,
        /// The largest relative drift of a recovered state, as in [`Recovery::drift`].
        drift: f64,
    },
}

/// Differentiates `loss(x_N)` of the iteration x_{k+1} = `step`(k, x_k, parameters) through all of its
/// `steps`, exactly as one tape would, keeping only the states that `checkpoints` allows.
///
/// A state is a list of vectors, and a step returns as many vectors of the same lengths. Memory: the states that are
/// kept, and the tape of one step.
///
/// # Errors
/// Errors of a step or the loss; a step that returns another number of vectors or other lengths; no steps, segments of
/// no steps, memory for no snapshot; a state that cannot be recovered, or one that drifts.
///
/// ```
/// use multigrad::autodiff::{Checkpoints, unrolled};
/// // x ← x − θ x, ten times: x₁₀ = (1 − θ)¹⁰.
/// let run = unrolled(
///     Checkpoints::Revolve(3),
///     10,
///     &[vec![1.0]],
///     &[vec![0.1]],
///     |_, _, x, p| vec![x[0] - p[0] * x[0]],
///     |_, x, _| x[0].sum(),
/// )?;
/// assert!((run.of_parameters[0][0] + 10.0 * 0.9f64.powi(9)).abs() < 1e-14);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn unrolled<T, S, L>(
    checkpoints: Checkpoints,
    steps: usize,
    start: &[Vec<T>],
    parameters: &[Vec<T>],
    step: S,
    loss: L,
) -> Result<Unrolled<T>>
where
    T: Scalar,
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>>,
    L: for<'t> Fn(&'t Tape<T>, &[Dense<'t, T>], &[Dense<'t, T>]) -> Number<'t, T>,
{
    if steps == 0 {
        return Err(Error::invalid_input("an iteration of no step has no gradient; ask for at least one"));
    }
    let mut sweep = Sweep::new(&step, &loss, parameters);
    sweep.keep(1);
    match checkpoints {
        Checkpoints::Reversible { beta, drift } => {
            return reversible((beta, drift), steps, start, parameters, &step, &loss);
        }
        Checkpoints::All => sweep.segment(0, steps, start)?,
        Checkpoints::Segments(0) => {
            return Err(Error::invalid_input("a segment of no step; a segment has at least one"));
        }
        Checkpoints::Segments(length) => sweep.segments(length, steps, start)?,
        Checkpoints::Revolve(snapshots) => sweep.revolve(steps, start, room(snapshots, steps)?)?,
        Checkpoints::Memory(budget) => {
            sweep.revolve(steps, start, room(budget / bytes(start), steps)?)?;
        }
        Checkpoints::Backwards(recovery) => {
            recovery.check()?;
            if T::PARTS > 1 {
                return Err(Error::unsuited(
                    "recovery backwards drops the derivatives of dual numbers; use Checkpoints::Revolve",
                ));
            }
            let mut one = Step::new(&step, parameters, start);
            sweep.backwards(steps, start, recovery.drift, |k, after, later| {
                one.invert(recovery, k, after, &extrapolated(after, later))
            })?;
        }
    }
    sweep.finish()
}

/// Bytes of a snapshot: its values, its vectors, and twice its place in a list that grows by doubling.
fn bytes<T>(state: &[Vec<T>]) -> usize {
    let values = state.iter().map(Vec::len).sum::<usize>() * size_of::<T>();
    values + size_of_val(state) + 2 * size_of::<(usize, Vec<Vec<T>>)>()
}

/// The number of snapshots, of which more than steps are useless.
fn room(snapshots: usize, steps: usize) -> Result<usize> {
    match snapshots {
        0 => Err(Error::invalid_input(
            "checkpoints need room for at least one state; allow a snapshot or more bytes",
        )),
        _ => Ok(snapshots.min(steps)),
    }
}

#[cfg(test)]
#[path = "checkpoint_tests.rs"]
mod tests;

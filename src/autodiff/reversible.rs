//! The algebraically reversible pair of an iteration (arXiv 2509.12917).

use super::handle::{Dense, Number};
use super::step::{State, Step};
use super::sweep::{Sweep, Unrolled};
use super::tape::Tape;
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// Differentiates the pair y' = (1 − β) y + β f(z), z' = (1 − β) z + β f(y') from y = z = `start`, with the loss of
/// y; its states, the lists of y and z one after the other, are recovered backwards.
pub(super) fn reversible<T, S, L>(
    (beta, drift): (f64, f64),
    steps: usize,
    start: &[Vec<T>],
    parameters: &[Vec<T>],
    step: &S,
    loss: &L,
) -> Result<Unrolled<T>>
where
    T: Scalar,
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>>,
    L: for<'t> Fn(&'t Tape<T>, &[Dense<'t, T>], &[Dense<'t, T>]) -> Number<'t, T>,
{
    if !(beta > 0.0 && beta < 1.0) {
        return Err(Error::invalid_input(format!(
            "β of the reversible pair is {beta}; it must lie between 0 and 1, such as 0.5"
        )));
    }
    let (b, rest) = (T::from_f64(beta), T::from_f64(1.0 - beta));
    let m = start.len();
    let double: State<T> = start.iter().chain(start).cloned().collect();
    let pair = as_step(move |tape, k, x, p| {
        let (y, z) = x.split_at(m);
        let y = mixed(y, &step(tape, k, z, p), rest, b);
        // Vectors that are missing or surplus are an error of the sweep.
        if y.len() != m {
            return y;
        }
        let z = mixed(z, &step(tape, k, &y, p), rest, b);
        y.into_iter().chain(z).collect()
    });
    let of_y = as_loss(move |tape, x, p| loss(tape, &x[..m], p));
    let mut sweep = Sweep::new(&pair, &of_y, parameters);
    sweep.keep(1);
    let mut one = Step::new(step, parameters, start);
    sweep.backwards(steps, &double, drift, |k, after, _| unpair(beta, after, |at| one.value(k, at)))?;
    let mut run = sweep.finish()?;
    run.state.truncate(m);
    // Both halves start at `start`.
    let second = run.of_start.split_off(m);
    for (a, b) in run.of_start.iter_mut().zip(second) {
        a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    }
    Ok(run)
}

/// (1 − β) x + β f; a surplus vector of f stays, so that it is noticed.
fn mixed<'t, T: Scalar>(x: &[Dense<'t, T>], f: &[Dense<'t, T>], rest: T, beta: T) -> Vec<Dense<'t, T>> {
    let surplus = f.iter().skip(x.len()).copied();
    x.iter().zip(f).map(|(&x, &f)| x * rest + f * beta).chain(surplus).collect()
}

/// These tell the compiler the lifetimes of a closure.
fn as_step<T: Scalar, S>(step: S) -> S
where
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>>,
{
    step
}

fn as_loss<T: Scalar, L>(loss: L) -> L
where
    L: for<'t> Fn(&'t Tape<T>, &[Dense<'t, T>], &[Dense<'t, T>]) -> Number<'t, T>,
{
    loss
}

/// (y, z) from (y', z'): z = (z' − β f(y')) / (1 − β), then y = (y' − β f(z)) / (1 − β).
fn unpair<T: Scalar>(
    beta: f64,
    after: &[Vec<T>],
    mut map: impl FnMut(&[Vec<T>]) -> Result<State<T>>,
) -> Result<State<T>> {
    let mut undo = |to: &[Vec<T>], at: &[Vec<T>]| -> Result<State<T>> {
        let (beta, rest) = (T::from_f64(beta), T::from_f64(1.0 - beta));
        let image = map(at)?;
        let one =
            |(x, f): (&Vec<T>, &Vec<T>)| x.iter().zip(f).map(|(&x, &f)| (x - beta * f) / rest).collect();
        Ok(to.iter().zip(&image).map(one).collect())
    };
    let (y, z) = after.split_at(after.len() / 2);
    let z = undo(z, y)?;
    let y = undo(y, &z)?;
    Ok(y.into_iter().chain(z).collect())
}

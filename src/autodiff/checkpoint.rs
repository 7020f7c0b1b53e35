//! Checkpointed gradients of long iterations.

use super::handle::{Dense, Number};
use super::tape::Tape;
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// The states of an iteration that are kept for the backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checkpoints {
    /// All states: no step is computed twice.
    All,
    /// Every n-th state, and those of one segment at a time: each step is computed at most twice.
    Segments(usize),
    /// At most n states at a time, placed binomially (Griewank and Walther 2000, algorithm 799, revolve): s
    /// snapshots take C(s + r, s) steps with each computed at most r times on the way.
    Revolve(usize),
    /// As revolve, with as many snapshots as fit into a budget of bytes.
    Memory(usize),
}

/// The result of a differentiated iteration.
#[derive(Debug, Clone, PartialEq)]
pub struct Unrolled<T> {
    /// The loss of the last state.
    pub loss: T,
    /// The last state.
    pub state: Vec<Vec<T>>,
    /// The gradient with respect to the first state.
    pub of_start: Vec<Vec<T>>,
    /// The gradient with respect to the parameters.
    pub of_parameters: Vec<Vec<T>>,
    /// Steps computed without recording, in addition to the recorded ones, one for each step.
    pub advanced: usize,
    /// The largest number of states kept at a time, the first included.
    pub snapshots: usize,
}

type State<T> = Vec<Vec<T>>;

/// Differentiates `loss(x_N)` of the iteration x_{k+1} = `step`(k, x_k, parameters) through all of its
/// `steps`, exactly as one tape would, keeping only the states that `checkpoints` allows.
///
/// A state is a list of vectors. Memory: the states that are kept, and the tape of one step.
///
/// # Errors
/// Errors of a step or the loss; no steps, segments of no steps, memory for no snapshot.
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
    let bytes = start.iter().map(Vec::len).sum::<usize>() * size_of::<T>();
    let wrong = |what: &str| Err(Error::invalid_input(what.to_string()));
    let snapshots = match checkpoints {
        _ if steps == 0 => return wrong("an iteration of no step has no gradient"),
        Checkpoints::Segments(0) => return wrong("a segment has at least one step"),
        Checkpoints::All | Checkpoints::Segments(_) => 0,
        Checkpoints::Revolve(snapshots) => snapshots,
        Checkpoints::Memory(budget) => budget / bytes.max(1),
    };
    if snapshots == 0 && !matches!(checkpoints, Checkpoints::All | Checkpoints::Segments(_)) {
        return wrong("checkpoints need room for at least one state");
    }
    let mut sweep = Sweep {
        tape: Tape::new(),
        step,
        parameters,
        adjoint: None,
        sums: Vec::new(),
        advanced: 0,
        kept: 0,
        most: 0,
        loss,
    };
    sweep.sums = parameters.iter().map(|p| vec![T::ZERO; p.len()]).collect();
    sweep.keep(1);
    match checkpoints {
        Checkpoints::All => sweep.segment(0, steps, start, steps)?,
        Checkpoints::Segments(length) => {
            // Forward over the starts of the segments, then backward through them.
            let mut starts = vec![start.to_vec()];
            for first in (length..steps).step_by(length) {
                let state = sweep.advance(first - length, first, &starts[starts.len() - 1])?;
                starts.push(state);
                sweep.keep(1);
            }
            while let Some(state) = starts.pop() {
                let first = starts.len() * length;
                sweep.segment(first, steps.min(first + length), &state, steps)?;
                sweep.drop(1);
            }
        }
        _ => sweep.revolve(0, steps, start, snapshots, steps)?,
    }
    let Sweep { adjoint, sums, advanced, most, .. } = sweep;
    let Some((loss, state, of_start)) = adjoint else {
        return wrong("an iteration of no step has no gradient");
    };
    Ok(Unrolled { loss, state, of_start, of_parameters: sums, advanced, snapshots: most })
}

/// The state of the backward pass.
struct Sweep<'p, T: Scalar, S, L> {
    tape: Tape<T>,
    step: S,
    loss: L,
    parameters: &'p [Vec<T>],
    /// The loss, the last state and the adjoint of the state reached so far.
    adjoint: Option<(T, State<T>, State<T>)>,
    sums: Vec<Vec<T>>,
    advanced: usize,
    kept: usize,
    most: usize,
}

impl<T, S, L> Sweep<'_, T, S, L>
where
    T: Scalar,
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>>,
    L: for<'t> Fn(&'t Tape<T>, &[Dense<'t, T>], &[Dense<'t, T>]) -> Number<'t, T>,
{
    fn keep(&mut self, states: usize) {
        self.kept += states;
        self.most = self.most.max(self.kept);
    }

    fn drop(&mut self, states: usize) {
        self.kept -= states;
    }

    /// Computes the state before step `last` from that before step `first`.
    fn advance(&mut self, first: usize, last: usize, state: &[Vec<T>]) -> Result<State<T>> {
        let mut now = state.to_vec();
        for k in first..last {
            self.tape.clear();
            let x: Vec<_> = now.iter().map(|v| self.tape.vector(v)).collect();
            let p: Vec<_> = self.parameters.iter().map(|v| self.tape.vector(v)).collect();
            let next = (self.step)(&self.tape, k, &x, &p);
            let values: State<T> = next.iter().map(Dense::values).collect::<Result<_>>()?;
            now = values;
            self.advanced += 1;
        }
        Ok(now)
    }

    /// One step backward; the last one starts from the loss.
    fn back(&mut self, k: usize, state: &[Vec<T>], steps: usize) -> Result<()> {
        self.tape.clear();
        let tape = &self.tape;
        let x: Vec<_> = state.iter().map(|v| tape.parameter(v)).collect();
        let p: Vec<_> = self.parameters.iter().map(|v| tape.parameter(v)).collect();
        let next = (self.step)(tape, k, &x, &p);
        let (loss, last, mut gradients) = match self.adjoint.take() {
            None => {
                debug_assert_eq!(k + 1, steps);
                let loss = (self.loss)(tape, &next, &p);
                let last = next.iter().map(Dense::values).collect::<Result<_>>()?;
                (loss.value()?, last, loss.gradients()?)
            }
            Some((loss, last, seeds)) => {
                if seeds.len() != next.len() {
                    return Err(Error::dimension("every step must return as many vectors as it takes"));
                }
                let outputs: Vec<(&dyn super::Handle<T>, &[T])> =
                    next.iter().zip(&seeds).map(|(h, s)| (h as &dyn super::Handle<T>, &s[..])).collect();
                (loss, last, tape.backward(&outputs)?)
            }
        };
        for (sum, p) in self.sums.iter_mut().zip(&p) {
            sum.iter_mut().zip(gradients.of(p)?).for_each(|(s, &g)| *s += g);
        }
        let of_state = x.iter().map(|x| gradients.take(x)).collect::<Result<_>>()?;
        self.adjoint = Some((loss, last, of_state));
        Ok(())
    }

    /// Backward through a few steps, with all their states kept.
    fn segment(&mut self, first: usize, last: usize, state: &[Vec<T>], steps: usize) -> Result<()> {
        let mut states = vec![state.to_vec()];
        for k in first + 1..last {
            let next = self.advance(k - 1, k, &states[states.len() - 1])?;
            states.push(next);
            self.keep(1);
        }
        while let Some(state) = states.pop() {
            self.back(first + states.len(), &state, steps)?;
            if !states.is_empty() {
                self.drop(1);
            }
        }
        Ok(())
    }

    /// Backward through the steps from `first` to `last`, from the state before them, with at most
    /// `snapshots` states kept, that state included.
    fn revolve(
        &mut self,
        first: usize,
        last: usize,
        state: &[Vec<T>],
        snapshots: usize,
        steps: usize,
    ) -> Result<()> {
        let mut last = last;
        while last > first + 1 {
            if snapshots == 1 {
                let before = self.advance(first, last - 1, state)?;
                self.back(last - 1, &before, steps)?;
                last -= 1;
                continue;
            }
            let middle = first + split(last - first, snapshots);
            let there = self.advance(first, middle, state)?;
            self.keep(1);
            self.revolve(middle, last, &there, snapshots - 1, steps)?;
            self.drop(1);
            last = middle;
        }
        self.back(first, state, steps)
    }
}

/// The number of steps before the next snapshot, for `steps` steps and `snapshots` snapshots, including the
/// one at the start. With r the smallest number of repetitions such that C(s + r, s) ≥ steps, it leaves
/// C(s + r − 1, s − 1) steps.
fn split(steps: usize, snapshots: usize) -> usize {
    // C(s + r, s) and C(s + r − 1, s − 1) = C(s + r, s) s / (s + r), for r = 0 at first.
    let (mut r, mut all) = (0usize, 1u128);
    while all < steps as u128 {
        r += 1;
        all = all * (snapshots + r) as u128 / r as u128;
    }
    let right = (all * snapshots as u128 / (snapshots + r).max(1) as u128) as usize;
    (steps - right.min(steps - 1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::super::Function;
    use super::*;

    /// x ← x − θ sin x + x₀ y, y ← y x: the gradient of every schedule is that of one tape.
    fn run(checkpoints: Checkpoints, steps: usize) -> Unrolled<f64> {
        unrolled(
            checkpoints,
            steps,
            &[vec![0.7, -0.3], vec![1.0, 2.0]],
            &[vec![0.2, 0.1], vec![0.3, 0.4]],
            |_, k, x, p| {
                let weight = 0.01 * (k + 1) as f64;
                vec![x[0] - p[0] * x[0].map(Function::Sin), x[1] * x[0] * weight + p[1]]
            },
            |_, x, p| (x[0] * x[1]).sum() + p[0].frobenius_squared(),
        )
        .unwrap()
    }

    #[test]
    fn all_schedules_give_the_same_gradient() {
        for steps in [1, 2, 3, 17, 40] {
            let all = run(Checkpoints::All, steps);
            assert_eq!((all.advanced, all.snapshots), (steps - 1, steps));
            for checkpoints in [
                Checkpoints::Segments(1),
                Checkpoints::Segments(5),
                Checkpoints::Segments(100),
                Checkpoints::Revolve(1),
                Checkpoints::Revolve(2),
                Checkpoints::Revolve(5),
                Checkpoints::Memory(3 * 32),
            ] {
                let other = run(checkpoints, steps);
                assert_eq!((other.loss, &other.state), (all.loss, &all.state), "{checkpoints:?}");
                assert_eq!(other.of_parameters, all.of_parameters, "{checkpoints:?}");
                assert_eq!(other.of_start, all.of_start, "{checkpoints:?}");
            }
        }
    }

    #[test]
    fn revolve_keeps_to_its_snapshots_and_repeats_as_little_as_it_may() {
        for (snapshots, steps, most) in [(2, 6, 2), (3, 10, 2), (3, 20, 3), (5, 56, 3), (4, 35, 3)] {
            // C(s + r, s) ≥ steps for r = most: t = r l − C(s + r, r − 1) steps in all (Griewank and
            // Walther), of which the l recorded ones are not counted here.
            let run = run(Checkpoints::Revolve(snapshots), steps);
            assert!(run.snapshots <= snapshots, "{} of {snapshots}", run.snapshots);
            let binomial = |n: usize, k: usize| (1..=k).fold(1, |c, i| c * (n + 1 - i) / i);
            assert_eq!(binomial(snapshots + most, snapshots), steps);
            assert_eq!(
                run.advanced,
                most * steps - binomial(snapshots + most, most - 1),
                "{snapshots} {steps}"
            );
        }
        let two = run(Checkpoints::Segments(8), 64);
        assert!(two.advanced <= 2 * 64 && two.snapshots <= 8 + 8, "{} {}", two.advanced, two.snapshots);
    }

    #[test]
    fn impossible_schedules_are_refused() {
        let start = [vec![1.0]];
        for (checkpoints, steps) in [
            (Checkpoints::All, 0),
            (Checkpoints::Segments(0), 3),
            (Checkpoints::Revolve(0), 3),
            (Checkpoints::Memory(7), 3),
        ] {
            let run =
                unrolled(checkpoints, steps, &start, &[], |_, _, x, _| x.to_vec(), |_, x, _| x[0].sum());
            assert!(run.unwrap_err().is_invalid_input());
        }
    }
}

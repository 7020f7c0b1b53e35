//! Checkpointed gradients of long iterations.

use super::handle::{Dense, Number};
use super::recover::{Checks, Recovery, State, Step, unpair};
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
    /// As revolve, with as many snapshots as fit into a budget of bytes.
    Memory(usize),
    /// Three states: the others are recovered backwards, by solving x_{k+1} = f(x_k) for x_k. Each inverted
    /// contraction amplifies rounding by 1/|λ| for its smallest eigenvalue λ, so this suits few steps or weak
    /// contraction; the drift is measured and limited.
    Backwards(Recovery),
    /// Two states of the reversible pair y' = (1 − β) y + β f(z), z' = (1 − β) z + β f(y') from y = z = `start`
    /// (arXiv 2509.12917), with 0 < β < 1. This is another iteration with the same fixed points, of two
    /// evaluations a step; the loss is that of y. Its inverse is algebraic and amplifies rounding by 1/(1 − β).
    Reversible {
        /// β.
        beta: f64,
        /// The largest relative drift of a recovered state, as in [`Recovery::drift`].
        drift: f64,
    },
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
    /// The largest relative difference between recovered and forward states that was measured; 0 where none is
    /// recovered.
    pub drift: f64,
}

/// Differentiates `loss(x_N)` of the iteration x_{k+1} = `step`(k, x_k, parameters) through all of its
/// `steps`, exactly as one tape would, keeping only the states that `checkpoints` allows.
///
/// A state is a list of vectors. Memory: the states that are kept, and the tape of one step.
///
/// # Errors
/// Errors of a step or the loss; no steps, segments of no steps, memory for no snapshot; a state that cannot be
/// recovered, or one that drifts.
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
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>> + Sync,
    L: for<'t> Fn(&'t Tape<T>, &[Dense<'t, T>], &[Dense<'t, T>]) -> Number<'t, T>,
{
    if let Checkpoints::Reversible { beta, drift } = checkpoints {
        return reversible((beta, drift), steps, start, parameters, &step, &loss);
    }
    let bytes = start.iter().map(Vec::len).sum::<usize>() * size_of::<T>();
    let wrong = |what: &str| Err(Error::invalid_input(what.to_string()));
    let snapshots = match checkpoints {
        _ if steps == 0 => return wrong("an iteration of no step has no gradient"),
        Checkpoints::Segments(0) => return wrong("a segment has at least one step"),
        Checkpoints::Backwards(_) if T::PARTS > 1 => {
            return Err(Error::unsuited(
                "recovery backwards drops the derivatives of dual numbers; use Revolve",
            ));
        }
        Checkpoints::Revolve(snapshots) => snapshots,
        Checkpoints::Memory(budget) => budget / bytes.max(1),
        _ => 1,
    };
    if snapshots == 0 {
        return wrong("checkpoints need room for at least one state");
    }
    let mut sweep = Sweep {
        tape: Tape::new(),
        step: &step,
        parameters,
        adjoint: None,
        sums: Vec::new(),
        advanced: 0,
        kept: 0,
        most: 0,
        drift: 0.0,
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
        Checkpoints::Backwards(recovery) => {
            let one = Step::new(&step, parameters, start);
            sweep.backwards(steps, start, recovery.drift, |k, after, later| {
                // Extrapolated from the two states after it.
                let ahead = |(a, b): (&Vec<T>, &Vec<T>)| a.iter().zip(b).map(|(&a, &b)| a + a - b).collect();
                let guess: State<T> = after.iter().zip(later).map(ahead).collect();
                one.invert(recovery, k, after, &guess)
            })?;
        }
        _ => sweep.revolve(0, steps, start, snapshots, steps)?,
    }
    sweep.finish()
}

/// As [`unrolled`], for the reversible pair.
fn reversible<T, S, L>(
    (beta, drift): (f64, f64),
    steps: usize,
    start: &[Vec<T>],
    parameters: &[Vec<T>],
    step: &S,
    loss: &L,
) -> Result<Unrolled<T>>
where
    T: Scalar,
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>> + Sync,
    L: for<'t> Fn(&'t Tape<T>, &[Dense<'t, T>], &[Dense<'t, T>]) -> Number<'t, T>,
{
    if !(beta > 0.0 && beta < 1.0) || steps == 0 {
        let text =
            format!("a reversible pair needs 0 < β < 1 and at least one step, got β = {beta}, {steps} steps");
        return Err(Error::invalid_input(text));
    }
    let (b, rest) = (T::from_f64(beta), T::from_f64(1.0 - beta));
    let m = start.len();
    let double: State<T> = start.iter().chain(start).cloned().collect();
    let mut sweep = Sweep {
        tape: Tape::new(),
        step: &paired(move |tape, k, x, p| {
            let (y, z) = x.split_at(m);
            let y = mixed(y, &step(tape, k, z, p), rest, b);
            let z = mixed(z, &step(tape, k, &y, p), rest, b);
            y.into_iter().chain(z).collect()
        }),
        parameters,
        adjoint: None,
        sums: parameters.iter().map(|p| vec![T::ZERO; p.len()]).collect(),
        advanced: 0,
        kept: 0,
        most: 0,
        drift: 0.0,
        loss: lossy(move |tape, x, p| loss(tape, &x[..m], p)),
    };
    sweep.keep(1);
    let one = Step::new(step, parameters, start);
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

/// (1 − β) x + β f.
fn mixed<'t, T: Scalar>(x: &[Dense<'t, T>], f: &[Dense<'t, T>], rest: T, beta: T) -> Vec<Dense<'t, T>> {
    x.iter().zip(f).map(|(&x, &f)| x * rest + f * beta).collect()
}

/// These tell the compiler the lifetimes of a closure.
fn paired<T: Scalar, S>(step: S) -> S
where
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>>,
{
    step
}

fn lossy<T: Scalar, L>(loss: L) -> L
where
    L: for<'t> Fn(&'t Tape<T>, &[Dense<'t, T>], &[Dense<'t, T>]) -> Number<'t, T>,
{
    loss
}

/// The state of the backward pass.
struct Sweep<'p, T: Scalar, S, L> {
    tape: Tape<T>,
    step: &'p S,
    loss: L,
    parameters: &'p [Vec<T>],
    /// The loss, the last state and the adjoint of the state reached so far.
    adjoint: Option<(T, State<T>, State<T>)>,
    sums: Vec<Vec<T>>,
    advanced: usize,
    kept: usize,
    most: usize,
    drift: f64,
}

impl<T, S, L> Sweep<'_, T, S, L>
where
    T: Scalar,
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>>,
    L: for<'t> Fn(&'t Tape<T>, &[Dense<'t, T>], &[Dense<'t, T>]) -> Number<'t, T>,
{
    fn finish(self) -> Result<Unrolled<T>> {
        let Self { adjoint, sums, advanced, most, drift, .. } = self;
        let Some((loss, state, of_start)) = adjoint else {
            return Err(Error::invalid_input("an iteration of no step has no gradient"));
        };
        Ok(Unrolled { loss, state, of_start, of_parameters: sums, advanced, snapshots: most, drift })
    }

    /// Forward, with checksums of some states; then backward, where `recover`(k, x_{k+1}, x_{k+2}) returns x_k.
    /// Keeps three states.
    fn backwards(
        &mut self,
        steps: usize,
        start: &[Vec<T>],
        limit: f64,
        recover: impl Fn(usize, &[Vec<T>], &[Vec<T>]) -> Result<State<T>>,
    ) -> Result<()> {
        let mut checks = Checks::new(steps, limit);
        let (mut before, mut now) = (start.to_vec(), start.to_vec());
        self.keep(2);
        for k in 0..steps {
            checks.keep(k, &now);
            if k + 1 < steps {
                before = self.advance(k, k + 1, &now)?;
                std::mem::swap(&mut before, &mut now);
            }
        }
        // `now` is the state before the last step; the one after it starts the extrapolation.
        let mut later = self.advance(steps - 1, steps, &now)?;
        before.clear();
        for k in (0..steps).rev() {
            if k + 1 < steps {
                let found = recover(k, &now, &later)?;
                checks.compare(k, &found)?;
                later = std::mem::replace(&mut now, found);
            }
            self.back(k, &now, steps)?;
        }
        self.drift = checks.worst;
        Ok(())
    }

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

//! The backward pass through an iteration, one recorded step at a time.

use super::checksums::Checksums;
use super::handle::{Dense, Handle, Number};
use super::step::State;
use super::tape::Tape;
use crate::error::{Error, Result};
use crate::sparse::Scalar;

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
    /// Steps computed without recording, in addition to the recorded ones, one for each step; evaluations for the
    /// recovery of states are not counted.
    pub advanced: usize,
    /// The largest number of states kept at a time, the first included.
    pub snapshots: usize,
    /// The largest relative difference between recovered and forward states that was measured; 0 where none is
    /// recovered.
    pub drift: f64,
}

/// The state of the backward pass.
pub(super) struct Sweep<'p, T: Scalar, S, L> {
    tape: Tape<T>,
    step: &'p S,
    loss: &'p L,
    parameters: &'p [Vec<T>],
    /// The loss, the last state and the adjoint of the state reached so far.
    adjoint: Option<(T, State<T>, State<T>)>,
    sums: Vec<Vec<T>>,
    advanced: usize,
    kept: usize,
    most: usize,
    drift: f64,
}

impl<'p, T, S, L> Sweep<'p, T, S, L>
where
    T: Scalar,
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>>,
    L: for<'t> Fn(&'t Tape<T>, &[Dense<'t, T>], &[Dense<'t, T>]) -> Number<'t, T>,
{
    pub(super) fn new(step: &'p S, loss: &'p L, parameters: &'p [Vec<T>]) -> Self {
        let sums = parameters.iter().map(|p| vec![T::ZERO; p.len()]).collect();
        Self {
            tape: Tape::new(),
            step,
            loss,
            parameters,
            adjoint: None,
            sums,
            advanced: 0,
            kept: 0,
            most: 0,
            drift: 0.0,
        }
    }

    /// The result, after the first step has been swept.
    pub(super) fn finish(self) -> Result<Unrolled<T>> {
        let Self { adjoint, sums, advanced, most, drift, .. } = self;
        let Some((loss, state, of_start)) = adjoint else {
            return Err(Error::invalid_input("an iteration of no step has no gradient"));
        };
        Ok(Unrolled { loss, state, of_start, of_parameters: sums, advanced, snapshots: most, drift })
    }

    /// Counts states that are kept from now on.
    pub(super) fn keep(&mut self, states: usize) {
        self.kept += states;
        self.most = self.most.max(self.kept);
    }

    /// Counts states that are no longer kept.
    pub(super) fn drop(&mut self, states: usize) {
        self.kept -= states;
    }

    /// Computes the state before step `last` from that before step `first`.
    pub(super) fn advance(&mut self, first: usize, last: usize, state: &[Vec<T>]) -> Result<State<T>> {
        let mut now: Option<State<T>> = None;
        for k in first..last {
            let before = now.as_deref().unwrap_or(state);
            self.tape.clear();
            let x: Vec<_> = before.iter().map(|v| self.tape.vector(v)).collect();
            let p: Vec<_> = self.parameters.iter().map(|v| self.tape.vector(v)).collect();
            let next = (self.step)(&self.tape, k, &x, &p);
            // Collected without surplus capacity, for the budget of snapshots.
            let mut values: State<T> = Vec::with_capacity(next.len());
            for vector in &next {
                values.push(vector.values()?);
            }
            check(k, before, values.iter().map(Vec::len))?;
            now = Some(values);
            self.advanced += 1;
        }
        Ok(now.unwrap_or_else(|| state.to_vec()))
    }

    /// Step k backward from the state before it; the first call, for the last step, starts from the loss.
    pub(super) fn back(&mut self, k: usize, state: &[Vec<T>]) -> Result<()> {
        self.tape.clear();
        let tape = &self.tape;
        let x: Vec<_> = state.iter().map(|v| tape.parameter(v)).collect();
        let p: Vec<_> = self.parameters.iter().map(|v| tape.parameter(v)).collect();
        let next = (self.step)(tape, k, &x, &p);
        let (loss, last, mut gradients) = match self.adjoint.take() {
            None => {
                let last: State<T> = next.iter().map(Dense::values).collect::<Result<_>>()?;
                check(k, state, last.iter().map(Vec::len))?;
                let loss = (self.loss)(tape, &next, &p);
                (loss.value()?, last, loss.gradients()?)
            }
            Some((loss, last, seeds)) => {
                check(k, state, next.iter().map(|v| v.extent().0 * v.extent().1))?;
                let outputs: Vec<(&dyn Handle<T>, &[T])> =
                    next.iter().zip(&seeds).map(|(h, s)| (h as &dyn Handle<T>, &s[..])).collect();
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

    /// Backward through the steps from `first` to `last`, with all their states kept.
    pub(super) fn segment(&mut self, first: usize, last: usize, state: &[Vec<T>]) -> Result<()> {
        let mut states = vec![state.to_vec()];
        for k in first + 1..last {
            let next = self.advance(k - 1, k, &states[states.len() - 1])?;
            states.push(next);
            self.keep(1);
        }
        while let Some(state) = states.pop() {
            self.back(first + states.len(), &state)?;
            if !states.is_empty() {
                self.drop(1);
            }
        }
        Ok(())
    }

    /// Forward over the starts of segments of this length, then backward through the segments.
    pub(super) fn segments(&mut self, length: usize, steps: usize, start: &[Vec<T>]) -> Result<()> {
        let mut starts = vec![start.to_vec()];
        for first in (length..steps).step_by(length) {
            let state = self.advance(first - length, first, &starts[starts.len() - 1])?;
            starts.push(state);
            self.keep(1);
        }
        while let Some(state) = starts.pop() {
            let first = starts.len() * length;
            self.segment(first, steps.min(first.saturating_add(length)), &state)?;
            self.drop(1);
        }
        Ok(())
    }

    /// Forward, with checksums of some states; then backward, where `recover`(k, x_{k+1}, x_{k+2}) returns x_k.
    /// Keeps three states.
    pub(super) fn backwards(
        &mut self,
        steps: usize,
        start: &[Vec<T>],
        limit: f64,
        mut recover: impl FnMut(usize, &[Vec<T>], &[Vec<T>]) -> Result<State<T>>,
    ) -> Result<()> {
        let mut checks = Checksums::new(steps, limit)?;
        let mut now = start.to_vec();
        self.keep(2);
        for k in 0..steps - 1 {
            checks.keep(k, &now);
            now = self.advance(k, k + 1, &now)?;
        }
        // `now` is the state before the last step; the one after it starts the extrapolation.
        let mut later = self.advance(steps - 1, steps, &now)?;
        self.back(steps - 1, &now)?;
        for k in (0..steps - 1).rev() {
            let found = recover(k, &now, &later)?;
            checks.compare(k, &found)?;
            later = std::mem::replace(&mut now, found);
            self.back(k, &now)?;
        }
        self.drift = checks.worst;
        Ok(())
    }
}

/// Refuses a step that returns another number of vectors than it takes, or other lengths.
fn check<T>(k: usize, state: &[Vec<T>], lengths: impl ExactSizeIterator<Item = usize>) -> Result<()> {
    let count = lengths.len();
    if count != state.len() {
        return Err(Error::dimension(format!(
            "step {k} returns {count} vectors from {}; every step must return as many as it takes",
            state.len()
        )));
    }
    match lengths.zip(state).position(|(length, v)| length != v.len()) {
        Some(i) => Err(Error::dimension(format!(
            "step {k} changes the length of vector {} of the state; every step must keep it",
            i + 1
        ))),
        None => Ok(()),
    }
}

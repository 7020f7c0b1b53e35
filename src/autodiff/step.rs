//! One step of an iteration on plain vectors.

use super::handle::{Dense, Handle};
use super::recover::{Invertible, Pull, Recovery, invert};
use super::tape::Tape;
use crate::error::Result;
use crate::sparse::Scalar;

/// A list of vectors.
pub(super) type State<T> = Vec<Vec<T>>;

/// The vectors of a state one after the other, in double precision.
pub(super) fn flat<T: Scalar>(state: &[Vec<T>]) -> Vec<f64> {
    state.iter().flatten().map(|v| v.to_f64()).collect()
}

/// 2 x_{k+1} − x_{k+2}: a guess for x_k.
pub(super) fn extrapolated<T: Scalar>(after: &[Vec<T>], later: &[Vec<T>]) -> State<T> {
    let ahead = |(a, b): (&Vec<T>, &Vec<T>)| a.iter().zip(b).map(|(&a, &b)| a + a - b).collect();
    after.iter().zip(later).map(ahead).collect()
}

/// A step, with a tape of its own.
pub(super) struct Step<'a, T: Scalar, S> {
    step: &'a S,
    parameters: &'a [Vec<T>],
    tape: Tape<T>,
    lengths: Vec<usize>,
}

impl<'a, T, S> Step<'a, T, S>
where
    T: Scalar,
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>>,
{
    pub(super) fn new(step: &'a S, parameters: &'a [Vec<T>], state: &[Vec<T>]) -> Self {
        let lengths = state.iter().map(Vec::len).collect();
        Self { step, parameters, tape: Tape::new(), lengths }
    }

    /// A flat vector as a state.
    fn state(&self, flat: &[f64]) -> State<T> {
        let mut rest = flat.iter();
        let mut take = |&n: &usize| rest.by_ref().take(n).map(|&v| T::from_f64(v)).collect();
        self.lengths.iter().map(&mut take).collect()
    }

    /// f(y) in step k.
    pub(super) fn value(&mut self, k: usize, y: &[Vec<T>]) -> Result<State<T>> {
        self.tape.clear();
        let tape = &self.tape;
        let x: Vec<_> = y.iter().map(|v| tape.vector(v)).collect();
        let p: Vec<_> = self.parameters.iter().map(|v| tape.vector(v)).collect();
        (self.step)(tape, k, &x, &p).iter().map(Dense::values).collect()
    }

    /// The state before step k, from the one after it and a guess.
    pub(super) fn invert(
        &mut self,
        recovery: Recovery,
        k: usize,
        after: &[Vec<T>],
        guess: &[Vec<T>],
    ) -> Result<State<T>> {
        let found = invert(recovery, T::EPSILON, &mut At { step: self, k }, &flat(after), flat(guess))?;
        Ok(self.state(&found))
    }
}

/// Step k.
struct At<'s, 'a, T: Scalar, S> {
    step: &'s mut Step<'a, T, S>,
    k: usize,
}

impl<T, S> Invertible for At<'_, '_, T, S>
where
    T: Scalar,
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>>,
{
    fn value(&mut self, y: &[f64]) -> Result<Vec<f64>> {
        let y = self.step.state(y);
        Ok(flat(&self.step.value(self.k, &y)?))
    }

    fn linearised(
        &mut self,
        y: &[f64],
        body: &mut dyn FnMut(Vec<f64>, Pull<'_>) -> Result<()>,
    ) -> Result<()> {
        self.step.tape.clear();
        let step = &*self.step;
        let (tape, y) = (&step.tape, step.state(y));
        let x: Vec<_> = y.iter().map(|v| tape.parameter(v)).collect();
        let p: Vec<_> = step.parameters.iter().map(|v| tape.vector(v)).collect();
        let images = (step.step)(tape, self.k, &x, &p);
        let value: State<T> = images.iter().map(Dense::values).collect::<Result<_>>()?;
        let mut pull = |r: &[f64]| {
            let r = step.state(r);
            let outputs: Vec<(&dyn Handle<T>, &[T])> =
                images.iter().zip(&r).map(|(h, r)| (h as &dyn Handle<T>, &r[..])).collect();
            let gradients = tape.backward(&outputs)?;
            let parts: Result<State<T>> = x.iter().map(|x| gradients.of(x).map(<[T]>::to_vec)).collect();
            let product = flat(&parts?);
            tape.recycle(gradients);
            Ok(product)
        };
        body(flat(&value), &mut pull)
    }
}

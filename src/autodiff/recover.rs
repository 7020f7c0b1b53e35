//! Recovery of the states of an iteration backwards, for its exact discrete adjoint in flat memory.

use std::sync::{Mutex, PoisonError};

use super::anderson::Anderson;
use super::handle::{Dense, Handle};
use super::tape::Tape;
use crate::error::{Error, Result};
use crate::krylov::{Fgmres, axpy, dot, norm, scattered};
use crate::operator::LinearOperator;
use crate::sparse::Scalar;

/// The method that solves x_{k+1} = f(y) for y = x_k.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Inversion {
    /// Descent on ½ ‖x − f(y)‖² by the tape's products with the transposed Jacobian, with the step lengths of
    /// Barzilai and Borwein (1988). Slow; needs an f with an inverse only.
    Descent,
    /// y ← y + x − f(y), which converges if ‖I − ∂f/∂x‖ < 1: implicit Euler run backwards.
    FixedPoint,
    /// The same with Anderson acceleration over this many differences.
    Anderson(usize),
    /// Newton's method with FGMRES for its steps; products with the Jacobian are differences of f along a
    /// direction (Knoll and Keyes, J. Comput. Phys. 193, 2004, eq. 10).
    NewtonKrylov,
}

/// How states are recovered backwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recovery {
    /// The method.
    pub inversion: Inversion,
    /// Solved once ‖x − f(y)‖₂ ≤ this times ‖x‖₂.
    pub tolerance: f64,
    /// The largest number of evaluations of f for one state.
    pub evaluations: usize,
    /// The largest relative drift of a recovered state from its forward state, measured on 16 of them by a few
    /// random sums. Beyond it the sweep stops with an error.
    pub drift: f64,
}

impl Default for Recovery {
    /// Anderson acceleration over 5 differences to 10⁻¹⁴, 500 evaluations, drift up to 10⁻⁶.
    fn default() -> Self {
        Self { inversion: Inversion::Anderson(5), tolerance: 1e-14, evaluations: 500, drift: 1e-6 }
    }
}

pub(super) type State<T> = Vec<Vec<T>>;

/// Number of states with checksums, and of random sums of each.
const CHECKED: usize = 16;
const SUMS: usize = 4;

/// Random sums of forward states.
pub(super) struct Checks {
    every: usize,
    kept: Vec<(usize, [f64; SUMS])>,
    limit: f64,
    /// The largest drift so far.
    pub(super) worst: f64,
}

impl Checks {
    pub(super) fn new(steps: usize, limit: f64) -> Self {
        Self { every: steps.div_ceil(CHECKED).max(1), kept: Vec::new(), limit, worst: 0.0 }
    }

    /// Keeps the sums of state k, if it is one of those that are checked.
    pub(super) fn keep<T: Scalar>(&mut self, k: usize, state: &[Vec<T>]) {
        if k.is_multiple_of(self.every) {
            self.kept.push((k, sums(&flat(state))));
        }
    }

    /// Compares a recovered state k with its sums. The root mean square of random sums with weights of unit
    /// variance is the norm.
    pub(super) fn compare<T: Scalar>(&mut self, k: usize, state: &[Vec<T>]) -> Result<()> {
        let Some(&(_, known)) = self.kept.iter().find(|c| c.0 == k) else { return Ok(()) };
        let state = flat(state);
        let off: f64 = sums(&state).iter().zip(known).map(|(a, b)| (a - b) * (a - b)).sum();
        let drift = (off / SUMS as f64).sqrt() / norm(&state).max(f64::MIN_POSITIVE);
        self.worst = self.worst.max(drift);
        if drift <= self.limit {
            return Ok(());
        }
        Err(Error::unsuited(format!(
            "state {k}, recovered backwards, is off by {drift:.1e} of its size, the limit is {:.1e}: inverting a contraction amplifies rounding; use Checkpoints::Revolve or Checkpoints::Memory, which recompute states forward",
            self.limit
        )))
    }
}

fn sums(state: &[f64]) -> [f64; SUMS] {
    // Uniform weights in (−1, 1) have variance 1/3.
    std::array::from_fn(|s| 3f64.sqrt() * dot(&scattered(state.len(), s as u64 + 1), state))
}

pub(super) fn flat<T: Scalar>(state: &[Vec<T>]) -> Vec<f64> {
    state.iter().flatten().map(|v| v.to_f64()).collect()
}

/// f on plain vectors.
type Map<'a> = &'a (dyn Fn(&[f64]) -> Result<Vec<f64>> + Sync);

/// (y, r) to Jᵀ(y) r.
type Pull<'a> = &'a dyn Fn(&[f64], &[f64]) -> Result<Vec<f64>>;

/// Solves f(y) = x from a guess. `map` evaluates f, `pull` returns Jᵀ(y) r.
pub(super) struct Inverse<'a> {
    pub(super) recovery: Recovery,
    pub(super) map: Map<'a>,
    pub(super) pull: Pull<'a>,
}

impl Inverse<'_> {
    /// y with f(y) = x, as well as the tolerance or rounding allow.
    ///
    /// # Errors
    /// A residual that does not fall below the root of the tolerance.
    pub(super) fn solve(&self, x: &[f64], guess: Vec<f64>) -> Result<Vec<f64>> {
        let (tolerance, most) = (self.recovery.tolerance, self.recovery.evaluations);
        let size = norm(x).max(f64::MIN_POSITIVE);
        let (mut y, mut evaluations) = (guess, 0);
        let (mut best, mut least) = (y.clone(), f64::INFINITY);
        let mut anderson = match self.recovery.inversion {
            Inversion::Anderson(depth) => Some(Anderson::new(depth)),
            _ => None,
        };
        // The last iterate and gradient of the descent.
        let mut before: Option<(Vec<f64>, Vec<f64>)> = None;
        let mut stalled = 0;
        while evaluations < most && stalled < 20 {
            let image = (self.map)(&y)?;
            evaluations += 1;
            let r: Vec<f64> = x.iter().zip(&image).map(|(x, f)| x - f).collect();
            let residual = norm(&r) / size;
            if residual.is_nan() {
                break;
            }
            stalled = if residual < 0.9 * least { 0 } else { stalled + 1 };
            if residual < least {
                (best, least) = (y.clone(), residual);
            }
            if least <= tolerance {
                break;
            }
            let mut next: Vec<f64> = y.iter().zip(&r).map(|(y, r)| y + r).collect();
            match self.recovery.inversion {
                Inversion::FixedPoint => {}
                Inversion::Anderson(_) => {
                    if let Some(anderson) = &mut anderson {
                        next = anderson.next(&y, &next);
                    }
                }
                Inversion::Descent => {
                    stalled = 0;
                    let down = (self.pull)(&y, &r)?;
                    let mut length = 1.0;
                    if let Some((old, slope)) = &before {
                        let s: Vec<f64> = y.iter().zip(old).map(|(a, b)| a - b).collect();
                        let d: Vec<f64> = slope.iter().zip(&down).map(|(a, b)| a - b).collect();
                        let curvature = dot(&s, &d);
                        length = if curvature > 0.0 { dot(&s, &s) / curvature } else { 1.0 };
                    }
                    next.clone_from(&y);
                    axpy(length, &down, &mut next);
                    before = Some((y, down));
                }
                Inversion::NewtonKrylov => {
                    let jacobian = Jacobian { map: self.map, y: &y, image: &image };
                    let out = Fgmres::new().rtol(1e-6).max_iterations(60).solve(&jacobian, &r)?;
                    evaluations += out.iterations;
                    next.clone_from(&y);
                    axpy(1.0, &out.x, &mut next);
                }
            }
            y = next;
        }
        if least <= tolerance.sqrt() {
            return Ok(best);
        }
        Err(Error::unsuited(format!(
            "a state could not be recovered backwards by {:?}: the residual is {least:.1e} of the state after {evaluations} evaluations; try another Inversion, or Checkpoints::Revolve, which needs no inverse",
            self.recovery.inversion
        )))
    }
}

/// J v by a difference of f along v.
struct Jacobian<'a> {
    map: Map<'a>,
    y: &'a [f64],
    image: &'a [f64],
}

impl LinearOperator for Jacobian<'_> {
    fn rows(&self) -> usize {
        self.y.len()
    }

    fn apply(&self, v: &[f64], w: &mut [f64]) -> Result<()> {
        let length = norm(v);
        if length == 0.0 {
            w.fill(0.0);
            return Ok(());
        }
        let h = f64::EPSILON.sqrt() * (1.0 + norm(self.y)) / length;
        let near: Vec<f64> = self.y.iter().zip(v).map(|(y, v)| y + h * v).collect();
        let values = (self.map)(&near)?;
        w.iter_mut().zip(values).zip(self.image).for_each(|((w, f), f0)| *w = (f - f0) / h);
        Ok(())
    }
}

/// One step of an iteration on plain vectors.
pub(super) struct Step<'a, T: Scalar, S> {
    pub(super) step: &'a S,
    pub(super) parameters: &'a [Vec<T>],
    tape: Mutex<Tape<T>>,
    lengths: Vec<usize>,
}

impl<'a, T, S> Step<'a, T, S>
where
    T: Scalar,
    S: for<'t> Fn(&'t Tape<T>, usize, &[Dense<'t, T>], &[Dense<'t, T>]) -> Vec<Dense<'t, T>>,
{
    pub(super) fn new(step: &'a S, parameters: &'a [Vec<T>], state: &[Vec<T>]) -> Self {
        let lengths = state.iter().map(Vec::len).collect();
        Self { step, parameters, tape: Mutex::new(Tape::new()), lengths }
    }

    /// A flat vector as a state.
    pub(super) fn state(&self, flat: &[f64]) -> State<T> {
        let mut rest = flat.iter();
        let mut take = |&n: &usize| rest.by_ref().take(n).map(|&v| T::from_f64(v)).collect();
        self.lengths.iter().map(&mut take).collect()
    }

    /// f(y) in step k.
    pub(super) fn value(&self, k: usize, y: &[Vec<T>]) -> Result<State<T>> {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        tape.clear();
        let x: Vec<_> = y.iter().map(|v| tape.vector(v)).collect();
        let p: Vec<_> = self.parameters.iter().map(|v| tape.vector(v)).collect();
        (self.step)(&tape, k, &x, &p).iter().map(Dense::values).collect()
    }

    /// (∂f/∂x)ᵀ r at y in step k.
    pub(super) fn pull(&self, k: usize, y: &[f64], r: &[f64]) -> Result<Vec<f64>> {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        tape.clear();
        let (y, r) = (self.state(y), self.state(r));
        let x: Vec<_> = y.iter().map(|v| tape.parameter(v)).collect();
        let p: Vec<_> = self.parameters.iter().map(|v| tape.vector(v)).collect();
        let images = (self.step)(&tape, k, &x, &p);
        let outputs: Vec<(&dyn Handle<T>, &[T])> =
            images.iter().zip(&r).map(|(h, r)| (h as &dyn Handle<T>, &r[..])).collect();
        let gradients = tape.backward(&outputs)?;
        let parts = x.iter().map(|x| gradients.of(x).map(<[T]>::to_vec));
        Ok(flat(&parts.collect::<Result<State<T>>>()?))
    }

    /// The state before step k, from the one after it and a guess.
    pub(super) fn invert(
        &self,
        recovery: Recovery,
        k: usize,
        after: &[Vec<T>],
        guess: &[Vec<T>],
    ) -> Result<State<T>>
    where
        S: Sync,
    {
        let map = |y: &[f64]| Ok(flat(&self.value(k, &self.state(y))?));
        let pull = |y: &[f64], r: &[f64]| self.pull(k, y, r);
        let inverse = Inverse { recovery, map: &map, pull: &pull };
        Ok(self.state(&inverse.solve(&flat(after), flat(guess))?))
    }
}

/// (y, z) from y' = (1 − β) y + β f(z) and z' = (1 − β) z + β f(y'), one list after the other: the algebraic
/// inverse of the reversible pair (arXiv 2509.12917).
pub(super) fn unpair<T: Scalar>(
    beta: f64,
    after: &[Vec<T>],
    map: impl Fn(&[Vec<T>]) -> Result<State<T>>,
) -> Result<State<T>> {
    let undo = |to: &[Vec<T>], at: &[Vec<T>]| -> Result<State<T>> {
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

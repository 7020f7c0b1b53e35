//! The adjoint equation of a fixed point: products with the transposed Jacobian of one recorded step.

use std::sync::{Mutex, PoisonError};

use super::handle::{Dense, Handle};
use super::iterate::{Found, Limits, relative_change};
use super::tape::Tape;
use crate::error::Result;
use crate::krylov::Fgmres;
use crate::operator::LinearOperator;
use crate::sparse::Scalar;

/// One step on a tape, by the numbers of its values, so that the tape can be shared.
pub(super) struct Recorded<T: Scalar> {
    tape: Mutex<Tape<T>>,
    point: usize,
    image: usize,
    parameters: Vec<usize>,
}

impl<T: Scalar> Recorded<T> {
    /// Records `step` at x on a tape, which is cleared.
    pub(super) fn new<S>(mut tape: Tape<T>, x: &[T], parameters: &[Vec<T>], step: &S) -> Result<Self>
    where
        S: for<'t> Fn(&'t Tape<T>, Dense<'t, T>, &[Dense<'t, T>]) -> Dense<'t, T>,
    {
        tape.clear();
        let handles: Vec<_> = parameters.iter().map(|p| tape.parameter(p)).collect();
        let point = tape.parameter(x);
        let image = step(&tape, point, &handles);
        image.values()?;
        let parameters = handles.iter().map(Handle::id).collect();
        let (point, image) = (point.id(), image.id());
        Ok(Self { point, image, parameters, tape: Mutex::new(tape) })
    }

    /// wᵀ ∂f/∂q for some parameters q of the tape.
    fn sweep(&self, w: &[T], of: &[usize]) -> Result<Vec<Vec<T>>> {
        let tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        let image = Dense::new(&tape, self.image);
        let mut gradients = tape.backward(&[(&image as &dyn Handle<T>, w)])?;
        of.iter().map(|&id| gradients.take(Dense::new(&tape, id))).collect()
    }

    /// wᵀ ∂f/∂θ.
    pub(super) fn of_parameters(&self, w: &[T]) -> Result<Vec<Vec<T>>> {
        self.sweep(w, &self.parameters)
    }

    /// v + (∂f/∂x)ᵀ w.
    pub(super) fn plus(&self, w: &[T], v: &[T]) -> Result<Vec<T>> {
        let mut next = self.sweep(w, &[self.point])?.pop().unwrap_or_default();
        next.iter_mut().zip(v).for_each(|(w, &v)| *w += v);
        Ok(next)
    }

    /// w with (I − ∂f/∂x)ᵀ w = v, whose last change is that of a plain step.
    pub(super) fn fgmres(&self, limits: Limits, restart: usize, seed: &[T]) -> Result<Found<T>> {
        let wide = T::widened(seed);
        // The residual of w is the change of a plain step, relative to v where the tolerance is relative to w.
        let mut rtol = 0.1 * limits.tolerance;
        let (mut start, mut steps) = (vec![0.0; seed.len()], 0);
        loop {
            let left = limits.steps.saturating_sub(steps);
            let method = Fgmres::new().restart(restart).rtol(rtol).max_iterations(left);
            let out = method.initial_guess(&start).solve(self, &wide)?;
            let (converged, iterations) = (out.converged(), out.iterations);
            let point = T::narrowed(out.x.clone());
            let change = relative_change(&point, &self.plus(&point, seed)?)?;
            steps += iterations;
            if change <= limits.tolerance || !converged || iterations == 0 || !change.is_finite() {
                return Ok(Found { point, change, steps, amplification: 1.0 });
            }
            rtol *= 0.1 * limits.tolerance / change;
            start = out.x;
        }
    }
}

/// I − (∂f/∂x)ᵀ.
impl<T: Scalar> LinearOperator for Recorded<T> {
    fn rows(&self) -> usize {
        let tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        let (rows, columns) = Dense::new(&tape, self.point).extent();
        rows * columns
    }

    fn apply(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        let narrow: Vec<T> = x.iter().map(|&v| T::from_f64(v)).collect();
        let product = self.sweep(&narrow, &[self.point])?;
        let values = product.iter().flatten();
        y.iter_mut().zip(x).zip(values).for_each(|((y, x), p)| *y = x - p.to_f64());
        Ok(())
    }
}

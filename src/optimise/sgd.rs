//! Gradient descent with momentum (Polyak, 1964; Sutskever, Martens, Dahl and Hinton, 2013).

use serde::{Deserialize, Serialize};

use super::{Optimiser, check};
use crate::error::{Error, Result};
use crate::simd::vectorised;
use crate::sparse::Scalar;

/// (Stochastic) gradient descent with momentum μ, Nesterov's variant, and weight decay λ.
///
/// ```text
/// g += λ w,   b = μ b + g,   w −= rate b        (Nesterov: w −= rate (g + μ b))
/// ```
///
/// as in PyTorch, without dampening: the decay is part of the gradient, unlike that of
/// [`Adam`](super::Adam). With momentum the first step allocates b; all others allocate nothing.
///
/// ```
/// use multigrad::optimise::{Optimiser, Sgd};
/// let mut sgd = Sgd::new().momentum(0.9);
/// let mut w = [1.0];
/// sgd.step(&mut w, &[1.0], 0.1)?; // b = 1
/// sgd.step(&mut w, &[1.0], 0.1)?; // b = 1.9
/// assert!((w[0] - (1.0_f64 - 0.1 - 0.19)).abs() < 1e-15);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "T: Scalar")]
pub struct Sgd<T> {
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
    velocity: Vec<T>,
}

impl<T: Scalar> Sgd<T> {
    /// Plain gradient descent: no momentum, no decay.
    pub fn new() -> Self {
        Self { momentum: 0.0, nesterov: false, weight_decay: 0.0, velocity: Vec::new() }
    }

    /// μ, at least 0 and below 1. Default: 0.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Whether to step along g + μ b; needs a momentum. Default: false.
    #[must_use]
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }

    /// λ, added to the gradient as λ w: the derivative of λ‖w‖²/2. Default: 0.
    #[must_use]
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }

    fn check(&self, values: usize, gradient: &[T], rate: f64) -> Result<()> {
        check::lengths(values, gradient.len())?;
        check::state(values, self.velocity.len())?;
        check::setting("the rate", rate, 0.0, f64::INFINITY)?;
        check::setting("the momentum", self.momentum, 0.0, 1.0)?;
        check::setting("the weight decay", self.weight_decay, 0.0, f64::INFINITY)?;
        if self.nesterov && self.momentum == 0.0 {
            return Err(Error::invalid_input(
                "Nesterov's variant without momentum; set one, such as momentum(0.9)",
            ));
        }
        check::finite("gradient", gradient)
    }

    /// One step; `gradient` gives the derivative with respect to each value, and the unit of its variable.
    #[inline(always)]
    fn walk(&mut self, values: &mut [T], gradient: impl ExactSizeIterator<Item = (T, T)>, rate: f64) {
        let (rate, momentum) = (T::from_f64(rate), T::from_f64(self.momentum));
        let decay = T::from_f64(self.weight_decay);
        let (decays, nesterov) = (self.weight_decay != 0.0, self.nesterov);
        if self.momentum == 0.0 {
            for (w, (g, unit)) in values.iter_mut().zip(gradient) {
                let g = if decays { g * unit + decay * (*w / unit) } else { g * unit };
                *w -= unit * rate * g;
            }
            return;
        }
        self.velocity.resize(values.len(), T::ZERO);
        for ((w, (g, unit)), b) in values.iter_mut().zip(gradient).zip(self.velocity.iter_mut()) {
            let g = if decays { g * unit + decay * (*w / unit) } else { g * unit };
            *b = momentum * *b + g;
            *w -= unit * rate * if nesterov { g + momentum * *b } else { *b };
        }
    }
}

impl<T: Scalar> Default for Sgd<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> Optimiser<T> for Sgd<T> {
    fn step(&mut self, values: &mut [T], gradient: &[T], rate: f64) -> Result<()> {
        self.check(values.len(), gradient, rate)?;
        vectorised(
            #[inline(always)]
            || self.walk(values, gradient.iter().map(|&g| (g, T::ONE)), rate),
        );
        Ok(())
    }

    fn step_scaled(&mut self, values: &mut [T], gradient: &[T], units: &[T], rate: f64) -> Result<()> {
        self.check(values.len(), gradient, rate)?;
        check::units(values.len(), units)?;
        vectorised(
            #[inline(always)]
            || self.walk(values, gradient.iter().zip(units).map(|(&g, &unit)| (g, unit)), rate),
        );
        Ok(())
    }

    fn reset(&mut self) {
        self.velocity.fill(T::ZERO);
    }
}

//! Adam (Kingma and Ba, 2015), with decoupled weight decay: AdamW (Loshchilov and Hutter, 2019).

use serde::{Deserialize, Serialize};

use super::{Optimiser, check};
use crate::error::Result;
use crate::simd::vectorised;
use crate::sparse::Scalar;

/// Adam, and AdamW if the weight decay is not zero; settings and state.
///
/// ```text
/// w −= rate λ w,   m = β₁ m + (1 − β₁) g,   v = β₂ v + (1 − β₂) g²
/// w −= rate m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε)
/// ```
///
/// as in PyTorch. The first step allocates m and v; all others allocate nothing.
///
/// ```
/// use multigrad::optimise::{Adam, Optimiser};
/// let mut adam = Adam::new().betas(0.9, 0.99).weight_decay(0.5);
/// let mut w = [2.0_f64];
/// adam.step(&mut w, &[123.0], 0.1)?; // the first step has the size of the rate
/// assert!((w[0] - (2.0 * (1.0 - 0.1 * 0.5) - 0.1)).abs() < 1e-9);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "T: Scalar")]
pub struct Adam<T> {
    betas: (f64, f64),
    epsilon: f64,
    weight_decay: f64,
    steps: u64,
    first: Vec<T>,
    second: Vec<T>,
}

/// The factors of one step, in the precision of the values.
#[derive(Clone, Copy)]
struct Factors<T> {
    keep: T,
    beta: (T, T),
    rate: T,
    correction: T,
    epsilon: T,
}

impl<T: Scalar> Factors<T> {
    /// `g` is the derivative by w / `unit`.
    #[inline(always)]
    fn apply(self, w: &mut T, unit: T, g: T, m: &mut T, v: &mut T) {
        let (b1, b2) = self.beta;
        *m = b1 * *m + (T::ONE - b1) * g;
        *v = b2 * *v + (T::ONE - b2) * g * g;
        *w = *w * self.keep - unit * self.rate * *m / ((*v * self.correction).root() + self.epsilon);
    }
}

impl<T: Scalar> Adam<T> {
    /// β = (0.9, 0.999), ε = 1e-8, no weight decay, and no step taken yet.
    pub fn new() -> Self {
        Self {
            betas: (0.9, 0.999),
            epsilon: 1e-8,
            weight_decay: 0.0,
            steps: 0,
            first: Vec::new(),
            second: Vec::new(),
        }
    }

    /// Decay rates of the means of g and of g², each at least 0 and below 1. Default: 0.9 and 0.999.
    #[must_use]
    pub fn betas(mut self, first: f64, second: f64) -> Self {
        self.betas = (first, second);
        self
    }

    /// Added to the root of the mean of g². Default: 1e-8.
    #[must_use]
    pub fn eps(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// λ: every step first subtracts the share rate × λ of each value. Default: 0.
    #[must_use]
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Checks the input, counts the step, and allocates in the first.
    fn begin(&mut self, values: usize, gradient: &[T], rate: f64) -> Result<Factors<T>> {
        check::lengths(values, gradient.len())?;
        check::state(values, self.first.len())?;
        check::state(values, self.second.len())?;
        check::setting("the rate", rate, 0.0, f64::INFINITY)?;
        check::setting("β₁ of Adam", self.betas.0, 0.0, 1.0)?;
        check::setting("β₂ of Adam", self.betas.1, 0.0, 1.0)?;
        check::setting("ε of Adam", self.epsilon, 0.0, f64::INFINITY)?;
        check::setting("the weight decay of Adam", self.weight_decay, 0.0, f64::INFINITY)?;
        check::finite("gradient", gradient)?;
        self.first.resize(values, T::ZERO);
        self.second.resize(values, T::ZERO);
        self.steps = self.steps.saturating_add(1);
        let (b1, b2) = self.betas;
        let step = i32::try_from(self.steps).unwrap_or(i32::MAX);
        Ok(Factors {
            keep: T::from_f64(1.0 - rate * self.weight_decay),
            beta: (T::from_f64(b1), T::from_f64(b2)),
            rate: T::from_f64(rate / (1.0 - b1.powi(step))),
            correction: T::from_f64(1.0 / (1.0 - b2.powi(step))),
            epsilon: T::from_f64(self.epsilon),
        })
    }
}

impl<T: Scalar> Default for Adam<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Scalar> Optimiser<T> for Adam<T> {
    fn step(&mut self, values: &mut [T], gradient: &[T], rate: f64) -> Result<()> {
        let factors = self.begin(values.len(), gradient, rate)?;
        let moments = self.first.iter_mut().zip(self.second.iter_mut());
        let entries = values.iter_mut().zip(gradient).zip(moments);
        vectorised(
            #[inline(always)]
            || {
                for ((w, &g), (m, v)) in entries {
                    factors.apply(w, T::ONE, g, m, v);
                }
            },
        );
        Ok(())
    }

    fn step_scaled(&mut self, values: &mut [T], gradient: &[T], units: &[T], rate: f64) -> Result<()> {
        check::units(values.len(), units)?;
        let factors = self.begin(values.len(), gradient, rate)?;
        let moments = self.first.iter_mut().zip(self.second.iter_mut());
        let entries = values.iter_mut().zip(units).zip(gradient).zip(moments);
        vectorised(
            #[inline(always)]
            || {
                for (((w, &unit), &g), (m, v)) in entries {
                    factors.apply(w, unit, g * unit, m, v);
                }
            },
        );
        Ok(())
    }

    fn reset(&mut self) {
        self.steps = 0;
        self.first.fill(T::ZERO);
        self.second.fill(T::ZERO);
    }
}

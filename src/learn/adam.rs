//! Adam (Kingma and Ba, 2015), with cosine decay of its rate.

use serde::{Deserialize, Serialize};

use super::parameters::Parameters;
use crate::sparse::Scalar;

/// The optimiser and its state.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "T: Scalar")]
pub struct Adam<T> {
    beta: (f64, f64),
    step: i32,
    first: Vec<Vec<T>>,
    second: Vec<Vec<T>>,
}

impl<T: Scalar> Adam<T> {
    /// Moments (0.9, 0.99) and no step taken yet.
    pub fn new(parameters: &Parameters<T>) -> Self {
        let zeros = || parameters.lengths().into_iter().map(|n| vec![T::ZERO; n]).collect::<Vec<_>>();
        Self { beta: (0.9, 0.99), step: 0, first: zeros(), second: zeros() }
    }

    /// One step of the given rate along `gradient`, in the units of the parameters' scaling.
    pub fn update(&mut self, parameters: &mut Parameters<T>, gradient: &[Vec<T>], rate: f64) {
        self.step += 1;
        let (b1, b2) = self.beta;
        let correct1 = T::from_f64(rate / (1.0 - b1.powi(self.step)));
        let correct2 = T::from_f64(1.0 / (1.0 - b2.powi(self.step)));
        let (b1, b2) = (T::from_f64(b1), T::from_f64(b2));
        let tiny = T::from_f64(1e-8);
        for (q, gradient) in gradient.iter().enumerate() {
            let (values, scaling) = parameters.buffer_mut(q);
            let moments = self.first[q].iter_mut().zip(self.second[q].iter_mut());
            let entries = values.iter_mut().zip(scaling).zip(gradient).zip(moments);
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || {
                    for (((value, &scale), &g), (m, v)) in entries {
                        let g = g * scale;
                        *m = b1 * *m + (T::ONE - b1) * g;
                        *v = b2 * *v + (T::ONE - b2) * g * g;
                        *value -= scale * correct1 * *m / ((*v * correct2).root() + tiny);
                    }
                },
            );
        }
    }
}

/// The rate at this share of the training, 0 to 1: half a cosine from `rate` down to 2 % of it.
pub(super) fn cosine_decay(rate: f64, share: f64) -> f64 {
    rate * (0.02 + 0.98 * 0.5 * (1.0 + (std::f64::consts::PI * share.clamp(0.0, 1.0)).cos()))
}

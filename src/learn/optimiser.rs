//! The optimiser of all trainings: Adam whose rate falls by a cosine.

use crate::optimise::{Adam, Schedule};
use crate::sparse::Scalar;

/// Decay of the moments of Adam.
pub(super) const BETAS: (f64, f64) = (0.9, 0.99);
/// Rate of the last step, as a share of the first.
const LAST_RATE: f64 = 0.02;

/// Adam for each of `buffers` buffers, no step taken yet.
pub(super) fn adam<T: Scalar>(buffers: usize) -> Vec<Adam<T>> {
    vec![Adam::new().betas(BETAS.0, BETAS.1); buffers]
}

/// The rate at this `share` of a training, 0 to 1, of `steps` steps.
pub(super) fn rate_at(first: f64, share: f64, steps: usize) -> f64 {
    Schedule::cosine(first, LAST_RATE).rate_at(share, steps)
}

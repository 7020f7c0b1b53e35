//! Drift of recovered states, measured by checksums of forward states.

use super::step::flat;
use crate::error::{Error, Result};
use crate::krylov::{dot, norm, scattered};
use crate::sparse::Scalar;

/// Number of states with checksums, and of random sums of each.
const CHECKED: usize = 16;
const SUMS: usize = 4;

/// Random sums of up to 16 forward states, the first one included. Memory: four numbers a state.
pub(super) struct Checksums {
    every: usize,
    kept: Vec<(usize, [f64; SUMS])>,
    limit: f64,
    /// The largest drift so far.
    pub(super) worst: f64,
}

impl Checksums {
    /// # Errors
    /// A limit that is not positive; infinity is no limit.
    pub(super) fn new(steps: usize, limit: f64) -> Result<Self> {
        if limit.is_nan() || limit <= 0.0 {
            return Err(Error::invalid_input(format!(
                "the limit of the drift is {limit}; it must be positive, such as 1e-6"
            )));
        }
        Ok(Self { every: steps.div_ceil(CHECKED).max(1), kept: Vec::new(), limit, worst: 0.0 })
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

//! Checks of the input of optimisers.

use crate::error::{Error, Result};
use crate::simd::vectorised;
use crate::sparse::Scalar;

/// Fails unless the gradient is as long as the values.
pub(super) fn lengths(values: usize, gradient: usize) -> Result<()> {
    if values == gradient {
        return Ok(());
    }
    let index = values.min(gradient) + 1;
    Err(Error::dimension(format!(
        "{values} values and a gradient of {gradient} entries: they part at entry {index}; give one derivative per value"
    )))
}

/// Fails unless a buffer of the state is as long as the values, or empty before the first step.
pub(super) fn state(values: usize, state: usize) -> Result<()> {
    if state == 0 || state == values {
        return Ok(());
    }
    Err(Error::dimension(format!(
        "{values} values for an optimiser whose steps so far had {state}; use one optimiser per buffer, or reset it"
    )))
}

/// Fails unless every entry is finite; the error names the first that is not.
pub(super) fn finite<T: Scalar>(what: &str, entries: &[T]) -> Result<()> {
    let fine = vectorised(
        #[inline(always)]
        || entries.iter().fold(true, |fine, v| fine & v.finite()),
    );
    if fine {
        return Ok(());
    }
    let index = entries.iter().position(|v| !v.finite()).unwrap_or(0);
    Err(Error::invalid_input(format!(
        "entry {} of the {what} is {}; every entry must be finite (lower the rate or clip the gradient if training diverged)",
        index + 1,
        entries[index]
    )))
}

/// Fails unless units are finite, nonzero, and as many as values.
pub(super) fn units<T: Scalar>(values: usize, units: &[T]) -> Result<()> {
    if values != units.len() {
        return Err(Error::dimension(format!(
            "{values} values and {} units: give one unit per value",
            units.len()
        )));
    }
    let fine = vectorised(
        #[inline(always)]
        || units.iter().fold(true, |fine, v| fine & v.finite() & (*v != T::ZERO)),
    );
    if fine {
        return Ok(());
    }
    let index = units.iter().position(|v| !v.finite() || *v == T::ZERO).unwrap_or(0);
    Err(Error::invalid_input(format!(
        "unit {} is {}; a unit must be finite and not zero (1 leaves an entry unchanged)",
        index + 1,
        units[index]
    )))
}

/// Fails unless a setting lies in [low, high).
pub(super) fn setting(name: &str, value: f64, low: f64, high: f64) -> Result<()> {
    if (low..high).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid_input(format!("{name} is {value}; it must be at least {low} and below {high}")))
}

//! Values that are neither infinite nor NaN.

use super::Scalar;
use super::rows::in_parallel;
use crate::error::Error;
use crate::parallel;

/// The number of values tested together.
const CHUNK: usize = 8192;

/// The first value that is not finite, in nonzero numbers. Cost: one pass, in parallel.
pub(super) fn first_not_finite<T: Scalar>(values: &[T]) -> Option<usize> {
    // Without a branch per value.
    let bad = |chunk: &[T]| !chunk.iter().fold(true, |ok, v| ok & v.finite());
    let chunk = if in_parallel(values.len() / 8) {
        parallel::map(values.chunks(CHUNK), &bad).into_iter().position(|bad| bad)
    } else {
        values.chunks(CHUNK).position(bad)
    }?;
    let start = chunk * CHUNK;
    values[start..].iter().position(|v| !v.finite()).map(|p| start + p)
}

/// The error for a value in row `i` and column `j`.
pub(super) fn not_finite<T: Scalar>(i: usize, j: usize, v: T) -> Error {
    Error::invalid_input(format!(
        "the value in row {}, column {} is {v}; values must be finite",
        i + 1,
        j + 1
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_that_is_not_finite_is_found() {
        assert_eq!(first_not_finite::<f64>(&[]), None);
        let mut values = vec![1.0f64; 3 * CHUNK + 5];
        values[3] = f64::MAX;
        assert_eq!(first_not_finite(&values), None);
        for (p, v) in
            [(3 * CHUNK + 4, f64::NAN), (CHUNK + 7, f64::NEG_INFINITY), (CHUNK, f64::INFINITY), (0, f64::NAN)]
        {
            values[p] = v;
            assert_eq!(first_not_finite(&values), Some(p));
        }
    }
}

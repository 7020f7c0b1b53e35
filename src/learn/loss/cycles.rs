//! The losses of plain cycles: the reduction of an error by k cycles, and by all numbers of cycles up to K.

use super::recorded::{Levels, RecordedLoss, Values, values_of};
use crate::cycle_tape::Tape;
use crate::engine::{Engine, Reversible};
use crate::error::Result;
use crate::multigrid::cycle;
use crate::schwarz::softmax_loss;
use crate::sparse::Scalar;

/// Records log(‖Gᵏz‖² / ‖z‖²) / k, the mean over the columns of `z`.
pub(super) fn record_rate<T: Scalar, X: Reversible<T>>(
    tape: &Tape<T, X>,
    levels: &Levels<X>,
    z: Values<X>,
    cycles: usize,
) -> Result<RecordedLoss<T, X>> {
    let executor = tape.executor();
    let (rows, columns) = (executor.rows(&z), tape.columns());
    let start = executor.column_squares(&z)?;
    let zero = tape.zeros(rows);
    let mut x = tape.constant_of(rows, z);
    let mut after = None;
    for _ in 0..cycles {
        x = cycle(tape, levels, 0, &zero, x);
        after.get_or_insert_with(|| values_of(tape, &x, rows));
    }
    let last = values_of(tape, &x, rows);
    let end = executor.column_squares(&last)?;
    let weight = 1.0 / (cycles * columns) as f64;
    // An error so small has no meaningful gradient, and the inverse of its size would overflow.
    let vanished = if T::NAME == "f64" { 1e-280 } else { 1e-60 };
    let logarithm = |square: f64| if square < vanished { vanished.ln() } else { square.ln() };
    let loss = end.iter().zip(&start).map(|(e, s)| weight * (logarithm(*e) - logarithm(*s))).sum();
    let scale: Vec<f64> = end.iter().map(|&e| if e < vanished { 0.0 } else { 2.0 * weight / e }).collect();
    let seed = executor.column_scaled(&scale, &last);
    Ok(RecordedLoss { loss, outputs: vec![(x, seed)], after: after.unwrap_or(last) })
}

/// Records the soft maximum of the factors of one to `cycles` cycles on the errors `z`.
pub(super) fn record_slowest<T: Scalar, X: Reversible<T>>(
    tape: &Tape<T, X>,
    levels: &Levels<X>,
    z: Values<X>,
    cycles: usize,
) -> Result<RecordedLoss<T, X>> {
    let executor = tape.executor();
    let rows = executor.rows(&z);
    let start = executor.column_squares(&z)?;
    let zero = tape.zeros(rows);
    let mut x = tape.constant_of(rows, z);
    let mut errors = Vec::new();
    for _ in 0..cycles {
        x = cycle(tape, levels, 0, &zero, x);
        errors.push((x.clone(), values_of(tape, &x, rows)));
    }
    let norms: Vec<Vec<f64>> =
        errors.iter().map(|(_, values)| executor.column_squares(values)).collect::<Result<_>>()?;
    let (loss, slopes) = softmax_loss(&start, &norms);
    let after = values_of(tape, &errors[0].0, rows);
    // The derivative of a norm is the direction of the column.
    for ((_, values), (slopes, norms)) in errors.iter_mut().zip(slopes.into_iter().zip(&norms)) {
        let over = |(d, n): (f64, &f64)| if *n > 0.0 { d / n.sqrt() } else { 0.0 };
        let scale: Vec<f64> = slopes.into_iter().zip(norms).map(over).collect();
        *values = executor.column_scaled(&scale, values);
    }
    Ok(RecordedLoss { loss, outputs: errors, after })
}

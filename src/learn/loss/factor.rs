//! The loss of a plain cycle: the factor by which k cycles reduce an error.

use super::recorded::{Levels, RecordedLoss, Values, values_of};
use crate::autodiff::Tape;
use crate::engine::{Engine, Machine, Reversible};
use crate::error::Result;
use crate::multigrid::cycle;
use crate::sparse::Scalar;

/// Records log(‖Gᵏz‖² / ‖z‖²) / k, the mean over the columns of `z`.
pub(super) fn record<T: Scalar, B: Machine<T>>(
    tape: &Tape<T, B>,
    levels: &Levels<T, B>,
    z: Values<T, B>,
    cycles: usize,
) -> Result<RecordedLoss<T, B>> {
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
    // An error so small has nothing to teach, and the inverse of its size would overflow.
    let vanished = if T::NAME == "f64" { 1e-280 } else { 1e-60 };
    let logarithm = |square: f64| if square < vanished { vanished.ln() } else { square.ln() };
    let loss = end.iter().zip(&start).map(|(e, s)| weight * (logarithm(*e) - logarithm(*s))).sum();
    let scale: Vec<f64> = end.iter().map(|&e| if e < vanished { 0.0 } else { 2.0 * weight / e }).collect();
    let seed = executor.column_scaled(&scale, &last);
    Ok(RecordedLoss { loss, outputs: vec![(x, seed)], after: after.unwrap_or(last) })
}

//! The losses of plain cycles: the reduction of an error by k cycles, and by all numbers of cycles up to K.

use super::{Levels, RecordedLoss, Values, values_of};
use crate::cycle_tape::Tape;
use crate::engine::{Engine, Reversible};
use crate::error::Result;
use crate::multigrid::cycle;
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
    let (loss, slopes) = soft_largest_factor(&start, &norms);
    let after = values_of(tape, &errors[0].0, rows);
    // The derivative of a norm is the direction of the column.
    for ((_, values), (slopes, norms)) in errors.iter_mut().zip(slopes.into_iter().zip(&norms)) {
        let over = |(d, n): (f64, &f64)| if *n > 0.0 { d / n.sqrt() } else { 0.0 };
        let scale: Vec<f64> = slopes.into_iter().zip(norms).map(over).collect();
        *values = executor.column_scaled(&scale, values);
    }
    Ok(RecordedLoss { loss, outputs: errors, after })
}

/// Σ exp(vⱼ) vⱼ / Σ exp(vⱼ), and its derivatives σⱼ (1 + vⱼ − value) with σⱼ = exp(vⱼ) / Σ exp(vⱼ).
fn soft_largest(v: &[f64]) -> (f64, Vec<f64>) {
    let largest = v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = v.iter().map(|v| (v - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    let value = powers.iter().zip(v).map(|(p, v)| p * v).sum::<f64>() / sum;
    (value, powers.iter().zip(v).map(|(p, v)| p / sum * (1.0 + v - value)).collect())
}

/// The loss [`Loss::Slowest`](super::Loss::Slowest), and its derivatives with respect to the norm of every column
/// after every cycle, from the squares at the start and after every cycle.
fn soft_largest_factor(start: &[f64], squares: &[Vec<f64>]) -> (f64, Vec<Vec<f64>>) {
    let of_cycle = |(cycle, squares): (usize, &Vec<f64>)| {
        let ratios: Vec<f64> = squares.iter().zip(start).map(|(e, s)| (e / s).sqrt()).collect();
        let (y, slopes) = soft_largest(&ratios);
        let z = y.powf(1.0 / (cycle + 1) as f64);
        // The derivative of the root; zero if all columns have vanished.
        let slope = if y > 0.0 { z / ((cycle + 1) as f64 * y) } else { 0.0 };
        (z, slopes.into_iter().zip(start).map(|(d, s)| slope * d / s.sqrt()).collect())
    };
    let (z, mut slopes): (Vec<f64>, Vec<Vec<f64>>) = squares.iter().enumerate().map(of_cycle).unzip();
    let (loss, outer) = soft_largest(&z);
    slopes.iter_mut().zip(outer).for_each(|(slopes, d)| slopes.iter_mut().for_each(|s| *s *= d));
    (loss, slopes)
}

#[cfg(test)]
mod tests {
    use super::soft_largest_factor;

    #[test]
    fn values_worked_by_hand() {
        // Every cycle halves every column, independent of its norm at the start.
        let (loss, slopes) = soft_largest_factor(&[1.0, 4.0], &[vec![0.25, 1.0], vec![0.0625, 0.25]]);
        assert!((loss - 0.5).abs() < 1e-15);
        // Equal weights of 1/2 on columns and on cycles; the norm of the second column counts half.
        assert!((slopes[0][0] - 0.25).abs() < 1e-15 && (slopes[0][1] - 0.125).abs() < 1e-15);
        // One cycle, columns of 1 and 0: e / (e + 1).
        let e = std::f64::consts::E;
        let (loss, slopes) = soft_largest_factor(&[1.0, 1.0], &[vec![1.0, 0.0]]);
        assert!((loss - e / (e + 1.0)).abs() < 1e-15);
        assert!(slopes[0][0] > slopes[0][1] && slopes[0][1] > 0.0);
        // Columns that have vanished have zero slope.
        assert_eq!(soft_largest_factor(&[1.0], &[vec![1.0], vec![0.0]]).1[1], [0.0]);
    }
}

//! The loss of a preconditioner: the reduction of the residual by a Krylov method.

use super::{Levels, RecordedLoss, Values, values_of};
use crate::backend::{dependent, hessenberg_least_squares};
use crate::cycle_tape::{Tape, TapeVector};
use crate::engine::{Engine, Reversible};
use crate::error::{Error, Result};
use crate::multigrid::cycle;
use crate::sparse::Scalar;

/// Records `steps` steps of GMRES on the residuals `z`.
pub(super) fn record<T: Scalar, X: Reversible<T>>(
    tape: &Tape<T, X>,
    levels: &Levels<X>,
    z: &Values<X>,
    steps: usize,
) -> Result<RecordedLoss<T, X>> {
    let Some(finest) = levels.levels.first() else {
        return Err(Error::invalid_input("a direct solver has no preconditioner to learn"));
    };
    let executor = tape.executor();
    let (rows, columns) = (executor.rows(z), tape.columns());
    let units: Vec<f64> =
        executor.column_squares(z)?.iter().map(|v| 1.0 / v.sqrt().max(f64::MIN_POSITIVE)).collect();
    let mut basis = vec![tape.constant_of(rows, executor.column_scaled(&units, z))];
    let mut images = Vec::new();
    // The Hessenberg matrix of every column, by columns.
    let mut hessenberg: Vec<Vec<Vec<f64>>> = vec![Vec::new(); columns];
    for q in 0..steps {
        let correction = cycle(tape, levels, 0, &basis[q], tape.zeros(rows));
        let image = tape.spmv(&finest.a, &correction);
        let mut rest = values_of(tape, &image, rows);
        let size = executor.column_dots(&rest, &rest)?;
        let mut coefficients = vec![vec![0.0; q + 2]; columns];
        for _ in 0..2 {
            for (i, v) in basis.iter().filter_map(|v| v.handle()).enumerate() {
                let d = executor.column_dots(v, &rest)?;
                let minus: Vec<T> = d.iter().map(|d| T::from_f64(-d)).collect();
                executor.column_add(&minus, v, &mut rest);
                coefficients.iter_mut().zip(d).for_each(|(column, d)| column[i] += d);
            }
        }
        let length = executor.column_dots(&rest, &rest)?;
        // A space that is exhausted grows no more: the next direction is zero.
        let scale: Vec<f64> = (0..columns)
            .map(
                |c| if length[c] > dependent::<T>().powi(2) * size[c] { 1.0 / length[c].sqrt() } else { 0.0 },
            )
            .collect();
        for c in 0..columns {
            coefficients[c][q + 1] = if scale[c] == 0.0 { 0.0 } else { length[c].sqrt() };
            hessenberg[c].push(std::mem::take(&mut coefficients[c]));
        }
        if q + 1 < steps {
            let mut terms = vec![(&image, scale.iter().map(|&s| T::from_f64(s)).collect::<Vec<T>>())];
            for (i, v) in basis.iter().enumerate() {
                let weights = (0..columns).map(|c| T::from_f64(-scale[c] * hessenberg[c][q][i]));
                terms.push((v, weights.collect()));
            }
            let terms: Vec<(&TapeVector<T, X>, &[T])> =
                terms.iter().map(|(v, w)| (*v, w.as_slice())).collect();
            let next = tape.weighted_sum(&terms);
            basis.push(next);
        }
        images.push(image);
    }
    // A residual below the round-off of its parts has no meaningful gradient.
    let least = if T::NAME == "f64" { 1e-26 } else { 1e-11 };
    let y: Vec<Vec<f64>> =
        hessenberg.iter().map(|h| solution_above(h, 10.0 * least, dependent::<T>())).collect();
    let ones = vec![T::ONE; columns];
    let weights: Vec<Vec<T>> = (0..steps)
        .map(|q| y.iter().map(|y| y.get(q).map_or(T::ZERO, |y| T::from_f64(-y))).collect())
        .collect();
    let mut terms = vec![(&basis[0], ones.as_slice())];
    terms.extend(images.iter().zip(&weights).map(|(image, w)| (image, w.as_slice())));
    let r = tape.weighted_sum(&terms);
    let last = values_of(tape, &r, rows);
    let end = executor.column_squares(&last)?;
    let weights = || y.iter().map(|y| 1.0 / (y.len() * columns) as f64).zip(&end);
    let loss = weights().map(|(w, &e)| w * if e.is_nan() { e } else { e.max(least).ln() }).sum();
    let scale: Vec<f64> = weights().map(|(w, &e)| if e < least { 0.0 } else { 2.0 * w / e }).collect();
    let seed = executor.column_scaled(&scale, &last);
    Ok(RecordedLoss { loss, outputs: vec![(r, seed)], after: last })
}

/// The solution of the least-squares problem of a column after as many steps as leave a squared residual above `least`,
/// relative to the first; one step at least.
fn solution_above(h: &[Vec<f64>], least: f64, dependent: f64) -> Vec<f64> {
    let mut steps = h.len();
    loop {
        let y = hessenberg_least_squares(&h[..steps], dependent);
        let vanished = squared_residual(h, &y) < least;
        if steps <= 1 || !vanished {
            return y;
        }
        steps -= 1;
    }
}

/// ‖e₁ − H y‖².
fn squared_residual(h: &[Vec<f64>], y: &[f64]) -> f64 {
    let entry = |i: usize| {
        let product: f64 = h.iter().zip(y).map(|(column, y)| column.get(i).map_or(0.0, |v| v * y)).sum();
        f64::from(u8::from(i == 0)) - product
    };
    (0..=y.len()).map(|i| entry(i).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_at_round_off_use_fewer_steps() {
        // One step leaves 10⁻⁴ of the residual, two leave 10⁻⁸.
        let h = vec![vec![1.0, 1e-4], vec![0.0, 1.0, 1e-4]];
        let squares = |steps| squared_residual(&h, &hessenberg_least_squares(&h[..steps], 0.0));
        assert!((squares(1) / 1e-8 - 1.0).abs() < 1e-3 && (squares(2) / 1e-16 - 1.0).abs() < 1e-3);
        assert_eq!(solution_above(&h, 1e-20, 0.0).len(), 2);
        assert_eq!(solution_above(&h, 1e-10, 0.0).len(), 1);
        assert_eq!(solution_above(&h, 1e-3, 0.0).len(), 1);
    }
}

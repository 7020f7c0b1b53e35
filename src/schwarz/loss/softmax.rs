//! Softmax loss of all steps, weighted to the slowest column and step.

use super::adjoint::sweep;
use super::{LossAndGradient, scale_columns, squares};
use crate::error::Result;
use crate::schwarz::adjoint::on_rings;
use crate::schwarz::operator::Schwarz;
use crate::sparse::Scalar;

/// Σ exp(vⱼ) vⱼ / Σ exp(vⱼ), and its derivatives σⱼ (1 + vⱼ − value) with σⱼ = exp(vⱼ) / Σ exp(vⱼ).
fn soft_largest(v: &[f64]) -> (f64, Vec<f64>) {
    let largest = v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = v.iter().map(|v| (v - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    let value = powers.iter().zip(v).map(|(p, v)| p * v).sum::<f64>() / sum;
    (value, powers.iter().zip(v).map(|(p, v)| p / sum * (1.0 + v - value)).collect())
}

/// The loss, and the derivatives with respect to the norm of every column of every step, all from the squares
/// at the start and after every step.
pub(crate) fn value(start: &[f64], squares: &[Vec<f64>]) -> (f64, Vec<Vec<f64>>) {
    let of_step = |(step, squares): (usize, &Vec<f64>)| {
        let ratios: Vec<f64> = squares.iter().zip(start).map(|(e, s)| (e / s).sqrt()).collect();
        let (y, slopes) = soft_largest(&ratios);
        let z = y.powf(1.0 / (step + 1) as f64);
        // The derivative of the root; zero if all columns have vanished.
        let slope = if y > 0.0 { z / ((step + 1) as f64 * y) } else { 0.0 };
        (z, slopes.into_iter().zip(start).map(|(d, s)| slope * d / s.sqrt()).collect())
    };
    let (z, mut slopes): (Vec<f64>, Vec<Vec<f64>>) = squares.iter().enumerate().map(of_step).unzip();
    let (loss, outer) = soft_largest(&z);
    slopes.iter_mut().zip(outer).for_each(|(slopes, d)| slopes.iter_mut().for_each(|s| *s *= d));
    (loss, slopes)
}

pub(super) fn loss_and_gradient<T: Scalar>(
    m: &Schwarz<T>,
    u: &[T],
    start: &[f64],
    columns: usize,
    steps: usize,
) -> Result<LossAndGradient<T>> {
    let mut iterates: Vec<Vec<T>> = Vec::with_capacity(steps);
    let (mut kept, mut ends) = (Vec::with_capacity(steps), Vec::with_capacity(steps));
    for _ in 0..steps {
        let mut x = iterates.last().map_or(u, |x| x).to_vec();
        let y = m.step(&mut x, columns)?;
        kept.push(on_rings(m.layout(), &y, columns));
        ends.push(squares(&x, columns));
        iterates.push(x);
    }
    let (loss, slopes) = value(start, &ends);
    let after_one_step = iterates.first().cloned().unwrap_or_default();
    // The derivative of a norm is the direction of the column.
    for ((x, slopes), ends) in iterates.iter_mut().zip(slopes).zip(&ends) {
        let over = |(d, e): (f64, &f64)| if *e > 0.0 { d / e.sqrt() } else { 0.0 };
        scale_columns(x, &slopes.into_iter().zip(ends).map(over).collect::<Vec<f64>>());
    }
    let last = iterates.pop().unwrap_or_default();
    let gradient = sweep(m, kept, last, columns, |step, x| {
        x.iter_mut().zip(&iterates[step - 1]).for_each(|(x, &own)| *x += own);
    })?;
    Ok(LossAndGradient { loss, gradient, after_one_step })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_worked_by_hand() {
        // Every step halves every column, independent of its norm at the start.
        let (loss, slopes) = value(&[1.0, 4.0], &[vec![0.25, 1.0], vec![0.0625, 0.25]]);
        assert!((loss - 0.5).abs() < 1e-15);
        // Equal weights of 1/2 on columns and on steps; the norm of the second column counts half.
        assert!((slopes[0][0] - 0.25).abs() < 1e-15 && (slopes[0][1] - 0.125).abs() < 1e-15);
        // One step, columns of 1 and 0: e / (e + 1).
        let e = std::f64::consts::E;
        let (loss, slopes) = value(&[1.0, 1.0], &[vec![1.0, 0.0]]);
        assert!((loss - e / (e + 1.0)).abs() < 1e-15);
        assert!(slopes[0][0] > slopes[0][1] && slopes[0][1] > 0.0);
        // Columns that have vanished have zero slope.
        assert_eq!(value(&[1.0], &[vec![1.0], vec![0.0]]).1[1], [0.0]);
    }
}

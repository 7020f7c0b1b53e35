//! The loss of all cycles up to K, weighted to the slowest.

use super::loss::{LossAndGradient, on_host};
use super::loss_kind::Loss;
use super::on_tape::{Levels, OnTape, Values, values_of};
use super::parameters::Parameters;
use crate::autodiff::Tape;
use crate::engine::{Engine, Host, HostMachine, Machine, Reversible};
use crate::error::Result;
use crate::multigrid::{Hierarchy, cycle};
use crate::schwarz::softmax_loss;
use crate::sparse::Scalar;

/// With σ(v) = Σ exp(vⱼ) vⱼ / Σ exp(vⱼ) the loss σ(z), zₖ = yₖ^(1/k), where yₖ is σ of the ‖Gᵏ z‖ / ‖z‖ of all columns,
/// k = 1 … `cycles` (Taghibakhshi et al. 2023). Cost: 3 to 4 times that many cycles; all errors are kept.
///
/// # Errors
/// Lengths that do not fit.
pub fn slowest_loss<T: Scalar, B: HostMachine<T>>(
    tape: &Tape<T, B>,
    h: &Hierarchy<Host<T>>,
    parameters: &Parameters<T>,
    z: &[T],
    cycles: usize,
) -> Result<LossAndGradient<T>> {
    on_host(Loss::Slowest, tape, h, parameters, z, cycles)
}

pub(super) fn record<T: Scalar, B: Machine<T>>(
    tape: &Tape<T, B>,
    levels: &Levels<T, B>,
    z: Values<T, B>,
    cycles: usize,
) -> Result<OnTape<T, B>> {
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
    Ok(OnTape { loss, outputs: errors, after })
}

//! The loss: the factor by which k cycles reduce an error.

use crate::autodiff::Tape;
use crate::engine::{Engine, Host, HostMachine, Machine, Reversible};
use crate::error::{Error, Result};
use crate::multigrid::{Hierarchy, cycle};
use crate::sparse::Scalar;

use super::loss_kind::Loss;
use super::on_tape::{Levels, OnTape, Values, values_of};
use super::parameters::Parameters;

/// A loss, its gradient, and what the pool needs.
#[derive(Debug, Clone)]
pub struct LossAndGradient<T> {
    /// Mean over the columns of log(‖Gᵏz‖² / ‖z‖²) / k.
    pub loss: f64,
    /// Its gradient with respect to every buffer of the parameters.
    pub gradient: Vec<Vec<T>>,
    /// G z, rows × columns.
    pub after_one_cycle: Vec<T>,
}

/// The convergence loss of `cycles` cycles on the columns of `z` (rows × columns).
///
/// One cycle on A x = 0 from the guess z *is* G z, so the cycle is recorded as it runs. The
/// logarithm of k cycles leads towards the asymptotic factor, where one cycle of random z
/// does not. Cost: 3 to 4 times k cycles.
///
/// # Errors
/// Lengths that do not fit.
pub fn convergence_loss<T: Scalar, B: HostMachine<T>>(
    tape: &Tape<T, B>,
    h: &Hierarchy<Host<T>>,
    parameters: &Parameters<T>,
    z: &[T],
    cycles: usize,
) -> Result<LossAndGradient<T>> {
    on_host(Loss::Factor, tape, h, parameters, z, cycles)
}

pub(super) fn record<T: Scalar, B: Machine<T>>(
    tape: &Tape<T, B>,
    levels: &Levels<T, B>,
    z: Values<T, B>,
    cycles: usize,
) -> Result<OnTape<T, B>> {
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
    Ok(OnTape { loss, outputs: vec![(x, seed)], after: after.unwrap_or(last) })
}

/// A loss and its gradient on the host.
pub(super) fn on_host<T: Scalar, B: HostMachine<T>>(
    loss: Loss,
    tape: &Tape<T, B>,
    h: &Hierarchy<Host<T>>,
    parameters: &Parameters<T>,
    z: &[T],
    cycles: usize,
) -> Result<LossAndGradient<T>> {
    tape.clear();
    let columns = tape.columns();
    if columns == 0 || z.len() != h.rows() * columns {
        let message = format!("{} values are no {columns} columns of {} rows", z.len(), h.rows());
        return Err(Error::dimension(message));
    }
    if cycles == 0 {
        return Err(Error::invalid_input("the loss needs at least one cycle"));
    }
    let recorded = parameters.record(h);
    let executor = tape.executor();
    let run = loss.on_tape(tape, &recorded, executor.store(z), cycles)?;
    let (loss, gradient, after) = run.backward(tape, &parameters.recorded_lengths())?;
    tape.clear();
    let gradient = gradient.into_iter().map(|g| executor.read_gradient(g)).collect::<Result<_>>()?;
    Ok(LossAndGradient {
        loss,
        gradient: parameters.untied(gradient),
        after_one_cycle: executor.read(&after)?,
    })
}

//! The loss: the factor by which k cycles reduce an error.

use crate::autodiff::Tape;
use crate::engine::{Engine, Host, HostMachine};
use crate::error::{Error, Result};
use crate::multigrid::{Hierarchy, cycle};
use crate::sparse::Scalar;

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
    tape.clear();
    let columns = require_columns(tape, h, z, cycles)?;
    let recorded = parameters.record(h);
    let zero = tape.zeros(h.rows());
    let mut x = tape.constant(z);
    let mut after_one_cycle = Vec::new();
    for q in 0..cycles {
        x = cycle(tape, &recorded, 0, &zero, x);
        if q == 0 {
            after_one_cycle = tape.values(&x);
        }
    }
    let mut last = tape.values(&x);
    let (start, end) = (column_norms(z, columns), column_norms(&last, columns));
    let weight = 1.0 / (cycles * columns) as f64;
    let mut loss = 0.0;
    let mut scale = vec![0.0; columns];
    // An error so small has nothing to teach, and the inverse of its size would overflow.
    let vanished = if T::NAME == "f64" { 1e-280 } else { 1e-60 };
    let logarithm = |square: f64| if square < vanished { vanished.ln() } else { square.ln() };
    for c in 0..columns {
        loss += weight * (logarithm(end[c]) - logarithm(start[c]));
        scale[c] = if end[c] < vanished { 0.0 } else { 2.0 * weight / end[c] };
    }
    for row in last.chunks_exact_mut(columns) {
        row.iter_mut().zip(&scale).for_each(|(v, &s)| *v = T::from_f64(v.to_f64() * s));
    }
    let gradient = parameters.backward(tape, &x, &last)?;
    tape.clear();
    Ok(LossAndGradient { loss, gradient, after_one_cycle })
}

/// The columns of the tape, if `z` has as many of all rows, and there is something to run.
pub(super) fn require_columns<T: Scalar, B: HostMachine<T>>(
    tape: &Tape<T, B>,
    h: &Hierarchy<Host<T>>,
    z: &[T],
    cycles: usize,
) -> Result<usize> {
    let columns = tape.columns();
    if columns == 0 || z.len() != h.rows() * columns {
        let message = format!("{} values are no {columns} columns of {} rows", z.len(), h.rows());
        return Err(Error::dimension(message));
    }
    match cycles {
        0 => Err(Error::invalid_input("the loss needs at least one cycle")),
        _ => Ok(columns),
    }
}

/// Squared 2-norm of every column, in double precision: many cycles of a fast solver leave an
/// error whose square single precision cannot hold.
pub(super) fn column_norms<T: Scalar>(x: &[T], columns: usize) -> Vec<f64> {
    let mut out = vec![0.0; columns];
    for row in x.chunks_exact(columns) {
        for (sum, v) in out.iter_mut().zip(row) {
            *sum += v.to_f64() * v.to_f64();
        }
    }
    out
}

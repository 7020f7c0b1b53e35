//! The loss: the factor by which k cycles reduce an error.

use crate::autodiff::Tape;
use crate::backend::Backend;
use crate::engine::{Engine, Host};
use crate::error::Result;
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
pub fn convergence_loss<T: Scalar, B: Backend<T>>(
    tape: &Tape<T, B>,
    h: &Hierarchy<Host<T>>,
    parameters: &Parameters<T>,
    z: &[T],
    cycles: usize,
) -> Result<LossAndGradient<T>> {
    tape.clear();
    let columns = tape.columns();
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
    let (start, end) = (column_norms(tape, z, columns), column_norms(tape, &last, columns));
    let weight = 1.0 / (cycles * columns) as f64;
    let mut loss = 0.0;
    let mut scale = vec![T::ZERO; columns];
    for c in 0..columns {
        loss += weight * (end[c] / start[c]).ln();
        scale[c] = T::from_f64(2.0 * weight / end[c]);
    }
    for row in last.chunks_exact_mut(columns) {
        row.iter_mut().zip(&scale).for_each(|(v, &s)| *v *= s);
    }
    let gradient = tape.backward(&parameters.lengths(), &x, &last)?;
    tape.clear();
    Ok(LossAndGradient { loss, gradient, after_one_cycle })
}

/// Squared 2-norm of every column.
fn column_norms<T: Scalar, B: Backend<T>>(tape: &Tape<T, B>, x: &[T], columns: usize) -> Vec<f64> {
    let mut out = vec![T::ZERO; columns];
    tape.backend().column_dots(x, x, &mut out);
    out.into_iter().map(|v| v.to_f64()).collect()
}

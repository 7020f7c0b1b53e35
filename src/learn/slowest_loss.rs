//! The loss of all cycles up to K, weighted to the slowest.

use super::loss::{LossAndGradient, column_norms, require_columns};
use super::parameters::Parameters;
use crate::autodiff::{Tape, TapeVector};
use crate::engine::{Engine, Host, HostMachine};
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
    tape.clear();
    let columns = require_columns(tape, h, z, cycles)?;
    let recorded = parameters.record(h);
    let zero = tape.zeros(h.rows());
    let (mut errors, mut values): (Vec<TapeVector<T, B>>, Vec<Vec<T>>) = (Vec::new(), Vec::new());
    for _ in 0..cycles {
        let before = errors.last().cloned().unwrap_or_else(|| tape.constant(z));
        let after = cycle(tape, &recorded, 0, &zero, before);
        values.push(tape.values(&after));
        errors.push(after);
    }
    let norms: Vec<Vec<f64>> = values.iter().map(|x| column_norms(x, columns)).collect();
    let (loss, slopes) = softmax_loss(&column_norms(z, columns), &norms);
    let after_one_cycle = values.first().cloned().unwrap_or_default();
    // The derivative of a norm is the direction of the column.
    for ((x, slopes), norms) in values.iter_mut().zip(slopes).zip(&norms) {
        let over = |(d, n): (f64, &f64)| if *n > 0.0 { d / n.sqrt() } else { 0.0 };
        let scale: Vec<f64> = slopes.into_iter().zip(norms).map(over).collect();
        for row in x.chunks_exact_mut(columns) {
            row.iter_mut().zip(&scale).for_each(|(v, s)| *v = T::from_f64(v.to_f64() * s));
        }
    }
    let outputs: Vec<_> = errors.iter().zip(&values).map(|(e, s)| (e, s.as_slice())).collect();
    let gradient = parameters.backward_from(tape, &outputs)?;
    drop(outputs);
    tape.clear();
    Ok(LossAndGradient { loss, gradient, after_one_cycle })
}

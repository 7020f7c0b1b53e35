//! Iteration to a fixed point, with or without acceleration.

use super::anderson::Anderson;
use super::kernels::sum;
use crate::error::{Error, Result};
use crate::sparse::Scalar;

/// Limits of an iteration and its adjoint.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// Converged once ‖x_{k+1} − x_k‖₂ ≤ this times ‖x_{k+1}‖₂; for the adjoint likewise. In single precision 10⁻⁵
    /// is within reach.
    pub tolerance: f64,
    /// The largest number of steps of either.
    pub steps: usize,
}

impl Default for Limits {
    /// 10⁻¹⁰, 10 000 steps.
    fn default() -> Self {
        Self { tolerance: 1e-10, steps: 10_000 }
    }
}

/// The end of an iteration.
pub(super) struct Found<T> {
    pub(super) point: Vec<T>,
    pub(super) change: f64,
    pub(super) steps: usize,
    /// 1/(1 − κ) for the observed contraction κ < 1, otherwise 1.
    pub(super) amplification: f64,
}

/// Iterates x ← g(x), with Anderson acceleration unless `depth` is 0.
pub(super) fn iterate<T: Scalar>(
    limits: Limits,
    depth: usize,
    start: &[T],
    mut map: impl FnMut(&[T]) -> Result<Vec<T>>,
) -> Result<Found<T>> {
    let mut anderson = (depth > 0).then(|| Anderson::new(depth.min(start.len())));
    let mut found = Found { point: start.to_vec(), change: f64::INFINITY, steps: 0, amplification: 1.0 };
    while found.change > limits.tolerance && found.steps < limits.steps {
        let image = map(&found.point)?;
        let before = found.change;
        found.change = relative_change(&found.point, &image)?;
        found.steps += 1;
        let contraction = found.change / before;
        if anderson.is_none() && contraction > 0.0 && contraction < 1.0 {
            found.amplification = 1.0 / (1.0 - contraction);
        }
        found.point = match &mut anderson {
            Some(anderson) if found.change > limits.tolerance => {
                let wide = |v: &[T]| v.iter().map(|v| v.to_f64()).collect::<Vec<_>>();
                let next = anderson.next(&wide(&found.point), &wide(&image));
                next.into_iter().map(T::from_f64).collect()
            }
            _ => image,
        };
    }
    Ok(found)
}

/// ‖after − before‖₂ / ‖after‖₂.
pub(super) fn relative_change<T: Scalar>(before: &[T], after: &[T]) -> Result<f64> {
    if before.len() != after.len() {
        return Err(Error::dimension(format!(
            "a step from {} values to {}; a fixed point needs equal numbers",
            before.len(),
            after.len()
        )));
    }
    let change = sum(after.len(), |q| (after[q] - before[q]) * (after[q] - before[q])).root().to_f64();
    let size = sum(after.len(), |q| after[q] * after[q]).root().to_f64();
    Ok(if change == 0.0 { 0.0 } else { change / size })
}

/// Refuses an iteration that did not converge.
pub(super) fn accept<T: Scalar>(what: &str, found: &Found<T>, limits: Limits) -> Result<()> {
    if found.change <= limits.tolerance {
        return Ok(());
    }
    let advice = if limits.tolerance < T::EPSILON {
        format!("the rounding of {} is {:.1e}, so allow a larger tolerance", T::NAME, T::EPSILON)
    } else {
        "allow more steps, accelerate it (`fixed_point_with`), or use a step that contracts more".into()
    };
    Err(Error::unsuited(format!(
        "{what} did not converge: the last of {} steps changed it by {:.1e} of its size, the tolerance is {:.1e}; {advice}",
        found.steps, found.change, limits.tolerance
    )))
}

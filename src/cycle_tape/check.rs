//! Comparison of gradients with finite differences.

use crate::error::Result;

/// Result of [`gradient_check`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientCheck {
    /// Largest error relative to the norm of the parameter's gradient.
    pub relative_error: f64,
    /// Parameter with the largest error.
    pub parameter: usize,
    /// Entry with the largest error.
    pub entry: usize,
    /// Number of entries compared.
    pub compared: usize,
}

/// Compares `gradients` of `loss` at `parameters` with fourth-order central differences.
///
/// At most `entries` entries of every parameter are compared, evenly spaced. The error of an entry is |fd − g|
/// divided by the largest |g| or |fd| of its parameter. The step is about 10⁻³ times the size of the parameter,
/// which makes the differences accurate to about 10⁻¹⁰ on a smooth loss. Cost: four evaluations of the loss per
/// entry.
///
/// # Errors
/// Errors of `loss`.
///
/// ```
/// use multigrad::cycle_tape::gradient_check;
/// let square = |p: &[Vec<f64>]| Ok(p[0].iter().map(|x| x * x).sum::<f64>());
/// let check = gradient_check(square, &[vec![1.0, 2.0]], &[vec![2.0, 4.0]], 10)?;
/// assert!(check.relative_error < 1e-9);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn gradient_check(
    mut loss: impl FnMut(&[Vec<f64>]) -> Result<f64>,
    parameters: &[Vec<f64>],
    gradients: &[Vec<f64>],
    entries: usize,
) -> Result<GradientCheck> {
    let mut at = parameters.to_vec();
    let mut worst = GradientCheck { relative_error: 0.0, parameter: 0, entry: 0, compared: 0 };
    for (q, gradient) in gradients.iter().enumerate() {
        let size = parameters[q].iter().fold(0.0f64, |m, v| m.max(v.abs())).max(1e-3);
        let mut scale = gradient.iter().fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
        let mut errors = Vec::new();
        let stride = gradient.len().div_ceil(entries.max(1)).max(1);
        for entry in (0..gradient.len()).step_by(stride) {
            let (centre, h) = (parameters[q][entry], 1e-3 * size);
            let mut shifted = |step: f64| -> Result<f64> {
                at[q][entry] = centre + step * h;
                loss(&at)
            };
            let near = shifted(1.0)? - shifted(-1.0)?;
            let far = shifted(2.0)? - shifted(-2.0)?;
            at[q][entry] = centre;
            let difference = (8.0 * near - far) / (12.0 * h);
            scale = scale.max(difference.abs());
            errors.push((entry, (difference - gradient[entry]).abs()));
        }
        worst.compared += errors.len();
        for (entry, error) in errors {
            let relative_error = error / scale;
            if relative_error.is_nan() || relative_error > worst.relative_error {
                worst = GradientCheck { relative_error, parameter: q, entry, ..worst };
            }
        }
    }
    Ok(worst)
}

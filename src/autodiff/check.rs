//! Gradient checks by finite differences, and Hessian-vector products.

use super::handle::{Dense, Number};
use super::tape::Tape;
use crate::error::{Error, Result};
use crate::sparse::{Dual, Scalar};

/// The number of values that are checked one by one; of longer parameters a sample of this size.
const SAMPLE: usize = 64;

/// The deviation of a gradient from central differences.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Deviation {
    /// The largest |gradient − difference|, relative to the larger of both and 10⁻³ of the largest gradient.
    pub relative: f64,
    /// Its place: the number of the parameter and the index in it, counted from 0.
    pub place: (usize, usize),
    /// The gradient there.
    pub gradient: f64,
    /// The difference quotient there.
    pub difference: f64,
    /// The number of values compared.
    pub checked: usize,
}

/// Compares the gradient of `loss` at `parameters` with central differences of fourth order.
///
/// Every value of a parameter of up to 64 values is varied, of a longer one 64 values, evenly spaced. The
/// step balances rounding and truncation: 10⁻³ times the size of the value (or of 1, if that is larger).
/// Cost: four evaluations per value.
///
/// # Errors
/// Errors of `loss`; a loss that is not finite.
///
/// ```
/// use multigrad::autodiff::gradient_check;
/// let check = gradient_check(|_, p| (p[0] * p[0] * p[0]).sum(), &[vec![0.5, -2.0]])?;
/// assert!(check.relative < 1e-9);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn gradient_check<F>(loss: F, parameters: &[Vec<f64>]) -> Result<Deviation>
where
    F: for<'t> Fn(&'t Tape<f64>, &[Dense<'t, f64>]) -> Number<'t, f64>,
{
    let mut tape = Tape::new();
    let gradients = {
        let handles: Vec<_> = parameters.iter().map(|p| tape.parameter(p)).collect();
        let gradients = loss(&tape, &handles).gradients()?;
        handles.iter().map(|h| gradients.of(h).map(<[f64]>::to_vec)).collect::<Result<Vec<_>>>()?
    };
    let mut varied = parameters.to_vec();
    let mut at = |q: usize, p: usize, step: f64| -> Result<f64> {
        let value = varied[q][p];
        varied[q][p] = value + step;
        tape.clear();
        let handles: Vec<_> = varied.iter().map(|p| tape.parameter(p)).collect();
        let result = loss(&tape, &handles).value();
        varied[q][p] = value;
        result.and_then(|v| match v.is_finite() {
            true => Ok(v),
            false => Err(Error::invalid_input(format!("the loss is {v} near the point of the check"))),
        })
    };
    let largest = gradients.iter().flatten().fold(0.0f64, |m, g| m.max(g.abs()));
    let mut worst = Deviation { relative: 0.0, place: (0, 0), gradient: 0.0, difference: 0.0, checked: 0 };
    for (q, values) in parameters.iter().enumerate() {
        for p in (0..values.len()).step_by(values.len().div_ceil(SAMPLE).max(1)) {
            let h = 1e-3 * values[p].abs().max(1.0);
            let near = at(q, p, h)? - at(q, p, -h)?;
            let far = at(q, p, 2.0 * h)? - at(q, p, -2.0 * h)?;
            let (gradient, difference) = (gradients[q][p], (8.0 * near - far) / (12.0 * h));
            let size = gradient.abs().max(difference.abs()).max(1e-3 * largest).max(f64::MIN_POSITIVE);
            let relative = (gradient - difference).abs() / size;
            worst.checked += 1;
            if relative > worst.relative || relative.is_nan() {
                worst = Deviation { relative, place: (q, p), gradient, difference, ..worst };
            }
        }
    }
    Ok(worst)
}

/// One list of values for every parameter.
type Lists = Vec<Vec<f64>>;

/// The gradient of `loss` at `parameters`, and its Hessian times `directions`, by the reverse rules
/// evaluated with [`Dual`] numbers (forward over reverse, Pearlmutter 1994). Cost: two to three
/// gradients.
///
/// A `loss` that is generic over the scalar serves both training and this function.
///
/// # Errors
/// Errors of `loss`; directions that do not fit the parameters.
///
/// ```
/// use multigrad::autodiff::hessian_vector_product;
/// // ½ Σ x⁴ has the Hessian diag(6 x²).
/// let (gradient, product) = hessian_vector_product(
///     |tape, p| p[0].square().square().sum() * tape.number(0.5.into()),
///     &[vec![1.0, 2.0]],
///     &[vec![1.0, 10.0]],
/// )?;
/// assert_eq!((&gradient[0][..], &product[0][..]), (&[2.0, 16.0][..], &[6.0, 240.0][..]));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn hessian_vector_product<F>(
    loss: F,
    parameters: &[Vec<f64>],
    directions: &[Vec<f64>],
) -> Result<(Lists, Lists)>
where
    F: for<'t> Fn(&'t Tape<Dual>, &[Dense<'t, Dual>]) -> Number<'t, Dual>,
{
    let fits = parameters.len() == directions.len()
        && parameters.iter().zip(directions).all(|(p, d)| p.len() == d.len());
    if !fits {
        return Err(Error::dimension("a Hessian needs one direction per parameter, of the same length"));
    }
    let tape = Tape::new();
    let dual = |(p, d): (&Vec<f64>, &Vec<f64>)| {
        let values: Vec<Dual> = p.iter().zip(d).map(|(&v, &d)| Dual::new(v, d)).collect();
        tape.parameter(&values)
    };
    let handles: Vec<_> = parameters.iter().zip(directions).map(dual).collect();
    let gradients = loss(&tape, &handles).gradients()?;
    let part = |q: usize| {
        let of = |h: &Dense<'_, Dual>| Ok(gradients.of(h)?.iter().map(|v| v.part(q)).collect());
        handles.iter().map(of).collect::<Result<Vec<Vec<f64>>>>()
    };
    Ok((part(0)?, part(1)?))
}

//! Functions of small matrices and their Fréchet derivatives.

use std::fmt;
use std::sync::Arc;

use faer::Side;
use faer::prelude::*;

use super::dense;
use crate::error::{Error, Result};

/// f and f′ at a real number.
type Scalar = Arc<dyn Fn(f64) -> (f64, f64) + Send + Sync>;

/// f(H) by rows, for H by rows of the given order.
type General = Arc<dyn Fn(&[f64], usize) -> Result<Vec<f64>> + Send + Sync>;

/// A function of a matrix.
#[derive(Clone)]
#[non_exhaustive]
pub enum MatrixFunction {
    /// eᴬ.
    Exp,
    /// A^{1/2}, for spectra in the right half plane.
    Sqrt,
    /// A⁻¹.
    Inverse,
    /// A^{−1/2}, for spectra in the right half plane.
    InverseSqrt,
    /// The principal logarithm.
    Log,
    /// A user's function of real eigenvalues, with its derivative: (f(λ), f′(λ)). For symmetric processes.
    Scalar(Scalar),
    /// A user's function of any small matrix, by rows. Its derivative is taken from f of a matrix of twice the order.
    General(General),
}

impl fmt::Debug for MatrixFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl MatrixFunction {
    fn name(&self) -> &'static str {
        match self {
            MatrixFunction::Exp => "exp",
            MatrixFunction::Sqrt => "sqrt",
            MatrixFunction::Inverse => "inverse",
            MatrixFunction::InverseSqrt => "inverse sqrt",
            MatrixFunction::Log => "log",
            MatrixFunction::Scalar(_) | MatrixFunction::General(_) => "a user's function",
        }
    }

    /// f(λ), or an error outside of the domain.
    fn at(&self, x: f64) -> Result<f64> {
        let value = match self {
            MatrixFunction::Exp => x.exp(),
            MatrixFunction::Sqrt => x.sqrt(),
            MatrixFunction::Inverse => 1.0 / x,
            MatrixFunction::InverseSqrt => 1.0 / x.sqrt(),
            MatrixFunction::Log => x.ln(),
            MatrixFunction::Scalar(f) => f(x).0,
            MatrixFunction::General(f) => f(&[x], 1)?.first().copied().unwrap_or(f64::NAN),
        };
        if value.is_finite() {
            return Ok(value);
        }
        Err(Error::unsuited(format!(
            "{} is not defined at the Ritz value {x:.3e}: the matrix is not positive definite, or not to working precision; shift it, or use a function that is defined on its spectrum",
            self.name()
        )))
    }

    /// (f(x) − f(y))/(x − y), without cancellation for the functions of the library.
    fn divided(&self, x: f64, y: f64) -> f64 {
        match self {
            MatrixFunction::Exp => {
                let half = 0.5 * (x - y);
                let ratio = if half.abs() < 1e-4 { 1.0 + half * half / 6.0 } else { half.sinh() / half };
                if half.abs() < 300.0 { (0.5 * (x + y)).exp() * ratio } else { (x.exp() - y.exp()) / (x - y) }
            }
            MatrixFunction::Sqrt => 1.0 / (x.sqrt() + y.sqrt()),
            MatrixFunction::Inverse => -1.0 / (x * y),
            MatrixFunction::InverseSqrt => -1.0 / (x.sqrt() * y.sqrt() * (x.sqrt() + y.sqrt())),
            MatrixFunction::Log if x == y => 1.0 / x,
            MatrixFunction::Log => 2.0 * ((x - y) / (x + y)).atanh() / (x - y),
            MatrixFunction::Scalar(f) => {
                let near = (x - y).abs() <= 1e-5 * (x.abs() + y.abs());
                if near { f(0.5 * (x + y)).1 } else { (f(x).0 - f(y).0) / (x - y) }
            }
            MatrixFunction::General(_) => f64::NAN,
        }
    }

    /// Whether a symmetric matrix goes through its eigenvectors.
    fn by_eigenvectors(&self, symmetric: bool) -> Result<bool> {
        match (self, symmetric) {
            (MatrixFunction::General(_), _) => Ok(false),
            (MatrixFunction::Scalar(_), false) => Err(Error::unsuited(
                "a function of real eigenvalues needs a symmetric matrix and Process::Lanczos; give a MatrixFunction::General for Arnoldi",
            )),
            _ => Ok(symmetric),
        }
    }

    fn general(&self, h: &Mat<f64>) -> Result<Mat<f64>> {
        match self {
            MatrixFunction::Exp => dense::exponential(h),
            MatrixFunction::Sqrt => Ok(dense::roots(h)?.0),
            MatrixFunction::InverseSqrt => Ok(dense::roots(h)?.1),
            MatrixFunction::Inverse => dense::inverse(h),
            MatrixFunction::Log => dense::logarithm(h),
            MatrixFunction::Scalar(_) => {
                Err(Error::unsuited("a function of real eigenvalues of a general matrix"))
            }
            MatrixFunction::General(f) => {
                let k = h.nrows();
                let rows: Vec<f64> = (0..k * k).map(|q| h[(q / k, q % k)]).collect();
                let out = f(&rows, k)?;
                if out.len() != k * k {
                    let text = format!("a user's function returned {} values for order {k}", out.len());
                    return Err(Error::dimension(text));
                }
                Ok(Mat::from_fn(k, k, |i, j| out[i * k + j]))
            }
        }
    }

    /// f(H) e₁ for H by rows.
    pub(super) fn first_column(&self, small: &[f64], k: usize, symmetric: bool) -> Result<Vec<f64>> {
        let h = Mat::from_fn(k, k, |i, j| small[i * k + j]);
        if !self.by_eigenvectors(symmetric)? {
            let f = self.general(&h)?;
            return finite((0..k).map(|i| f[(i, 0)]).collect());
        }
        let (values, vectors) = eigen(&h)?;
        let weights: Vec<f64> =
            (0..k).map(|l| Ok(self.at(values[l])? * vectors[(0, l)])).collect::<Result<_>>()?;
        finite((0..k).map(|i| (0..k).map(|l| vectors[(i, l)] * weights[l]).sum()).collect())
    }

    /// The gradient of ⟨u, f(H) e₁⟩ with respect to H, by rows.
    pub(super) fn pull(&self, small: &[f64], k: usize, symmetric: bool, u: &[f64]) -> Result<Vec<f64>> {
        let h = Mat::from_fn(k, k, |i, j| small[i * k + j]);
        if !self.by_eigenvectors(symmetric)? {
            // L*(u e₁ᵀ): the upper right block of f of [Hᵀ, u e₁ᵀ; 0, Hᵀ] (Mathias 1996, theorem 2.1).
            let block = Mat::from_fn(2 * k, 2 * k, |i, j| match (i < k, j < k) {
                (true, true) => h[(j, i)],
                (true, false) if j == k => u[i],
                (false, false) => h[(j - k, i - k)],
                _ => 0.0,
            });
            let f = self.general(&block)?;
            return finite((0..k * k).map(|q| f[(q / k, k + q % k)]).collect());
        }
        let (values, v) = eigen(&h)?;
        // V (F ⊙ (Vᵀ u)(e₁ᵀ V)) Vᵀ.
        let along: Vec<f64> = (0..k).map(|l| (0..k).map(|i| v[(i, l)] * u[i]).sum()).collect();
        let inner = Mat::from_fn(k, k, |l, m| self.divided(values[l], values[m]) * along[l] * v[(0, m)]);
        let out = &v * inner * v.transpose();
        finite((0..k * k).map(|q| out[(q / k, q % k)]).collect())
    }
}

/// Eigenvalues and vectors of a symmetric matrix.
fn eigen(h: &Mat<f64>) -> Result<(Vec<f64>, Mat<f64>)> {
    let found = h
        .self_adjoint_eigen(Side::Lower)
        .map_err(|e| Error::singular(format!("the eigenvalues of the small matrix were not found: {e:?}")))?;
    let values = found.S().column_vector().iter().copied().collect();
    Ok((values, found.U().to_owned()))
}

fn finite(values: Vec<f64>) -> Result<Vec<f64>> {
    if values.iter().all(|v| v.is_finite()) {
        return Ok(values);
    }
    let text =
        "the function of the small matrix is not finite; its argument is outside of the domain or too large";
    Err(Error::unsuited(text))
}

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

/// The derivative of f at H in a direction E, by rows, for H and E by rows of the given order.
type Frechet = Arc<dyn Fn(&[f64], &[f64], usize) -> Result<Vec<f64>> + Send + Sync>;

/// f(H) e₁, with what its derivative needs.
#[derive(Debug)]
pub(super) struct FirstColumn {
    pub(super) values: Vec<f64>,
    /// Eigenvalues and eigenvectors, for a symmetric H.
    spectrum: Option<(Vec<f64>, Mat<f64>)>,
}

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
    /// A user's function of any small matrix with its Fréchet derivative, (H, E) ↦ L(H, E), which must be that of a
    /// function of a matrix: its adjoint is taken to be E ↦ L(Hᵀ, E).
    WithDerivative(General, Frechet),
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
            MatrixFunction::Scalar(_) | MatrixFunction::General(_) | MatrixFunction::WithDerivative(..) => {
                "a user's function"
            }
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
            MatrixFunction::General(f) | MatrixFunction::WithDerivative(f, _) => {
                f(&[x], 1)?.first().copied().unwrap_or(f64::NAN)
            }
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
            MatrixFunction::General(_) | MatrixFunction::WithDerivative(..) => f64::NAN,
        }
    }

    /// Whether a symmetric matrix goes through its eigenvectors.
    fn by_eigenvectors(&self, symmetric: bool) -> Result<bool> {
        match (self, symmetric) {
            (MatrixFunction::General(_) | MatrixFunction::WithDerivative(..), _) => Ok(false),
            (MatrixFunction::Scalar(_), false) => Err(Error::unsuited(
                "a function of real eigenvalues needs a symmetric matrix and Process::Lanczos; give a MatrixFunction::General for Arnoldi",
            )),
            // One solve instead of all eigenvectors.
            (MatrixFunction::Inverse, _) => Ok(false),
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
            MatrixFunction::General(f) | MatrixFunction::WithDerivative(f, _) => {
                of_user(f(&by_rows(h), h.nrows())?, h.nrows())
            }
        }
    }

    /// f(H) e₁ for H by rows.
    pub(super) fn first_column(&self, small: &[f64], k: usize, symmetric: bool) -> Result<FirstColumn> {
        let h = Mat::from_fn(k, k, |i, j| small[i * k + j]);
        if !self.by_eigenvectors(symmetric)? {
            let values = match self {
                MatrixFunction::Inverse => dense::solve(&h, |i| f64::from(u8::from(i == 0)))?,
                _ => self.general(&h)?.col(0).iter().copied().collect(),
            };
            return Ok(FirstColumn { values: finite(values)?, spectrum: None });
        }
        let (values, vectors) = eigen(&h)?;
        let weights: Vec<f64> =
            (0..k).map(|l| Ok(self.at(values[l])? * vectors[(0, l)])).collect::<Result<_>>()?;
        let first = (0..k).map(|i| (0..k).map(|l| vectors[(i, l)] * weights[l]).sum()).collect();
        Ok(FirstColumn { values: finite(first)?, spectrum: Some((values, vectors)) })
    }

    /// The gradient of ⟨u, f(H) e₁⟩ with respect to H, by rows; for a symmetric H its three diagonals, zero elsewhere.
    pub(super) fn pull(&self, small: &[f64], first: &FirstColumn, u: &[f64]) -> Result<Vec<f64>> {
        let k = u.len();
        let Some((values, v)) = &first.spectrum else {
            return self.pull_general(&Mat::from_fn(k, k, |i, j| small[i * k + j]), &first.values, u);
        };
        // V (F ⊙ (Vᵀ u)(e₁ᵀ V)) Vᵀ.
        let along: Vec<f64> = (0..k).map(|l| (0..k).map(|i| v[(i, l)] * u[i]).sum()).collect();
        let inner = Mat::from_fn(k, k, |l, m| self.divided(values[l], values[m]) * along[l] * v[(0, m)]);
        let (left, right) = ((v * inner).transpose().to_owned(), v.transpose().to_owned());
        let mut out = vec![0.0; k * k];
        for i in 0..k {
            for j in i.saturating_sub(1)..(i + 2).min(k) {
                out[i * k + j] = left.col(i).iter().zip(right.col(j).iter()).map(|(l, r)| l * r).sum();
            }
        }
        finite(out)
    }

    /// L(Hᵀ, u e₁ᵀ) by rows, L the Fréchet derivative.
    fn pull_general(&self, h: &Mat<f64>, first: &[f64], u: &[f64]) -> Result<Vec<f64>> {
        let k = u.len();
        match self {
            MatrixFunction::Inverse => {
                // −H⁻ᵀ u (H⁻¹ e₁)ᵀ.
                let left = dense::solve(&h.transpose().to_owned(), |i| u[i])?;
                finite((0..k * k).map(|q| -left[q / k] * first[q % k]).collect())
            }
            MatrixFunction::WithDerivative(_, derivative) => {
                let transposed = by_rows(&h.transpose().to_owned());
                let direction: Vec<f64> =
                    (0..k * k).map(|q| if q % k == 0 { u[q / k] } else { 0.0 }).collect();
                finite(by_rows(&of_user(derivative(&transposed, &direction, k)?, k)?))
            }
            _ => {
                // The upper right block of f of [Hᵀ, u e₁ᵀ; 0, Hᵀ] (Mathias 1996, theorem 2.1).
                let block = Mat::from_fn(2 * k, 2 * k, |i, j| match (i < k, j < k) {
                    (true, true) => h[(j, i)],
                    (true, false) if j == k => u[i],
                    (false, false) => h[(j - k, i - k)],
                    _ => 0.0,
                });
                let f = self.general(&block)?;
                finite((0..k * k).map(|q| f[(q / k, k + q % k)]).collect())
            }
        }
    }
}

fn by_rows(h: &Mat<f64>) -> Vec<f64> {
    let k = h.nrows();
    (0..k * k).map(|q| h[(q / k, q % k)]).collect()
}

/// What a user's function returned, as a matrix.
fn of_user(values: Vec<f64>, k: usize) -> Result<Mat<f64>> {
    if values.len() != k * k {
        let text = format!("a user's function returned {} values for order {k}", values.len());
        return Err(Error::dimension(text));
    }
    Ok(Mat::from_fn(k, k, |i, j| values[i * k + j]))
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

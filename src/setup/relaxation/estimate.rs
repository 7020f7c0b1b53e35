//! Cheap estimates of the spectrum of a relaxed matrix B A.

use crate::backend::{SpectrumEnd, largest_eigenvalue};
use crate::error::{Error, Result};
use crate::parallel;
use crate::setup::spectral::{ACCURATE, BREAKDOWN, infinity_norm, multiply as scaled_product, restarted};
use crate::setup::vector::{dot, norm, project, scale, subtract};
use crate::sparse::Csr;

/// The largest number of products with B A.
const STEPS: usize = 10;

/// For a symmetric operator, the number of vectors against which the next one is orthogonalised.
const WINDOW: usize = 2;

/// The safety factor of an estimate from below.
const SAFETY: f64 = 1.1;

/// Known properties of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorKind {
    /// Equal to its transpose.
    Symmetric,
    /// Similar to a symmetric one, as B A for symmetric A and B, one of them definite.
    Symmetrisable,
    /// Neither, or unknown.
    General,
}

/// The end of the spectrum of an operator with `n` rows. For a symmetric or symmetrisable one it takes at
/// most ten products.
///
/// `multiply(v, w)` sets w to the product with v. Symmetric: ten Lanczos steps from a fixed vector of both
/// signs; the value is never too large and usually 1 to 5 % too small. Symmetrisable: the same with every
/// vector orthogonalised against all others. General: restarted Arnoldi, as in
/// [`spectral_radius`](crate::setup::spectral_radius); ten steps may give 30 % too little there. Multiply by
/// 1.1 if it must not be too small, as [`jacobi_bound`] does. The same bits on any number of threads if
/// `multiply` is deterministic.
///
/// Cost: ten products and some seventy passes over a vector (symmetric, four vectors of memory) or 150
/// (symmetrisable, twelve); up to ninety products (general).
///
/// # Errors
/// Values that overflow.
pub fn spectral_estimate(
    n: usize,
    kind: OperatorKind,
    end: SpectrumEnd,
    mut multiply: impl FnMut(&[f64], &mut [f64]) -> Result<()>,
) -> Result<f64> {
    let window = match kind {
        OperatorKind::Symmetric => WINDOW,
        OperatorKind::Symmetrisable => STEPS,
        OperatorKind::General => return restarted(n, ACCURATE, end, multiply),
    };
    let overflow = || Error::invalid_input("the spectral radius of B A overflows; scale the equations");
    let mut start = parallel::collect(n, 4096, |i| pseudo_random(i as u64));
    let length = norm(&start);
    if length == 0.0 {
        return Ok(0.0);
    }
    scale(&mut start, 1.0 / length);
    let mut basis = vec![start];
    let mut h = [[0.0; STEPS]; STEPS + 1];
    let (mut steps, mut w) = (0, vec![0.0; n]);
    while steps < STEPS.min(n) {
        multiply(&basis[basis.len() - 1], &mut w)?;
        let before = norm(&w);
        let coefficients = project(&basis, &w);
        subtract(&mut w, &basis, &coefficients);
        let oldest = steps + 1 - basis.len();
        for (q, &c) in coefficients.iter().enumerate() {
            h[oldest + q][steps] = c;
        }
        let length = norm(&w);
        if !length.is_finite() {
            return Err(overflow());
        }
        steps += 1;
        if length <= BREAKDOWN * before {
            break;
        }
        h[steps][steps - 1] = length;
        scale(&mut w, 1.0 / length);
        // The oldest vector is overwritten.
        let next = if basis.len() < window { vec![0.0; n] } else { basis.remove(0) };
        basis.push(std::mem::replace(&mut w, next));
    }
    largest_eigenvalue(|i, j| h[i][j], steps, end).ok_or_else(overflow)
}

/// An upper estimate of the largest real part of an eigenvalue of diag(`inverse`) A: 1.1 times
/// [`spectral_estimate`], and never more than the infinity norm, which is a bound.
///
/// Two products decide whether A is symmetric; if it is and `inverse` has one sign, ten more suffice,
/// otherwise the costlier estimate for general operators is used.
///
/// # Errors
/// A matrix that is not square, a scaling of another length, values that overflow.
///
/// ```
/// use multigrad::{gallery, setup::relaxation::jacobi_bound};
/// let a = gallery::poisson_2d(20, 20)?.matrix;
/// let inverse: Vec<f64> = a.diagonal().iter().map(|d| 1.0 / d).collect();
/// let bound = jacobi_bound(&a, &inverse)?;
/// assert!(bound > 1.977 && bound <= 2.0 + 1e-12); // 2 cos²(π/42) to the infinity norm
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn jacobi_bound(a: &Csr<f64>, inverse: &[f64]) -> Result<f64> {
    let norm = infinity_norm(a, inverse)?;
    bound_by_products(norm, inverse, |scaling, x, y| {
        scaled_product(a, scaling, x, y);
        Ok(())
    })
}

/// [`jacobi_bound`] from the infinity norm of diag(`inverse`) A and products `multiply(s, x, y)`, y = diag(s) A x.
pub(crate) fn bound_by_products(
    norm: f64,
    inverse: &[f64],
    mut multiply: impl FnMut(&[f64], &[f64], &mut [f64]) -> Result<()>,
) -> Result<f64> {
    let n = inverse.len();
    let ones = vec![1.0; n];
    let sign = if inverse.first().is_some_and(|&v| v < 0.0) { -1.0 } else { 1.0 };
    let definite = inverse.iter().all(|v| sign * v > 0.0);
    let estimate = if definite && looks_symmetric(n, |x, y| multiply(&ones, x, y))? {
        // With S² = D⁻¹, S A S is symmetric and has the eigenvalues of D⁻¹A.
        let root: Vec<f64> = inverse.iter().map(|v| v.abs().sqrt()).collect();
        let left: Vec<f64> = root.iter().map(|v| sign * v).collect();
        let mut scaled = vec![0.0; n];
        spectral_estimate(n, OperatorKind::Symmetric, SpectrumEnd::RealPart, |x, y| {
            scaled.iter_mut().zip(x).zip(&root).for_each(|((z, x), s)| *z = s * x);
            multiply(&left, &scaled, y)
        })?
    } else {
        spectral_estimate(n, OperatorKind::General, SpectrumEnd::RealPart, |x, y| multiply(inverse, x, y))?
    };
    Ok(norm.min(SAFETY * estimate))
}

/// Whether uᵀ(C v) = vᵀ(C u) for two fixed vectors without structure, to rounding: a symmetric C always
/// passes; another one fails in practice. Cost: two products.
///
/// # Errors
/// Those of `multiply`.
pub fn looks_symmetric(n: usize, mut multiply: impl FnMut(&[f64], &mut [f64]) -> Result<()>) -> Result<bool> {
    let vector = |first: u64| (first..first + n as u64).map(pseudo_random).collect::<Vec<f64>>();
    let (u, v, mut w) = (vector(1 << 32), vector(1 << 33), vec![0.0; n]);
    multiply(&v, &mut w)?;
    let (one, mut size) = (dot(&u, &w), norm(&u) * norm(&w));
    multiply(&u, &mut w)?;
    size += norm(&v) * norm(&w);
    Ok((one - dot(&v, &w)).abs() <= 1e-12 * size)
}

/// The upper estimate of the spectral radius from a lower one: 10 % more.
pub fn with_safety(estimate: f64) -> f64 {
    SAFETY * estimate
}

/// Uniform in (−1, 1), a function of its number (SplitMix64).
fn pseudo_random(number: u64) -> f64 {
    let mut z = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery::{FlowScheme, poisson_2d, recirculating_flow};
    use crate::setup::{inverse_diagonal, lambda_max};

    #[test]
    fn estimates_are_close() {
        for m in [1, 2, 5, 20, 60, 150] {
            let a = poisson_2d(m, m).unwrap().matrix;
            let exact = 1.0 + (std::f64::consts::PI / (m as f64 + 1.0)).cos();
            let bound = jacobi_bound(&a, &vec![a.get(0, 0).recip(); m * m]).unwrap();
            // Both the estimate with its factor and the norm are bounds here.
            assert!(bound >= exact * (1.0 - 1e-12) && bound <= 1.1 * exact, "{m}: {bound} for {exact}");
            for kind in [OperatorKind::Symmetric, OperatorKind::Symmetrisable, OperatorKind::General] {
                let plain =
                    spectral_estimate(m * m, kind, SpectrumEnd::Modulus, |x, y| a.spmv(x, y)).unwrap();
                let ratio = plain / (exact * a.get(0, 0));
                assert!(ratio <= 1.0 + 1e-12 && ratio > 0.94, "{m}, {kind:?}: {ratio}");
            }
            // Neither scaling the unknowns nor changing the sign has an effect.
            let s = |i: usize| 10f64.powi((i * 7 % 5) as i32);
            for sign in [1.0, -1.0] {
                let scaled = a.map(|i, j, v| sign * s(i) * v * s(j));
                let bound = jacobi_bound(&scaled, &inverse_diagonal(&scaled).unwrap()).unwrap();
                assert!(bound >= exact * (1.0 - 1e-12) && bound <= 1.1 * exact, "{m}: {bound} for {exact}");
            }
        }
        for m in [12, 48] {
            let a = recirculating_flow(m, 0.005, FlowScheme::Supg).unwrap().matrix;
            let d = inverse_diagonal(&a).unwrap();
            let (bound, exact) = (jacobi_bound(&a, &d).unwrap(), lambda_max(&a, &d).unwrap());
            assert!(bound > 0.99 * exact && bound < 1.11 * exact, "{m}: {bound} for {exact}");
        }
    }

    #[test]
    fn degenerate_operators() {
        let zero = |_: &[f64], y: &mut [f64]| {
            y.fill(0.0);
            Ok(())
        };
        assert_eq!(
            spectral_estimate(0, OperatorKind::Symmetrisable, SpectrumEnd::Modulus, zero).unwrap(),
            0.0
        );
        assert_eq!(
            spectral_estimate(5, OperatorKind::Symmetrisable, SpectrumEnd::Modulus, zero).unwrap(),
            0.0
        );
        let turn = |x: &[f64], y: &mut [f64]| {
            (y[0], y[1]) = (4.0 * x[0] - 3.0 * x[1], 3.0 * x[0] + 4.0 * x[1]);
            Ok(())
        };
        assert!(
            (spectral_estimate(2, OperatorKind::Symmetrisable, SpectrumEnd::Modulus, turn).unwrap() - 5.0)
                .abs()
                < 1e-12
        );
        assert!(
            (spectral_estimate(2, OperatorKind::Symmetrisable, SpectrumEnd::RealPart, turn).unwrap() - 4.0)
                .abs()
                < 1e-12
        );
        assert!(!looks_symmetric(2, turn).unwrap() && looks_symmetric(5, zero).unwrap());
        let huge = |_: &[f64], y: &mut [f64]| {
            y.fill(f64::INFINITY);
            Ok(())
        };
        assert!(
            spectral_estimate(3, OperatorKind::Symmetrisable, SpectrumEnd::Modulus, huge)
                .unwrap_err()
                .is_invalid_input()
        );
    }
}

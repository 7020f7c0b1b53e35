//! Chebyshev polynomial relaxation.

use crate::error::{Error, Result};

/// The scalars of Chebyshev relaxation on [λ_max / ratio, λ_max], the part of the spectrum of D⁻¹A that the
/// coarse grid does not reduce (Adams, Brezina, Hu and Tuminaro 2003).
///
/// Starting from d = 0, step k of `steps` computes, with the residual r = b − A x of that step,
///
/// ```text
/// d ← α_k d + β_k D⁻¹ r,   x ← x + d
/// ```
///
/// which is the three-term recurrence of Saad, *Iterative Methods for Sparse Linear
/// Systems* (2003), algorithm 12.1: with θ the middle and δ the half width of the interval,
/// σ = θ/δ, ρ₀ = 1/σ, ρ_k = 1/(2σ − ρ_{k−1}), it has β₀ = 1/θ, α_k = ρ_k ρ_{k−1} and
/// β_k = 2 ρ_k / δ. After `degree` steps an error component with eigenvalue λ in the
/// interval is multiplied by T(( θ − λ)/δ) / T(σ), T the Chebyshev polynomial.
///
/// **Choice of the ratio.** [`COARSENING`](Self::COARSENING) = 4, the default: for the 5-point Laplacian this
/// is the lower end of the part that a grid of twice the mesh width cannot represent. The error components
/// with an angle beyond π/2 in one direction have λ ≥ λ_max/4. Two steps then reduce all of them by 0.22.
/// [`CLASSICAL`](Self::CLASSICAL) = 30, common in smoothed-aggregation codes, is cautious: it also reduces
/// components that fast coarsening does not represent, but at degree 2 by no more than 0.78, and pays from
/// about degree 4.
///
/// λ_max must not be underestimated, because beyond it the polynomial grows fast: multiply an estimate from a
/// few power or Lanczos steps by 1.1.
///
/// ```
/// use multigrad::setup::relaxation::ChebyshevCoefficients;
/// let c = ChebyshevCoefficients::new(2.0, 2, ChebyshevCoefficients::COARSENING)?;
/// assert_eq!(c.degree(), 2);
/// assert_eq!(c.steps[0], (0.0, 0.8)); // 1/θ with θ = (2 + 0.5)/2
/// assert!((c.reduction() - 0.2195).abs() < 1e-4);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ChebyshevCoefficients {
    /// (α_k, β_k), one pair per step.
    pub steps: Vec<(f64, f64)>,
    /// Lower and upper end of the interval.
    pub interval: (f64, f64),
}

impl ChebyshevCoefficients {
    /// The ratio for coarsening by two: λ_max / 4.
    pub const COARSENING: f64 = 4.0;

    /// The cautious ratio of smoothed-aggregation codes: λ_max / 30.
    pub const CLASSICAL: f64 = 30.0;

    /// The coefficients for an upper bound of the spectrum of D⁻¹A, a number of steps, and
    /// the ratio of the upper to the lower end of the interval.
    ///
    /// # Errors
    /// A λ_max that is not positive and finite, a degree of 0, or a ratio not above 1.
    pub fn new(lambda_max: f64, degree: usize, ratio: f64) -> Result<Self> {
        if !(lambda_max > 0.0 && lambda_max.is_finite()) {
            return Err(Error::invalid_input(format!(
                "the largest eigenvalue is {lambda_max}; Chebyshev relaxation needs a positive one"
            )));
        }
        if !(ratio > 1.0 && ratio.is_finite()) {
            return Err(Error::invalid_input(format!(
                "the ratio of the interval's ends is {ratio}; it must exceed 1, such as 4 or 30"
            )));
        }
        if degree == 0 {
            return Err(Error::invalid_input("Chebyshev relaxation of degree 0 does nothing; use 1 or more"));
        }
        let lower = lambda_max / ratio;
        let (theta, delta) = (0.5 * (lambda_max + lower), 0.5 * (lambda_max - lower));
        let sigma = theta / delta;
        let mut rho = 1.0 / sigma;
        let mut steps = vec![(0.0, 1.0 / theta)];
        for _ in 1..degree {
            let next = 1.0 / (2.0 * sigma - rho);
            steps.push((next * rho, 2.0 * next / delta));
            rho = next;
        }
        Ok(Self { steps, interval: (lower, lambda_max) })
    }

    /// Number of steps, each with one product with A.
    pub fn degree(&self) -> usize {
        self.steps.len()
    }

    /// The largest factor by which an error component in the interval is multiplied:
    /// 1 / T_degree(σ).
    pub fn reduction(&self) -> f64 {
        let (lower, upper) = self.interval;
        let sigma = (upper + lower) / (upper - lower);
        1.0 / (self.degree() as f64 * sigma.acosh()).cosh()
    }
}

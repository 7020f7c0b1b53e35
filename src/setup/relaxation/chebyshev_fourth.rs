//! Chebyshev relaxation of the fourth kind.

use crate::error::{Error, Result};

/// The scalars (α_k, β_k) of Chebyshev relaxation of the fourth kind (Lottes 2023, algorithm 3 with his β_k =
/// 1), which has no lower end of an interval: it needs λ_max only.
///
/// Starting from d = 0, step k computes, as in [`ChebyshevCoefficients`](super::ChebyshevCoefficients),
///
/// ```text
/// d ← α_k d + β_k D⁻¹ r,   x ← x + d,   α_k = (2k − 3)/(2k + 1),   β_k = (8k − 4)/((2k + 1) λ_max)
/// ```
///
/// After n steps an error component with eigenvalue λ of D⁻¹A is multiplied by W_n(1 − 2 λ/λ_max)/(2n + 1),
/// where W_n(cos θ) = sin((n + ½) θ)/sin(θ/2). The multigrid bound of Hackbusch then improves with 1/n²
/// rather than 1/n, for any coarse grid.
///
/// λ_max must not be underestimated; see [`jacobi_bound`](super::jacobi_bound).
///
/// # Errors
/// A λ_max that is not positive and finite, or a degree of 0.
///
/// ```
/// use multigrad::setup::relaxation::fourth_kind_chebyshev;
/// // One step is Jacobi with ω = 4/(3 λ_max).
/// assert_eq!(fourth_kind_chebyshev(2.0, 1)?, [(0.0, 4.0 / 6.0)]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn fourth_kind_chebyshev(lambda_max: f64, degree: usize) -> Result<Vec<(f64, f64)>> {
    if !(lambda_max > 0.0 && lambda_max.is_finite()) {
        return Err(Error::invalid_input(format!(
            "the largest eigenvalue is {lambda_max}; Chebyshev relaxation needs a positive one"
        )));
    }
    if degree == 0 {
        return Err(Error::invalid_input("Chebyshev relaxation of degree 0 does nothing; use 1 or more"));
    }
    let step = |k: usize| {
        let k = k as f64;
        let alpha = if k == 1.0 { 0.0 } else { (2.0 * k - 3.0) / (2.0 * k + 1.0) };
        (alpha, (8.0 * k - 4.0) / ((2.0 * k + 1.0) * lambda_max))
    };
    Ok((1..=degree).map(step).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_polynomial_of_the_fourth_kind() {
        let largest = 2.1;
        for degree in [1, 2, 3, 5, 8] {
            let steps = fourth_kind_chebyshev(largest, degree).unwrap();
            for s in 1..=100 {
                let lambda = largest * f64::from(s) / 100.0;
                let (mut x, mut d) = (1.0, 0.0);
                for &(alpha, beta) in &steps {
                    d = alpha * d - beta * lambda * x;
                    x += d;
                }
                let theta = (1.0 - 2.0 * lambda / largest).acos();
                let n = degree as f64;
                let exact = ((n + 0.5) * theta).sin() / (0.5 * theta).sin() / (2.0 * n + 1.0);
                assert!((x - exact).abs() < 1e-12, "{degree}, {lambda}: {x} for {exact}");
            }
        }
        assert!(fourth_kind_chebyshev(0.0, 2).unwrap_err().is_invalid_input());
        assert!(fourth_kind_chebyshev(f64::NAN, 2).is_err());
        assert!(fourth_kind_chebyshev(1.0, 0).is_err());
    }
}

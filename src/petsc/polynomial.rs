//! A polynomial relaxation as a sequence of weighted Jacobi sweeps.

use crate::error::{Error, Result};

/// Points at which the search looks for changes of sign.
const POINTS: usize = 4000;
/// Halvings of a bracket, beyond the precision of the arguments.
const HALVINGS: usize = 60;

/// The weights ω of sweeps x ← x + ω D⁻¹ (b − A x) whose sequence is the polynomial of the steps d ← α d + β D⁻¹ r,
/// x ← x + d: the inverse roots of its error polynomial e(λ), e(0) = 1. Large and small weights alternate, which keeps the
/// products of partial sequences small.
///
/// # Errors
/// An error polynomial without real positive roots only, as training may make it.
pub(super) fn weights(steps: &[(f64, f64)]) -> Result<Vec<f64>> {
    let error = |lambda: f64| {
        let (mut e, mut d) = (1.0, 0.0);
        for &(alpha, beta) in steps {
            d = alpha * d + beta * lambda * e;
            e -= d;
        }
        e
    };
    // The first step of a Chebyshev polynomial has β = 1/θ with the middle θ of its interval.
    let end = steps.first().map_or(0.0, |&(_, beta)| 4.0 / beta);
    let mut roots = Vec::new();
    for q in 0..POINTS {
        let (mut low, mut high) = ([q, q + 1].map(|q| end * q as f64 / POINTS as f64)).into();
        let sign = error(low) > 0.0;
        if sign == (error(high) > 0.0) {
            continue;
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if (error(middle) > 0.0) == sign { low = middle } else { high = middle }
        }
        roots.push(0.5 * (low + high));
    }
    if roots.len() != steps.len() || !end.is_finite() {
        return Err(Error::unsuited(format!(
            "a polynomial of degree {} with {} real roots is no sequence of Jacobi sweeps; train another smoother",
            steps.len(),
            roots.len()
        )));
    }
    let mut weights = Vec::with_capacity(roots.len());
    while !roots.is_empty() {
        let at = if weights.len() % 2 == 0 { roots.len() - 1 } else { 0 };
        weights.push(1.0 / roots.remove(at));
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::relaxation::{ChebyshevCoefficients, fourth_kind_chebyshev};

    #[test]
    fn the_sweeps_have_the_error_polynomial_of_the_steps() {
        for steps in [
            ChebyshevCoefficients::new(2.2, 3, 10.0).unwrap().steps,
            ChebyshevCoefficients::new(0.3, 6, 30.0).unwrap().steps,
            fourth_kind_chebyshev(1.7, 4).unwrap(),
        ] {
            let weights = weights(&steps).unwrap();
            for lambda in [0.0, 0.05, 0.2, 0.3] {
                let (mut e, mut d) = (1.0, 0.0);
                for &(alpha, beta) in &steps {
                    d = alpha * d + beta * lambda * e;
                    e -= d;
                }
                let product: f64 = weights.iter().map(|w| 1.0 - w * lambda).product();
                assert!((product - e).abs() < 1e-12, "{lambda}: {product} and {e}");
            }
        }
        assert!(weights(&[(0.0, 1.0), (-3.0, 1.0)]).is_err());
    }
}

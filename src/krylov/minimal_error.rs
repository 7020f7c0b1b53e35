//! The generalised minimal error method.

use super::arnoldi::orthogonalise;
use super::least_squares::LeastSquares;
use super::vector::{axpy, divide, norm};
use crate::error::Result;

/// A remainder below this share of the norm of the direction counts as zero.
const EXHAUSTED: f64 = 1e-14;

/// Approximates the solution x of A x = b by products with Aᵀ alone (GMERR; Weiss, SIAM J. Sci. Comput. 15, 1994):
/// the vector x_m of Aᵀ K_m(Aᵀ, b) for which ‖x − x_m‖₂ is least. Returns it with the number of products.
///
/// ```text
/// v₁ = b/β,  Aᵀ V_m = V_{m+1} H,  y = argmin ‖y‖ with Hᵀ y = β e₁,  x_m = V_{m+1} y
/// ```
///
/// The error cannot grow. It falls fast if A is normal; otherwise it may stay far above zero until the space is
/// exhausted, and a restart from the new residual after a few products reduces it further. The iteration ends once the last step is below `change` times ‖x_m‖, at the
/// latest after `most` products, and keeps `most` + 1 vectors. A step that is not finite ends it before.
///
/// # Errors
/// Errors of the product.
pub(crate) fn minimal_error(
    transposed: &mut dyn FnMut(&[f64]) -> Result<Vec<f64>>,
    b: &[f64],
    change: f64,
    most: usize,
) -> Result<(Vec<f64>, usize)> {
    let (mut x, beta) = (vec![0.0; b.len()], norm(b));
    if beta == 0.0 || !beta.is_finite() {
        return Ok((x, 0));
    }
    let mut problem = LeastSquares::new(beta);
    let mut basis = vec![b.to_vec()];
    divide(&mut basis[0], beta);
    let mut products = 0;
    while products < most.min(b.len()) {
        let mut w = transposed(&basis[products])?;
        products += 1;
        let length = norm(&w);
        if !length.is_finite() {
            break;
        }
        // Twice: a loss of orthogonality would show in the error.
        let (parts, rest) = orthogonalise(&basis, &mut w, length, 1.0);
        let exhausted = rest <= EXHAUSTED * length;
        if !problem.push(parts, if exhausted { 0.0 } else { rest }) || exhausted {
            break;
        }
        divide(&mut w, rest);
        basis.push(w);
        let steps = problem.transposed_steps(beta);
        let last = steps.last().map_or(0.0, |t| t.abs());
        if last <= change * norm(&steps) {
            break;
        }
    }
    for (v, y) in basis.iter().zip(problem.least_norm(beta)) {
        axpy(y, v, &mut x);
    }
    Ok((x, products))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A nonsymmetric matrix, Aᵀ x and A x.
    fn products(n: usize, x: &[f64], transposed: bool) -> Vec<f64> {
        let entry = |i: usize, j: usize| match j as i64 - i as i64 {
            0 => 1.0 + 0.5 * (i as f64).sin(),
            1 => 0.3,
            -1 => -0.2,
            _ => 0.0,
        };
        (0..n)
            .map(|i| (0..n).map(|j| x[j] * if transposed { entry(j, i) } else { entry(i, j) }).sum())
            .collect()
    }

    #[test]
    fn the_error_falls_and_is_the_least_of_the_space() {
        let n = 30;
        let exact: Vec<f64> = (0..n).map(|i| (1.0 + i as f64).cos()).collect();
        let b = products(n, &exact, false);
        let mut before = norm(&exact);
        for most in [1, 2, 5, 10, 20, 30] {
            let (x, used) = minimal_error(&mut |v| Ok(products(n, v, true)), &b, 0.0, most).unwrap();
            let error: Vec<f64> = exact.iter().zip(&x).map(|(e, x)| e - x).collect();
            assert!(used <= most && norm(&error) < before, "{most}: {} {before}", norm(&error));
            before = norm(&error);
            // The error is orthogonal to Aᵀ b, …, (Aᵀ)^m b.
            let mut power = b.clone();
            for _ in 0..most.min(5) {
                power = products(n, &power, true);
                let along = super::super::vector::dot(&power, &error) / norm(&power);
                assert!(along.abs() < 1e-12 * norm(&exact), "{along}");
            }
        }
        assert!(before < 1e-10, "{before}");
    }

    #[test]
    fn an_exhausted_space_ends_and_a_restart_goes_on() {
        // A = [1 1; 0 1], b = e₂: Aᵀ b = b.
        let apply = |x: &[f64]| vec![x[0] + x[1], x[1]];
        let mut transposed = |x: &[f64]| Ok(vec![x[0], x[0] + x[1]]);
        let (x, used) = minimal_error(&mut transposed, &[0.0, 1.0], 0.0, 9).unwrap();
        assert_eq!((x.clone(), used), (vec![0.0, 1.0], 1));
        let ax = apply(&x);
        let (second, _) = minimal_error(&mut transposed, &[-ax[0], 1.0 - ax[1]], 0.0, 9).unwrap();
        let error = (x[0] + second[0] + 1.0).hypot(x[1] + second[1] - 1.0);
        assert!(error < 1e-14, "{error}");
        assert_eq!(minimal_error(&mut transposed, &[0.0, 0.0], 0.0, 9).unwrap(), (vec![0.0; 2], 0));
    }
}

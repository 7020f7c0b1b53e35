//! The adjoint of the three-term recurrence A x_k = b_{k−1} x_{k−1} + a_k x_k + b_k x_{k+1} (Krämer et al. 2024,
//! theorem 4.1).

use super::action::Action;
use super::adjoint::{Pairs, Upstream};
use super::krylov::Decomposition;
use crate::error::Result;
use crate::krylov::{axpy, dot, norm};

/// Gradients with respect to the parameters of A and to v. The last vector r = b x_K enters through its own
/// adjoint, divided between x_K and b.
pub(super) fn reverse(
    d: &Decomposition,
    a: &dyn Action,
    up: &Upstream<'_>,
) -> Result<(Vec<Vec<f64>>, Vec<f64>)> {
    let (q, k, n) = (&d.basis, d.order(), d.rest.len());
    let last = norm(&d.rest);
    let mut after = d.rest.clone();
    if last > 0.0 {
        after.iter_mut().for_each(|v| *v /= last);
    }
    let mut pairs = Pairs::new(a);
    // r = b x: x̄ = b r̄ and b̄ = r̄ᵀ x.
    let mut xi = vec![0.0; n];
    let mut of_last = 0.0;
    if let Some(rest) = up.rest {
        axpy(-last, rest, &mut xi);
        of_last = dot(rest, &after);
    }
    let (mut old, mut product) = (vec![0.0; n], vec![0.0; n]);
    for c in (0..k).rev() {
        let below = if c + 1 < k { d.get(c + 1, c) } else { last };
        let next = if c + 1 < k { &q[c + 1] } else { &after };
        let of_below = if c + 1 < k { up.small[(c + 1) * k + c] + up.small[c * k + c + 1] } else { of_last };
        let mut lambda = vec![0.0; n];
        let mut nu = up.small[c * k + c];
        if below > 0.0 {
            xi.iter_mut().for_each(|x| *x /= below);
            let mu = of_below - dot(&old, &q[c]) + dot(next, &xi);
            nu += dot(&q[c], &xi);
            axpy(-1.0, &xi, &mut lambda);
            axpy(mu, next, &mut lambda);
        }
        axpy(nu, &q[c], &mut lambda);
        pairs.push(lambda.clone(), q[c].clone())?;
        a.apply(&lambda, &mut product)?;
        xi.fill(0.0);
        up.basis.add_column(-1.0, c, &mut xi);
        axpy(-1.0, &product, &mut xi);
        axpy(d.get(c, c), &lambda, &mut xi);
        axpy(below, &old, &mut xi);
        axpy(-below * nu, next, &mut xi);
        old = lambda;
    }
    // The direction of v, and its length.
    let along = dot(&xi, &q[0]);
    let mut of_v: Vec<f64> = xi.iter().zip(&q[0]).map(|(x, q)| d.scale * (along * q - x)).collect();
    axpy(-up.scale * d.scale * d.scale, &q[0], &mut of_v);
    Ok((pairs.finish()?, of_v))
}

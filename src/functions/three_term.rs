//! The recurrence of three terms, A x_k = b_{k−1} x_{k−1} + a_k x_k + b_k x_{k+1}, and its adjoint (Krämer et al.
//! 2024, theorem 4.1).

use super::action::{Action, GROUP};
use super::adjoint::{OfBasis, Upstream};
use super::krylov::Decomposition;
use crate::backend::{BLOCK, interleaved_dot, over_blocks};
use crate::error::Result;
use crate::krylov::{axpy, dot, norm, norm_from};

/// w ← w − b x_{k−1} − a x_k for the last two vectors of the basis; returns ‖w‖.
pub(super) fn step(basis: &[Vec<f64>], [b, a]: [f64; 2], w: &mut [f64]) -> f64 {
    let k = basis.len() - 1;
    // Without a vector before the first, b is zero.
    let (last, before) = (&basis[k], &basis[k.saturating_sub(1)]);
    let (length, blocks) = (w.len(), w.chunks_mut(BLOCK).zip(last.chunks(BLOCK)).zip(before.chunks(BLOCK)));
    let [square] = over_blocks(length, blocks, |((w, last), before)| {
        w.iter_mut().zip(last).zip(before).for_each(|((w, l), o)| *w -= b * o + a * l);
        [interleaved_dot(w, w)]
    });
    norm_from(square, w)
}

/// The vectors of one step of the adjoint.
struct Step<'a> {
    /// x_{k+1}, x_k and x_{k−1}; the last repeats x_k at k = 0.
    x: [&'a [f64]; 3],
    /// λ_k and λ_{k+1}.
    lambda: [&'a [f64]; 2],
    /// A λ_k.
    product: &'a [f64],
}

impl Step<'_> {
    /// ξ ← a λ_k + b λ_{k+1} − b ν x_{k+1} − A λ_k − x̄_k; returns its products with x_k and x_{k−1}, and λ_k·x_{k−1}.
    fn advance(&self, [a, b, nu]: [f64; 3], basis: &OfBasis<'_>, k: usize, xi: &mut [f64]) -> [f64; 3] {
        let up = match basis {
            OfBasis::Columns(list) => Some((-1.0, list[k].as_slice())),
            OfBasis::Outer(y, g) => Some((-g[k], *y)),
            OfBasis::Zero => None,
        };
        let length = xi.len();
        over_blocks(length, xi.chunks_mut(BLOCK).enumerate(), |(q, xi)| {
            let rows = q * BLOCK..q * BLOCK + xi.len();
            let [next, x, before] = self.x.map(|x| &x[rows.clone()]);
            let [lambda, old] = self.lambda.map(|l| &l[rows.clone()]);
            let product = &self.product[rows.clone()];
            for (i, xi) in xi.iter_mut().enumerate() {
                *xi = (a * lambda[i] - product[i]) + b * (old[i] - nu * next[i]);
            }
            if let Some((g, y)) = up {
                xi.iter_mut().zip(&y[rows]).for_each(|(xi, y)| *xi += g * y);
            }
            [interleaved_dot(xi, x), interleaved_dot(xi, before), interleaved_dot(lambda, before)]
        })
    }
}

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
    // r = b x: x̄ = b r̄ and b̄ = r̄ᵀ x.
    let mut xi = vec![0.0; n];
    let mut of_last = 0.0;
    if let Some(rest) = up.rest {
        axpy(-last, rest, &mut xi);
        of_last = dot(rest, &after);
    }
    let mut products = [dot(&xi, &after), dot(&xi, &q[k - 1]), 0.0];
    let (mut sums, mut group) = (a.zeros(), Vec::new());
    let (mut old, mut product) = (vec![0.0; n], vec![0.0; n]);
    for c in (0..k).rev() {
        let inner = c + 1 < k;
        let below = if inner { d.get(c + 1, c) } else { last };
        let next = if inner { &q[c + 1] } else { &after };
        let of_below = if inner { up.small[(c + 1) * k + c] + up.small[c * k + c + 1] } else { of_last };
        let share = if below > 0.0 { 1.0 / below } else { 0.0 };
        let nu = up.small[c * k + c] + share * products[1];
        let mu = if below > 0.0 { of_below - products[2] + share * products[0] } else { 0.0 };
        let mut lambda = vec![0.0; n];
        combine([-share, mu, nu], [&xi, next, &q[c]], &mut lambda);
        a.apply(&lambda, &mut product)?;
        let x = [next.as_slice(), &q[c], &q[c.saturating_sub(1)]];
        let step = Step { x, lambda: [&lambda, &old], product: &product };
        products = step.advance([d.get(c, c), below, nu], &up.basis, c, &mut xi);
        old.clone_from(&lambda);
        group.push(lambda);
        if group.len() == GROUP || c == 0 {
            group.reverse();
            a.accumulate(&group, &q[c..c + group.len()], &mut sums)?;
            group.clear();
        }
    }
    // The direction of v, and its length.
    let along = products[0];
    let mut of_v: Vec<f64> = xi.iter().zip(&q[0]).map(|(x, q)| d.scale * (along * q - x)).collect();
    axpy(-up.scale * d.scale * d.scale, &q[0], &mut of_v);
    Ok((sums, of_v))
}

/// z ← Σ c(l) v_l.
fn combine(c: [f64; 3], v: [&[f64]; 3], z: &mut [f64]) {
    over_blocks(z.len(), z.chunks_mut(BLOCK).enumerate(), |(q, z)| {
        let v = v.map(|v| &v[q * BLOCK..q * BLOCK + z.len()]);
        for (i, z) in z.iter_mut().enumerate() {
            *z = c[0] * v[0][i] + c[1] * v[1][i] + c[2] * v[2][i];
        }
        []
    });
}

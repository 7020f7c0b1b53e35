//! The recurrence of three terms, A x_k = b_{k−1} x_{k−1} + a_k x_k + b_k x_{k+1}, and its adjoint (Krämer et al.
//! 2024, theorem 4.1).

use std::borrow::Cow;

use super::action::{Action, GROUP};
use super::adjoint::{OfBasis, Upstream};
use super::decomposition::Decomposition;
use crate::backend::{BLOCK, interleaved_dot, over_blocks, vectorised};
use crate::error::{Error, Result};
use crate::krylov::{axpy, dot, norm, norm_from};
use crate::operator::LinearOperator;

/// w ← w − b x_{k−1} − a x_k for the last two vectors of the basis; returns ‖w‖.
pub(super) fn step(basis: &[Vec<f64>], [b, a]: [f64; 2], w: &mut [f64]) -> f64 {
    let k = basis.len() - 1;
    // Without a vector before the first, b is zero.
    let (last, before) = (&basis[k], &basis[k.saturating_sub(1)]);
    let (length, blocks) = (w.len(), w.chunks_mut(BLOCK).zip(last.chunks(BLOCK)).zip(before.chunks(BLOCK)));
    let [square] = over_blocks(length, blocks, |((w, last), before)| {
        vectorised(
            #[inline(always)]
            || {
                w.iter_mut().zip(last).zip(before).for_each(|((w, l), o)| *w -= b * o + a * l);
                [interleaved_dot(w, w)]
            },
        )
    });
    norm_from(square, w)
}

/// The largest distance of the recovered first vector from the stored one.
const DRIFT: f64 = 1e-7;

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
        let (g, y) = match basis {
            OfBasis::Columns(list) => (-1.0, Some(list[k].as_slice())),
            OfBasis::Outer(y, g) => (-g[k], Some(*y)),
            OfBasis::Zero => (0.0, None),
        };
        let length = xi.len();
        over_blocks(length, xi.chunks_mut(BLOCK).enumerate(), |(q, xi)| {
            let (n, rows) = (xi.len(), q * BLOCK..q * BLOCK + xi.len());
            let [next, x, before] = self.x.map(|x| &x[rows.clone()]);
            let [lambda, old] = self.lambda.map(|l| &l[rows.clone()]);
            let (product, y) = (&self.product[rows.clone()], y.map(|y| &y[rows.clone()]));
            vectorised(
                #[inline(always)]
                || {
                    // Of the same length, so that the compiler sees no bounds.
                    let (lambda, old, next, product) = (&lambda[..n], &old[..n], &next[..n], &product[..n]);
                    for i in 0..n {
                        xi[i] = (a * lambda[i] - product[i]) + b * (old[i] - nu * next[i]);
                    }
                    if let Some(y) = y {
                        xi.iter_mut().zip(y).for_each(|(xi, y)| *xi += g * y);
                    }
                    [interleaved_dot(xi, x), interleaved_dot(xi, before), interleaved_dot(lambda, before)]
                },
            )
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
    let (mut next, mut x): (Cow<'_, [f64]>, _) = (Cow::Owned(after), Cow::Borrowed(q[k - 1].as_slice()));
    let mut products = [dot(&xi, &next), dot(&xi, &x), 0.0];
    let (mut sums, mut group, mut vectors) = (a.zeros(), Vec::new(), Vec::new());
    let (mut old, mut product) = (vec![0.0; n], vec![0.0; n]);
    for c in (0..k).rev() {
        let inner = c + 1 < k;
        let below = if inner { d.get(c + 1, c) } else { last };
        let before = before(d, a, c, below, [&next, &x])?;
        let of_below = if inner { up.small[(c + 1) * k + c] + up.small[c * k + c + 1] } else { of_last };
        let share = if below > 0.0 { 1.0 / below } else { 0.0 };
        let nu = up.small[c * k + c] + share * products[1];
        let mu = if below > 0.0 { of_below - products[2] + share * products[0] } else { 0.0 };
        let mut lambda = vec![0.0; n];
        combine([-share, mu, nu], [&xi, &next, &x], &mut lambda);
        a.apply(&lambda, &mut product)?;
        let step = Step { x: [&next, &x, &before], lambda: [&lambda, &old], product: &product };
        products = step.advance([d.get(c, c), below, nu], &up.basis, c, &mut xi);
        old.clone_from(&lambda);
        group.push(lambda);
        next = std::mem::replace(&mut x, before);
        vectors.push(next.clone());
        if group.len() == GROUP || c == 0 {
            let right: Vec<&[f64]> = vectors.iter().map(|x| x.as_ref()).collect();
            a.accumulate(&group, &right, &mut sums)?;
            group.clear();
            vectors.clear();
        }
    }
    // The direction of v, and its length.
    let along = products[0];
    let mut of_v: Vec<f64> = xi.iter().zip(&q[0]).map(|(x, q)| d.scale * (along * q - x)).collect();
    axpy(-up.scale * d.scale * d.scale, &q[0], &mut of_v);
    Ok((sums.gradients, of_v))
}

/// x_{k−1}: stored, or recovered from x_{k+1} and x_k as (A x_k − a_k x_k − b_k x_{k+1})/b_{k−1}. The first vector is
/// stored in any case: the recovered one must agree with it.
fn before<'a>(
    d: &'a Decomposition,
    a: &dyn Action,
    k: usize,
    below: f64,
    [next, x]: [&[f64]; 2],
) -> Result<Cow<'a, [f64]>> {
    let stored = &d.basis[k.saturating_sub(1)];
    if k == 0 || d.is_stored() {
        return Ok(Cow::Borrowed(stored));
    }
    let mut product = vec![0.0; x.len()];
    a.apply(x, &mut product)?;
    let mut out = vec![0.0; x.len()];
    let share = 1.0 / d.get(k, k - 1);
    combine([share, -share * d.get(k, k), -share * below], [&product, x, next], &mut out);
    if k > 1 {
        return Ok(Cow::Owned(out));
    }
    let drift = out.iter().zip(stored).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    // Not a number is refused too.
    if drift <= DRIFT {
        return Ok(Cow::Borrowed(stored));
    }
    Err(Error::unsuited(format!(
        "recovering the vectors of Lanczos backwards lost the first by {drift:.1e}, more than {DRIFT:.0e}; store them, or take fewer steps"
    )))
}

/// Calls `visit(k, x_k)` for all vectors of a decomposition that does not store them, by a second run.
pub(super) fn replay(
    d: &Decomposition,
    a: &dyn LinearOperator,
    mut visit: impl FnMut(usize, &[f64]),
) -> Result<()> {
    let mut pair = [Vec::new(), d.basis[0].clone()];
    visit(0, &pair[1]);
    for k in 0..d.order() - 1 {
        let mut w = vec![0.0; pair[1].len()];
        a.apply(&pair[1], &mut w)?;
        let above = if k > 0 { d.get(k, k - 1) } else { 0.0 };
        step(&pair[usize::from(k == 0)..], [above, d.get(k, k)], &mut w);
        let below = d.get(k + 1, k);
        w.iter_mut().for_each(|w| *w /= below);
        pair.swap(0, 1);
        pair[1] = w;
        visit(k + 1, &pair[1]);
    }
    Ok(())
}

/// z ← Σ c(l) v_l.
fn combine(c: [f64; 3], v: [&[f64]; 3], z: &mut [f64]) {
    over_blocks(z.len(), z.chunks_mut(BLOCK).enumerate(), |(q, z)| {
        let v = v.map(|v| &v[q * BLOCK..q * BLOCK + z.len()]);
        vectorised(
            #[inline(always)]
            || {
                let terms = v[0].iter().zip(v[1]).zip(v[2]);
                z.iter_mut().zip(terms).for_each(|(z, ((x, y), w))| *z = c[0] * x + c[1] * y + c[2] * w);
            },
        );
        []
    });
}

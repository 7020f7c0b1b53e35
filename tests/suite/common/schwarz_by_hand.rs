//! Losses of Schwarz methods with adjoints written by hand, one column after another: an oracle for the tape.

use std::sync::Arc;

use multigrad::schwarz::{Layout, LocalSolves, Variant};
use multigrad::sparse::Csr;

use super::numbers::dot;

/// A loss, and its gradient with respect to the interface values.
pub type Found = (f64, Vec<f64>);

/// M = Σ R̃ᵀ B⁻¹ R of a matrix, from local solves alone.
pub struct ByHand<'a> {
    a: &'a Csr<f64>,
    layout: &'a Arc<Layout>,
    local: LocalSolves<f64>,
    /// The weights at all places, of residuals and of corrections.
    weights: [Vec<f64>; 2],
}

impl<'a> ByHand<'a> {
    pub fn new(a: &'a Csr<f64>, layout: &'a Arc<Layout>, interface: &[f64], variant: Variant) -> Self {
        let local = LocalSolves::new(layout, a.values(), interface).unwrap();
        let parts = layout.decomposition();
        let places = || parts.iter().flat_map(|s| s.rows.iter().zip(s.owned));
        let ones = || places().map(|_| 1.0).collect();
        let owned = || places().map(|(_, &owned)| if owned { 1.0 } else { 0.0 }).collect();
        let shared = || places().map(|(&i, _)| 1.0 / (parts.copies(i as usize) as f64).sqrt()).collect();
        let weights = match variant {
            Variant::Restricted => [ones(), owned()],
            Variant::Additive => [ones(), ones()],
            Variant::Harmonic => [owned(), ones()],
            Variant::Weighted => [shared(), shared()],
        };
        Self { a, layout, local, weights }
    }

    /// Mean over the columns of log(‖Tᴷu‖² / ‖u‖²) / K for T = I − M A.
    pub fn logarithm(&self, u: &[f64], columns: usize, steps: usize) -> Found {
        let weight = 1.0 / (steps * columns) as f64;
        let mut found = (0.0, vec![0.0; self.layout.interface_entries()]);
        for u in split(u, columns) {
            let (errors, corrections) = self.iterate(u, steps);
            let square = |x: &[f64]| dot(x, x);
            found.0 += weight * (square(&errors[steps]) / square(&errors[0])).ln();
            let mut seeds = vec![vec![0.0; self.a.rows()]; steps + 1];
            let scale = 2.0 * weight / square(&errors[steps]);
            seeds[steps] = errors[steps].iter().map(|v| scale * v).collect();
            self.back(seeds, &corrections, &mut found.1);
        }
        found
    }

    /// The soft maximum of the factors of one to K steps.
    pub fn slowest(&self, u: &[f64], columns: usize, steps: usize) -> Found {
        let runs: Vec<_> = split(u, columns).map(|u| self.iterate(u, steps)).collect();
        let norm = |c: usize, k: usize| dot(&runs[c].0[k], &runs[c].0[k]).sqrt();
        let of_step = |k: usize| {
            let (y, slopes) = soft_largest((0..columns).map(|c| norm(c, k) / norm(c, 0)).collect());
            (y.powf(1.0 / k as f64), y.powf(1.0 / k as f64 - 1.0) / k as f64, slopes)
        };
        let of_steps: Vec<_> = (1..=steps).map(of_step).collect();
        let (loss, outer) = soft_largest(of_steps.iter().map(|(z, ..)| *z).collect());
        let mut gradient = vec![0.0; self.layout.interface_entries()];
        for (c, (errors, corrections)) in runs.iter().enumerate() {
            let mut seeds = vec![vec![0.0; self.a.rows()]; steps + 1];
            for (k, (_, root, slopes)) in (1..).zip(&of_steps) {
                let slope = outer[k - 1] * root * slopes[c] / norm(c, 0);
                seeds[k] = errors[k].iter().map(|v| slope * v / norm(c, k)).collect();
            }
            self.back(seeds, corrections, &mut gradient);
        }
        (loss, gradient)
    }

    /// Mean over the columns of log(‖r‖² / ‖u‖²) / K for the least residual r = u − Σ cⱼ (A M)ʲ u. The
    /// coefficients of the minimum have no derivative to first order.
    pub fn krylov(&self, u: &[f64], columns: usize, steps: usize) -> Found {
        let weight = 1.0 / (steps * columns) as f64;
        let mut found = (0.0, vec![0.0; self.layout.interface_entries()]);
        for u in split(u, columns) {
            let (mut powers, mut corrections) = (vec![u], Vec::new());
            for _ in 0..steps {
                let y = self.corrections(&powers[powers.len() - 1], false);
                let mut z = vec![0.0; self.a.rows()];
                self.add(1.0, &y, &mut z, false);
                powers.push(self.product(&z));
                corrections.push(y);
            }
            let (shares, r) = least_residual(&powers[0], &powers[1..]);
            found.0 += weight * (dot(&r, &r) / dot(&powers[0], &powers[0])).ln();
            let scale = 2.0 * weight / dot(&r, &r);
            let seed = |share: f64| r.iter().map(move |v| -scale * share * v);
            let mut adjoint: Vec<f64> = vec![0.0; self.a.rows()];
            for (y, &share) in corrections.iter().zip(&shares).rev() {
                adjoint.iter_mut().zip(seed(share)).for_each(|(x, s)| *x += s);
                let lambda = self.corrections(&self.product_transposed(&adjoint), true);
                self.add_products(-1.0, &lambda, y, &mut found.1);
                adjoint.fill(0.0);
                self.add(1.0, &lambda, &mut adjoint, true);
            }
        }
        found
    }

    /// The errors u, T u, …, Tᴷ u, and the corrections of every step.
    fn iterate(&self, u: Vec<f64>, steps: usize) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let (mut errors, mut corrections) = (vec![u], Vec::new());
        for step in 0..steps {
            let mut x = errors[step].clone();
            let y = self.corrections(&self.product(&x), false);
            self.add(-1.0, &y, &mut x, false);
            errors.push(x);
            corrections.push(y);
        }
        (errors, corrections)
    }

    /// Adds to the gradient, from the derivatives with respect to all errors: λ = B⁻ᵀ R̃ x̄, L̄(p,q) += λ(p) y(q),
    /// x̄ ← x̄ − Aᵀ Rᵀ λ.
    fn back(&self, seeds: Vec<Vec<f64>>, corrections: &[Vec<f64>], gradient: &mut [f64]) {
        let mut adjoint = vec![0.0; self.a.rows()];
        for (seed, y) in seeds[1..].iter().zip(corrections).rev() {
            adjoint.iter_mut().zip(seed).for_each(|(x, s)| *x += s);
            let lambda = self.corrections(&adjoint, true);
            self.add_products(1.0, &lambda, y, gradient);
            let mut sum = vec![0.0; adjoint.len()];
            self.add(1.0, &lambda, &mut sum, true);
            adjoint.iter_mut().zip(self.product_transposed(&sum)).for_each(|(x, s)| *x -= s);
        }
    }

    /// B⁻¹ R r at all places, or B⁻ᵀ R̃ r.
    fn corrections(&self, r: &[f64], transposed: bool) -> Vec<f64> {
        let mut y = vec![0.0; self.layout.decomposition().places()];
        let weights = Some(&self.weights[usize::from(transposed)][..]);
        self.local.solve(r, weights, 1, transposed, &mut y).unwrap();
        y
    }

    /// x ← x + α R̃ᵀ y, or x + α Rᵀ y.
    fn add(&self, alpha: f64, y: &[f64], x: &mut [f64], transposed: bool) {
        let rows = self.layout.decomposition().iter().flat_map(|s| s.rows.iter());
        for ((&i, v), w) in rows.zip(y).zip(&self.weights[usize::from(!transposed)]) {
            x[i as usize] += alpha * w * v;
        }
    }

    /// g(p,q) ← g(p,q) + α λ(p) y(q) on all interface entries.
    fn add_products(&self, alpha: f64, lambda: &[f64], y: &[f64], gradient: &mut [f64]) {
        let mut first = 0;
        for (p, subdomain) in self.layout.decomposition().iter().enumerate() {
            let entries = self.layout.interface_of(p).zip(self.layout.interface_ends(p));
            entries.for_each(|(q, [r, c])| gradient[q] += alpha * lambda[first + r] * y[first + c]);
            first += subdomain.rows.len();
        }
    }

    fn product(&self, x: &[f64]) -> Vec<f64> {
        (0..self.a.rows()).map(|i| self.a.row(i).map(|(j, v)| v * x[j]).sum()).collect()
    }

    fn product_transposed(&self, x: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; self.a.cols()];
        (0..self.a.rows()).for_each(|i| self.a.row(i).for_each(|(j, v)| y[j] += v * x[i]));
        y
    }
}

/// The columns of a row-major block.
fn split(u: &[f64], columns: usize) -> impl Iterator<Item = Vec<f64>> + '_ {
    (0..columns).map(move |c| u.iter().skip(c).step_by(columns).copied().collect())
}

/// Σ exp(vⱼ) vⱼ / Σ exp(vⱼ), and its derivatives by the rule for quotients.
fn soft_largest(v: Vec<f64>) -> (f64, Vec<f64>) {
    // A shift of all exponents cancels.
    let shift = v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let below: f64 = v.iter().map(|v| (v - shift).exp()).sum();
    let above: f64 = v.iter().map(|v| (v - shift).exp() * v).sum();
    let slope = |v: &f64| (v - shift).exp() * ((1.0 + v) * below - above) / (below * below);
    (above / below, v.iter().map(slope).collect())
}

/// The coefficients of the least u − Σ cⱼ wⱼ, and that residual: Gram and Schmidt twice, then a triangle.
fn least_residual(u: &[f64], w: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let mut q: Vec<Vec<f64>> = Vec::new();
    let mut triangle = vec![vec![0.0; w.len()]; w.len()];
    for (j, w) in w.iter().enumerate() {
        let mut rest = w.clone();
        for _ in 0..2 {
            for (i, q) in q.iter().enumerate() {
                let d = dot(q, &rest);
                triangle[i][j] += d;
                rest.iter_mut().zip(q).for_each(|(v, q)| *v -= d * q);
            }
        }
        triangle[j][j] = dot(&rest, &rest).sqrt();
        rest.iter_mut().for_each(|v| *v /= triangle[j][j]);
        q.push(rest);
    }
    let mut r = u.to_vec();
    let mut shares = vec![0.0; w.len()];
    for (share, q) in shares.iter_mut().zip(&q) {
        for _ in 0..2 {
            let d = dot(q, &r);
            *share += d;
            r.iter_mut().zip(q).for_each(|(v, q)| *v -= d * q);
        }
    }
    for i in (0..w.len()).rev() {
        let known: f64 = (i + 1..w.len()).map(|j| triangle[i][j] * shares[j]).sum();
        shares[i] = (shares[i] - known) / triangle[i][i];
    }
    (shares, r)
}

//! The adjoint of Arnoldi's process (Krämer et al. 2024, theorem 4.2), also for Lanczos with
//! reorthogonalisation.

use super::action::Action;
use super::krylov::{Decomposition, Process};
use crate::error::Result;
use crate::krylov::{axpy, dot};

/// Pairs (λ, q) that wait for one pass over the pattern.
const GROUP: usize = 16;

/// The adjoint of a basis Q.
pub(super) enum OfBasis<'a> {
    /// Column by column.
    Columns(&'a [Vec<f64>]),
    /// y gᵀ.
    Outer(&'a [f64], &'a [f64]),
    /// No adjoint.
    Zero,
}

impl OfBasis<'_> {
    /// z ← z + α × column c.
    pub(super) fn add_column(&self, alpha: f64, c: usize, z: &mut [f64]) {
        match self {
            OfBasis::Columns(list) => axpy(alpha, &list[c], z),
            OfBasis::Outer(y, g) => add(alpha * g[c], y, z),
            OfBasis::Zero => {}
        }
    }

    /// Q̄ᵀ Q, its lower triangle.
    fn products(&self, q: &[Vec<f64>]) -> Vec<f64> {
        let k = q.len();
        let mut g = vec![0.0; k * k];
        match self {
            OfBasis::Columns(list) => {
                (0..k).for_each(|i| (0..=i).for_each(|j| g[i * k + j] = dot(&list[i], &q[j])));
            }
            OfBasis::Outer(y, weights) => {
                let along: Vec<f64> = q.iter().map(|q| dot(y, q)).collect();
                (0..k).for_each(|i| (0..=i).for_each(|j| g[i * k + j] = weights[i] * along[j]));
            }
            OfBasis::Zero => {}
        }
        g
    }
}

/// Adjoints of the parts of a decomposition; without `rest` that of r is zero.
pub(super) struct Upstream<'a> {
    pub(super) basis: OfBasis<'a>,
    pub(super) small: &'a [f64],
    pub(super) rest: Option<&'a [f64]>,
    pub(super) scale: f64,
}

/// Pairs of vectors whose products on the pattern are the gradient of A.
pub(super) struct Pairs<'a> {
    a: &'a dyn Action,
    left: Vec<Vec<f64>>,
    right: Vec<Vec<f64>>,
    sums: Vec<Vec<f64>>,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(a: &'a dyn Action) -> Self {
        Self { a, left: Vec::new(), right: Vec::new(), sums: a.zeros() }
    }

    pub(super) fn push(&mut self, left: Vec<f64>, right: Vec<f64>) -> Result<()> {
        self.left.push(left);
        self.right.push(right);
        if self.left.len() == GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.a.accumulate(&self.left, &self.right, &mut self.sums)?;
        self.left.clear();
        self.right.clear();
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<Vec<f64>>> {
        self.flush()?;
        Ok(self.sums)
    }
}

/// Gradients with respect to the parameters of A and to v. With `project`, yᵀ Q = λᵀ A Q = λᵀ (Q H + r e_Kᵀ) follows
/// from the constraint Qₘᵀ λ = H̄ₘ without products of long vectors.
pub(super) fn reverse(
    d: &Decomposition,
    a: &dyn Action,
    up: &Upstream<'_>,
    project: bool,
) -> Result<(Vec<Vec<f64>>, Vec<f64>)> {
    let (q, k, n) = (&d.basis, d.order(), d.rest.len());
    let symmetric = d.process() == Process::Lanczos;
    let hbar = structured(d, up);
    let bar = |i: usize, j: usize| hbar[i * k + j];
    let of_rest = |j: usize| up.rest.map_or(0.0, |r| dot(&q[j], r));
    let gap: Vec<f64> = (0..k).map(|j| bar(j, k - 1) - of_rest(j)).collect();
    let mut lambda = up.rest.map_or_else(|| vec![0.0; n], <[f64]>::to_vec);
    q.iter().zip(&gap).for_each(|(q, &g)| add(g, q, &mut lambda));
    let start = constant(d, up, &hbar);
    let (mut gamma, mut pairs) = (vec![0.0; k * k], Pairs::new(a));
    let (mut kept, mut y): (Vec<Vec<f64>>, _) = (Vec::new(), vec![0.0; n]);
    for c in (0..k).rev() {
        let m = (c + 2).min(k);
        if project {
            let off: Vec<f64> = q[..m].iter().map(|q| dot(q, &lambda)).collect();
            q[..m].iter().zip(&off).enumerate().for_each(|(i, (q, &o))| add(bar(i, c) - o, q, &mut lambda));
        }
        if symmetric {
            a.apply(&lambda, &mut y)?
        } else {
            a.transposed(&lambda, &mut y)?
        }
        pairs.push(lambda.clone(), q[c].clone())?;
        let along_rest = if project && c + 1 == k { dot(&lambda, &d.rest) } else { 0.0 };
        for j in 0..=c {
            let product = if project {
                let known: f64 = (0..m.min(j + 2)).map(|i| bar(i, c) * d.get(i, j)).sum();
                known + if j + 1 == k { along_rest } else { 0.0 }
            } else {
                dot(&y, &q[j])
            };
            let half = if j == c { 0.5 } else { 1.0 };
            gamma[c * k + j] = half * (start[c * k + j] - product);
        }
        // Ξ + Q (Γ row + Γ column) − (H(c, c) λ − y) − Σ H(c, j) Λ_j.
        let mut next = vec![0.0; n];
        up.basis.add_column(1.0, c, &mut next);
        add(gap[c], &d.rest, &mut next);
        for j in 0..k {
            let row = if j <= c { gamma[c * k + j] } else { 0.0 };
            let column = if j >= c { gamma[j * k + c] } else { 0.0 };
            add(row + column, &q[j], &mut next);
        }
        add(-d.get(c, c), &lambda, &mut next);
        axpy(1.0, &y, &mut next);
        // The newest is last: `kept[0]` is Λ of column K − 1.
        for (back, old) in kept.iter().enumerate() {
            let j = if symmetric { c + 1 } else { k - 1 - back };
            add(-d.get(c, j), old, &mut next);
        }
        if symmetric {
            kept.clear();
        }
        kept.push(std::mem::replace(&mut lambda, next));
        if c > 0 {
            let below = d.get(c, c - 1);
            lambda.iter_mut().for_each(|l| *l /= below);
        }
    }
    lambda.iter_mut().for_each(|l| *l *= d.scale);
    Ok((pairs.finish()?, lambda))
}

/// y ← y + α x, unless α is zero.
fn add(alpha: f64, x: &[f64], y: &mut [f64]) {
    if alpha != 0.0 {
        axpy(alpha, x, y);
    }
}

/// H̄ on the structure of H: Hessenberg, or the symmetric part on three diagonals.
fn structured(d: &Decomposition, up: &Upstream<'_>) -> Vec<f64> {
    let k = d.order();
    let mut hbar = vec![0.0; k * k];
    for i in 0..k {
        for j in 0..k {
            hbar[i * k + j] = match d.process() {
                Process::Arnoldi if i <= j + 1 => up.small[i * k + j],
                Process::Lanczos if i.abs_diff(j) <= 1 => 0.5 * (up.small[i * k + j] + up.small[j * k + i]),
                _ => 0.0,
            };
        }
    }
    hbar
}

/// G₀ = −c̄ c e₁ e₁ᵀ + H H̄ᵀ − Q̄ᵀ Q, its lower triangle.
fn constant(d: &Decomposition, up: &Upstream<'_>, hbar: &[f64]) -> Vec<f64> {
    let k = d.order();
    let mut g = up.basis.products(&d.basis);
    for i in 0..k {
        for j in 0..=i {
            let product: f64 = (0..k).map(|l| d.get(i, l) * hbar[j * k + l]).sum();
            g[i * k + j] = product - g[i * k + j];
        }
    }
    g[0] -= up.scale * d.scale;
    g
}

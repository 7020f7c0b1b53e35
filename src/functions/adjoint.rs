//! The adjoint of Arnoldi's process (Krämer et al. 2024, theorem 4.2), also for Lanczos with
//! reorthogonalisation.

use super::action::{Action, Product};
use super::decomposition::{Decomposition, Process};
use super::probes::Probes;
use crate::backend::interleaved_dot;
use crate::error::Result;
use crate::krylov::{axpy, basis, dot, norm};

/// Steps whose vectors are added to all later ones together.
const BLOCK: usize = 8;

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
    /// Column c, as a vector and its factor.
    fn column(&self, c: usize) -> Option<(&[f64], f64)> {
        match self {
            OfBasis::Columns(list) => Some((&list[c], 1.0)),
            OfBasis::Outer(y, g) => Some((y, g[c])),
            OfBasis::Zero => None,
        }
    }
}

/// Q̄ᵀ Q, its lower triangle: all entries by rows, or g and w of g wᵀ.
enum Products<'a> {
    Full(Vec<f64>),
    Outer(&'a [f64], Vec<f64>),
    Zero,
}

impl<'a> Products<'a> {
    fn new(basis: &OfBasis<'a>, q: &[Vec<f64>]) -> Self {
        match basis {
            OfBasis::Columns(list) => {
                let row = |(i, up): (usize, &Vec<f64>)| {
                    let mut row = basis::products(&q[..=i], up);
                    row.resize(q.len(), 0.0);
                    row
                };
                Products::Full(list.iter().enumerate().flat_map(row).collect())
            }
            OfBasis::Outer(y, g) => Products::Outer(g, basis::products(q, y)),
            OfBasis::Zero => Products::Zero,
        }
    }

    /// Entry (i, j), unless it is that of a product of two vectors.
    fn stored(&self, i: usize, j: usize, k: usize) -> f64 {
        if let Products::Full(g) = self { g[i * k + j] } else { 0.0 }
    }
}

/// Adjoints of the parts of a decomposition; without `rest` that of r is zero.
pub(super) struct Upstream<'a> {
    pub(super) basis: OfBasis<'a>,
    pub(super) small: &'a [f64],
    pub(super) rest: Option<&'a [f64]>,
    pub(super) scale: f64,
}

/// Gradients with respect to the parameters of A and to v. With `project`, yᵀ Q = λᵀ A Q = λᵀ (Q H + r e_Kᵀ) follows
/// from the constraint Qₘᵀ λ = H̄ₘ without products of long vectors.
///
/// The part of λ_c along Q_j, j ≤ c, takes one pass over c columns, or few columns; its distance from the constraint is
/// measured by [`Probes`], and only if it is more than rounding, two further passes follow. The contributions of λ_j and
/// Q_j, j > c, are added in blocks of steps to all columns at once, as in a blocked factorisation; a Q̄ of rank one
/// contributes through two running sums. Memory: K + 3 vectors beyond Q.
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
    let of_rest = up.rest.map_or_else(|| vec![0.0; k], |r| basis::products(q, r));
    let gap: Vec<f64> = (0..k).map(|j| bar(j, k - 1) - of_rest[j]).collect();
    let (known, outer) = (constant(d, up, &hbar), Products::new(&up.basis, q));
    // λ lacks its part along Q, with these coefficients.
    let mut lambda = up.rest.map_or_else(|| vec![0.0; n], <[f64]>::to_vec);
    let mut along = gap.clone();
    let mut gamma = vec![0.0; k * k];
    // Column c: contributions to λ_c, then λ_{c+1}; empty for none.
    let mut vectors: Vec<Vec<f64>> = vec![Vec::new(); k];
    let (mut first, mut y) = (k, vec![0.0; n]);
    // For Q̄ = y gᵀ and w = Qᵀ y: Σ g_j Q_j over j > c, Σ w_j Q_j over j ≤ c, and the part of λ along the latter.
    let (mut above, mut until, mut share_of_until) = (vec![0.0; n], vec![0.0; n], 0.0);
    if let Products::Outer(_, w) = &outer {
        basis::add(q, w, &mut until);
    }
    let mut probes = project.then(|| Probes::new(q));
    let product: Product<'_> = if symmetric { Box::new(|x, y| a.apply(x, y)) } else { a.transposed() };
    for c in (0..k).rev() {
        let m = (c + 2).min(k);
        if let Products::Outer(_, w) = &outer {
            // Of the step before: all columns until c + 1.
            axpy(share_of_until, &until, &mut lambda);
            if c + 1 < k {
                axpy(-w[c + 1], &q[c + 1], &mut until);
            }
        }
        if let Some(probes) = &mut probes {
            // A symmetric matrix has few coefficients here.
            let few = along.iter().position(|a| *a != 0.0).unwrap_or(along.len());
            basis::add(&q[few..along.len()], &along[few..], &mut lambda);
            probes.shrink(m);
            if !probes.agree(&lambda, norm(&lambda), |i| bar(i, c)) {
                let off = basis::products(&q[..m], &lambda);
                let change: Vec<f64> = off.iter().enumerate().map(|(i, o)| bar(i, c) - o).collect();
                basis::add(&q[..m], &change, &mut lambda);
            }
        } else {
            basis::add(&q[..along.len()], &along, &mut lambda);
        }
        product(&lambda, &mut y)?;
        let along_y = if project { Vec::new() } else { basis::products(&q[..=c], &y) };
        let along_rest = if project && c + 1 == k { dot(&lambda, &d.rest) } else { 0.0 };
        along.clear();
        for j in 0..=c {
            let inner = if project {
                let top = m.min(j + 2);
                let known: f64 = (d.first(j)..top).map(|i| bar(i, c) * d.get(i, j)).sum();
                known + if j + 1 == k { along_rest } else { 0.0 }
            } else {
                along_y[j]
            };
            let value = known[c * k + j] - outer.stored(c, j, k) - inner;
            gamma[c * k + j] = value;
            along.push(value);
        }
        // Ξ + Q (Γ column below the diagonal) − (H(c, c) λ − y) − Σ H(c, j) Λ_j.
        let mut next = std::mem::take(&mut vectors[c]);
        next.resize(n, 0.0);
        let mut terms: Vec<(&[f64], f64)> = vec![(&lambda, -d.get(c, c)), (&y, 1.0)];
        terms.extend(up.basis.column(c));
        if gap[c] != 0.0 {
            terms.push((&d.rest, gap[c]));
        }
        if let Products::Outer(_, w) = &outer {
            terms.push((&above, -w[c]));
        }
        let (list, factors): (Vec<&[f64]>, Vec<f64>) = terms.into_iter().unzip();
        basis::add(&list, &factors, &mut next);
        let near = c + 1..first;
        let (of_q, of_lambda): (Vec<f64>, Vec<f64>) =
            near.clone().map(|j| (gamma[j * k + c], -d.get(c, j))).unzip();
        basis::add(&q[near.clone()], &of_q, &mut next);
        basis::add(&vectors[near], &of_lambda, &mut next);
        if let Products::Outer(g, _) = &outer {
            axpy(g[c], &q[c], &mut above);
            share_of_until = -g[c];
        }
        vectors[c] = std::mem::replace(&mut lambda, next);
        if first - c == BLOCK {
            let block = c..first;
            let (earlier, later) = vectors.split_at_mut(c);
            let sources: Vec<&[f64]> =
                q[block.clone()].iter().chain(&later[..BLOCK]).map(Vec::as_slice).collect();
            let of_column = |t: usize| -> Vec<f64> {
                let (of_q, of_lambda) = (|j| gamma[j * k + t], |j| -d.get(t, j));
                block.clone().map(of_q).chain(block.clone().map(of_lambda)).collect()
            };
            let factors: Vec<f64> = (0..c).flat_map(of_column).collect();
            for (own, w) in factors.chunks(2 * BLOCK).zip(earlier.iter_mut()) {
                if own.iter().any(|c| *c != 0.0) {
                    w.resize(n, 0.0);
                }
            }
            basis::add_block(&sources, &factors, earlier);
            first = c;
        }
        if c > 0 {
            let share = 1.0 / d.get(c, c - 1);
            lambda.iter_mut().for_each(|l| *l *= share);
            along.iter_mut().for_each(|a| *a *= share);
            share_of_until *= share;
        }
    }
    axpy(share_of_until, &until, &mut lambda);
    basis::add(&q[..1], &along, &mut lambda);
    lambda.iter_mut().for_each(|l| *l *= d.scale);
    let mut sums = a.zeros();
    let right: Vec<&[f64]> = q.iter().map(Vec::as_slice).collect();
    a.accumulate(&vectors, &right, &mut sums)?;
    Ok((sums.gradients, lambda))
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

/// −c̄ c e₁ e₁ᵀ + H H̄ᵀ, its lower triangle.
fn constant(d: &Decomposition, up: &Upstream<'_>, hbar: &[f64]) -> Vec<f64> {
    let k = d.order();
    let mut g = vec![0.0; k * k];
    for i in 0..k {
        for j in 0..=i {
            // Row i of H begins at i − 1, and ends at i + 1 if it is tridiagonal.
            let end = if d.process() == Process::Lanczos { (i + 2).min(k) } else { k };
            let part = i.saturating_sub(1)..end;
            g[i * k + j] = interleaved_dot(
                &d.small[i * k + part.start..i * k + part.end],
                &hbar[j * k + part.start..j * k + part.end],
            );
        }
    }
    g[0] -= up.scale * d.scale;
    g
}

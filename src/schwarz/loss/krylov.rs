//! Krylov loss: residuals after K steps of GMRES, and the gradient.
//!
//! By Arnoldi's process for every column, A M vⱼ = Σᵢ h(i,j) vᵢ, so that no power of T has to be scaled. The
//! coefficients of the minimum have no first-order gradient, and neither have those of the basis, because the
//! space does not depend on them: all are constants of the adjoint.

use super::{scale_columns, squares};
use crate::backend::{Backend, Cpu, dependent, hessenberg_least_squares};
use crate::error::Result;
use crate::schwarz::adjoint::{add_products, on_rings};
use crate::schwarz::operator::Schwarz;
use crate::sparse::Scalar;

/// The squared relative residual below which the gradient is not used.
fn least<T: Scalar>() -> f64 {
    if T::NAME == "f32" { 1e-11 } else { 1e-26 }
}

/// The Krylov spaces of all columns, and the minimal residuals.
pub(super) struct Space<T> {
    columns: usize,
    steps: usize,
    /// Corrections on the outer rings of every step.
    rings: Vec<Vec<T>>,
    /// The Hessenberg matrix of every column, by columns.
    hessenberg: Vec<Vec<Vec<f64>>>,
    /// The coefficient of every image in the residual, by columns.
    shares: Vec<Vec<f64>>,
    residual: Vec<T>,
    /// Squared norms of the residuals, relative to those of the start.
    left: Vec<f64>,
}

impl<T: Scalar> Space<T> {
    /// Runs `steps` steps on the columns of `u`, whose squares are `start`.
    pub fn new(
        m: &Schwarz<T>,
        u: &[T],
        start: &[f64],
        columns: usize,
        steps: usize,
        for_gradient: bool,
    ) -> Result<Self> {
        let unit = |&s: &f64| 1.0 / s.sqrt();
        let mut first = u.to_vec();
        scale_columns(&mut first, &start.iter().map(unit).collect::<Vec<f64>>());
        let (mut basis, mut images, mut rings) = (vec![first], Vec::new(), Vec::new());
        let mut hessenberg: Vec<Vec<Vec<f64>>> = vec![Vec::with_capacity(steps); columns];
        for q in 0..steps {
            let y = m.corrections(&basis[q], columns, false)?;
            if for_gradient {
                rings.push(on_rings(m.layout(), &y, columns));
            }
            let (mut z, mut image) = (vec![T::ZERO; u.len()], vec![T::ZERO; u.len()]);
            m.add_corrections(T::ONE, &y, &mut z, columns, false)?;
            Cpu.spmv(T::ONE, m.matrix().into(), &z, T::ZERO, &mut image, columns);
            let (coefficients, next) = orthogonalised(&image, &basis, columns);
            hessenberg.iter_mut().zip(coefficients).for_each(|(h, c)| h.push(c));
            basis.push(next);
            images.push(image);
        }
        let shares: Vec<Vec<f64>> =
            hessenberg.iter().map(|h| hessenberg_least_squares(h, dependent::<T>())).collect();
        let mut residual = basis.swap_remove(0);
        for (q, image) in images.iter().enumerate() {
            let minus: Vec<T> = shares.iter().map(|y| T::from_f64(-y[q])).collect();
            Cpu.column_add(&minus, image, &mut residual);
        }
        let left = squares(&residual, columns);
        Ok(Self { columns, steps, rings, hessenberg, shares, residual, left })
    }

    pub fn loss(&self) -> f64 {
        let sum: f64 = self.left.iter().map(|&e| if e.is_nan() { e } else { e.max(least::<T>()).ln() }).sum();
        sum / (self.steps * self.columns) as f64
    }

    /// The residual of every column, for a start of norm one.
    pub fn into_residual(self) -> Vec<T> {
        self.residual
    }

    /// The gradient with respect to the interface values. The recorded space is
    ///
    /// ```text
    /// v₀ = u,  wⱼ = A M vⱼ,  vⱼ₊₁ = (wⱼ − Σᵢ h(i,j) vᵢ) / h(j+1,j),  r = v₀ − Σⱼ yⱼ wⱼ
    /// ```
    pub fn gradient(&self, m: &Schwarz<T>) -> Result<Vec<T>> {
        let (k, layout) = (self.columns, m.layout());
        let weight = 2.0 / (self.steps * k) as f64;
        let mut end = self.residual.clone();
        let over = |&e: &f64| if e < least::<T>() { 0.0 } else { weight / e };
        scale_columns(&mut end, &self.left.iter().map(over).collect::<Vec<f64>>());
        let mut gradient = vec![T::ZERO; layout.interface_entries()];
        // Adjoints of v₁ and later vectors; that of v₀ does not contribute to the gradient.
        let mut basis = vec![vec![T::ZERO; end.len()]; self.steps];
        for q in (0..self.steps).rev() {
            let mut image = vec![T::ZERO; end.len()];
            let minus: Vec<T> = self.shares.iter().map(|y| T::from_f64(-y[q])).collect();
            Cpu.column_add(&minus, &end, &mut image);
            if let Some(next) = basis.get(q + 1) {
                let next = next.clone();
                let inverse: Vec<f64> = (0..k).map(|c| inverse(self.hessenberg[c][q][q + 1])).collect();
                let share: Vec<T> = inverse.iter().map(|&s| T::from_f64(s)).collect();
                Cpu.column_add(&share, &next, &mut image);
                for (i, own) in basis.iter_mut().enumerate().take(q + 1).skip(1) {
                    let shares = inverse.iter().zip(&self.hessenberg);
                    let minus: Vec<T> = shares.map(|(s, h)| T::from_f64(-s * h[q][i])).collect();
                    Cpu.column_add(&minus, &next, own);
                }
            }
            let mut sum = vec![T::ZERO; end.len()];
            Cpu.spmv_transposed(-T::ONE, m.matrix().into(), &image, T::ZERO, &mut sum, k);
            let lambda = m.corrections(&sum, k, true)?;
            add_products(layout, T::ONE, &on_rings(layout, &lambda, k), &self.rings[q], &mut gradient, k);
            if q > 0 {
                m.add_corrections(-T::ONE, &lambda, &mut basis[q], k, true)?;
            }
        }
        Ok(gradient)
    }
}

/// An exhausted space does not grow: the next direction is zero.
fn inverse(length: f64) -> f64 {
    if length > 0.0 { 1.0 / length } else { 0.0 }
}

/// The part of `image` that is orthogonal to the basis, normalised, and the coefficients of every column: one
/// for each direction of the basis, and the length of the part.
fn orthogonalised<T: Scalar>(image: &[T], basis: &[Vec<T>], columns: usize) -> (Vec<Vec<f64>>, Vec<T>) {
    let mut rest = image.to_vec();
    let size = squares(image, columns);
    let mut coefficients = vec![vec![0.0; basis.len() + 1]; columns];
    let mut dots = vec![T::ZERO; columns];
    for _ in 0..2 {
        for (i, v) in basis.iter().enumerate() {
            Cpu.column_dots(v, &rest, &mut dots);
            coefficients.iter_mut().zip(&dots).for_each(|(c, d)| c[i] += d.to_f64());
            dots.iter_mut().for_each(|d| *d = -*d);
            Cpu.column_add(&dots, v, &mut rest);
        }
    }
    let length = squares(&rest, columns);
    let mut scale = vec![0.0; columns];
    for ((c, (&length, &size)), scale) in
        coefficients.iter_mut().zip(length.iter().zip(&size)).zip(&mut scale)
    {
        if length > dependent::<T>().powi(2) * size {
            c[basis.len()] = length.sqrt();
            *scale = 1.0 / length.sqrt();
        }
    }
    scale_columns(&mut rest, &scale);
    (coefficients, rest)
}

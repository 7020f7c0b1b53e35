//! Kernels of reverse rules on the host.

use std::sync::Arc;

use super::eager::Buffer;
use super::reversible::{Entries, Reversible};
use super::{Eager, Executor};
use crate::backend::Cpu;
use crate::error::Result;
use crate::schwarz::{SubdomainSolver, add_products, add_products_of_matrix, on_rings};
use crate::sparse::{Pattern, Scalar, Storage};

type Values<T> = Arc<Storage<T>>;

/// g(p) ← g(p) + α Σ_c y(i,c) x(j,c) for the selected entries.
fn filtered<T: Scalar>(
    alpha: T,
    pattern: &Pattern,
    wanted: impl Fn(usize, usize) -> bool,
    (y, x): (&[T], &[T]),
    g: &mut [T],
    k: usize,
) {
    let mut all = vec![T::ZERO; pattern.nnz()];
    Cpu.sampled_product(alpha, pattern, y, x, &mut all, k);
    for i in 0..pattern.rows() {
        for p in pattern.row(i) {
            if wanted(i, pattern.col_idx()[p] as usize) {
                g[p] += all[p];
            }
        }
    }
}

impl<T: Scalar> Reversible<T> for Eager<T> {
    type Gradient = Vec<T>;
    type Solutions = Vec<T>;

    fn columns(&self) -> usize {
        Eager::columns(self)
    }

    fn store(&self, values: &[T]) -> Buffer<T> {
        let mut buffer = self.allocate(values.len() / Eager::columns(self));
        buffer.copy_from_slice(values);
        buffer
    }

    fn read(&self, x: &Buffer<T>) -> Result<Vec<T>> {
        Ok(x.to_vec())
    }

    fn length(&self, values: &Values<T>) -> usize {
        values.len()
    }

    fn rows(&self, x: &Buffer<T>) -> usize {
        x.len() / Eager::columns(self)
    }

    fn gradient(&self, length: usize) -> Vec<T> {
        vec![T::ZERO; length]
    }

    fn read_gradient(&self, g: Vec<T>) -> Result<Vec<T>> {
        Ok(g)
    }

    fn sampled_product(
        &self,
        alpha: f64,
        pattern: &Arc<Pattern>,
        entries: Entries<'_>,
        (y, x): (&Buffer<T>, &Buffer<T>),
        g: &mut Vec<T>,
    ) {
        let (k, alpha) = (Eager::columns(self), T::from_f64(alpha));
        match entries {
            Entries::All => Cpu.sampled_product(alpha, pattern, y, x, g, k),
            Entries::Triangle(part) => Cpu.sampled_triangle(alpha, pattern, part, (y, x), g, k),
            Entries::Outside(part) => {
                filtered(alpha, pattern, |i, j| !part.reads(i, j), (y, x), g, k);
            }
            Entries::Diagonal => {
                let mut diagonal = vec![T::ZERO; pattern.rows()];
                Cpu.row_dots(y, x, &mut diagonal, k);
                for (i, d) in diagonal.into_iter().enumerate() {
                    if let Some(p) = pattern.find(i, i) {
                        g[p] += alpha * d;
                    }
                }
            }
            Entries::New(sweep) => {
                filtered(alpha, pattern, sweep.reads_new(pattern.rows()), (y, x), g, k);
            }
            Entries::Old(sweep) => {
                let new = sweep.reads_new(pattern.rows());
                filtered(alpha, pattern, |i, j| !new(i, j), (y, x), g, k);
            }
        }
    }

    fn row_dots(&self, y: &Buffer<T>, x: &Buffer<T>, g: &mut Vec<T>) {
        Cpu.row_dots(y, x, g, Eager::columns(self));
    }

    fn row_dots_over_square(&self, y: &Buffer<T>, x: &Buffer<T>, w: &Values<T>, g: &mut Vec<T>) {
        let mut dots = vec![T::ZERO; g.len()];
        Cpu.row_dots(y, x, &mut dots, Eager::columns(self));
        for ((g, dot), &w) in g.iter_mut().zip(dots).zip(w.iter()) {
            *g += dot / (w * w);
        }
    }

    fn add_dot(&self, y: &Buffer<T>, x: &Buffer<T>, g: &mut Vec<T>, index: usize) {
        let mut dots = vec![T::ZERO; Eager::columns(self)];
        Cpu.column_dots(y, x, &mut dots);
        dots.into_iter().for_each(|dot| g[index] += dot);
    }

    fn column_dots(&self, x: &Buffer<T>, y: &Buffer<T>) -> Result<Vec<f64>> {
        let mut out = vec![T::ZERO; Eager::columns(self)];
        Cpu.column_dots(x, y, &mut out);
        Ok(out.into_iter().map(|v| v.to_f64()).collect())
    }

    fn column_squares(&self, x: &Buffer<T>) -> Result<Vec<f64>> {
        let mut out = vec![0.0; Eager::columns(self)];
        for row in x.chunks_exact(out.len()) {
            for (sum, v) in out.iter_mut().zip(row) {
                *sum += v.to_f64() * v.to_f64();
            }
        }
        Ok(out)
    }

    fn column_scaled(&self, weights: &[f64], x: &Buffer<T>) -> Buffer<T> {
        let mut y = self.copy(x);
        for row in y.chunks_exact_mut(weights.len()) {
            row.iter_mut().zip(weights).for_each(|(v, w)| *v = T::from_f64(v.to_f64() * w));
        }
        y
    }

    fn column_add(&self, weights: &[T], x: &Buffer<T>, y: &mut Buffer<T>) {
        Cpu.column_add(weights, x, y);
    }

    fn solutions(&self, method: &SubdomainSolver<T>, r: &Buffer<T>, transposed: bool) -> Result<Vec<T>> {
        method.corrections(r, Eager::columns(self), transposed)
    }

    fn add_solutions(
        &self,
        method: &SubdomainSolver<T>,
        y: &Vec<T>,
        x: &mut Buffer<T>,
        transposed: bool,
    ) -> Result<()> {
        method.add_corrections(T::ONE, y, x, Eager::columns(self), transposed)
    }

    fn on_rings(&self, method: &SubdomainSolver<T>, y: &Vec<T>) -> Vec<T> {
        on_rings(method.layout(), y, Eager::columns(self))
    }

    fn interface_products(
        &self,
        method: &SubdomainSolver<T>,
        (lambda, y): (&Vec<T>, &Vec<T>),
        g: &mut Vec<T>,
    ) {
        add_products(method.layout(), -T::ONE, lambda, y, g, Eager::columns(self));
    }

    fn matrix_products(&self, method: &SubdomainSolver<T>, (lambda, y): (&Vec<T>, &Vec<T>), g: &mut Vec<T>) {
        add_products_of_matrix(method.layout(), -T::ONE, lambda, y, g, Eager::columns(self));
    }

    fn forget_methods(&self) {
        self.factored().clear();
    }
}

//! Bytes that the kernels of a cycle have to move.

use std::cell::Cell;
use std::marker::PhantomData;

use multigrad::backend::{Direction, OrderedSweep, Triangle};
use multigrad::engine::{Engine, Executor, Leaves, Matrix, Vector};
use multigrad::multigrid::{Hierarchy, cycle};
use multigrad::schwarz::Subdomains;
use multigrad::sparse::Pattern;

/// An engine that counts what its kernels would move and computes nothing. Vectors are their numbers of rows.
#[derive(Debug)]
pub struct Traffic<L> {
    /// Of one value.
    size: f64,
    bytes: Cell<f64>,
    leaves: PhantomData<L>,
}

impl<L: Leaves> Traffic<L> {
    /// That of one cycle from the zero guess on values of so many bytes.
    pub fn of_cycle(h: &Hierarchy<L>, size: usize) -> Self {
        let traffic = Self { size: size as f64, bytes: Cell::new(0.0), leaves: PhantomData };
        let (b, x) = (Vector::new(h.rows(), h.rows()), Engine::zeros(&traffic, h.rows()));
        cycle(&traffic, h, 0, &b, x);
        traffic
    }

    /// Bytes read and written.
    pub fn bytes(&self) -> f64 {
        self.bytes.get()
    }

    /// So many values and bytes of indices.
    fn count(&self, values: usize, indices: usize) {
        self.bytes.set(self.bytes.get() + values as f64 * self.size + indices as f64);
    }

    /// A matrix with `vectors` values for each of its rows, and what it is multiplied with once.
    fn product(&self, pattern: &Pattern, vectors: usize) {
        let (rows, entries) = (pattern.rows(), pattern.nnz());
        self.count(entries + pattern.cols() + vectors * rows, 4 * entries + 4 * rows);
    }
}

impl<L: Leaves> Executor for Traffic<L> {
    type Leaves = L;
    type Handle = usize;

    fn allocate(&self, rows: usize) -> usize {
        rows
    }

    fn copy(&self, x: &usize) -> usize {
        self.count(2 * x, 0);
        *x
    }

    fn spmv(&self, _: f64, a: &Matrix<L::Values>, _: &usize, beta: f64, _: &mut usize) {
        self.product(&a.pattern, if beta == 0.0 { 1 } else { 2 });
    }

    fn residual(&self, a: &Matrix<L::Values>, _: &usize, _: &usize, _: &mut usize) {
        self.product(&a.pattern, 2);
    }

    fn diagonal_add(&self, _: &L::Values, x: &usize, _: &mut usize) {
        self.count(4 * x, 0);
    }

    fn diagonal_scale(&self, _: &L::Values, x: &usize, _: &mut usize) {
        self.count(3 * x, 0);
    }

    fn jacobi(&self, a: &Matrix<L::Values>, _: &L::Values, _: &usize, _: &usize, _: &mut usize) {
        self.product(&a.pattern, 3);
    }

    fn polynomial_step(
        &self,
        a: &Matrix<L::Values>,
        _: &L::Values,
        _: &usize,
        _: &usize,
        factors: (f64, f64),
        _: &mut usize,
    ) {
        self.product(&a.pattern, if factors.0 == 0.0 { 3 } else { 4 });
    }

    fn combine(&self, _: f64, x: &usize, beta: f64, _: &mut usize) {
        self.count(if beta == 0.0 { 2 } else { 3 } * x, 0);
    }

    fn scalar(&self, _: &L::Values, _: usize) -> f64 {
        1.0
    }

    fn least_squares(&self, b: &usize, v: &[&usize], c: &[&usize], x: &mut usize) {
        self.count(b * (v.len() + 1) + *x * (c.len() + 1), 0);
    }

    fn solve_triangular(&self, a: &Matrix<L::Values>, _: Triangle, x: &mut usize) {
        let half = (a.pattern.nnz() + *x) / 2;
        self.count(half + 2 * *x, 4 * half + 16 * *x);
    }

    fn sweep_triangular(
        &self,
        a: &Matrix<L::Values>,
        _: Triangle,
        _: &usize,
        x: Option<&usize>,
        _: &mut usize,
    ) {
        self.product(&a.pattern, 1 + usize::from(x.is_some()));
    }

    fn gauss_seidel(&self, a: &Matrix<L::Values>, _: &usize, x: &mut usize, _: Direction) {
        self.product(&a.pattern, 2);
        self.count(0, 16 * *x);
    }

    fn ordered_sweep(
        &self,
        a: &Matrix<L::Values>,
        _: &L::Values,
        _: &OrderedSweep,
        _: &usize,
        x: &mut usize,
        _: &mut usize,
    ) {
        self.product(&a.pattern, 3);
        self.count(0, 4 * *x);
    }

    /// Not known: it depends on the sizes of the parts.
    fn subdomain_solves(
        &self,
        _: &Matrix<L::Values>,
        _: &Subdomains,
        _: &L::Values,
        _: &usize,
        _: f64,
        _: &mut usize,
    ) {
        self.bytes.set(f64::NAN);
    }

    /// A dense matrix, as a device has it.
    fn solve(&self, _: &L::Direct, b: &usize, _: &mut usize) {
        self.count(b * b + 2 * b, 0);
    }

    fn clear(&self, x: &mut usize) {
        self.count(*x, 0);
    }
}

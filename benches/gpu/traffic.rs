//! Memory traffic of the kernels of a cycle.

use std::cell::Cell;

use multigrad::backend::{Direction, OrderedSweep, Triangle};
use multigrad::engine::{Engine, Executor, Leaves, Matrix, Vector};
use multigrad::multigrid::{Hierarchy, cycle};
use multigrad::schwarz::Subdomains;
use multigrad::sparse::Pattern;

type Values<X> = <<X as Executor>::Leaves as Leaves>::Values;

/// An engine that counts the memory traffic of another one and computes nothing. Its vectors are their
/// numbers of rows.
#[derive(Debug)]
pub struct Traffic<'e, X> {
    engine: &'e X,
    /// Bytes of one value.
    size: f64,
    bytes: Cell<f64>,
    kernels: Cell<usize>,
}

impl<'e, X: Executor> Traffic<'e, X> {
    /// The traffic of one cycle from the zero guess, with values of this many bytes.
    pub fn of_cycle(engine: &'e X, h: &Hierarchy<X::Leaves>, size: usize) -> Self {
        let traffic = Self { engine, size: size as f64, bytes: Cell::new(0.0), kernels: Cell::new(0) };
        let (b, x) = (Vector::new(h.rows(), h.rows()), Engine::zeros(&traffic, h.rows()));
        cycle(&traffic, h, 0, &b, x);
        traffic
    }

    /// Operations; each is one launch except for triangles and subdomains.
    pub fn operations(&self) -> usize {
        self.kernels.get()
    }

    /// Bytes read and written.
    pub fn bytes(&self) -> f64 {
        self.bytes.get()
    }

    /// A kernel that moves this many values and bytes of indices.
    fn count(&self, values: usize, indices: usize) {
        self.kernels.set(self.kernels.get() + 1);
        self.bytes.set(self.bytes.get() + values as f64 * self.size + indices as f64);
    }

    /// A matrix with `vectors` values and `more` bytes for each of its rows, and its operand once.
    fn product(&self, pattern: &Pattern, vectors: usize, more: usize) {
        let (rows, entries) = (pattern.rows(), pattern.nnz());
        self.count(entries + pattern.cols() + vectors * rows, 4 * entries + (4 + more) * rows);
    }
}

impl<X: Executor> Executor for Traffic<'_, X> {
    type Leaves = X::Leaves;
    type Handle = usize;

    fn allocate(&self, rows: usize) -> usize {
        rows
    }

    fn copy(&self, x: &usize) -> usize {
        self.count(2 * x, 0);
        *x
    }

    fn spmv(&self, _: f64, a: &Matrix<Values<X>>, _: &usize, beta: f64, _: &mut usize) {
        self.product(&a.pattern, if beta == 0.0 { 1 } else { 2 }, 0);
    }

    fn residual(&self, a: &Matrix<Values<X>>, _: &usize, _: &usize, _: &mut usize) {
        self.product(&a.pattern, 2, 0);
    }

    fn restricts_residuals(&self, restriction: &Matrix<Values<X>>, a: &Matrix<Values<X>>) -> bool {
        self.engine.restricts_residuals(restriction, a)
    }

    fn restricted_residual(
        &self,
        restriction: &Matrix<Values<X>>,
        a: &Matrix<Values<X>>,
        _: (&usize, &usize),
        _: &mut usize,
    ) {
        let (a, r) = (&a.pattern, &restriction.pattern);
        let values = a.nnz() + a.cols() + a.rows() + r.nnz() + r.rows();
        self.count(values, 4 * (a.nnz() + a.rows() + r.nnz() + r.rows()));
    }

    fn has_first_residuals(&self) -> bool {
        self.engine.has_first_residuals()
    }

    /// b, d, x and r once for each row.
    fn first_residual(&self, a: &Matrix<Values<X>>, _: &Values<X>, _: &usize, _: &mut usize, _: &mut usize) {
        self.product(&a.pattern, 3, 0);
    }

    /// b, d and x once for each row.
    fn first_restricted_residual(
        &self,
        restriction: &Matrix<Values<X>>,
        a: &Matrix<Values<X>>,
        _: (&Values<X>, &usize),
        _: &mut usize,
        _: &mut usize,
    ) {
        let (a, r) = (&a.pattern, &restriction.pattern);
        let values = a.nnz() + 3 * a.rows() + r.nnz() + r.rows();
        self.count(values, 4 * (a.nnz() + a.rows() + r.nnz() + r.rows()));
    }

    fn corrects_in_sweeps(&self, prolongation: &Matrix<Values<X>>, a: &Matrix<Values<X>>) -> bool {
        self.engine.corrects_in_sweeps(prolongation, a)
    }

    /// x, d, b and the result once for each row.
    fn corrected_jacobi(
        &self,
        (prolongation, _): (&Matrix<Values<X>>, &usize),
        a: &Matrix<Values<X>>,
        _: (&Values<X>, &usize),
        _: &usize,
        _: &mut usize,
    ) {
        let (a, p) = (&a.pattern, &prolongation.pattern);
        let values = a.nnz() + 4 * a.rows() + p.nnz() + p.cols();
        self.count(values, 4 * (a.nnz() + a.rows() + p.nnz() + p.rows()));
    }

    fn diagonal_add(&self, _: &Values<X>, x: &usize, _: &mut usize) {
        self.count(4 * x, 0);
    }

    fn diagonal_scale(&self, _: &Values<X>, x: &usize, _: &mut usize) {
        self.count(3 * x, 0);
    }

    fn jacobi(&self, a: &Matrix<Values<X>>, _: &Values<X>, _: &usize, _: &usize, _: &mut usize) {
        self.product(&a.pattern, 3, 0);
    }

    fn polynomial_step(
        &self,
        a: &Matrix<Values<X>>,
        _: &Values<X>,
        _: &usize,
        _: &usize,
        factors: (f64, f64),
        _: &mut usize,
    ) {
        self.product(&a.pattern, if factors.0 == 0.0 { 3 } else { 4 }, 0);
    }

    fn combine(&self, _: f64, x: &usize, beta: f64, _: &mut usize) {
        self.count(if beta == 0.0 { 2 } else { 3 } * x, 0);
    }

    fn scalar(&self, _: &Values<X>, _: usize) -> f64 {
        1.0
    }

    fn least_squares(&self, b: &usize, v: &[&usize], c: &[&usize], x: &mut usize) {
        self.count(b * (v.len() + 1) + *x * (c.len() + 1), 0);
    }

    fn solve_triangular(&self, a: &Matrix<Values<X>>, _: Triangle, x: &mut usize) {
        let half = (a.pattern.nnz() + *x) / 2;
        self.count(half + 2 * *x, 4 * half + 16 * *x);
    }

    fn sweep_triangular(
        &self,
        a: &Matrix<Values<X>>,
        _: Triangle,
        _: &usize,
        x: Option<&usize>,
        _: &mut usize,
    ) {
        self.product(&a.pattern, 1 + usize::from(x.is_some()), 0);
    }

    fn gauss_seidel(&self, a: &Matrix<Values<X>>, _: &usize, _: &mut usize, _: Direction) {
        self.product(&a.pattern, 2, 16);
    }

    fn ordered_sweep(
        &self,
        a: &Matrix<Values<X>>,
        _: &Values<X>,
        _: &OrderedSweep,
        _: &usize,
        _: &mut usize,
        _: &mut usize,
    ) {
        self.product(&a.pattern, 3, 4);
    }

    /// Unknown: it depends on the sizes of the parts.
    fn subdomain_solves(
        &self,
        _: &Matrix<Values<X>>,
        _: &Subdomains,
        _: &Values<X>,
        _: &usize,
        _: f64,
        _: &mut usize,
    ) {
        self.bytes.set(f64::NAN);
    }

    /// A dense matrix, in the format of a device.
    fn solve(&self, _: &<X::Leaves as Leaves>::Direct, b: &usize, _: &mut usize) {
        self.count(b * b + 2 * b, 0);
    }

    fn clear(&self, x: &mut usize) {
        self.count(*x, 0);
    }
}

//! The engine that computes at once, with buffers from a pool.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::{Executor, Factored, Host, Matrix, Vector};
use crate::backend::{Backend, Cpu, Direct, Direction, OrderedSweep, OrderedView, Triangle, least_squares};
use crate::schwarz::{Subdomains, add_subdomain_solves};
use crate::sparse::Scalar;

/// Computes every operation when it is called.
///
/// All vectors of one engine have the same number of columns `k`. Buffers return to a pool
/// when they are dropped, so a steady loop does not allocate.
#[derive(Debug, Clone)]
pub struct Eager<T, B = Cpu> {
    backend: B,
    k: usize,
    pool: Rc<Pool<T>>,
    factored: Rc<Factored<T>>,
}

#[derive(Debug)]
struct Pool<T>(RefCell<HashMap<usize, Vec<Vec<T>>>>);

/// Values of a vector, on loan from the pool of its engine.
#[derive(Debug)]
pub struct Buffer<T> {
    data: Vec<T>,
    pool: Rc<Pool<T>>,
}

impl<T> std::ops::Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.data
    }
}

impl<T> std::ops::DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        self.pool.0.borrow_mut().entry(data.len()).or_default().push(data);
    }
}

impl<T: Scalar, B: Backend<T>> Eager<T, B> {
    /// An engine for blocks of `k` columns, at least one.
    pub fn new(backend: B, k: usize) -> Self {
        let k = k.max(1);
        let pool = Rc::new(Pool(RefCell::new(HashMap::new())));
        Self { backend, k, pool, factored: Rc::default() }
    }

    /// The kernels.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// The Schwarz methods that were factored.
    pub(crate) fn factored(&self) -> &Factored<T> {
        &self.factored
    }

    /// Number of columns of every block.
    pub fn columns(&self) -> usize {
        self.k
    }

    /// A vector with these values, rows × k, row-major.
    ///
    /// # Panics
    /// A number of values that k does not divide.
    pub fn vector(&self, values: &[T]) -> Vector<Buffer<T>> {
        let rows = values.len() / self.k;
        let mut buffer = self.allocate(rows);
        buffer.copy_from_slice(values);
        Vector::new(rows, buffer)
    }

    /// The values of a vector, rows × k, row-major. Cost: a copy.
    pub fn values(&self, x: &Vector<Buffer<T>>) -> Vec<T> {
        match x.handle() {
            Some(buffer) => buffer.to_vec(),
            None => vec![T::ZERO; x.rows() * self.k],
        }
    }

    /// A copy of a vector.
    pub fn duplicate(&self, x: &Vector<Buffer<T>>) -> Vector<Buffer<T>> {
        match x.handle() {
            Some(buffer) => Vector::new(x.rows(), self.copy(buffer)),
            None => super::Engine::zeros(self, x.rows()),
        }
    }
}

impl<T: Scalar, B: Backend<T>> Executor for Eager<T, B> {
    type Leaves = Host<T>;
    type Handle = Buffer<T>;

    fn allocate(&self, rows: usize) -> Buffer<T> {
        let length = rows * self.k;
        let reused = self.pool.0.borrow_mut().get_mut(&length).and_then(Vec::pop);
        Buffer { data: reused.unwrap_or_else(|| vec![T::ZERO; length]), pool: self.pool.clone() }
    }

    fn copy(&self, x: &Buffer<T>) -> Buffer<T> {
        let mut out = self.allocate(x.len() / self.k);
        out.copy_from_slice(x);
        out
    }

    fn spmv(&self, alpha: f64, a: &Matrix<Arc<Vec<T>>>, x: &Buffer<T>, beta: f64, y: &mut Buffer<T>) {
        self.backend.spmv(T::from_f64(alpha), a.view(), x, T::from_f64(beta), y, self.k);
    }

    fn residual(&self, a: &Matrix<Arc<Vec<T>>>, b: &Buffer<T>, x: &Buffer<T>, r: &mut Buffer<T>) {
        self.backend.residual(a.view(), b, x, r, self.k);
    }

    fn diagonal_add(&self, d: &Arc<Vec<T>>, x: &Buffer<T>, y: &mut Buffer<T>) {
        self.backend.diagonal_add(d, x, y, self.k);
    }

    fn diagonal_scale(&self, d: &Arc<Vec<T>>, x: &Buffer<T>, y: &mut Buffer<T>) {
        self.backend.diagonal_scale(d, x, y, self.k);
    }

    fn jacobi(
        &self,
        a: &Matrix<Arc<Vec<T>>>,
        d: &Arc<Vec<T>>,
        b: &Buffer<T>,
        x: &Buffer<T>,
        next: &mut Buffer<T>,
    ) {
        self.backend.jacobi(a.view(), d, b, x, next, self.k);
    }

    fn polynomial_step(
        &self,
        a: &Matrix<Arc<Vec<T>>>,
        d: &Arc<Vec<T>>,
        b: &Buffer<T>,
        x: &Buffer<T>,
        (alpha, beta): (f64, f64),
        y: &mut Buffer<T>,
    ) {
        let factors = (T::from_f64(alpha), T::from_f64(beta));
        self.backend.polynomial_step(a.view(), d, b, x, factors, y, self.k);
    }

    fn combine(&self, alpha: f64, x: &Buffer<T>, beta: f64, y: &mut Buffer<T>) {
        self.backend.combine(T::from_f64(alpha), x, T::from_f64(beta), y);
    }

    fn scalar(&self, scalars: &Arc<Vec<T>>, index: usize) -> f64 {
        scalars[index].to_f64()
    }

    fn least_squares(&self, b: &Buffer<T>, v: &[&Buffer<T>], c: &[&Buffer<T>], x: &mut Buffer<T>) {
        let v: Vec<&[T]> = v.iter().map(|v| &***v).collect();
        let c: Vec<&[T]> = c.iter().map(|c| &***c).collect();
        least_squares(&self.backend, b, &v, &c, x, self.k);
    }

    fn solve_triangular(&self, a: &Matrix<Arc<Vec<T>>>, part: Triangle, x: &mut Buffer<T>) {
        self.backend.solve_triangular(a.view(), part, false, x, self.k);
    }

    fn sweep_triangular(
        &self,
        a: &Matrix<Arc<Vec<T>>>,
        part: Triangle,
        b: &Buffer<T>,
        x: Option<&Buffer<T>>,
        y: &mut Buffer<T>,
    ) {
        self.backend.sweep_triangular(a.view(), part, false, (b, x.map(|x| &**x)), y, self.k);
    }

    fn gauss_seidel(&self, a: &Matrix<Arc<Vec<T>>>, b: &Buffer<T>, x: &mut Buffer<T>, direction: Direction) {
        self.backend.gauss_seidel(a.view(), b, x, direction, self.k);
    }

    fn ordered_sweep(
        &self,
        a: &Matrix<Arc<Vec<T>>>,
        inverse: &Arc<Vec<T>>,
        sweep: &OrderedSweep,
        b: &Buffer<T>,
        x: &mut Buffer<T>,
        scratch: &mut Buffer<T>,
    ) {
        let sweep = OrderedView { a: a.view(), inverse, sweep };
        self.backend.ordered_sweep(sweep, b, x, scratch, self.k);
    }

    fn subdomain_solves(
        &self,
        a: &Matrix<Arc<Vec<T>>>,
        subdomains: &Subdomains,
        interface: &Arc<Vec<T>>,
        r: &Buffer<T>,
        beta: f64,
        x: &mut Buffer<T>,
    ) {
        let solver = self.factored.get(a, subdomains, interface);
        add_subdomain_solves(solver.as_deref(), r, beta == 0.0, x, self.k);
    }

    fn solve(&self, direct: &Arc<Direct<T>>, b: &Buffer<T>, x: &mut Buffer<T>) {
        direct.solve(b, x, self.k);
    }

    fn clear(&self, x: &mut Buffer<T>) {
        x.fill(T::ZERO);
    }
}

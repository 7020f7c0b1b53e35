//! Engine that computes immediately, with pooled buffers.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::executor::OperationOn;
use super::{Executor, Factored, Host, Matrix, Vector, kernels};
use crate::schwarz::{SubdomainSolver, Subdomains};
use crate::sparse::{Scalar, Storage};

/// Engine that computes every operation at the call.
///
/// All vectors of an engine have the same number of columns `k`. Dropped buffers return to a pool, so that a
/// steady loop does not allocate.
#[derive(Debug, Clone)]
pub struct Eager<T> {
    k: usize,
    pool: Rc<Pool<T>>,
    factored: Rc<Factored<T>>,
}

#[derive(Debug)]
struct Pool<T>(RefCell<HashMap<usize, Vec<Vec<T>>>>);

/// Values of a vector in a buffer from the pool of its engine.
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

impl<T> AsRef<[T]> for Buffer<T> {
    fn as_ref(&self) -> &[T] {
        &self.data
    }
}

impl<T> AsMut<[T]> for Buffer<T> {
    fn as_mut(&mut self) -> &mut [T] {
        &mut self.data
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        self.pool.0.borrow_mut().entry(data.len()).or_default().push(data);
    }
}

impl<T: Scalar> Eager<T> {
    /// An engine for blocks of `k` columns, at least one.
    pub fn new(k: usize) -> Self {
        let k = k.max(1);
        let pool = Rc::new(Pool(RefCell::new(HashMap::new())));
        Self { k, pool, factored: Rc::default() }
    }

    /// The cached Schwarz methods.
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

impl<T: Scalar> Executor for Eager<T> {
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

    fn run(&self, operation: OperationOn<'_, Self>) {
        kernels::run(self.k, operation);
    }

    fn scalar(&self, scalars: &Arc<Storage<T>>, index: usize) -> f64 {
        scalars[index].to_f64()
    }

    fn method(
        &self,
        a: &Matrix<Arc<Storage<T>>>,
        subdomains: &Subdomains,
        interface: &Arc<Storage<T>>,
    ) -> Option<Arc<SubdomainSolver<T>>> {
        self.factored.get(a, subdomains, interface)
    }
}

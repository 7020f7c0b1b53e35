//! Bytes that the kernels of a cycle have to move.

use std::cell::Cell;
use std::marker::PhantomData;

use multigrad::backend::{Direction, OrderedSweep, Triangle};
use multigrad::engine::{Executor, Leaves, Matrix, Vector};
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
        let b = Vector::new(h.rows(), h.rows());
        cycle(&traffic, h, 0, &b, Vector::new(0, 0).zeros_like(&traffic, h.rows()));
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

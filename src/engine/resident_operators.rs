//! Additional operators and products, for programs that call kernels directly.

use std::sync::Arc;

use super::Matrix;
use super::resident::{DeviceBuffer, Resident};
use super::sliced_matrix::SlicedMatrix;
use crate::backend::cuda::{Memory, OnDevice, Reductions};
use crate::error::Result;
use crate::sparse::Csr;

/// Workspace and results of inner products.
#[derive(Debug)]
pub struct Dots {
    room: Reductions,
    out: Memory<f64>,
}

impl<T: OnDevice> Resident<T> {
    /// A leaf with these values.
    pub fn leaf(&self, values: &[T]) -> Arc<Memory<T>> {
        Arc::new(self.cuda.upload(values))
    }

    /// A matrix on the device; its pattern is uploaded on first use.
    pub fn matrix(&self, a: &Csr<T>) -> Matrix<Arc<Memory<T>>> {
        Matrix { pattern: a.pattern().clone(), values: self.leaf(a.values()) }
    }

    /// The matrix in sliced storage.
    pub fn sliced(&self, a: &Matrix<Arc<Memory<T>>>) -> SlicedMatrix<T> {
        let pattern = self.pattern(a);
        let slices = self.cuda.sliced_pattern(&a.pattern, &pattern);
        let mut values = self.cuda.undefined(slices.entries());
        self.cuda.slice_values(&pattern, &slices, &a.values, &mut values);
        SlicedMatrix { pattern, slices, values }
    }

    /// y ← α A x + β y for vectors of one column. With β = 0, y is not read.
    pub fn spmv_sliced(
        &self,
        alpha: f64,
        a: &SlicedMatrix<T>,
        x: &DeviceBuffer<T>,
        beta: f64,
        y: &mut DeviceBuffer<T>,
    ) {
        self.cuda.spmv_sliced(alpha, a.view(), x.memory(), beta, y.memory_mut());
    }

    /// r ← b − A x for vectors of one column.
    pub fn residual_sliced(
        &self,
        a: &SlicedMatrix<T>,
        b: &DeviceBuffer<T>,
        x: &DeviceBuffer<T>,
        r: &mut DeviceBuffer<T>,
    ) {
        self.cuda.residual_sliced(a.view(), b.memory(), x.memory(), r.memory_mut());
    }

    /// x′ ← x + d ⊙ (b − A x) for vectors of one column.
    pub fn jacobi_sliced(
        &self,
        a: &SlicedMatrix<T>,
        d: &Arc<Memory<T>>,
        b: &DeviceBuffer<T>,
        x: &DeviceBuffer<T>,
        next: &mut DeviceBuffer<T>,
    ) {
        self.cuda.jacobi_sliced(a.view(), d, b.memory(), x.memory(), next.memory_mut());
    }

    /// Workspace for inner products of blocks with this number of rows.
    pub fn room_for_dots(&self, rows: usize) -> Dots {
        Dots { room: Reductions::new(&self.cuda, [(rows, self.k)]), out: self.cuda.undefined(self.k) }
    }

    /// Queues Σ_i x(i,c) y(i,c) for every column.
    pub fn dots(&self, x: &DeviceBuffer<T>, y: &DeviceBuffer<T>, dots: &mut Dots) {
        self.cuda.column_dots(&mut dots.room, x.memory(), y.memory(), &mut dots.out);
    }

    /// Queues max_i |x(i,c)| for every column; the result is NaN if an entry is NaN.
    pub fn largest(&self, x: &DeviceBuffer<T>, dots: &mut Dots) {
        self.cuda.column_largest(&mut dots.room, x.memory(), &mut dots.out);
    }

    /// The inner products or largest values that were queued last. Waits for all queued work.
    ///
    /// # Errors
    /// The first failure of the device.
    pub fn read_dots(&self, dots: &Dots) -> Result<Vec<f64>> {
        self.cuda.download(&dots.out)
    }
}

//! Matrices in slices, where products with them are faster on the device that is there.

use std::collections::HashMap;
use std::sync::Arc;

use super::locked::Locked;
use super::resident::{DeviceBuffer, Resident};
use super::resident_operators::SlicedMatrix;
use super::{Executor, Matrix, Operation};
use crate::backend::cuda::{Memory, OnDevice, Plain, SlicedPattern};
use crate::error::Result;

/// Most entries with padding, relative to those without.
const PADDING: f64 = 1.1;
/// Products that are timed.
const TIMED: usize = 5;

/// The matrices of an engine that are kept in slices beside their rows, by their values.
#[derive(Debug)]
pub(super) struct Slices<T: Plain>(Locked<HashMap<usize, Arc<Sliced<T>>>>);

impl<T: Plain> Slices<T> {
    pub fn new() -> Self {
        Self(Locked::new(HashMap::new()))
    }
}

/// A matrix in slices.
#[derive(Debug)]
pub(super) struct Sliced<T: Plain> {
    /// Held, so that no other values come to lie at their address.
    _rows: Arc<Memory<T>>,
    pub matrix: SlicedMatrix<T>,
}

impl<T: OnDevice> Resident<T> {
    /// Keeps a matrix in slices of 32 rows beside its rows, for products with one vector. They have the same bits as
    /// those by rows; memory for the values doubles. Values that change later do so in vain.
    pub fn slice(&self, a: &Matrix<Arc<Memory<T>>>) {
        let sliced = Arc::new(Sliced { _rows: a.values.clone(), matrix: self.sliced(a) });
        self.slices.0.borrow_mut().insert(address(a), sliced);
    }

    /// Keeps a matrix in slices if it has many short rows of much the same length, and if a product is then faster, as
    /// measured here; says whether it is.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn slice_if_faster(&self, a: &Matrix<Arc<Memory<T>>>) -> Result<bool> {
        let (rows, nnz) = (a.pattern.rows(), a.pattern.nnz());
        let padded = || SlicedPattern::entries_of(&a.pattern) as f64;
        // Where several threads share a row, its sum has another order.
        if self.k != 1
            || rows < self.cuda.tuning().sliced_rows
            || !self.cuda.sums_in_order(rows, nnz)
            || padded() > PADDING * nnz as f64
        {
            return Ok(false);
        }
        let (mut x, mut y) = (self.allocate(a.pattern.cols()), self.allocate(rows));
        self.run(Operation::Clear { x: &mut x });
        self.run(Operation::Clear { x: &mut y });
        let product = |y: &mut DeviceBuffer<T>| {
            self.run(Operation::Spmv { alpha: 1.0, a, transposed: false, x: &x, beta: 0.0, y });
        };
        let time = |y: &mut DeviceBuffer<T>| {
            product(y);
            self.cuda.seconds(|| (0..TIMED).for_each(|_| product(y)))
        };
        let by_rows = time(&mut y)?;
        self.slice(a);
        let faster = time(&mut y)? < by_rows;
        if !faster {
            self.slices.0.borrow_mut().remove(&address(a));
        }
        Ok(faster)
    }

    /// Keeps no matrix in slices any more.
    pub fn forget_slices(&self) {
        self.slices.0.borrow_mut().clear();
    }

    /// The matrix in slices, if it is kept so.
    pub(super) fn in_slices(&self, a: &Matrix<Arc<Memory<T>>>) -> Option<Arc<Sliced<T>>> {
        if self.k != 1 {
            return None;
        }
        self.slices.0.borrow_mut().get(&address(a)).cloned()
    }
}

/// The address of the values of a matrix, which [`Sliced`] holds.
fn address<T: Plain>(a: &Matrix<Arc<Memory<T>>>) -> usize {
    Arc::as_ptr(&a.values).addr()
}

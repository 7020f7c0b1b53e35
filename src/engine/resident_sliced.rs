//! Sliced storage of matrices, where it speeds up products on the present device.

use std::sync::Arc;

use super::resident::{DeviceBuffer, Resident};
use super::sliced_matrix::Sliced;
use super::{Executor, Matrix, Operation};
use crate::backend::cuda::{Memory, OnDevice, Plain, SlicedPattern};
use crate::error::Result;

/// Largest ratio of entries with padding to entries without padding, for short rows.
const PADDING: f64 = 1.1;
/// Number of timed products.
const TIMED: usize = 5;

impl<T: OnDevice> Resident<T> {
    /// Stores a second copy of the matrix in slices of 32 rows, for products with one vector. The terms of a row are added
    /// in their order, as in products of short rows; the memory for the values doubles. Later changes of the original
    /// values do not affect the copy.
    pub fn slice(&self, a: &Matrix<Arc<Memory<T>>>) {
        let sliced = Arc::new(Sliced { _rows: a.values.clone(), matrix: self.sliced(a) });
        self.slices.0.borrow_mut().insert(address(a), sliced);
    }

    /// Stores a matrix of many rows of similar length in slices if products are faster. Short rows have the same bits in
    /// both formats, so a timed product decides. Sums of long rows, which several threads share, have another order:
    /// there the padding decides, so that the bits do not depend on the load of the device. Returns whether the matrix
    /// is in slices.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn slice_if_faster(&self, a: &Matrix<Arc<Memory<T>>>) -> Result<bool> {
        let (rows, nnz) = (a.pattern.rows(), a.pattern.nnz());
        let tuning = self.cuda.tuning();
        if self.k != 1 || rows < tuning.sliced_rows {
            return Ok(false);
        }
        let padding = SlicedPattern::entries_of(&a.pattern) as f64 / nnz.max(1) as f64;
        if !self.cuda.sums_in_order(rows, nnz) {
            let fits = padding <= 0.01 * tuning.sliced_padding as f64;
            if fits {
                self.slice(a);
            }
            return Ok(fits);
        }
        if padding > PADDING {
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

    /// Drops all sliced copies.
    pub fn forget_slices(&self) {
        self.slices.0.borrow_mut().clear();
    }

    /// The sliced copy of a matrix, if there is one.
    pub(super) fn in_slices(&self, a: &Matrix<Arc<Memory<T>>>) -> Option<Arc<Sliced<T>>> {
        if self.k != 1 {
            return None;
        }
        self.slices.0.borrow_mut().get(&address(a)).cloned()
    }
}

/// Address of the values of a matrix, kept valid by [`Sliced`].
fn address<T: Plain>(a: &Matrix<Arc<Memory<T>>>) -> usize {
    Arc::as_ptr(&a.values).addr()
}

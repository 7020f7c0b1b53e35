//! Constants and parameters.

use std::sync::Arc;

use super::handle::{Dense, Number, Sparse};
use super::ops::Op;
use super::tape::{Shape, Tape, Value};
use crate::error::Error;
use crate::sparse::{Csr, Pattern, Scalar};

impl<T: Scalar> Tape<T> {
    /// A constant matrix. Its values are shared, not copied.
    pub fn matrix(&self, a: &Csr<T>) -> Sparse<'_, T> {
        Sparse::new(
            self,
            self.leaf(Value::Shared(a.shared_values()), Shape::Sparse(a.pattern().clone()), false),
        )
    }

    /// A matrix as a parameter, with its gradient on its pattern.
    pub fn parameter_matrix(&self, a: &Csr<T>) -> Sparse<'_, T> {
        Sparse::new(
            self,
            self.leaf(Value::Shared(a.shared_values()), Shape::Sparse(a.pattern().clone()), true),
        )
    }

    /// A matrix with these values on a pattern, as a parameter.
    pub fn parameter_on(&self, pattern: &Arc<Pattern>, values: &[T]) -> Sparse<'_, T> {
        if values.len() != pattern.nnz() {
            let text = format!("{} values for a pattern with {} entries", values.len(), pattern.nnz());
            return Sparse::new(self, self.fail(Error::dimension(text)));
        }
        Sparse::new(self, self.leaf(Value::Owned(self.copy(values)), Shape::Sparse(pattern.clone()), true))
    }

    /// A constant vector.
    pub fn vector(&self, values: &[T]) -> Dense<'_, T> {
        self.dense(values, 1, false)
    }

    /// A vector as a parameter.
    pub fn parameter(&self, values: &[T]) -> Dense<'_, T> {
        self.dense(values, 1, true)
    }

    /// A constant block with `columns` columns, row-major.
    pub fn block(&self, values: &[T], columns: usize) -> Dense<'_, T> {
        self.dense(values, columns, false)
    }

    /// A block with `columns` columns, row-major, as a parameter.
    pub fn parameter_block(&self, values: &[T], columns: usize) -> Dense<'_, T> {
        self.dense(values, columns, true)
    }

    /// A constant.
    pub fn number(&self, value: T) -> Number<'_, T> {
        Number::new(self, self.leaf(Value::Owned(self.copy(&[value])), Shape::Dense(1, 1), false))
    }

    /// A number as a parameter.
    pub fn parameter_number(&self, value: T) -> Number<'_, T> {
        Number::new(self, self.leaf(Value::Owned(self.copy(&[value])), Shape::Dense(1, 1), true))
    }

    /// The identity of order `n`, a constant sparse matrix.
    pub fn identity(&self, n: usize) -> Sparse<'_, T> {
        let pattern = self.plans.borrow_mut().identity(n);
        let mut values = self.pool.borrow_mut().take(n);
        values.fill(T::ONE);
        Sparse::new(self, self.leaf(Value::Owned(values), Shape::Sparse(pattern), false))
    }

    fn dense(&self, values: &[T], columns: usize, wanted: bool) -> Dense<'_, T> {
        if columns == 0 || !values.len().is_multiple_of(columns) {
            let text = format!("{} values do not form a block of {columns} columns", values.len());
            return Dense::new(self, self.fail(Error::dimension(text)));
        }
        let shape = Shape::Dense(values.len() / columns, columns);
        Dense::new(self, self.leaf(Value::Owned(self.copy(values)), shape, wanted))
    }

    fn copy(&self, values: &[T]) -> Vec<T> {
        let mut buffer = self.pool.borrow_mut().take(values.len());
        buffer.copy_from_slice(values);
        buffer
    }

    fn leaf(&self, value: Value<T>, shape: Shape, wanted: bool) -> usize {
        self.store(value, shape, wanted.then_some(Op::Parameter))
    }
}

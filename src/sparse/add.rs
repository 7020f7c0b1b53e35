//! Sums of sparse matrices.

use std::sync::Arc;

use super::{Csr, Pattern, Scalar};
use crate::error::{Error, Result};

impl<T: Scalar> Csr<T> {
    /// α A + β B on the union of the two patterns. Cost: one pass over both.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn add(&self, alpha: T, other: &Self, beta: T) -> Result<Self> {
        if self.rows() != other.rows() || self.cols() != other.cols() {
            return Err(Error::dimension(format!(
                "cannot add a {} × {} and a {} × {} matrix",
                self.rows(),
                self.cols(),
                other.rows(),
                other.cols()
            )));
        }
        let mut row_ptr = vec![0u32];
        let mut col_idx = Vec::with_capacity(self.nnz().max(other.nnz()));
        let mut values = Vec::with_capacity(self.nnz().max(other.nnz()));
        for i in 0..self.rows() {
            let (mut left, mut right) = (self.row(i).peekable(), other.row(i).peekable());
            loop {
                let (j, v) = match (left.peek().copied(), right.peek().copied()) {
                    (None, None) => break,
                    (Some((j, v)), r) if r.is_none_or(|(q, _)| j < q) => {
                        left.next();
                        (j, alpha * v)
                    }
                    (l, Some((j, v))) if l.is_none_or(|(q, _)| j < q) => {
                        right.next();
                        (j, beta * v)
                    }
                    (Some((j, v)), Some((_, w))) => {
                        left.next();
                        right.next();
                        (j, alpha * v + beta * w)
                    }
                    _ => break,
                };
                col_idx.push(j as u32);
                values.push(v);
            }
            row_ptr.push(col_idx.len() as u32);
        }
        super::pattern::check_size(self.rows(), self.cols(), col_idx.len())?;
        Ok(Self::from_parts(
            Arc::new(Pattern::from_parts(self.rows(), self.cols(), row_ptr, col_idx)),
            values,
        ))
    }

    /// (A + Aᵀ)/2.
    ///
    /// # Errors
    /// A matrix that is not square.
    pub fn symmetric_part(&self) -> Result<Self> {
        let half = T::from_f64(0.5);
        self.add(half, &self.transpose(), half)
    }
}

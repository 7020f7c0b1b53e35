//! Sums of sparse matrices.

use std::ops::Range;
use std::sync::Arc;

use super::rows::{Lines, build};
use super::{Csr, Pattern, Scalar};
use crate::error::{Error, Result};

impl Pattern {
    /// The pattern of A + Aᵀ of a square pattern; `None` if there are too many entries.
    pub(crate) fn symmetrised(&self) -> Option<Arc<Self>> {
        let own = Csr::from_parts(self.clone().into(), vec![1.0; self.nnz()]);
        let sum = if self.is_symmetric() { own } else { own.add(1.0, &own.transpose(), 1.0).ok()? };
        Some(sum.into_parts().0)
    }
}

impl<T: Scalar> Csr<T> {
    /// α A + β B on the union of the two patterns; on the shared pattern of A if both have the
    /// same. Cost: one pass over both, in parallel.
    ///
    /// # Errors
    /// Shapes that differ, or more entries than 32-bit indices can number.
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
        if Arc::ptr_eq(self.pattern(), other.pattern()) || self.pattern() == other.pattern() {
            let pairs = self.values().iter().zip(other.values());
            let values = pairs.map(|(&v, &w)| alpha * v + beta * w).collect();
            return Ok(Self::from_parts(self.pattern().clone(), values));
        }
        let denser = if self.nnz() < other.nnz() { other } else { self };
        build(self.cols(), denser.pattern().row_ptr(), 1, |range, lines, values| {
            let room = |m: &Self| m.pattern().row_ptr()[range.end] - m.pattern().row_ptr()[range.start];
            let room = (room(self) as usize).max(room(other) as usize);
            lines.columns.reserve(room);
            values.reserve(room);
            merge((self, alpha), (other, beta), range, lines, values);
        })
    }
}

/// Rows of the weighted sum of two matrices.
fn merge<T: Scalar>(
    (a, alpha): (&Csr<T>, T),
    (b, beta): (&Csr<T>, T),
    range: Range<usize>,
    lines: &mut Lines,
    values: &mut Vec<T>,
) {
    for i in range {
        let (p, q) = (a.pattern().row(i), b.pattern().row(i));
        let (mut left, mut right) = (a.pattern().row_cols(i), b.pattern().row_cols(i));
        let (mut v, mut w) = (&a.values()[p], &b.values()[q]);
        while let ([j, j_rest @ ..], [k, k_rest @ ..], [x, x_rest @ ..], [y, y_rest @ ..]) =
            (left, right, v, w)
        {
            lines.columns.push(*j.min(k));
            values.push(match j.cmp(k) {
                std::cmp::Ordering::Less => alpha * *x,
                std::cmp::Ordering::Equal => alpha * *x + beta * *y,
                std::cmp::Ordering::Greater => beta * *y,
            });
            if j <= k {
                (left, v) = (j_rest, x_rest);
            }
            if k <= j {
                (right, w) = (k_rest, y_rest);
            }
        }
        lines.columns.extend_from_slice(left);
        lines.columns.extend_from_slice(right);
        values.extend(v.iter().map(|&x| alpha * x));
        values.extend(w.iter().map(|&y| beta * y));
        if !lines.end_row() {
            break;
        }
    }
}

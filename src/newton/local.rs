//! Local Jacobians: diagonal, banded, sparse or dense.

use faer::Mat;
use faer::prelude::*;

use super::band::Band;
use super::plan::Shape;
use crate::backend::Ordering;
use crate::error::{Error, Result};
use crate::sparse::Csr;

/// The Jacobian of one layer.
#[derive(Debug, Clone)]
pub struct LocalJacobian(Kind);

#[derive(Debug, Clone)]
enum Kind {
    /// Diagonal matrices are bands of width one.
    Band(Band),
    Sparse(Csr<f64>),
    Dense(Mat<f64>),
}

/// Bands wider than this share of the order become sparse matrices.
const WIDE: f64 = 0.5;

impl LocalJacobian {
    /// A diagonal matrix.
    pub fn diagonal(values: &[f64]) -> Self {
        let mut band = Band::zeros(values.len(), 0, 0);
        values.iter().enumerate().for_each(|(i, &v)| band.set(i, i, v));
        Self(Kind::Band(band))
    }

    /// A banded matrix of order n with entries `value(i, j)` for −lower ≤ j − i ≤ upper.
    pub fn banded(n: usize, (lower, upper): (usize, usize), value: impl Fn(usize, usize) -> f64) -> Self {
        let mut band = Band::zeros(n, lower, upper);
        for i in 0..n {
            for j in i.saturating_sub(lower)..=(i + upper).min(n - 1) {
                band.set(i, j, value(i, j));
            }
        }
        Self(Kind::Band(band))
    }

    /// A sparse matrix, stored as a band where that is narrow.
    ///
    /// # Errors
    /// A matrix that is not square, or has no row.
    pub fn sparse(a: Csr<f64>) -> Result<Self> {
        let n = a.rows();
        if n != a.cols() || n == 0 {
            return Err(Error::dimension(format!(
                "a local Jacobian of {n} × {}; it must be square",
                a.cols()
            )));
        }
        let (mut lower, mut upper) = (0, 0);
        for i in 0..n {
            for (j, _) in a.row(i) {
                (lower, upper) = (lower.max(i.saturating_sub(j)), upper.max(j.saturating_sub(i)));
            }
        }
        if (lower + upper) as f64 > WIDE * n as f64 && n > 8 {
            return Ok(Self(Kind::Sparse(a)));
        }
        let mut band = Band::zeros(n, lower, upper);
        (0..n).for_each(|i| a.row(i).for_each(|(j, v)| band.set(i, j, v)));
        Ok(Self(Kind::Band(band)))
    }

    /// A dense matrix by rows.
    ///
    /// # Errors
    /// A number of values that is not n².
    pub fn dense(n: usize, values: &[f64]) -> Result<Self> {
        if values.len() != n * n || n == 0 {
            return Err(Error::dimension(format!("{} values for a dense matrix of order {n}", values.len())));
        }
        Ok(Self(Kind::Dense(Mat::from_fn(n, n, |i, j| values[i * n + j]))))
    }

    /// The order.
    pub fn rows(&self) -> usize {
        self.shape().n
    }

    /// The structure, for the planner.
    pub fn shape(&self) -> Shape {
        match &self.0 {
            Kind::Band(b) => {
                let (lower, upper) = b.widths();
                Shape { n: b.order(), lower, upper }
            }
            Kind::Sparse(a) => Shape::full(a.rows()),
            Kind::Dense(a) => Shape::full(a.nrows()),
        }
    }

    /// Bytes of its values.
    pub fn bytes(&self) -> usize {
        match &self.0 {
            Kind::Band(b) => {
                let (lower, upper) = b.widths();
                8 * b.order() * (lower + upper + 1)
            }
            Kind::Sparse(a) => 12 * a.nnz() + 4 * a.rows(),
            Kind::Dense(a) => 8 * a.nrows() * a.ncols(),
        }
    }

    /// A(i, j).
    pub fn get(&self, i: usize, j: usize) -> f64 {
        match &self.0 {
            Kind::Band(b) => b.get(i, j),
            Kind::Sparse(a) => a.get(i, j),
            Kind::Dense(a) => a[(i, j)],
        }
    }

    fn to_dense(&self) -> Mat<f64> {
        let n = self.rows();
        Mat::from_fn(n, n, |i, j| self.get(i, j))
    }

    /// A B: banded if both are, dense otherwise.
    pub(super) fn times(&self, b: &Self) -> Self {
        match (&self.0, &b.0) {
            (Kind::Band(a), Kind::Band(b)) if a.widths().0 + b.widths().0 + 1 < a.order() => {
                Self(Kind::Band(a.times(b)))
            }
            (Kind::Band(a), _) => {
                // Rows of B, combined; by columns of the result.
                let (n, b) = (a.order(), b.to_dense());
                let mut c = Mat::zeros(n, n);
                for j in 0..n {
                    for i in 0..n {
                        let (first, row) = a.row(i);
                        c[(i, j)] = row.iter().enumerate().map(|(k, a)| a * b[(first + k, j)]).sum();
                    }
                }
                Self(Kind::Dense(c))
            }
            _ => Self(Kind::Dense(self.to_dense() * b.to_dense())),
        }
    }

    /// y ← A⁻¹ y, factored on the way.
    pub(super) fn solve(self, y: &mut [f64]) -> Result<()> {
        match self.0 {
            Kind::Band(band) => band.solve(y),
            Kind::Sparse(a) => {
                let factors = Ordering::new(a.pattern())?.factor(a.pattern(), a.values());
                let singular = || Error::singular("the sparse matrix is singular to working precision");
                factors.ok_or_else(singular)?.solve(y, 1, false);
                Ok(())
            }
            Kind::Dense(a) => {
                let lu = a.partial_piv_lu();
                let smallest = (0..a.nrows()).map(|i| lu.U()[(i, i)].abs()).fold(f64::INFINITY, f64::min);
                if smallest == 0.0 || smallest.is_nan() {
                    return Err(Error::singular("a pivot of the dense matrix is zero"));
                }
                let mut block = Mat::from_fn(y.len(), 1, |i, _| y[i]);
                lu.solve_in_place(&mut block);
                y.iter_mut().enumerate().for_each(|(i, y)| *y = block[(i, 0)]);
                Ok(())
            }
        }
    }
}

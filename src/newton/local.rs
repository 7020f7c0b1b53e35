//! Local Jacobians: diagonal, banded, sparse or dense.

use super::band::{Band, Workspace};
use super::dense::Dense;
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
    Dense(Dense),
}

/// Bands wider than this share of the order become sparse matrices.
const WIDE: f64 = 0.5;

/// Sparse matrices with a larger share of entries become dense.
const FULL: f64 = 0.25;

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
        let (lower, upper) = band.widths();
        for i in 0..n {
            for j in i.saturating_sub(lower)..=(i + upper).min(n - 1) {
                band.set(i, j, value(i, j));
            }
        }
        Self(Kind::Band(band))
    }

    /// A sparse matrix, stored as a band where that is narrow, and as a dense matrix where it has few zeros.
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
            if a.nnz() as f64 <= FULL * (n * n) as f64 {
                return Ok(Self(Kind::Sparse(a)));
            }
            let mut dense = Dense::zeros(n);
            (0..n).for_each(|i| a.row(i).for_each(|(j, v)| dense.row_mut(i)[j] += v));
            return Ok(Self(Kind::Dense(dense)));
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
        if n == 0 || n.checked_mul(n) != Some(values.len()) {
            return Err(Error::dimension(format!("{} values for a dense matrix of order {n}", values.len())));
        }
        Ok(Self(Kind::Dense(Dense { n, values: values.to_vec() })))
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
            Kind::Dense(a) => Shape::full(a.n),
        }
    }

    pub(super) fn is_diagonal(&self) -> bool {
        matches!(&self.0, Kind::Band(band) if band.is_diagonal())
    }

    /// Bytes of its values.
    pub fn bytes(&self) -> usize {
        match &self.0 {
            Kind::Band(b) => {
                let (lower, upper) = b.widths();
                8 * b.order() * (lower + upper + 1)
            }
            Kind::Sparse(a) => 12 * a.nnz() + 4 * a.rows(),
            Kind::Dense(a) => 8 * a.n * a.n,
        }
    }

    /// A(i, j).
    pub fn get(&self, i: usize, j: usize) -> f64 {
        match &self.0 {
            Kind::Band(b) => b.get(i, j),
            Kind::Sparse(a) => a.get(i, j),
            Kind::Dense(a) => a.row(i)[j],
        }
    }

    /// A B. Rows or columns are scaled in place if one is diagonal; the product is banded if both are and its band
    /// does not fill the matrix, and dense otherwise.
    pub(super) fn times(self, b: Self) -> Self {
        match (self.0, b.0) {
            (Kind::Band(a), b) if a.is_diagonal() => Self(b.scaled(a.values(), true)),
            (a, Kind::Band(b)) if b.is_diagonal() => Self(a.scaled(b.values(), false)),
            (Kind::Band(a), Kind::Band(b)) if a.product_is_narrow(&b) => Self(Kind::Band(a.times(&b))),
            (Kind::Dense(a), Kind::Dense(b)) => Self(Kind::Dense(a.times(&b))),
            (a, b) => Self(Kind::Dense(a.times_by_rows(&b))),
        }
    }

    /// y ← A⁻¹ y, factored on the way.
    ///
    /// # Errors
    /// A matrix that is singular to working precision.
    pub(super) fn solve(&self, y: &mut [f64], work: &mut Workspace) -> Result<()> {
        match &self.0 {
            Kind::Band(band) if self.shape().is_full() => {
                let mut dense = Dense::zeros(band.order());
                for i in 0..dense.n {
                    let (first, row) = band.row(i);
                    dense.row_mut(i)[first..first + row.len()].copy_from_slice(row);
                }
                dense.solve(y)
            }
            Kind::Band(band) => band.solve(y, work),
            Kind::Sparse(a) => {
                let factors = Ordering::new(a.pattern())?.regular(a.pattern(), a.values())?;
                let singular = || Error::singular("the sparse matrix is singular to working precision");
                factors.ok_or_else(singular)?.solve(y, 1, false);
                Ok(())
            }
            Kind::Dense(a) => a.solve(y),
        }
    }
}

impl Kind {
    /// diag(d) A, or A diag(d).
    fn scaled(mut self, d: &[f64], rows: bool) -> Self {
        match &mut self {
            Self::Band(a) if rows => a.scale_rows(d),
            Self::Band(a) => a.scale_columns(d),
            Self::Sparse(a) => *a = a.map(|i, j, v| v * d[if rows { i } else { j }]),
            Self::Dense(a) => {
                for i in 0..a.n {
                    let row = a.row_mut(i).iter_mut().enumerate();
                    row.for_each(|(j, v)| *v *= d[if rows { i } else { j }]);
                }
            }
        }
        self
    }

    fn order(&self) -> usize {
        match self {
            Self::Band(a) => a.order(),
            Self::Sparse(a) => a.rows(),
            Self::Dense(a) => a.n,
        }
    }

    /// The entries of row i, those that are zero for their place left out if A is banded or sparse.
    fn entries(&self, i: usize, out: &mut Vec<(usize, f64)>) {
        out.clear();
        match self {
            Self::Band(a) => {
                let (first, row) = a.row(i);
                out.extend((first..).zip(row.iter().copied()));
            }
            Self::Sparse(a) => out.extend(a.row(i)),
            Self::Dense(a) => out.extend(a.row(i).iter().copied().enumerate()),
        }
    }

    /// A B as a dense matrix, row by row: row i of the product is the sum over k of A(i, k) times row k of B.
    fn times_by_rows(&self, b: &Self) -> Dense {
        let mut c = Dense::zeros(self.order());
        let mut terms = Vec::new();
        for i in 0..c.n {
            self.entries(i, &mut terms);
            match b {
                Self::Dense(b) => c.add_rows(i, &terms, b),
                Self::Band(b) => {
                    for &(k, a) in &terms {
                        let (first, row) = b.row(k);
                        c.row_mut(i)[first..].iter_mut().zip(row).for_each(|(s, b)| *s += a * b);
                    }
                }
                Self::Sparse(b) => {
                    let sum = c.row_mut(i);
                    terms.iter().for_each(|&(k, a)| b.row(k).for_each(|(j, b)| sum[j] += a * b));
                }
            }
        }
        c
    }
}

//! Compressed sparse rows: a pattern and its values.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;

use super::finite::{first_not_finite, not_finite};
use super::pattern::{Pattern, check_size};
use super::rows::in_parallel;
use super::scalar::Scalar;
use super::storage::Storage;
use crate::error::{Error, Result};
use crate::parallel;

/// A sparse matrix: a shared [`Pattern`] and one value per stored entry, also shared, so that a clone costs
/// nothing.
///
/// ```
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (1, 1, 3.0), (0, 1, -1.0)])?;
/// let mut y = vec![0.0; 2];
/// a.spmv(&[1.0, 1.0], &mut y)?;
/// assert_eq!(y, [1.0, 3.0]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(bound = "T: Scalar", try_from = "Raw<T>")]
pub struct Csr<T = f64> {
    pattern: Arc<Pattern>,
    values: Arc<Storage<T>>,
}

#[derive(serde::Deserialize)]
#[serde(bound = "T: Scalar")]
struct Raw<T> {
    pattern: Arc<Pattern>,
    values: Vec<T>,
}

impl<T: Scalar> TryFrom<Raw<T>> for Csr<T> {
    type Error = Error;

    fn try_from(raw: Raw<T>) -> Result<Self> {
        Self::new(raw.pattern, raw.values)
    }
}

/// Indices of any integer type as those of this crate.
fn indices<I: Copy + Display + TryInto<u32>>(what: &str, list: &[I]) -> Result<Vec<u32>> {
    let convert = |(q, &index): (usize, &I)| {
        index.try_into().map_err(|_| {
            Error::invalid_input(format!(
                "{what} {index} at position {q} is negative or does not fit into 32 bits"
            ))
        })
    };
    list.iter().enumerate().map(convert).collect()
}

impl<T: Scalar> Csr<T> {
    /// A pattern with its values.
    ///
    /// # Errors
    /// A wrong number of values; a value that is not finite (named by row and column).
    pub fn new(pattern: Arc<Pattern>, values: Vec<T>) -> Result<Self> {
        Self::checked(pattern, values.into())
    }

    /// As [`new`](Self::new), for values that may be lent.
    pub(super) fn checked(pattern: Arc<Pattern>, values: Storage<T>) -> Result<Self> {
        if values.len() != pattern.nnz() {
            return Err(Error::dimension(format!(
                "{} values for a pattern with {} entries",
                values.len(),
                pattern.nnz()
            )));
        }
        if let Some(p) = first_not_finite(&values) {
            let (i, j) = pattern.place(p);
            return Err(not_finite(i, j, values[p]));
        }
        Ok(Self { pattern, values: Arc::new(values) })
    }

    /// A rows × cols matrix from its CSR arrays: row pointers, column indices and values, owned or borrowed, with indices
    /// of any integer type. Columns ascend in every row. Cost: a copy of the indices, and of borrowed values.
    ///
    /// # Errors
    /// An index that is negative or beyond 32 bits; otherwise the row and column (counted from 1) that are out of
    /// bounds, out of order, stored twice, or not finite.
    ///
    /// ```
    /// use multigrad::Csr;
    /// let a: Csr = Csr::from_csr(2, 2, [0, 2, 3], &[0i64, 1, 1], vec![2.0, -1.0, 3.0])?;
    /// assert_eq!(a.diagonal(), [2.0, 3.0]);
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn from_csr<'v, P, I>(
        rows: usize,
        cols: usize,
        row_ptr: impl AsRef<[P]>,
        col_idx: impl AsRef<[I]>,
        values: impl Into<Cow<'v, [T]>>,
    ) -> Result<Self>
    where
        P: Copy + Display + TryInto<u32>,
        I: Copy + Display + TryInto<u32>,
    {
        let row_ptr = indices("row pointer", row_ptr.as_ref())?;
        let col_idx = indices("column index", col_idx.as_ref())?;
        Self::new(Arc::new(Pattern::new(rows, cols, row_ptr, col_idx)?), values.into().into_owned())
    }

    /// The same pattern with other values, one for each stored entry by rows, owned or borrowed.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_values<'v>(&self, values: impl Into<Cow<'v, [T]>>) -> Result<Self> {
        Self::new(self.pattern.clone(), values.into().into_owned())
    }

    /// From values that are valid by construction.
    pub(crate) fn from_parts(pattern: Arc<Pattern>, values: Vec<T>) -> Self {
        Self::from_shared(pattern, Storage::shared(values))
    }

    /// As [`from_parts`](Self::from_parts), for values that are shared with others.
    pub(crate) fn from_shared(pattern: Arc<Pattern>, values: Arc<Storage<T>>) -> Self {
        debug_assert_eq!(pattern.nnz(), values.len());
        Self { pattern, values }
    }

    /// Searches for runs of equal rows, which products then use. Cost: at most one pass, the first time.
    pub(crate) fn find_runs(&self) {
        self.values.find_runs(&self.pattern);
    }

    /// The values, and what is known of them.
    pub(crate) fn storage(&self) -> &Storage<T> {
        &self.values
    }

    /// The values, shared.
    pub(crate) fn shared_values(&self) -> Arc<Storage<T>> {
        self.values.clone()
    }

    /// The parts, shared.
    pub(crate) fn into_shared(self) -> (Arc<Pattern>, Arc<Storage<T>>) {
        (self.pattern, self.values)
    }

    /// Triplets (row, column, value) counted from 0, in any order; duplicates are added.
    ///
    /// # Errors
    /// An index out of bounds or a value that is not finite. Cost: O(nnz log nnz).
    pub fn from_triplets(rows: usize, cols: usize, triplets: &[(usize, usize, T)]) -> Result<Self> {
        check_size(rows, cols, triplets.len())?;
        for &(i, j, v) in triplets {
            if i >= rows || j >= cols {
                return Err(Error::invalid_input(format!(
                    "entry in row {}, column {} lies outside the {rows} × {cols} matrix",
                    i + 1,
                    j + 1
                )));
            }
            if !v.finite() {
                return Err(not_finite(i, j, v));
            }
        }
        let mut row_ptr = vec![0u32; rows + 1];
        for &(i, _, _) in triplets {
            row_ptr[i + 1] += 1;
        }
        for i in 0..rows {
            row_ptr[i + 1] += row_ptr[i];
        }
        let mut next = row_ptr.clone();
        let mut entries = vec![(0u32, T::ZERO); triplets.len()];
        for &(i, j, v) in triplets {
            entries[next[i] as usize] = (j as u32, v);
            next[i] += 1;
        }
        let mut col_idx = Vec::with_capacity(triplets.len());
        let mut values: Vec<T> = Vec::with_capacity(triplets.len());
        let mut compact = vec![0u32; rows + 1];
        for i in 0..rows {
            let row = &mut entries[row_ptr[i] as usize..row_ptr[i + 1] as usize];
            row.sort_by_key(|&(j, _)| j);
            let start = col_idx.len();
            for &(j, v) in row.iter() {
                if col_idx.len() > start && col_idx.last() == Some(&j) {
                    let last = values.len() - 1;
                    values[last] += v;
                } else {
                    col_idx.push(j);
                    values.push(v);
                }
            }
            compact[i + 1] = col_idx.len() as u32;
        }
        Self::new(Arc::new(Pattern::from_parts(rows, cols, compact, col_idx)), values)
    }

    /// The n × n identity.
    pub fn identity(n: usize) -> Self {
        Self::diagonal_matrix(&vec![T::ONE; n])
    }

    /// A square matrix with the given diagonal.
    pub fn diagonal_matrix(diagonal: &[T]) -> Self {
        let n = diagonal.len() as u32;
        let pattern = Pattern::from_parts(n as usize, n as usize, (0..=n).collect(), (0..n).collect());
        Self::from_parts(Arc::new(pattern), diagonal.to_vec())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.pattern.rows()
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.pattern.cols()
    }

    /// Numbers of rows and entries that a product with one vector reads: all of them, or fewer where rows repeat along grid
    /// lines and a solver has been built for this matrix.
    pub fn read_by_product(&self) -> (usize, usize) {
        let repeated = self.values.runs(&self.pattern).map_or((0, 0), |runs| runs.repeated(&self.pattern));
        (self.rows() - repeated.0, self.nnz() - repeated.1)
    }

    /// Number of stored entries.
    pub fn nnz(&self) -> usize {
        self.pattern.nnz()
    }

    /// The shared structure.
    pub fn pattern(&self) -> &Arc<Pattern> {
        &self.pattern
    }

    /// One value per stored entry, by rows.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The parts; values are copied only if another matrix shares them.
    pub fn into_parts(self) -> (Arc<Pattern>, Vec<T>) {
        (self.pattern, Arc::unwrap_or_clone(self.values).into_vec())
    }

    /// The value at (i, j), zero where nothing is stored.
    pub fn get(&self, i: usize, j: usize) -> T {
        self.pattern.find(i, j).map_or(T::ZERO, |p| self.values[p])
    }

    /// Columns and values of row `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> impl ExactSizeIterator<Item = (usize, T)> + Clone + '_ {
        let range = self.pattern.row(i);
        self.pattern.col_idx()[range.clone()]
            .iter()
            .map(|&j| j as usize)
            .zip(self.values[range].iter().copied())
    }

    /// The diagonal, zero where nothing is stored.
    pub fn diagonal(&self) -> Vec<T> {
        let n = self.rows().min(self.cols());
        if in_parallel(n / 4) {
            parallel::collect(n, 8192, |i| self.get(i, i))
        } else {
            (0..n).map(|i| self.get(i, i)).collect()
        }
    }

    /// y = A x. Cost: one pass over the matrix, sequential; solvers use the
    /// [`backend`](crate::backend) kernels.
    ///
    /// # Errors
    /// Lengths that do not fit.
    pub fn spmv(&self, x: &[T], y: &mut [T]) -> Result<()> {
        self.spmm(1, x, y)
    }

    /// Y = A X for row-major blocks, X of cols × k, Y of rows × k.
    ///
    /// # Errors
    /// Lengths that do not fit.
    pub fn spmm(&self, k: usize, x: &[T], y: &mut [T]) -> Result<()> {
        if x.len() != self.cols() * k || y.len() != self.rows() * k {
            return Err(Error::dimension(format!(
                "a {} × {} matrix times a block of {k} columns takes {} values and gives {}, got {} and {}",
                self.rows(),
                self.cols(),
                self.cols() * k,
                self.rows() * k,
                x.len(),
                y.len()
            )));
        }
        if k == 0 {
            return Ok(());
        }
        for (i, out) in y.chunks_exact_mut(k).enumerate() {
            out.fill(T::ZERO);
            for (j, v) in self.row(i) {
                for (o, &xj) in out.iter_mut().zip(&x[j * k..]) {
                    *o += v * xj;
                }
            }
        }
        Ok(())
    }

    /// The same matrix in another precision.
    pub fn cast<U: Scalar>(&self) -> Csr<U> {
        let values = self.values.iter().map(|v| U::from_f64(v.to_f64())).collect();
        Csr::from_parts(self.pattern.clone(), values)
    }

    /// The same pattern with `f(row, column, value)` as values.
    #[must_use]
    pub fn map(&self, mut f: impl FnMut(usize, usize, T) -> T) -> Self {
        let mut values = Vec::with_capacity(self.nnz());
        for i in 0..self.rows() {
            values.extend(self.row(i).map(|(j, v)| f(i, j, v)));
        }
        Self::from_parts(self.pattern.clone(), values)
    }

    /// The entries for which `keep(row, column, value)` holds; if it holds for all, the result has the same
    /// shared pattern. Cost: one pass, sequential.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(usize, usize, T) -> bool) -> Self {
        let mut row_ptr = Vec::with_capacity(self.rows() + 1);
        row_ptr.push(0u32);
        let (mut col_idx, mut values) = (vec![0; self.nnz()], vec![T::ZERO; self.nnz()]);
        let mut kept = 0;
        for i in 0..self.rows() {
            for (j, v) in self.row(i) {
                // Written unconditionally, to avoid a branch that cannot be predicted.
                col_idx[kept] = j as u32;
                values[kept] = v;
                kept += usize::from(keep(i, j, v));
            }
            row_ptr.push(kept as u32);
        }
        if kept == self.nnz() {
            return Self::from_parts(self.pattern.clone(), values);
        }
        col_idx.truncate(kept);
        values.truncate(kept);
        col_idx.shrink_to_fit();
        values.shrink_to_fit();
        Self::from_parts(Arc::new(Pattern::from_parts(self.rows(), self.cols(), row_ptr, col_idx)), values)
    }
}

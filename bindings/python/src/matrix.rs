//! Matrices from the arrays of SciPy.

use std::sync::Arc;

use multigrad::Csr;
use multigrad::sparse::Pattern;
use pyo3::prelude::*;

use crate::arrays::{Floats, Integers, OnIntegers, array, integers};
use crate::errors::Error;
use crate::lent::Lent;
use crate::worker::brief;

/// A matrix of the library.
#[pyclass(frozen, module = "multigrad._multigrad")]
pub struct Matrix {
    csr: Csr<f64>,
    /// The arrays that the matrix reads in place.
    lent: Option<Lent>,
}

impl Matrix {
    /// A matrix with memory of its own.
    pub fn of(csr: Csr<f64>) -> Self {
        Self { csr, lent: None }
    }

    /// A matrix that may read arrays in place.
    pub fn with(csr: Csr<f64>, lent: Option<Lent>) -> Self {
        Self { csr, lent }
    }

    /// The matrix, and its arrays if it reads them in place and nobody has changed them.
    pub fn shared(&self, py: Python<'_>) -> PyResult<(Csr<f64>, Option<Lent>)> {
        self.check(py)?;
        Ok((self.csr.clone(), self.lent.clone()))
    }

    fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.lent.as_ref().map_or(Ok(()), |lent| lent.check(py, true))
    }

    /// A matrix with memory of its own, for work between the calls of the package. Cost: a copy of arrays in place.
    pub fn owned(&self, py: Python<'_>) -> PyResult<Csr<f64>> {
        self.check(py)?;
        if self.lent.is_none() {
            return Ok(self.csr.clone());
        }
        brief(py, || {
            let pattern = self.csr.pattern();
            let lists = (pattern.row_ptr().to_vec(), pattern.col_idx().to_vec());
            let pattern = Pattern::new(pattern.rows(), pattern.cols(), lists.0, lists.1)?;
            Csr::new(Arc::new(pattern), self.csr.values().to_vec())
        })
    }
}

/// Largest number of rows, columns or entries.
const LIMIT: i64 = u32::MAX as i64;

/// Indices as those of the library: one pass, one allocation of the exact size.
struct Convert(&'static str);

impl OnIntegers for Convert {
    type Output = multigrad::Result<Vec<u32>>;

    fn on<I: Copy + Into<i64> + Sync>(self, integers: &[I]) -> Self::Output {
        let mut valid = true;
        let convert = |&index: &I| {
            let index: i64 = index.into();
            valid &= (0..LIMIT).contains(&index);
            index as u32
        };
        let converted = integers.iter().map(convert).collect();
        if valid {
            return Ok(converted);
        }
        let place = integers.iter().position(|&i| !(0..LIMIT).contains(&i.into())).unwrap_or(0);
        Err(multigrad::Error::invalid_input(format!(
            "{} {} at position {place} is negative or does not fit into 32 bits",
            self.0,
            integers[place].into()
        )))
    }
}

#[pymethods]
impl Matrix {
    /// Reads the arrays of a canonical CSR matrix in place where their indices have 32 bits. Otherwise copies them: 8 bytes
    /// for a value and 4 for an index.
    #[new]
    fn new(
        py: Python<'_>,
        shape: (usize, usize),
        row_ptr: &Bound<'_, PyAny>,
        columns: &Bound<'_, PyAny>,
        values: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let (rows, cols) = shape;
        let (row_ptr, columns) = (Integers::of(row_ptr)?, Integers::of(columns)?);
        let values = Floats::of(values)?;
        let (row_ptr, columns, values) = match Lent::new(py, shape, (row_ptr, columns, values))? {
            Ok((csr, lent)) => return Ok(Self { csr, lent: Some(lent) }),
            Err(arrays) => arrays,
        };
        let csr = brief(py, || {
            let row_ptr = row_ptr.read(Convert("row pointer"))?;
            let columns = columns.read(Convert("column index"))?;
            Csr::new(Arc::new(Pattern::new(rows, cols, row_ptr, columns)?), values.values().to_vec())
        })?;
        Ok(Self::of(csr))
    }

    #[getter]
    fn shape(&self) -> (usize, usize) {
        (self.csr.rows(), self.csr.cols())
    }

    #[getter]
    fn nnz(&self) -> usize {
        self.csr.nnz()
    }

    /// Values, column indices and row pointers as new arrays.
    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<[Bound<'py, PyAny>; 3]> {
        self.check(py)?;
        let wide = self.csr.nnz() > i32::MAX as usize || self.csr.cols() > i32::MAX as usize;
        let pattern = self.csr.pattern();
        let (columns, starts) = (pattern.col_idx(), pattern.row_ptr());
        Ok([array(py, self.csr.values())?, integers(py, columns, wide)?, integers(py, starts, wide)?])
    }
}

/// Whether the indices of every row ascend; an error if they do not fit a compressed matrix of this shape.
struct Ascend<'a> {
    columns: &'a Integers,
    outer: usize,
    inner: i64,
}

/// The inner part of [`Ascend`], for known starts of rows.
struct Rows<'a, P> {
    starts: &'a [P],
    inner: i64,
}

impl OnIntegers for Ascend<'_> {
    type Output = Result<bool, String>;

    fn on<P: Copy + Into<i64> + Sync>(self, starts: &[P]) -> Self::Output {
        if starts.len() != self.outer + 1 {
            return Err(format!("indptr has {} entries, {} are needed", starts.len(), self.outer + 1));
        }
        if starts[0].into() != 0 {
            return Err(format!("indptr starts with {}, not with 0", starts[0].into()));
        }
        if let Some(i) = starts.windows(2).position(|w| w[0].into() > w[1].into()) {
            return Err(format!("indptr decreases after entry {}", i + 1));
        }
        self.columns.read(Rows { starts, inner: self.inner })
    }
}

impl<P: Copy + Into<i64> + Sync> OnIntegers for Rows<'_, P> {
    type Output = Result<bool, String>;

    fn on<I: Copy + Into<i64> + Sync>(self, columns: &[I]) -> Self::Output {
        let nnz: i64 = self.starts[self.starts.len() - 1].into();
        if nnz as usize > columns.len() {
            return Err(format!("indptr ends with {nnz}, and there are {} indices", columns.len()));
        }
        let mut ascend = true;
        for (i, w) in self.starts.windows(2).enumerate() {
            let row = &columns[w[0].into() as usize..w[1].into() as usize];
            let inside = row.iter().fold(true, |ok, &j| ok & (0..self.inner).contains(&j.into()));
            if !inside {
                let bad =
                    row.iter().find(|&&j| !(0..self.inner).contains(&j.into())).map_or(0, |&j| j.into());
                return Err(format!("index {bad} in row or column {} is not below {}", i + 1, self.inner));
            }
            ascend &= row.windows(2).fold(true, |ok, w| ok & (w[0].into() < w[1].into()));
        }
        Ok(ascend)
    }
}

/// Whether a compressed matrix with `outer` rows (or columns) has ascending indices without duplicates. An error if
/// its arrays do not fit together. Cost: one pass, without a copy.
#[pyfunction]
pub fn is_canonical(
    py: Python<'_>,
    outer: usize,
    inner: usize,
    starts: &Bound<'_, PyAny>,
    columns: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    let (starts, columns) = (Integers::of(starts)?, Integers::of(columns)?);
    let inner = i64::try_from(inner).unwrap_or(i64::MAX);
    let found = py.detach(|| starts.read(Ascend { columns: &columns, outer, inner }));
    found.map_err(|text| Error::new_err(format!("the sparse matrix is inconsistent: {text}")))
}

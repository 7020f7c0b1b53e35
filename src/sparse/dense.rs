//! Small dense matrices: coordinates and near-nullspace candidates.

use std::ops::{Index, IndexMut};

use crate::error::{Error, Result};

/// A dense matrix in row-major order: coordinates of unknowns (n × d), near-nullspace candidates (n × k).
///
/// With the feature `ndarray` it converts from and to `ndarray::Array2<f64>`.
///
/// ```
/// use multigrad::sparse::DenseMatrix;
/// let mut b = DenseMatrix::from([[1.0, 0.0], [1.0, 0.5], [1.0, 1.0]]);
/// b[[0, 1]] = -0.5;
/// assert_eq!((b.rows(), b.cols(), b.row(0)), (3, 2, &[1.0, -0.5][..]));
/// assert!(b.column(1).eq([-0.5, 0.5, 1.0]));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DenseMatrix {
    rows: usize,
    cols: usize,
    values: Vec<f64>,
}

impl DenseMatrix {
    /// A matrix of the given values, row by row.
    ///
    /// # Errors
    /// A number of values other than `rows` · `cols`.
    pub fn new(rows: usize, cols: usize, values: Vec<f64>) -> Result<Self> {
        if rows.checked_mul(cols) == Some(values.len()) {
            return Ok(Self { rows, cols, values });
        }
        Err(Error::dimension(format!("{} values do not fill a {rows} × {cols} matrix", values.len())))
    }

    /// A matrix of equal entries.
    pub fn filled(rows: usize, cols: usize, value: f64) -> Self {
        Self { rows, cols, values: vec![value; rows * cols] }
    }

    /// A matrix of zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self::filled(rows, cols, 0.0)
    }

    /// A matrix of ones: with one column, the constant vector.
    pub fn ones(rows: usize, cols: usize) -> Self {
        Self::filled(rows, cols, 1.0)
    }

    /// The matrix with the entries `entry(i, j)`, computed row by row.
    pub fn from_fn(rows: usize, cols: usize, mut entry: impl FnMut(usize, usize) -> f64) -> Self {
        let mut values = Vec::with_capacity(rows * cols);
        for i in 0..rows {
            values.extend((0..cols).map(|j| entry(i, j)));
        }
        Self { rows, cols, values }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Numbers of rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }

    /// All entries, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All entries, row by row, to change.
    pub fn values_mut(&mut self) -> &mut [f64] {
        &mut self.values
    }

    /// All entries, row by row, without a copy.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// Row `i`.
    #[inline]
    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.cols..(i + 1) * self.cols]
    }

    /// Row `i`, to change.
    #[inline]
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.values[i * self.cols..(i + 1) * self.cols]
    }

    /// All rows, in order.
    pub fn row_iter(&self) -> impl ExactSizeIterator<Item = &[f64]> + Clone {
        (0..self.rows).map(|i| self.row(i))
    }

    /// Column `j`, from the first row down.
    pub fn column(&self, j: usize) -> impl ExactSizeIterator<Item = f64> + Clone + '_ {
        (0..self.rows).map(move |i| self[[i, j]])
    }

    /// The given rows, in the given order.
    #[must_use]
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let values = rows.iter().flat_map(|&i| self.row(i)).copied().collect();
        Self { rows: rows.len(), cols: self.cols, values }
    }
}

impl Index<[usize; 2]> for DenseMatrix {
    type Output = f64;

    #[inline]
    fn index(&self, [i, j]: [usize; 2]) -> &f64 {
        &self.row(i)[j]
    }
}

impl IndexMut<[usize; 2]> for DenseMatrix {
    #[inline]
    fn index_mut(&mut self, [i, j]: [usize; 2]) -> &mut f64 {
        &mut self.row_mut(i)[j]
    }
}

impl<const M: usize, const N: usize> From<[[f64; N]; M]> for DenseMatrix {
    fn from(rows: [[f64; N]; M]) -> Self {
        Self { rows: M, cols: N, values: rows.concat() }
    }
}

#[cfg(feature = "ndarray")]
mod conversions {
    use ndarray::{Array2, ArrayView2};

    use super::DenseMatrix;

    impl From<ArrayView2<'_, f64>> for DenseMatrix {
        fn from(a: ArrayView2<f64>) -> Self {
            Self { rows: a.nrows(), cols: a.ncols(), values: a.iter().copied().collect() }
        }
    }

    impl From<&Array2<f64>> for DenseMatrix {
        fn from(a: &Array2<f64>) -> Self {
            a.view().into()
        }
    }

    impl From<Array2<f64>> for DenseMatrix {
        fn from(a: Array2<f64>) -> Self {
            a.view().into()
        }
    }

    impl From<DenseMatrix> for Array2<f64> {
        fn from(a: DenseMatrix) -> Self {
            let mut values = a.values.into_iter();
            // The closure is called in row-major order.
            Array2::from_shape_simple_fn((a.rows, a.cols), || values.next().unwrap_or_default())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn arrays_of_any_layout_convert() {
            let a = ndarray::array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
            let dense = DenseMatrix::from([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]);
            assert_eq!(DenseMatrix::from(a.t()), dense);
            assert_eq!(Array2::from(dense), a.t());
            assert_eq!(Array2::from(DenseMatrix::from(a.clone())), a);
            let empty = DenseMatrix::zeros(3, 0);
            assert_eq!(DenseMatrix::from(Array2::from(empty.clone())), empty);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_row_by_row() {
        let a = DenseMatrix::from_fn(3, 2, |i, j| (10 * i + j) as f64);
        assert_eq!(a.values(), [0.0, 1.0, 10.0, 11.0, 20.0, 21.0]);
        assert_eq!(a.select_rows(&[2, 0]), DenseMatrix::from([[20.0, 21.0], [0.0, 1.0]]));
        assert_eq!(a.row_iter().map(|r| r[1]).sum::<f64>(), 33.0);
        assert_eq!(DenseMatrix::zeros(4, 0).row_iter().count(), 4);
        assert!(DenseMatrix::new(2, 2, vec![0.0; 3]).unwrap_err().is_dimension());
    }
}

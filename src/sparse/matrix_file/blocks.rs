//! Dense blocks and vectors from files of every format.

use std::path::Path;

use super::{MatrixFile, mat, npz, petsc};
use crate::error::Result;
use crate::sparse::DenseMatrix;
use crate::sparse::expansion;
use crate::sparse::matrix_market::{self, assemble::check_plausible, scanner::Scanner};

impl MatrixFile {
    /// Reads a dense block, r × c, such as coordinates or near-nullspace candidates, from a file of any format of
    /// [`read`](Self::read) or a `.npy` file of NumPy. A sparse matrix is filled up with zeros. Of a `.mat` file it is
    /// the only dense array of several values.
    ///
    /// # Errors
    /// As for [`read`](Self::read); a sparse matrix with far more cells than entries.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("xy.mtx");
    /// use multigrad::sparse::{DenseMatrix, MatrixFile, matrix_market};
    /// let points = DenseMatrix::from([[0.0, 0.0], [1.0, 0.5]]);
    /// matrix_market::write_dense(&path, &points)?;
    /// assert_eq!(MatrixFile::read_dense(&path)?, points);
    /// # Ok::<(), multigrad::error::Error>(())
    /// ```
    pub fn read_dense(path: impl AsRef<Path>) -> Result<DenseMatrix> {
        let path = path.as_ref();
        let (bytes, left) = expansion::content(path, None)?;
        parse_dense(&bytes, &path.display().to_string(), left)
    }

    /// Reads a vector of r values from a file of any format of [`read`](Self::read) or a `.npy` file: a matrix of one
    /// column or one row, or else the right-hand side that the file of another matrix holds. Of a `.mat` file it is
    /// the variable `b`, or the only array.
    ///
    /// # Errors
    /// As for [`read_dense`](Self::read_dense); a matrix with several columns and rows and without a right-hand side.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("b.npy");
    /// # let mut bytes = b"\x93NUMPY\x01\x00\x3c\x00".to_vec();
    /// # bytes.extend(format!("{:<60}", "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n").bytes());
    /// # bytes.extend([1.0f64, -0.5].map(f64::to_le_bytes).concat());
    /// # std::fs::write(&path, bytes).unwrap();
    /// use multigrad::sparse::MatrixFile;
    /// assert_eq!(MatrixFile::read_vector(&path)?, [1.0, -0.5]); // numpy.save("b.npy", [1.0, -0.5])
    /// # Ok::<(), multigrad::error::Error>(())
    /// ```
    pub fn read_vector(path: impl AsRef<Path>) -> Result<Vec<f64>> {
        let path = path.as_ref();
        let (bytes, left) = expansion::content(path, None)?;
        parse_vector(&bytes, &path.display().to_string(), left)
    }
}

/// Whether the content is that of a Matrix Market file.
fn is_market(bytes: &[u8], name: &str) -> bool {
    let mut scanner = Scanner::new(bytes, name);
    scanner.skip_blank_lines();
    scanner.starts_with_banner()
}

pub(super) fn parse_dense(bytes: &[u8], name: &str, limit: usize) -> Result<DenseMatrix> {
    if is_market(bytes, name) {
        return matrix_market::parse_dense(bytes, name);
    }
    if bytes.starts_with(npz::ARRAY) {
        return npz::parse_array(bytes, name);
    }
    if mat::is_one(bytes)
        && let Some(block) = mat::parse_dense(bytes, name, limit)
    {
        return block;
    }
    filled(&MatrixFile::parse_limited(bytes, name, limit)?, name)
}

pub(super) fn parse_vector(bytes: &[u8], name: &str, limit: usize) -> Result<Vec<f64>> {
    if is_market(bytes, name) {
        // Behind a matrix there may be a right-hand side.
        return matrix_market::parse_vector(bytes, name).or_else(|error| {
            let rhs = MatrixFile::parse_limited(bytes, name, limit).ok().and_then(|file| file.rhs);
            rhs.ok_or(error)
        });
    }
    if bytes.starts_with(npz::ARRAY) {
        return matrix_market::vector(npz::parse_array(bytes, name)?, name);
    }
    if mat::is_one(bytes)
        && let Some(vector) = mat::parse_vector(bytes, name, limit)
    {
        return vector;
    }
    if let Some(vector) = petsc::parse_vector(bytes, name) {
        return vector;
    }
    let file = MatrixFile::parse_limited(bytes, name, limit)?;
    let (rows, cols) = (file.matrix.rows(), file.matrix.cols());
    match file.rhs {
        Some(rhs) if rows != 1 && cols != 1 => Ok(rhs),
        _ if rows != 1 && cols != 1 => Err(matrix_market::not_a_vector(rows, cols, name)),
        _ => matrix_market::vector(filled(&file, name)?, name),
    }
}

/// The matrix as a dense block.
fn filled(file: &MatrixFile, name: &str) -> Result<DenseMatrix> {
    let matrix = &file.matrix;
    let cells = matrix.rows() as u64 * matrix.cols() as u64;
    check_plausible("cells of a dense block", cells, matrix.nnz()).map_err(|e| e.at(name))?;
    let mut block = DenseMatrix::zeros(matrix.rows(), matrix.cols());
    for i in 0..matrix.rows() {
        matrix.row(i).for_each(|(j, v)| block[[i, j]] = v);
    }
    Ok(block)
}

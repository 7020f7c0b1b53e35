//! Matrix Market files (Boisvert, Pozo & Remington, NISTIR 5935, 1996): reading and writing.
//!
//! | header | read as |
//! |---|---|
//! | `coordinate` `real`, `integer` | the entries as they stand, explicit zeros included |
//! | `coordinate` `pattern` | the value 1 for every entry |
//! | `array` `real`, `integer` | a dense block by columns; a sparse matrix leaves out its zeros |
//! | `general`, `symmetric`, `skew-symmetric` | the full matrix; such files hold the lower triangle only |
//!
//! Accepted: files compressed by gzip, blank lines, comments (`%`) anywhere, CRLF, upper or lower case, Fortran exponents (`1.5D-3`),
//! the field name `double`, a byte order mark. Refused, with the line of the error: complex fields, wrong
//! counts, indices out of bounds, values that are not finite, and duplicate entries (the format does not say
//! whether such entries add up or replace each other; [`Csr::from_triplets`] adds).
//!
//! Nothing is allocated because of a header alone: memory follows the bytes that were read, and a matrix
//! beyond 2²⁴ rows or columns needs at least one entry for 64 of them.
//!
//! ```
//! use multigrad::sparse::matrix_market;
//! let text = b"%%MatrixMarket matrix coordinate real symmetric\n2 2 2\n1 1 2.0\n2 1 -1.0\n";
//! let a = matrix_market::parse_matrix(text, "example")?;
//! assert_eq!(a.get(0, 1), -1.0);
//!
//! let error = matrix_market::parse_matrix(&text[..62], "example").unwrap_err();
//! assert_eq!(error.to_string(), "example, line 4: the file declares 2 entries but ends after 1; \
//!     it is truncated, fetch or write it again");
//! # Ok::<(), multigrad::error::Error>(())
//! ```

mod array;
mod assemble;
mod coordinate;
mod header;
mod scanner;
mod write;

pub use write::{write_dense, write_matrix, write_vector};

use std::io::Read;
use std::path::Path;

use super::Csr;
use crate::error::{Error, Result};
use crate::sparse::DenseMatrix;
use header::{Format, Header};
use scanner::Scanner;

/// Reads a sparse matrix, r × c. An array file gives its nonzero entries.
///
/// Cost: one pass over the bytes (the file is held in memory) and a counting sort by rows.
///
/// # Errors
/// The file cannot be read; its content breaks a rule of the [format](self), with the line.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.mtx");
/// use multigrad::sparse::{Csr, matrix_market};
/// let a = Csr::from_triplets(2, 3, &[(0, 2, 0.1), (1, 0, -3e-20)])?;
/// matrix_market::write_matrix(&path, &a)?;
/// assert_eq!(matrix_market::read_matrix(&path)?, a);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn read_matrix(path: impl AsRef<Path>) -> Result<Csr<f64>> {
    read(path.as_ref(), parse_matrix)
}

/// Reads a dense block, r × c in row-major order: coordinates of points, near-nullspace
/// candidates. A coordinate file is filled up with zeros.
///
/// # Errors
/// As for [`read_matrix`].
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("b.mtx");
/// use multigrad::sparse::{DenseMatrix, matrix_market};
/// let b = DenseMatrix::from([[1.0, 0.0], [1.0, 0.5], [1.0, 1.0]]);
/// matrix_market::write_dense(&path, &b)?;
/// assert_eq!(matrix_market::read_dense(&path)?, b);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn read_dense(path: impl AsRef<Path>) -> Result<DenseMatrix> {
    read(path.as_ref(), parse_dense)
}

/// Reads a vector: an array or coordinate file with one column, or one row.
///
/// # Errors
/// As for [`read_matrix`]; more than one column and row.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("x.mtx");
/// use multigrad::sparse::matrix_market;
/// matrix_market::write_vector(&path, &[1.0, -0.1])?;
/// assert_eq!(matrix_market::read_vector(&path)?, [1.0, -0.1]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn read_vector(path: impl AsRef<Path>) -> Result<Vec<f64>> {
    read(path.as_ref(), parse_vector)
}

/// [`read_matrix`] on bytes in memory; `name` stands for the path in errors.
///
/// # Errors
/// The content breaks a rule of the [format](self), with the line.
///
/// ```
/// let text = b"%%MatrixMarket matrix array integer general\n2 2\n1\n0\n3\n4\n";
/// let a = multigrad::sparse::matrix_market::parse_matrix(text, "small")?;
/// assert_eq!((a.nnz(), a.get(0, 1)), (3, 3.0));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn parse_matrix(bytes: &[u8], name: &str) -> Result<Csr<f64>> {
    let mut scanner = Scanner::new(bytes, name);
    let header = Header::read(&mut scanner)?;
    match header.format {
        Format::Coordinate => coordinate::read(scanner, &header),
        Format::Array => array::read_sparse(scanner, &header),
    }
}

/// [`read_dense`] on bytes in memory; `name` stands for the path in errors.
///
/// # Errors
/// The content breaks a rule of the [format](self), with the line.
///
/// ```
/// use multigrad::sparse::DenseMatrix;
/// let text = b"%%MatrixMarket matrix array real general\n2 2\n1\n2\n3\n4\n";
/// let b = multigrad::sparse::matrix_market::parse_dense(text, "small")?;
/// assert_eq!(b, DenseMatrix::from([[1.0, 3.0], [2.0, 4.0]]));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn parse_dense(bytes: &[u8], name: &str) -> Result<DenseMatrix> {
    let mut scanner = Scanner::new(bytes, name);
    let header = Header::read(&mut scanner)?;
    match header.format {
        Format::Array => array::read_dense(scanner, &header),
        Format::Coordinate => {
            let matrix = coordinate::read(scanner, &header)?;
            let cells = matrix.rows() as u64 * matrix.cols() as u64;
            assemble::check_plausible("cells of a dense block", cells, matrix.nnz())
                .map_err(|e| e.at(name))?;
            let mut block = DenseMatrix::zeros(matrix.rows(), matrix.cols());
            for i in 0..matrix.rows() {
                for (j, value) in matrix.row(i) {
                    block[[i, j]] = value;
                }
            }
            Ok(block)
        }
    }
}

/// [`read_vector`] on bytes in memory; `name` stands for the path in errors.
///
/// # Errors
/// The content breaks a rule of the [format](self), with the line; more than one column
/// and row.
///
/// ```
/// let text = b"%%MatrixMarket matrix coordinate real general\n3 1 1\n2 1 5e-1\n";
/// let x = multigrad::sparse::matrix_market::parse_vector(text, "small")?;
/// assert_eq!(x, [0.0, 0.5, 0.0]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn parse_vector(bytes: &[u8], name: &str) -> Result<Vec<f64>> {
    let block = parse_dense(bytes, name)?;
    if block.rows() != 1 && block.cols() != 1 {
        return Err(Error::dimension(format!(
            "{name}: the file holds a {} × {} matrix; a vector has one column or one row",
            block.rows(),
            block.cols()
        )));
    }
    Ok(block.into_values())
}

/// The first bytes of a file that gzip has compressed.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The content of a compressed file, at most about a thousand times as long.
fn unpacked(bytes: &[u8], path: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut content).map_err(|e| {
        Error::format(format!("{}: the compressed file is damaged or truncated ({e})", path.display()))
    })?;
    Ok(content)
}

fn read<T>(path: &Path, parse: impl Fn(&[u8], &str) -> Result<T>) -> Result<T> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let bytes = if bytes.starts_with(&GZIP) { unpacked(&bytes, path)? } else { bytes };
    parse(&bytes, &path.display().to_string())
}

#[cfg(test)]
mod tests;

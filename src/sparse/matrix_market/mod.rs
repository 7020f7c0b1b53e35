//! Matrix Market files (Boisvert, Pozo & Remington, NISTIR 5935, 1996): reading and writing.
//!
//! | header | read as |
//! |---|---|
//! | `coordinate` `real`, `integer` | the entries as they stand, explicit zeros included |
//! | `coordinate` `pattern` | the value 1 for every entry |
//! | `array` `real`, `integer` | a dense block by columns; a sparse matrix leaves out its zeros |
//! | `general`, `symmetric`, `skew-symmetric` | the full matrix; such files hold the lower triangle only |
//!
//! Accepted: files compressed by gzip (feature `files`), blank lines, comments (`%`) anywhere, CRLF, upper or lower case, Fortran
//! exponents (`1.5D-3`), the field name `double`, a byte order mark. Coordinates at the same place are added, as
//! [`Csr::from_triplets`] does. In a symmetric file an entry above the diagonal stands for the one below; a pair that
//! is listed in both triangles counts once and must agree. [`MatrixFile`](super::MatrixFile) reports both, and reads a
//! right-hand side that follows the matrix. Refused, with the line of the error: complex fields, wrong counts, indices
//! out of bounds, values that are not finite, and integers above 2⁵³, which a 64-bit real rounds.
//!
//! A compressed file may expand to 256 MiB, or to a hundred times its size if that is more, and to an eighth of the
//! available memory; [`MatrixFile::read_within`](super::MatrixFile::read_within) takes another limit.
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
pub(super) mod assemble;
mod coordinate;
mod header;
pub(super) mod scanner;
mod write;

pub use write::{write_dense, write_matrix, write_vector};

use std::path::Path;

use super::Csr;
#[cfg(feature = "files")]
use super::expansion;
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
    Ok(parse_file(bytes, name, &mut Vec::new())?.0)
}

/// The matrix and a right-hand side that follows it. `notices` gets sentences about what was added, mirrored or left
/// aside.
pub(super) fn parse_file(
    bytes: &[u8],
    name: &str,
    notices: &mut Vec<String>,
) -> Result<(Csr<f64>, Option<Vec<f64>>)> {
    let mut rhs = None;
    let scanner = &mut Scanner::new(bytes, name);
    let header = Header::read(scanner)?;
    let matrix = match header.format {
        Format::Coordinate => coordinate::read(scanner, &header, notices)?,
        Format::Array => array::read_sparse(scanner, &header)?,
    };
    if header.vectors[0] {
        rhs = Some(coordinate::read_vector(scanner, "right-hand side", header.rows)?);
    }
    if header.vectors[1] {
        coordinate::read_vector(scanner, "solution", header.rows)?;
        notices.push("the solution behind the matrix is left aside".to_string());
    }
    if rhs.is_none() && scanner.next_header() {
        let line = scanner.line();
        let header = Header::read(scanner)?;
        let block = dense(scanner, &header)?;
        rhs = Some(
            right_hand_side(&block, matrix.rows(), notices)
                .map_err(|e| e.at(format_args!("{name}, line {line}")))?,
        );
    }
    if scanner.next_header() {
        notices.push(format!("what follows from line {} on is left aside", scanner.line()));
    } else if scanner.next_data_line() {
        return Err(header.too_many(scanner));
    }
    Ok((matrix, rhs))
}

/// The right-hand side in a block that belongs to a matrix of `rows` rows: its first column, or its only row.
fn right_hand_side(block: &DenseMatrix, rows: usize, notices: &mut Vec<String>) -> Result<Vec<f64>> {
    let (height, width) = (block.rows(), block.cols());
    if height == 1 && width == rows {
        return Ok(block.values().to_vec());
    }
    if height != rows || width == 0 {
        return Err(Error::dimension(format!(
            "a {height} × {width} right-hand side follows a matrix of {rows} rows; remove it or correct its sizes"
        )));
    }
    if width > 1 {
        notices.push(format!("the file holds {width} right-hand sides; the first is read"));
    }
    Ok((0..rows).map(|i| block[[i, 0]]).collect())
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
    let scanner = &mut Scanner::new(bytes, name);
    let header = Header::read(scanner)?;
    let block = dense(scanner, &header)?;
    if scanner.next_header() || scanner.next_data_line() {
        return Err(header.too_many(scanner));
    }
    Ok(block)
}

/// The dense block behind a header.
fn dense(scanner: &mut Scanner, header: &Header) -> Result<DenseMatrix> {
    if header.format == Format::Array {
        return array::read_dense(scanner, header);
    }
    let mut notices = Vec::new();
    let matrix = coordinate::read(scanner, header, &mut notices)?;
    if let Some(notice) = notices.first() {
        return Err(Error::format(format!("{}: {notice}; list each place of a block once", scanner.name())));
    }
    let cells = matrix.rows() as u64 * matrix.cols() as u64;
    assemble::check_plausible("cells of a dense block", cells, matrix.nnz())
        .map_err(|e| e.at(scanner.name()))?;
    let mut block = DenseMatrix::zeros(matrix.rows(), matrix.cols());
    for i in 0..matrix.rows() {
        for (j, value) in matrix.row(i) {
            block[[i, j]] = value;
        }
    }
    Ok(block)
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
    vector(parse_dense(bytes, name)?, name)
}

/// The values of a block with one column or one row.
pub(super) fn vector(block: DenseMatrix, name: &str) -> Result<Vec<f64>> {
    if block.rows() != 1 && block.cols() != 1 {
        return Err(not_a_vector(block.rows(), block.cols(), name));
    }
    Ok(block.into_values())
}

/// The error for a matrix in place of a vector.
pub(super) fn not_a_vector(rows: usize, cols: usize, name: &str) -> Error {
    Error::dimension(format!(
        "{name}: the file holds a {rows} × {cols} matrix; a vector has one column or one row"
    ))
}

fn read<T>(path: &Path, parse: impl Fn(&[u8], &str) -> Result<T>) -> Result<T> {
    #[cfg(feature = "files")]
    let bytes = expansion::content(path, None)?.0;
    #[cfg(not(feature = "files"))]
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    parse(&bytes, &path.display().to_string())
}

#[cfg(test)]
mod tests;

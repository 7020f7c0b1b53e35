//! Writing of Matrix Market files, with the shortest decimals that give the same bits when read.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::sparse::{Csr, DenseMatrix, write_atomic};

/// Writes a sparse matrix as `coordinate real`: `symmetric`, the lower triangle only, if
/// pattern and values are exactly symmetric, else `general`. Explicit zeros stay.
///
/// Every value reads back as the same bits. The file appears whole or not at all.
/// Cost: two passes over the entries.
///
/// # Errors
/// A value that is not finite; the file cannot be written.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("a.mtx");
/// use multigrad::sparse::{Csr, matrix_market};
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, -0.1), (1, 0, -0.1)])?;
/// matrix_market::write_matrix(&path, &a)?;
/// let text = std::fs::read_to_string(&path).unwrap();
/// assert_eq!(text, "%%MatrixMarket matrix coordinate real symmetric\n2 2 2\n1 1 2\n2 1 -0.1\n");
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn write_matrix(path: impl AsRef<Path>, matrix: &Csr<f64>) -> Result<()> {
    let path = path.as_ref();
    let entries = || (0..matrix.rows()).flat_map(|i| matrix.row(i).map(move |(j, v)| (i, j, v)));
    check_finite(path, entries())?;
    let symmetric = is_exactly_symmetric(matrix);
    let count = if symmetric { entries().filter(|&(i, j, _)| j <= i).count() } else { matrix.nnz() };
    write_atomic(path, |out| {
        // Not through `out` entry by entry: a virtual call costs as much as formatting a number.
        let mut out = Chunks { out, text: Vec::with_capacity(2 * CHUNK) };
        let kind = if symmetric { "symmetric" } else { "general" };
        writeln!(out.text, "%%MatrixMarket matrix coordinate real {kind}")?;
        writeln!(out.text, "{} {} {count}", matrix.rows(), matrix.cols())?;
        for (i, j, v) in entries().filter(|&(i, j, _)| !symmetric || j <= i) {
            writeln!(out.text, "{} {} {}", i + 1, j + 1, Shortest(v))?;
            out.flush_above(CHUNK)?;
        }
        out.flush_above(0)
    })
}

/// Writes a dense block as `array real general`, by columns as the format asks.
///
/// Every value reads back as the same bits. The file appears whole or not at all.
///
/// # Errors
/// A value that is not finite; the file cannot be written.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("b.mtx");
/// use multigrad::sparse::{DenseMatrix, matrix_market};
/// matrix_market::write_dense(&path, &DenseMatrix::from([[1.0, 1e-9], [2.0, 0.5]]))?;
/// let text = std::fs::read_to_string(&path).unwrap();
/// assert_eq!(text, "%%MatrixMarket matrix array real general\n2 2\n1\n2\n1e-9\n0.5\n");
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn write_dense(path: impl AsRef<Path>, block: &DenseMatrix) -> Result<()> {
    write_columns(path.as_ref(), block.rows(), block.cols(), block.values())
}

/// Writes row-major values by columns.
fn write_columns(path: &Path, rows: usize, cols: usize, values: &[f64]) -> Result<()> {
    check_finite(path, values.iter().enumerate().map(|(p, &v)| (p / cols, p % cols, v)))?;
    write_atomic(path, |out| {
        let mut out = Chunks { out, text: Vec::with_capacity(2 * CHUNK) };
        writeln!(out.text, "%%MatrixMarket matrix array real general")?;
        writeln!(out.text, "{} {}", rows, cols)?;
        for p in 0..values.len() {
            writeln!(out.text, "{}", Shortest(values[p % rows * cols + p / rows]))?;
            out.flush_above(CHUNK)?;
        }
        out.flush_above(0)
    })
}

/// Writes a vector of n values as an `array real general` file of one column.
///
/// # Errors
/// As for [`write_dense`].
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("x.mtx");
/// multigrad::sparse::matrix_market::write_vector(&path, &[1.0, 2.0])?;
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn write_vector(path: impl AsRef<Path>, vector: &[f64]) -> Result<()> {
    write_columns(path.as_ref(), vector.len(), 1, vector)
}

/// The size of the buffer in bytes.
const CHUNK: usize = 1 << 16;

struct Chunks<'a> {
    out: &'a mut dyn Write,
    text: Vec<u8>,
}

impl Chunks<'_> {
    #[inline]
    fn flush_above(&mut self, size: usize) -> io::Result<()> {
        if self.text.len() > size {
            self.out.write_all(&self.text)?;
            self.text.clear();
        }
        Ok(())
    }
}

/// The shortest decimal that reads back as the same bits, with an exponent if the plain form would be long.
struct Shortest(f64);

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size == 0.0 || (1e-4..1e16).contains(&size) {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:e}", self.0)
        }
    }
}

fn check_finite(path: &Path, mut entries: impl Iterator<Item = (usize, usize, f64)>) -> Result<()> {
    match entries.find(|(_, _, v)| !v.is_finite()) {
        None => Ok(()),
        Some((i, j, v)) => Err(Error::invalid_input(format!(
            "cannot write {}: the value in row {}, column {} is {v}, and the format holds finite values only",
            path.display(),
            i + 1,
            j + 1
        ))),
    }
}

/// Whether A = Aᵀ bit for bit, pattern included. One pass with one cursor per row: when row i reads its
/// mirror images, earlier rows have read theirs in ascending order.
fn is_exactly_symmetric(matrix: &Csr<f64>) -> bool {
    if matrix.rows() != matrix.cols() {
        return false;
    }
    let (pattern, values) = (matrix.pattern(), matrix.values());
    let mut cursor = Vec::with_capacity(matrix.rows());
    for i in 0..matrix.rows() {
        let range = pattern.row(i);
        let start = range.start;
        let lower = pattern.row_cols(i).partition_point(|&j| (j as usize) < i);
        for p in range.start..start + lower {
            let j = pattern.col_idx()[p] as usize;
            let mirror: usize = cursor[j];
            let found = mirror < pattern.row(j).end && pattern.col_idx()[mirror] as usize == i;
            if !found || values[mirror].to_bits() != values[p].to_bits() {
                return false;
            }
            cursor[j] += 1;
        }
        let diagonal = usize::from(pattern.row_cols(i).get(lower) == Some(&(i as u32)));
        cursor.push(start + lower + diagonal);
    }
    cursor.iter().enumerate().all(|(i, &p)| p == pattern.row(i).end)
}

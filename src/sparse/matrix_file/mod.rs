//! One entry point for the formats in which people keep sparse matrices.

mod blocks;
mod fortran;
mod harwell_boeing;
mod mat;
mod npz;
mod numbers;
mod petsc;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::matrix_market::{self, scanner::Scanner};
use super::{Csr, expansion};
use crate::error::{Error, Result};

/// A matrix from a file of any format that is known, with what else the file holds.
///
/// | format | recognised by | read |
/// |---|---|---|
/// | Matrix Market | `%%MatrixMarket` | see [`matrix_market`](super::matrix_market); a right-hand side behind the matrix, with a header of its own or as Lis writes it |
/// | Harwell–Boeing, Rutherford–Boeing | the type, such as `RUA`, in line 3 | real, integer, pattern; unsymmetric, rectangular, symmetric, skew-symmetric; full right-hand sides |
/// | PETSc's binary format | the first four bytes, or eight with 64-bit indices | matrices (`MATAIJ`) of real numbers; a vector behind the matrix as right-hand side |
/// | SciPy's `.npz` | the first bytes of a ZIP archive | `csr`, `csc`, `coo` of real numbers or integers |
/// | MATLAB's `.mat` of level 5 (`save`, `scipy.io.savemat`) | the version in a header of 128 bytes | the only square sparse matrix, else the field `A` of a struct, such as `Problem` of the SuiteSparse Matrix Collection, else the only array; real numbers, integers, logical values; the variable or field `b` as right-hand side |
///
/// Each may be compressed by gzip. Entries at the same place are added, and an entry above the diagonal of a
/// symmetric matrix stands for the one below; `notices` says so. Refused with a sentence: complex and unassembled
/// matrices, values that are not finite, integers above 2⁵³, `.mat` files of levels 4 and 7.3 or with several square
/// sparse matrices, compressed content that expands beyond a limit ([`read_within`](Self::read_within)). Memory
/// follows the bytes that were read, not the sizes that a header declares.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MatrixFile {
    /// The matrix, r × c.
    pub matrix: Csr<f64>,
    /// A right-hand side of r values, if the file holds one; the first if it holds several.
    pub rhs: Option<Vec<f64>>,
    /// Sentences about entries that were added or mirrored, and about what was left aside.
    pub notices: Vec<String>,
}

impl MatrixFile {
    /// Reads a file. Its content determines the format.
    ///
    /// # Errors
    /// The file cannot be read; its format is not known; its content breaks a rule of the format, with the line of
    /// a text file, the array of an archive or the variable of a `.mat` file.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.mtx");
    /// # std::fs::write(&path, "%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 2\n").unwrap();
    /// use multigrad::sparse::MatrixFile;
    /// let file = MatrixFile::read(&path)?;
    /// assert_eq!((file.matrix.rows(), file.rhs, file.notices.len()), (1, None, 0));
    /// # Ok::<(), multigrad::error::Error>(())
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::read_limited(path.as_ref(), None)
    }

    /// [`read`](Self::read) with another limit for compressed files: the number of bytes to which the content may expand,
    /// by gzip and in an archive together. By default that is 256 MiB, or a hundred times the size of the file if that
    /// is more, and at most an eighth of the available memory where that is known.
    ///
    /// # Errors
    /// As for [`read`](Self::read); content that expands beyond the limit, before it is in memory.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("a.mtx");
    /// # std::fs::write(&path, "%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 2\n").unwrap();
    /// use multigrad::sparse::MatrixFile;
    /// let file = MatrixFile::read_within(&path, 4 << 30)?; // 4 GiB
    /// assert_eq!(file.matrix.nnz(), 1);
    /// # Ok::<(), multigrad::error::Error>(())
    /// ```
    pub fn read_within(path: impl AsRef<Path>, limit: usize) -> Result<Self> {
        Self::read_limited(path.as_ref(), Some(limit))
    }

    fn read_limited(path: &Path, limit: Option<usize>) -> Result<Self> {
        let (bytes, left) = expansion::content(path, limit)?;
        Self::parse_limited(&bytes, &path.display().to_string(), left)
    }

    /// [`read`](Self::read) on uncompressed bytes in memory; `name` stands for the path in errors.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    ///
    /// ```
    /// use multigrad::sparse::MatrixFile;
    /// let text = b"%%MatrixMarket matrix coordinate real general\n2 2 3\n1 1 4\n2 2 4\n1 1 1\n\
    ///     %%MatrixMarket matrix array real general\n2 1\n10\n8\n";
    /// let file = MatrixFile::parse(text, "assembled.mtx")?;
    /// assert_eq!(file.matrix.get(0, 0), 5.0);
    /// assert_eq!(file.rhs, Some(vec![10.0, 8.0]));
    /// assert!(file.notices[0].contains("added, first in row 1, column 1"));
    /// # Ok::<(), multigrad::error::Error>(())
    /// ```
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self> {
        Self::parse_limited(bytes, name, expansion::default_limit(bytes.len()))
    }

    /// As [`parse`](Self::parse), with the bytes to which an archive may expand.
    pub(super) fn parse_limited(bytes: &[u8], name: &str, limit: usize) -> Result<Self> {
        let mut scanner = Scanner::new(bytes, name);
        scanner.skip_blank_lines();
        let mut notices = Vec::new();
        let (matrix, rhs) = if scanner.starts_with_banner() {
            matrix_market::parse_file(bytes, name, &mut notices)?
        } else if bytes.starts_with(npz::ARCHIVE) {
            (npz::parse(bytes, name, limit, &mut notices)?, None)
        } else if mat::is_one(bytes) {
            mat::parse(bytes, name, limit, &mut notices)?
        } else if petsc::is_one(bytes) {
            petsc::parse(bytes, name, &mut notices)?
        } else if harwell_boeing::is_one(bytes) {
            harwell_boeing::parse(bytes, name, &mut notices)?
        } else {
            return Err(unknown(bytes, name));
        };
        Ok(Self { matrix, rhs, notices })
    }
}

/// The error for a file of another format.
fn unknown(bytes: &[u8], name: &str) -> Error {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let message = if bytes.trim_ascii().is_empty() {
        "the file is empty".to_string()
    } else if mat::is_of_level_4(bytes) {
        mat::level_4()
    } else if starts(b"\x89HDF") {
        mat::level_7_3()
    } else if name.to_ascii_lowercase().ends_with(".mat") {
        "the content is not that of a .mat file of MATLAB; write the file again".to_string()
    } else if starts(npz::ARRAY) {
        "a .npy file holds a dense array; save the sparse matrix by scipy.sparse.save_npz or scipy.io.mmwrite"
            .to_string()
    } else {
        "the format is not known; a matrix is a Matrix Market file, whose first line is like '%%MatrixMarket matrix \
         coordinate real general', a Harwell-Boeing or Rutherford-Boeing file, a binary file of PETSc, a .npz file of \
         scipy.sparse, or a .mat file of MATLAB"
            .to_string()
    };
    Error::format(message).at(name)
}

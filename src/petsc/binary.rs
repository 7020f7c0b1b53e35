//! The binary format of PETSc: big-endian objects one after the other, each behind the number of its class.

use std::io::{Result, Write};
use std::path::Path;

use crate::error::{self, Error};
use crate::sparse::{Csr, write_atomic};

const MATRIX: usize = 1_211_216;
const VECTOR: usize = 1_211_214;
const INDICES: usize = 1_211_218;

/// Width of the integers of a PETSc, fixed when it is built (`--with-64-bit-indices`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndexWidth {
    /// 32 bits, the default of PETSc and of its packages.
    #[default]
    Bits32,
    /// 64 bits.
    Bits64,
}

/// Writes objects.
pub(super) struct Objects<'w> {
    pub out: &'w mut dyn Write,
    pub width: IndexWidth,
}

impl Objects<'_> {
    fn integers(&mut self, values: impl IntoIterator<Item = i64>) -> Result<()> {
        for v in values {
            match self.width {
                IndexWidth::Bits64 => self.out.write_all(&v.to_be_bytes())?,
                IndexWidth::Bits32 => {
                    let narrow = i32::try_from(v).map_err(|_| {
                        std::io::Error::other(format!("{v} needs indices of 64 bits (wide indices)"))
                    })?;
                    self.out.write_all(&narrow.to_be_bytes())?;
                }
            }
        }
        Ok(())
    }

    fn reals(&mut self, values: &[f64]) -> Result<()> {
        values.iter().try_for_each(|v| self.out.write_all(&v.to_be_bytes()))
    }

    /// A list of integers (`IS`).
    pub fn indices(&mut self, values: &[i64]) -> Result<()> {
        self.integers([INDICES as i64, values.len() as i64])?;
        self.integers(values.iter().copied())
    }

    /// A vector (`Vec`).
    pub fn vector(&mut self, values: &[f64]) -> Result<()> {
        self.integers([VECTOR as i64, values.len() as i64])?;
        self.reals(values)
    }

    /// A matrix (`MATAIJ`).
    pub fn matrix(&mut self, a: &Csr<f64>) -> Result<()> {
        self.integers([MATRIX, a.rows(), a.cols(), a.nnz()].map(|v| v as i64))?;
        self.integers(a.pattern().row_ptr().windows(2).map(|w| i64::from(w[1]) - i64::from(w[0])))?;
        self.integers(a.pattern().col_idx().iter().map(|&j| i64::from(j)))?;
        self.reals(a.values())
    }
}

/// Writes a matrix, and a right-hand side behind it, as a binary file of PETSc for `MatLoad` and `VecLoad`.
///
/// [`MatrixFile`](crate::sparse::MatrixFile) reads such files. Cost: 4 to 16 bytes per entry.
///
/// # Errors
/// A right-hand side of another length than the matrix has rows; the file cannot be written.
///
/// ```
/// use multigrad::{gallery, petsc, sparse::MatrixFile};
/// let problem = gallery::poisson_2d(8, 8)?;
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("poisson.petsc");
/// petsc::write_system(&path, &problem.matrix, Some(&problem.rhs), petsc::IndexWidth::Bits32)?;
/// let file = MatrixFile::read(&path)?;
/// assert_eq!((file.matrix, file.rhs), (problem.matrix, Some(problem.rhs)));
/// # Ok::<(), multigrad::Error>(())
/// ```
pub fn write_system(
    path: impl AsRef<Path>,
    a: &Csr<f64>,
    rhs: Option<&[f64]>,
    width: IndexWidth,
) -> error::Result<()> {
    if let Some(b) = rhs
        && b.len() != a.rows()
    {
        return Err(Error::dimension(format!(
            "a right-hand side of {} values for a matrix of {} rows",
            b.len(),
            a.rows()
        )));
    }
    write_atomic(path.as_ref(), |out| {
        let mut objects = Objects { out, width };
        objects.matrix(a)?;
        rhs.map_or(Ok(()), |b| objects.vector(b))
    })
}

//! Export of matrices for other programs.

use std::io::Write;
use std::path::Path;

use multigrad::error::{Error, Result};
use multigrad::sparse::Csr;

/// Writes a matrix in a binary format: rows and nonzeros as two 64-bit integers, then row pointers and column
/// indices as 32-bit integers and values as 64-bit floats, all in the byte order of the machine.
///
/// # Errors
/// A file that cannot be written.
pub fn write(a: &Csr<f64>, path: &Path) -> Result<()> {
    let at = |e: std::io::Error| Error::invalid_input(format!("{}: {e}", path.display()));
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(at)?);
    let mut put = |bytes: &[u8]| file.write_all(bytes).map_err(at);
    put(&(a.rows() as u64).to_ne_bytes())?;
    put(&(a.nnz() as u64).to_ne_bytes())?;
    let pattern = a.pattern();
    pattern.row_ptr().iter().chain(pattern.col_idx()).try_for_each(|i| put(&i.to_ne_bytes()))?;
    a.values().iter().try_for_each(|v| put(&v.to_ne_bytes()))?;
    file.flush().map_err(at)
}

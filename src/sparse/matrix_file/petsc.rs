//! Binary files of PETSc: big-endian objects one after the other, each behind the number of its class.

use crate::error::{Error, Result};
use crate::sparse::Csr;

/// Class of a matrix. A dense one has −1 in place of its number of entries.
const MATRIX: i64 = 1_211_216;
/// Class of a vector.
const VECTOR: i64 = 1_211_214;
/// Class of a list of indices.
const INDICES: i64 = 1_211_218;

/// Whether the file begins with an object of PETSc, with indices of four or eight bytes.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    width(bytes).is_some()
}

/// Bytes of an index.
fn width(bytes: &[u8]) -> Option<usize> {
    let class = |v: i64| matches!(v, MATRIX | VECTOR | INDICES);
    let narrow = i64::from(i32::from_be_bytes(bytes.get(..4)?.try_into().ok()?));
    if class(narrow) {
        return Some(4);
    }
    class(i64::from_be_bytes(bytes.get(..8)?.try_into().ok()?)).then_some(8)
}

/// The first matrix, and the vector behind it as right-hand side.
pub(super) fn parse(
    bytes: &[u8],
    name: &str,
    notices: &mut Vec<String>,
) -> Result<(Csr<f64>, Option<Vec<f64>>)> {
    read(bytes, notices).map_err(|e| e.at(name))
}

/// The vector that the file begins with; `None` for another object or format.
pub(super) fn parse_vector(bytes: &[u8], name: &str) -> Option<Result<Vec<f64>>> {
    let mut objects = Objects { bytes, at: 0, width: width(bytes)? };
    (objects.index().ok()? == VECTOR).then(|| objects.vector().map_err(|e| e.at(name)))
}

fn read(bytes: &[u8], notices: &mut Vec<String>) -> Result<(Csr<f64>, Option<Vec<f64>>)> {
    let mut objects = Objects { bytes, at: 0, width: width(bytes).unwrap_or(4) };
    let a = match objects.index()? {
        MATRIX => objects.matrix()?,
        INDICES => {
            return Err(damaged(
                "the file begins with a list of indices, as exported solvers do; a matrix is expected first",
            ));
        }
        _ => return Err(damaged("the file begins with a vector; the matrix must come first")),
    };
    let rhs = if objects.at == bytes.len() {
        None
    } else {
        match objects.index() {
            Ok(VECTOR) => Some(objects.vector()?),
            Ok(_) => None,
            Err(e) => return Err(e),
        }
    };
    if objects.at < bytes.len() {
        notices.push("objects behind the matrix were left aside".into());
    }
    if let Some(b) = &rhs
        && b.len() != a.rows()
    {
        notices.push(format!("the vector of {} values behind the matrix is no right-hand side", b.len()));
        return Ok((a, None));
    }
    Ok((a, rhs))
}

/// A place in the file.
struct Objects<'b> {
    bytes: &'b [u8],
    at: usize,
    width: usize,
}

impl Objects<'_> {
    /// The next `count` numbers of `width` bytes each.
    fn take(&mut self, count: usize, width: usize) -> Result<&[u8]> {
        let end = count.checked_mul(width).and_then(|length| self.at.checked_add(length));
        let found = end.and_then(|end| self.bytes.get(self.at..end)).ok_or_else(|| {
            damaged("the file ends early; it is truncated, or PETSc wrote it with numbers of another width")
        })?;
        self.at += found.len();
        Ok(found)
    }

    fn index(&mut self) -> Result<i64> {
        Ok(self.indices(1)?[0])
    }

    fn indices(&mut self, count: usize) -> Result<Vec<i64>> {
        let width = self.width;
        let read = |b: &[u8]| match b.try_into() {
            Ok(wide) => i64::from_be_bytes(wide),
            Err(_) => b.try_into().map_or(0, |narrow| i64::from(i32::from_be_bytes(narrow))),
        };
        Ok(self.take(count, width)?.chunks_exact(width).map(read).collect())
    }

    fn size(&mut self, what: &str) -> Result<usize> {
        let value = self.index()?;
        usize::try_from(value).map_err(|_| damaged(&format!("the number of {what} is {value}")))
    }

    fn reals(&mut self, count: usize) -> Result<Vec<f64>> {
        let real = |b: &[u8]| b.try_into().map_or(f64::NAN, f64::from_be_bytes);
        Ok(self.take(count, 8)?.chunks_exact(8).map(real).collect())
    }

    fn matrix(&mut self) -> Result<Csr<f64>> {
        let (rows, cols) = (self.size("rows")?, self.size("columns")?);
        let entries = self.index()?;
        let Ok(entries) = usize::try_from(entries) else {
            return Err(damaged(
                "the matrix is stored as a dense one; convert it by MatConvert to MATAIJ and write it again",
            ));
        };
        let lengths = self.indices(rows)?;
        let mut row_ptr = Vec::with_capacity(rows + 1);
        row_ptr.push(0i64);
        for (i, &length) in lengths.iter().enumerate() {
            let end = row_ptr[i].checked_add(length).filter(|&end| length >= 0 && end <= entries as i64);
            row_ptr.push(end.ok_or_else(|| {
                damaged(&format!("row {} has {length} entries; the matrix has {entries}", i + 1))
            })?);
        }
        if row_ptr[rows] != entries as i64 {
            return Err(damaged(&format!("the rows have {} entries, the matrix {entries}", row_ptr[rows])));
        }
        let columns = self.indices(entries)?;
        let values = self.reals(entries)?;
        Csr::from_csr(rows, cols, &row_ptr, &columns, values)
    }

    fn vector(&mut self) -> Result<Vec<f64>> {
        let count = self.size("values")?;
        let values = self.reals(count)?;
        match values.iter().position(|v| !v.is_finite()) {
            Some(i) => Err(damaged(&format!("value {} is {}, which is not finite", i + 1, values[i]))),
            None => Ok(values),
        }
    }
}

fn damaged(message: &str) -> Error {
    Error::format(message)
}

//! Sparse matrices of SciPy: a ZIP archive of NumPy arrays, as `scipy.sparse.save_npz` writes it.

use super::numbers::{Checked, Kind, Numbers};
use crate::error::{Error, Result};
use crate::sparse::matrix_market::assemble::{Entries, Symmetry};
use crate::sparse::pattern::check_size;
use crate::sparse::{Csr, DenseMatrix, expansion};

/// The first bytes of an archive.
pub(super) const ARCHIVE: &[u8] = b"PK\x03\x04";

/// The matrix. `notices` gets a sentence about entries that were added.
/// The arrays may expand to `limit` bytes together.
pub(super) fn parse(bytes: &[u8], name: &str, limit: usize, notices: &mut Vec<String>) -> Result<Csr<f64>> {
    read(bytes, limit, notices).map_err(|message| Error::format(message).at(name))
}

/// The first bytes of a single array of NumPy.
pub(super) const ARRAY: &[u8] = b"\x93NUMPY";

/// The dense block of a `.npy` file: a vector as a column, or a matrix.
pub(super) fn parse_array(bytes: &[u8], name: &str) -> Result<DenseMatrix> {
    block(bytes).map_err(|message| Error::format(message).at(name))
}

fn block(bytes: &[u8]) -> Checked<DenseMatrix> {
    let damaged = || "the header is not that of a NumPy array, or the file is truncated".to_string();
    let array = Array::parse("of the file", bytes.to_vec()).ok_or_else(damaged)?;
    let (rows, cols) = match array.shape[..] {
        [] => (1, 1),
        [n] => (n, 1),
        [rows, cols] => (rows, cols),
        _ => {
            return Err(format!(
                "the array has {} dimensions; a vector or a matrix is read",
                array.shape.len()
            ));
        }
    };
    let values = array.reals()?;
    if rows.checked_mul(cols) != Some(values.len()) {
        return Err(format!(
            "the array has {} values but its shape is {rows} × {cols}; the file is damaged",
            values.len()
        ));
    }
    if let Some(place) = values.iter().position(|v| !v.is_finite()) {
        return Err(format!("value {} of the array is {}, which is not finite", place + 1, values[place]));
    }
    let by_columns = array.by_columns;
    Ok(DenseMatrix::from_fn(rows, cols, |i, j| values[if by_columns { j * rows + i } else { i * cols + j }]))
}

fn read(bytes: &[u8], mut limit: usize, notices: &mut Vec<String>) -> Checked<Csr<f64>> {
    let mut array = |key: &str| Array::read(bytes, key, &mut limit);
    let format = array("format").map_err(|e| {
        format!("{e}; an archive with a matrix is one that scipy.sparse.save_npz has written")
    })?;
    let format: String = format.data.iter().filter(|&&b| b != 0).map(|&b| b as char).collect();
    if !matches!(format.as_str(), "csr" | "csc" | "coo") {
        let format: String = format.chars().take(20).collect();
        return Err(format!(
            "the sparse format {format:?} is not supported; convert the matrix by .tocsr() and save it"
        ));
    }
    let shape = array("shape")?.indices(usize::MAX)?;
    let [rows, cols] = shape[..] else {
        return Err(format!("the array 'shape' has {} values; a matrix has two sizes", shape.len()));
    };
    check_size(rows, cols, 0).map_err(|e| e.to_string())?;
    let data = array("data")?;
    let values = data.reals()?;
    let (rows_of, cols_of) = match format.as_str() {
        "coo" => (array("row")?.indices(rows)?, array("col")?.indices(cols)?),
        _ => {
            let (major, minor) = if format == "csr" { (rows, cols) } else { (cols, rows) };
            let pointers = array("indptr")?.indices(values.len() + 1)?;
            let ends = (pointers.first(), pointers.last());
            if pointers.len() != major + 1 || !pointers.is_sorted() || ends != (Some(&0), Some(&values.len()))
            {
                return Err(format!(
                    "the array 'indptr' must hold {} values that rise from 0 to {}, the number of entries; the file \
                     is damaged",
                    major + 1,
                    values.len()
                ));
            }
            let along = (0..major).flat_map(|i| (pointers[i]..pointers[i + 1]).map(move |_| i)).collect();
            let across = array("indices")?.indices(minor)?;
            if format == "csr" { (along, across) } else { (across, along) }
        }
    };
    if rows_of.len() != values.len() || cols_of.len() != values.len() {
        return Err(format!(
            "there are {} values but another number of indices; the file is damaged",
            values.len()
        ));
    }
    let mut entries = Entries::with_capacity(values.len());
    for ((i, j), value) in rows_of.into_iter().zip(cols_of).zip(values) {
        if !value.is_finite() {
            return Err(format!(
                "the value in row {}, column {} is {value}, which is not finite",
                i + 1,
                j + 1
            ));
        }
        entries.push(i as u32, j as u32, value);
    }
    entries.into_csr((rows, cols), Symmetry::General, notices).map_err(|e| e.to_string())
}

/// A NumPy array of the archive.
struct Array {
    key: String,
    /// Byte order, kind and size of an element, such as `<f8`.
    kind: String,
    shape: Vec<usize>,
    /// Whether the values of a column follow each other.
    by_columns: bool,
    data: Vec<u8>,
}

impl Array {
    /// Finds and unpacks the array, which may expand to `left` bytes.
    fn read(bytes: &[u8], key: &str, left: &mut usize) -> Checked<Self> {
        let damaged = |e: &dyn std::fmt::Display| {
            format!("the archive is damaged or truncated at the array '{key}' ({e}); write it again")
        };
        let archive = rawzip::ZipArchive::from_slice(bytes).map_err(|e| damaged(&e))?;
        let member = format!("{key}.npy");
        let mut entries = archive.entries();
        let entry = loop {
            match entries.next_entry().map_err(|e| damaged(&e))? {
                Some(entry) if entry.file_path().as_ref() == member.as_bytes() => break entry,
                Some(_) => {}
                None => return Err(format!("the archive has no array '{key}'")),
            }
        };
        let place = archive.get_entry(entry.wayfinder()).map_err(|e| damaged(&e))?;
        let content = match entry.compression_method() {
            rawzip::CompressionMethod::STORE => {
                expansion::unpack(place.verifying_reader(place.data()), left, damaged)
            }
            rawzip::CompressionMethod::DEFLATE => {
                let inflate = flate2::bufread::DeflateDecoder::new(place.data());
                expansion::unpack(place.verifying_reader(inflate), left, damaged)
            }
            _ => {
                return Err(
                    "the archive uses a compression other than deflate; save it by save_npz".to_string()
                );
            }
        }?;
        Self::parse(key, content).ok_or_else(|| damaged(&"its header is not that of a NumPy array"))
    }

    /// Splits the header from the data: magic bytes, version, length of the header, and a dictionary of Python.
    fn parse(key: &str, mut content: Vec<u8>) -> Option<Self> {
        let length = |range: std::ops::Range<usize>| {
            content.get(range).map(|b| b.iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte)))
        };
        let start = if *content.strip_prefix(b"\x93NUMPY")?.first()? == 1 { 10 } else { 12 };
        let end = start + length(8..start)?;
        let header = std::str::from_utf8(content.get(start..end)?).ok()?;
        let kind =
            header.split("'descr':").nth(1)?.trim_start().strip_prefix('\'')?.split('\'').next()?.to_string();
        let after = |key: &str| header.split(key).nth(1).map(str::trim_start);
        let shape = after("'shape':").and_then(|t| t.strip_prefix('(')?.split(')').next());
        let sizes = shape.unwrap_or_default().split(',').map(str::trim).filter(|t| !t.is_empty());
        let shape = sizes.map(|t| t.parse().ok()).collect::<Option<_>>()?;
        let by_columns = after("'fortran_order':").is_some_and(|t| t.starts_with("True"));
        Some(Self { key: key.to_string(), kind, shape, by_columns, data: content.split_off(end) })
    }

    /// The elements as numbers of the kind that the header names.
    fn numbers(&self) -> Checked<Numbers<'_>> {
        let mut letters = self.kind.chars();
        let (order, letter, size) = (letters.next(), letters.next(), letters.as_str().parse::<usize>());
        let kind = match (letter, size) {
            (Some('f'), Ok(size @ (4 | 8))) => (Kind::Real, size),
            (Some('i'), Ok(size @ (1 | 2 | 4 | 8))) => (Kind::Signed, size),
            (Some('u'), Ok(size @ (1 | 2 | 4 | 8))) | (Some('b'), Ok(size @ 1)) => (Kind::Unsigned, size),
            _ => {
                let kind: String = self.kind.chars().take(20).collect();
                return Err(format!(
                    "the array '{}' has the type {kind:?}; real numbers of 4 or 8 bytes, integers and truth values are \
                     read, convert it by .astype",
                    self.key
                ));
            }
        };
        let names = (format!("the array '{}'", self.key), ".astype(float)");
        Numbers::new(names, kind, order == Some('>'), &self.data)
    }

    /// The values as 64-bit reals, finite or not.
    fn reals(&self) -> Checked<Vec<f64>> {
        self.numbers()?.reals().collect()
    }

    /// Whole numbers below `limit`.
    fn indices(&self, limit: usize) -> Checked<Vec<usize>> {
        self.numbers()?.indices(limit).collect()
    }
}

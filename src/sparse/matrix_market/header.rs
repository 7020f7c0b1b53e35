//! The header of a Matrix Market file: the first line and the line of sizes.

use super::assemble::Symmetry;
use super::scanner::{Scanner, quote};
use crate::error::{Error, Result};
use crate::sparse::pattern::check_size;

/// The listing format of the entries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Row, column and value of every entry.
    Coordinate,
    /// All values by columns.
    Array,
}

/// The type of the values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Real,
    Integer,
    /// No values: every entry is 1.
    Pattern,
}

/// The lines before the entries.
pub(super) struct Header {
    pub(super) format: Format,
    pub(super) field: Field,
    pub(super) symmetry: Symmetry,
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// Number of entries in the file.
    pub(super) entries: u64,
    /// Whether a right-hand side and a solution follow, as Lis writes them: index and value on a line.
    pub(super) vectors: [bool; 2],
}

impl Header {
    /// Reads up to the line of sizes.
    pub(super) fn read(scanner: &mut Scanner) -> Result<Self> {
        let (format, field, symmetry) = read_banner(scanner)?;
        let line_holds = match format {
            Format::Coordinate => "the sizes: rows, columns, entries",
            Format::Array => "the sizes: rows, columns",
        };
        if !scanner.next_data_line() {
            return Err(
                scanner.error(format!("the file ends before the line of {line_holds}; it is truncated"))
            );
        }
        let mut size = |what| {
            let field = scanner.expect_field(line_holds)?;
            scanner.integer(what, field)
        };
        let (rows, cols) = (size("the number of rows")?, size("the number of columns")?);
        let listed = match format {
            Format::Coordinate => Some(size("the number of entries")?),
            Format::Array => None,
        };
        let mut vectors = [false; 2];
        if listed.is_some() {
            let ahead = *scanner;
            match (scanner.field(), scanner.field()) {
                (Some(b @ (b"0" | b"1")), Some(x @ (b"0" | b"1"))) => vectors = [b == b"1", x == b"1"],
                _ => *scanner = ahead,
            }
        }
        scanner.expect_end_of_line(line_holds)?;
        if rows != cols && symmetry != Symmetry::General {
            return Err(scanner.error(format!(
                "a {rows} × {cols} matrix cannot be symmetric or skew-symmetric; declare it general"
            )));
        }
        let as_size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        check_size(as_size(rows), as_size(cols), 0)
            .map_err(|e| e.at(format_args!("{}, line {}", scanner.name(), scanner.line())))?;
        // An array lists all its cells; below 2³² − 1 the products fit 64 bits. Coordinates may repeat cells.
        let entries = listed.unwrap_or(match symmetry {
            Symmetry::General => rows * cols,
            Symmetry::Symmetric => rows * (rows + 1) / 2,
            Symmetry::Skew => rows * rows.saturating_sub(1) / 2,
        });
        Ok(Self { format, field, symmetry, rows: as_size(rows), cols: as_size(cols), entries, vectors })
    }

    /// An upper bound of the number of entries that the header cannot inflate: each of them takes at least
    /// `bytes_each` of the rest of the file.
    pub(super) fn capacity(&self, scanner: &Scanner, bytes_each: usize) -> usize {
        let possible = scanner.rest().len() / bytes_each + 1;
        usize::try_from(self.entries).unwrap_or(usize::MAX).min(possible)
    }

    /// The error if the file ends after `found` entries.
    pub(super) fn truncated(&self, scanner: &Scanner, found: u64) -> Error {
        scanner.error(format!(
            "the file declares {} entries but ends after {found}; it is truncated, fetch or write it again",
            self.entries
        ))
    }

    /// The error if the file continues after the last entry.
    pub(super) fn too_many(&self, scanner: &Scanner) -> Error {
        scanner.error(format!(
            "the file goes on after the {} entries that it declares; correct the line of sizes",
            self.entries
        ))
    }
}

/// `%%MatrixMarket matrix FORMAT FIELD SYMMETRY`.
fn read_banner(scanner: &mut Scanner) -> Result<(Format, Field, Symmetry)> {
    const BANNER: &str = "%%MatrixMarket matrix coordinate real general";
    let start = scanner.rest();
    if start.trim_ascii().is_empty() {
        return Err(Error::format(format!("{}: the file is empty", scanner.name())));
    }
    scanner.skip_blank_lines();
    if !scanner.field().unwrap_or_default().eq_ignore_ascii_case(b"%%MatrixMarket") {
        let why = if start.starts_with(&[0x1f, 0x8b]) {
            "it is compressed by gzip, unpack it first (files that are read from a path are unpacked with the feature `files`)".to_string()
        } else if is_binary(start) {
            "it is a binary file".to_string()
        } else {
            format!("its first line must be like '{BANNER}'")
        };
        return Err(scanner.error(format!("this is not a Matrix Market file: {why}")));
    }
    let mut word = || -> Result<(String, &[u8])> {
        let field = scanner.expect_field(BANNER)?;
        Ok((String::from_utf8_lossy(field).to_ascii_lowercase(), field))
    };
    let (object, format, field, symmetry) = (word()?, word()?, word()?, word()?);
    scanner.expect_end_of_line(BANNER)?;
    if object.0 != "matrix" {
        return Err(scanner.error(format!("the object {} is not supported, only 'matrix'", quote(object.1))));
    }
    let format = match format.0.as_str() {
        "coordinate" => Format::Coordinate,
        "array" => Format::Array,
        _ => {
            return Err(scanner.error(format!(
                "the format {} is unknown; it must be 'coordinate' or 'array'",
                quote(format.1)
            )));
        }
    };
    let field = match field.0.as_str() {
        "real" | "double" => Field::Real,
        "integer" => Field::Integer,
        "pattern" if format == Format::Coordinate => Field::Pattern,
        "pattern" => {
            return Err(scanner.error("an array file cannot have the field 'pattern'; declare it real"));
        }
        "complex" => {
            return Err(scanner.error(
                "complex matrices are not supported; write the real and the imaginary part as real files",
            ));
        }
        _ => {
            return Err(scanner.error(format!(
                "the field {} is unknown; it must be 'real', 'integer' or 'pattern'",
                quote(field.1)
            )));
        }
    };
    let symmetry = match symmetry.0.as_str() {
        "general" => Symmetry::General,
        "symmetric" => Symmetry::Symmetric,
        "skew-symmetric" if field != Field::Pattern => Symmetry::Skew,
        "skew-symmetric" => {
            return Err(
                scanner.error("a pattern has no signs and cannot be skew-symmetric; declare it general")
            );
        }
        "hermitian" => {
            return Err(scanner.error(
                "hermitian matrices are not supported; a real hermitian matrix is 'symmetric', declare it so",
            ));
        }
        _ => {
            return Err(scanner.error(format!(
                "the symmetry {} is unknown; it must be 'general', 'symmetric' or 'skew-symmetric'",
                quote(symmetry.1)
            )));
        }
    };
    Ok((format, field, symmetry))
}

/// Whether the first bytes are not text: a control character, or not UTF-8.
fn is_binary(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(512)];
    let control = start.iter().any(|b| b.is_ascii_control() && !b.is_ascii_whitespace() && *b != 0x0b);
    // A character cut off at the end of these bytes is not an error.
    control || std::str::from_utf8(start).is_err_and(|e| e.error_len().is_some())
}

//! Coordinate files: row, column and value of every entry.

use super::assemble::{Entries, Symmetry};
use super::header::{Field, Header};
use super::scanner::{Scanner, quote};
use crate::error::Result;
use crate::sparse::Csr;

/// Reads the entries after the header, and leaves the scanner behind the last one. `notices` gets sentences about
/// entries that were added or mirrored.
pub(super) fn read(scanner: &mut Scanner, header: &Header, notices: &mut Vec<String>) -> Result<Csr<f64>> {
    let bytes_each = if header.field == Field::Pattern { 4 } else { 6 };
    let mut entries = Entries::with_capacity(header.capacity(scanner, bytes_each));
    let line_holds = match header.field {
        Field::Pattern => "row and column",
        _ => "row, column and value",
    };
    for found in 0..header.entries {
        if !scanner.next_data_line() {
            return Err(header.truncated(scanner, found));
        }
        let field = scanner.expect_field(line_holds)?;
        let i = index(scanner, "row", field, header.rows)?;
        let field = scanner.expect_field(line_holds)?;
        let j = index(scanner, "column", field, header.cols)?;
        let value = if header.field == Field::Pattern {
            1.0
        } else {
            let field = scanner.expect_field(line_holds)?;
            scanner.value(field, header.field == Field::Integer, i, j)?
        };
        scanner.expect_end_of_line(line_holds)?;
        if header.symmetry == Symmetry::Skew && i == j && value != 0.0 {
            return Err(scanner.error(format!(
                "the diagonal entry in row {} is {value}; a skew-symmetric matrix has zeros there, declare it general",
                u64::from(i) + 1
            )));
        }
        entries.push(i, j, value);
    }
    entries.into_csr((header.rows, header.cols), header.symmetry, notices).map_err(|e| e.at(scanner.name()))
}

/// Reads a vector of `rows` values behind the entries: index and value on each line.
pub(super) fn read_vector(scanner: &mut Scanner, what: &str, rows: usize) -> Result<Vec<f64>> {
    const LINE_HOLDS: &str = "index and value";
    let mut found = Vec::new();
    for count in 0..rows {
        if !scanner.next_data_line() {
            return Err(scanner.error(format!(
                "the file declares a {what} of {rows} values but ends after {count}; it is truncated, fetch or \
                 write it again"
            )));
        }
        let field = scanner.expect_field(LINE_HOLDS)?;
        let i = index(scanner, "row", field, rows)?;
        let field = scanner.expect_field(LINE_HOLDS)?;
        found.push((i, scanner.value(field, false, i, 0)?));
        scanner.expect_end_of_line(LINE_HOLDS)?;
    }
    let mut values = vec![f64::NAN; rows];
    for (i, value) in found {
        if !values[i as usize].is_nan() {
            return Err(scanner.error(format!("row {} of the {what} is listed twice; remove one", i + 1)));
        }
        values[i as usize] = value;
    }
    Ok(values)
}

/// An index counted from 1 in the file, from 0 in memory.
#[inline]
fn index(scanner: &Scanner, what: &str, field: &[u8], limit: usize) -> Result<u32> {
    let number = scanner.integer(what, field)?;
    if number == 0 {
        return Err(scanner.error(format!("{what} 0 does not exist; indices count from 1")));
    }
    if number > limit as u64 {
        return Err(
            scanner.error(format!("{what} {} lies outside the {limit} {what}s declared", quote(field)))
        );
    }
    Ok((number - 1) as u32)
}

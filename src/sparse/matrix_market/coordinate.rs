//! Coordinate files: row, column and value of every entry.

use super::assemble::{Entries, Trouble};
use super::header::{Field, Header, Symmetry};
use super::scanner::{Scanner, quote};
use crate::error::{Error, Result};
use crate::sparse::Csr;

/// Reads the entries after the header.
pub(super) fn read(scanner: Scanner, header: &Header) -> Result<Csr<f64>> {
    let general = header.symmetry == Symmetry::General;
    let bytes_each = if header.field == Field::Pattern { 4 } else { 6 };
    let capacity = header.capacity(&scanner, bytes_each);
    let mut entries = Entries::with_capacity(if general { capacity } else { 2 * capacity });
    let mut last = scanner;
    for_each_entry(&mut last, header, |_, i, j, value| {
        entries.push(i, j, value);
        if !general && i != j {
            // 0 − v, so that an explicit zero keeps its sign.
            entries.push(j, i, if header.symmetry == Symmetry::Skew { 0.0 - value } else { value });
        }
    })?;
    entries.into_csr(header.rows, header.cols).map_err(|trouble| match trouble {
        Trouble::Twice(i, j) => twice(scanner, header, i, j),
        Trouble::Other(error) => error.at(scanner.name()),
    })
}

/// Calls `visit(line, row, column, value)` for every entry of the file, counted from 0.
#[inline]
fn for_each_entry(
    scanner: &mut Scanner,
    header: &Header,
    mut visit: impl FnMut(usize, u32, u32, f64),
) -> Result<()> {
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
        if header.symmetry != Symmetry::General {
            check_triangle(scanner, header.symmetry, i, j, value)?;
        }
        visit(scanner.line(), i, j, value);
    }
    if scanner.next_data_line() {
        return Err(header.too_many(scanner));
    }
    Ok(())
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

/// Files that are not general list the lower triangle only.
#[inline]
fn check_triangle(scanner: &Scanner, symmetry: Symmetry, i: u32, j: u32, value: f64) -> Result<()> {
    let (row, column) = (u64::from(i) + 1, u64::from(j) + 1);
    if i < j {
        return Err(scanner.error(format!(
            "row {row}, column {column} lies above the diagonal; a symmetric or skew-symmetric file lists the \
             lower triangle only, or must be declared general"
        )));
    }
    if symmetry == Symmetry::Skew && i == j && value != 0.0 {
        return Err(scanner.error(format!(
            "the diagonal entry in row {row} is {value}; a skew-symmetric matrix has zeros there, declare it general"
        )));
    }
    Ok(())
}

/// The error for a duplicate entry; finds its lines in a second pass.
#[cold]
fn twice(mut scanner: Scanner, header: &Header, i: u32, j: u32) -> Error {
    let place = scanner.name();
    let mut lines = Vec::new();
    let pass = for_each_entry(&mut scanner, header, |line, row, column, _| {
        if (row, column) == (i, j) {
            lines.push(line);
        }
    });
    let (first, second) = match (pass, lines.as_slice()) {
        (Ok(()), [first, second, ..]) => (*first, *second),
        _ => (0, 0),
    };
    Error::format(format!(
        "{place}, line {second}: the entry in row {}, column {} is there already in line {first}; merge the two",
        u64::from(i) + 1,
        u64::from(j) + 1
    ))
}

//! Array files: all values by columns, one on a line.

use super::assemble::{Entries, Symmetry, check_plausible};
use super::header::{Field, Header};
use super::scanner::Scanner;
use crate::error::{Error, Result};
use crate::sparse::{Csr, DenseMatrix};

/// The nonzero values as a sparse matrix.
pub(super) fn read_sparse(scanner: &mut Scanner, header: &Header) -> Result<Csr<f64>> {
    let mut entries = Entries::with_capacity(0);
    for_each_value(scanner, header, |i, j, value| {
        if value != 0.0 {
            entries.push(i, j, value);
        }
    })?;
    // Every place and every mirror image is there once.
    entries
        .into_csr((header.rows, header.cols), Symmetry::General, &mut Vec::new())
        .map_err(|e| e.at(scanner.name()))
}

/// The values as a dense block in row-major order.
pub(super) fn read_dense(scanner: &mut Scanner, header: &Header) -> Result<DenseMatrix> {
    let (rows, cols) = (header.rows, header.cols);
    if header.symmetry != Symmetry::General {
        let mut found = Vec::with_capacity(header.capacity(scanner, 2));
        for_each_value(scanner, header, |i, j, value| found.push((i as usize, j as usize, value)))?;
        check_plausible("cells of a dense block", rows as u64 * cols as u64, found.len())
            .map_err(|e| e.at(scanner.name()))?;
        let mut block = DenseMatrix::zeros(rows, cols);
        for (i, j, value) in found {
            block[[i, j]] = value;
        }
        return Ok(block);
    }
    let mut values = Vec::with_capacity(header.capacity(scanner, 2));
    for_each_value(scanner, header, |_, _, value| values.push(value))?;
    if rows.checked_mul(cols) != Some(values.len()) {
        return Err(Error::dimension(format!("{}: {} values", scanner.name(), values.len())));
    }
    Ok(DenseMatrix::from_fn(rows, cols, |i, j| values[j * rows + i]))
}

/// Calls `visit(row, column, value)` for every value, counted from 0, and for its mirror image by symmetry.
fn for_each_value(
    scanner: &mut Scanner,
    header: &Header,
    mut visit: impl FnMut(u32, u32, f64),
) -> Result<()> {
    const LINE_HOLDS: &str = "one value (arrays are listed by columns)";
    let integral = header.field == Field::Integer;
    let start = |j: u32| match header.symmetry {
        Symmetry::General => 0,
        Symmetry::Symmetric => j,
        Symmetry::Skew => j + 1,
    };
    let (mut i, mut j) = (start(0), 0);
    for found in 0..header.entries {
        if !scanner.next_data_line() {
            return Err(header.truncated(scanner, found));
        }
        let field = scanner.expect_field(LINE_HOLDS)?;
        let value = scanner.value(field, integral, i, j)?;
        scanner.expect_end_of_line(LINE_HOLDS)?;
        visit(i, j, value);
        if header.symmetry != Symmetry::General && i != j {
            visit(j, i, header.symmetry.mirror(value));
        }
        i += 1;
        if i as usize == header.rows {
            j += 1;
            i = start(j);
        }
    }
    Ok(())
}

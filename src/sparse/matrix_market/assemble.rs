//! Conversion of entries in any order to compressed rows.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::sparse::pattern::check_size;
use crate::sparse::{Csr, Pattern};

/// The symmetry that a file declares, which determines the omitted entries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::sparse) enum Symmetry {
    General,
    /// One of the two entries a_ij = a_ji is listed, in the lower triangle if the file keeps to the rules.
    Symmetric,
    /// One of the two entries a_ij = −a_ji is listed.
    Skew,
}

impl Symmetry {
    /// The value of the mirror image. 0 − v, so that an explicit zero keeps its sign.
    pub(in crate::sparse) fn mirror(self, value: f64) -> f64 {
        if self == Symmetry::Skew { 0.0 - value } else { value }
    }
}

/// Entries of a matrix, counted from 0, in the order of the file and without mirror images.
pub(in crate::sparse) struct Entries {
    rows: Vec<u32>,
    cols: Vec<u32>,
    values: Vec<f64>,
}

impl Entries {
    pub(in crate::sparse) fn with_capacity(n: usize) -> Self {
        Self { rows: Vec::with_capacity(n), cols: Vec::with_capacity(n), values: Vec::with_capacity(n) }
    }

    #[inline(always)]
    pub(in crate::sparse) fn push(&mut self, row: u32, col: u32, value: f64) {
        self.rows.push(row);
        self.cols.push(col);
        self.values.push(value);
    }

    fn iter(&self) -> impl Iterator<Item = (u32, u32, f64)> + '_ {
        self.rows.iter().zip(&self.cols).zip(&self.values).map(|((&i, &j), &value)| (i, j, value))
    }

    /// The matrix with the mirror images that `symmetry` implies. Entries at the same place are added; an entry
    /// above the diagonal stands for the one below. `notices` gets a sentence about each of the two.
    pub(in crate::sparse) fn into_csr(
        self,
        (rows, cols): (usize, usize),
        symmetry: Symmetry,
        notices: &mut Vec<String>,
    ) -> Result<Csr<f64>> {
        let is_upper = |(i, j, _): &(u32, u32, f64)| symmetry != Symmetry::General && i < j;
        let upper = self.iter().filter(is_upper).count();
        let (matrix, repeated) =
            self.compressed(rows, cols, if upper == 0 { symmetry } else { Symmetry::General })?;
        if let Some(Repeated { count, row, col }) = repeated {
            let entries = if count == 1 { "1 entry repeats" } else { &format!("{count} entries repeat") };
            notices.push(format!(
                "{entries} a place that is listed before; values at the same place were added, first in row {}, \
                 column {}",
                row + 1,
                col + 1
            ));
        }
        if upper == 0 { Ok(matrix) } else { completed(&matrix, symmetry, upper, notices) }
    }

    /// Compressed rows by a counting sort. Rows are sorted only if necessary, which is never the case for
    /// entries that come row by row or column by column.
    fn compressed(
        self,
        rows: usize,
        cols: usize,
        symmetry: Symmetry,
    ) -> Result<(Csr<f64>, Option<Repeated>)> {
        let mirrored = |i: u32, j: u32| symmetry != Symmetry::General && i != j;
        let nnz = self.values.len() + self.iter().filter(|&(i, j, _)| mirrored(i, j)).count();
        check_size(rows, cols, nnz)?;
        check_plausible("rows", rows as u64, nnz)?;
        check_plausible("columns", cols as u64, nnz)?;
        let mut row_ptr = vec![0u32; rows + 1];
        for (i, j, _) in self.iter() {
            row_ptr[i as usize + 1] += 1;
            if mirrored(i, j) {
                row_ptr[j as usize + 1] += 1;
            }
        }
        for i in 0..rows {
            row_ptr[i + 1] += row_ptr[i];
        }
        let mut next = row_ptr.clone();
        let mut col_idx = vec![0u32; nnz];
        let mut values = vec![0.0; nnz];
        let mut put = |i: u32, j: u32, value: f64| {
            let slot = &mut next[i as usize];
            col_idx[*slot as usize] = j;
            values[*slot as usize] = value;
            *slot += 1;
        };
        for (i, j, value) in self.iter() {
            put(i, j, value);
            if mirrored(i, j) {
                put(j, i, symmetry.mirror(value));
            }
        }
        drop(self);
        let mut scratch = Vec::new();
        let mut twice = false;
        for i in 0..rows {
            let range = row_ptr[i] as usize..row_ptr[i + 1] as usize;
            let (cols, values) = (&mut col_idx[range.clone()], &mut values[range]);
            if !cols.is_sorted() {
                scratch.clear();
                scratch.extend(cols.iter().copied().zip(values.iter().copied()));
                // Stable: values at the same place are added in the order of the file.
                scratch.sort_by_key(|&(j, _)| j);
                for ((j, value), sorted) in cols.iter_mut().zip(values).zip(&scratch) {
                    (*j, *value) = *sorted;
                }
            }
            twice = twice || cols.windows(2).any(|pair| pair[0] == pair[1]);
        }
        let repeated =
            if twice { Some(merge(&mut row_ptr, &mut col_idx, &mut values, symmetry)?) } else { None };
        let pattern = Pattern::from_parts(rows, cols, row_ptr, col_idx);
        Ok((Csr::from_parts(Arc::new(pattern), values), repeated))
    }
}

/// Entries at places that are listed before: their number, mirror images aside, and the first place.
struct Repeated {
    count: usize,
    row: usize,
    col: usize,
}

/// Adds neighbouring entries of the same column.
fn merge(
    row_ptr: &mut [u32],
    col_idx: &mut Vec<u32>,
    values: &mut Vec<f64>,
    symmetry: Symmetry,
) -> Result<Repeated> {
    let mut repeated = Repeated { count: 0, row: 0, col: 0 };
    let (mut kept, mut start) = (0, 0);
    for i in 0..row_ptr.len() - 1 {
        let (first, end) = (kept, row_ptr[i + 1] as usize);
        for p in start..end {
            let (col, value) = (col_idx[p], values[p]);
            if kept == first || col_idx[kept - 1] != col {
                (col_idx[kept], values[kept]) = (col, value);
                kept += 1;
                continue;
            }
            values[kept - 1] += value;
            if !values[kept - 1].is_finite() {
                return Err(Error::format(format!(
                    "the values in row {}, column {} add up to more than a 64-bit real can hold; scale the matrix",
                    i + 1,
                    col + 1
                )));
            }
            if symmetry == Symmetry::General || col as usize <= i {
                if repeated.count == 0 {
                    (repeated.row, repeated.col) = (i, col as usize);
                }
                repeated.count += 1;
            }
        }
        (row_ptr[i + 1], start) = (kept as u32, end);
    }
    col_idx.truncate(kept);
    values.truncate(kept);
    Ok(repeated)
}

/// The matrix of which a file lists `upper` entries above the diagonal although it declares a symmetry. A pair
/// that is listed in both triangles counts once and must agree.
fn completed(
    given: &Csr<f64>,
    symmetry: Symmetry,
    upper: usize,
    notices: &mut Vec<String>,
) -> Result<Csr<f64>> {
    let pattern = given.pattern();
    let mut entries = Entries::with_capacity(2 * given.nnz());
    let mut both = 0;
    for i in 0..given.rows() {
        for (j, value) in given.row(i) {
            entries.push(i as u32, j as u32, value);
            let image = symmetry.mirror(value);
            if i == j {
                continue;
            }
            match pattern.row_cols(j).binary_search(&(i as u32)) {
                Err(_) => entries.push(j as u32, i as u32, image),
                Ok(at) if given.values()[pattern.row(j).start + at] == image => both += usize::from(i < j),
                Ok(at) => {
                    let other = given.values()[pattern.row(j).start + at];
                    return Err(Error::format(format!(
                        "row {}, column {} has the value {value} and its mirror image {other}, which contradicts \
                         the declared symmetry; declare the matrix general",
                        i + 1,
                        j + 1
                    )));
                }
            }
        }
    }
    notices.push(match both {
        0 => format!(
            "the declared symmetry takes one triangle; entries above the diagonal ({upper}) were mirrored"
        ),
        _ => format!("both triangles are listed; {both} entries above the diagonal were taken once"),
    });
    Ok(entries.compressed(given.rows(), given.cols(), Symmetry::General)?.0)
}

/// Refuses a `size` above 2²⁴ that is more than 64 times the number of entries: memory of that size would be
/// almost empty, and the header is most likely damaged.
pub(in crate::sparse) fn check_plausible(what: &str, size: u64, entries: usize) -> Result<()> {
    if size <= (1 << 24).max(64 * entries as u64) {
        return Ok(());
    }
    Err(Error::format(format!(
        "the file declares {size} {what} but has only {entries} entries; the line of sizes is damaged, or the \
         matrix must be reduced to its nonempty rows and columns"
    )))
}

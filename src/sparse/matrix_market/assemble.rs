//! Conversion of entries in any order to compressed rows.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::sparse::pattern::check_size;
use crate::sparse::{Csr, Pattern};

/// Entries of a matrix, counted from 0, in the order of the file.
pub(super) struct Entries {
    rows: Vec<u32>,
    cols: Vec<u32>,
    values: Vec<f64>,
}

/// Reasons why entries do not form a matrix.
pub(super) enum Trouble {
    /// Row and column, counted from 0, of a duplicate entry.
    Twice(u32, u32),
    /// Any other error.
    Other(Error),
}

impl Entries {
    pub(super) fn with_capacity(n: usize) -> Self {
        Self { rows: Vec::with_capacity(n), cols: Vec::with_capacity(n), values: Vec::with_capacity(n) }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, row: u32, col: u32, value: f64) {
        self.rows.push(row);
        self.cols.push(col);
        self.values.push(value);
    }

    /// The matrix, by a counting sort. Rows are sorted only if necessary, which is never the case for entries
    /// that come row by row or column by column.
    pub(super) fn into_csr(self, rows: usize, cols: usize) -> std::result::Result<Csr<f64>, Trouble> {
        let nnz = self.values.len();
        check_size(rows, cols, nnz).map_err(Trouble::Other)?;
        check_plausible("rows", rows as u64, nnz).map_err(Trouble::Other)?;
        check_plausible("columns", cols as u64, nnz).map_err(Trouble::Other)?;
        let mut row_ptr = vec![0u32; rows + 1];
        for &i in &self.rows {
            row_ptr[i as usize + 1] += 1;
        }
        for i in 0..rows {
            row_ptr[i + 1] += row_ptr[i];
        }
        let mut next = row_ptr.clone();
        let mut col_idx = vec![0u32; nnz];
        let mut values = vec![0.0; nnz];
        for ((&i, &j), &value) in self.rows.iter().zip(&self.cols).zip(&self.values) {
            let slot = &mut next[i as usize];
            col_idx[*slot as usize] = j;
            values[*slot as usize] = value;
            *slot += 1;
        }
        drop(self);
        let mut scratch = Vec::new();
        for i in 0..rows {
            let range = row_ptr[i] as usize..row_ptr[i + 1] as usize;
            let (cols, values) = (&mut col_idx[range.clone()], &mut values[range]);
            if !cols.is_sorted() {
                scratch.clear();
                scratch.extend(cols.iter().copied().zip(values.iter().copied()));
                scratch.sort_unstable_by_key(|&(j, _)| j);
                for ((j, value), sorted) in cols.iter_mut().zip(values).zip(&scratch) {
                    (*j, *value) = *sorted;
                }
            }
            if let Some(pair) = cols.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(Trouble::Twice(i as u32, pair[0]));
            }
        }
        Ok(Csr::from_parts(Arc::new(Pattern::from_parts(rows, cols, row_ptr, col_idx)), values))
    }
}

/// Refuses a `size` above 2²⁴ that is more than 64 times the number of entries: memory of that size would be
/// almost empty, and the header is most likely damaged.
pub(super) fn check_plausible(what: &str, size: u64, entries: usize) -> Result<()> {
    if size <= (1 << 24).max(64 * entries as u64) {
        return Ok(());
    }
    Err(Error::format(format!(
        "the file declares {size} {what} but has only {entries} entries; the line of sizes is damaged, or the \
         matrix must be reduced to its nonempty rows and columns"
    )))
}

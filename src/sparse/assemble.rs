//! Sparse matrices put together row by row, in parallel.

use std::sync::Arc;

use rayon::prelude::*;

use super::{Csr, Pattern};
use crate::error::{Error, Result};

const CHUNK: usize = 1024;

/// A matrix whose row `i` is what `fill(i, work, columns, values)` appends, columns
/// ascending. `work` is scratch space of one thread, made by `init`; a row must not depend
/// on what an earlier one left there. The same bits on any number of threads.
///
/// # Errors
/// More entries than 32-bit indices can number.
pub(crate) fn assemble<W>(
    rows: usize,
    cols: usize,
    init: impl Fn() -> W + Sync + Send,
    fill: impl Fn(usize, &mut W, &mut Vec<u32>, &mut Vec<f64>) + Sync + Send,
) -> Result<Csr<f64>> {
    let parts: Vec<(Vec<u32>, Vec<u32>, Vec<f64>)> = (0..rows.div_ceil(CHUNK))
        .into_par_iter()
        .map_init(init, |work, c| {
            let (mut ends, mut columns, mut values) = (Vec::with_capacity(CHUNK), Vec::new(), Vec::new());
            for i in c * CHUNK..rows.min((c + 1) * CHUNK) {
                fill(i, work, &mut columns, &mut values);
                ends.push(columns.len() as u32);
            }
            (ends, columns, values)
        })
        .collect();
    let nnz: usize = parts.iter().map(|p| p.1.len()).sum();
    if nnz >= u32::MAX as usize {
        return Err(Error::dimension(format!(
            "a {rows} × {cols} matrix with {nnz} nonzeros exceeds 32-bit indices"
        )));
    }
    let mut row_ptr = Vec::with_capacity(rows + 1);
    let (mut col_idx, mut values) = (Vec::with_capacity(nnz), Vec::with_capacity(nnz));
    row_ptr.push(0u32);
    for (ends, columns, entries) in parts {
        let start = col_idx.len() as u32;
        row_ptr.extend(ends.iter().map(|e| start + e));
        col_idx.extend_from_slice(&columns);
        values.extend_from_slice(&entries);
    }
    Csr::new(Arc::new(Pattern::from_parts(rows, cols, row_ptr, col_idx)), values)
}

/// A sparse accumulator: one row under construction.
pub(crate) struct Accumulator {
    value: Vec<f64>,
    seen: Vec<bool>,
    columns: Vec<u32>,
}

impl Accumulator {
    /// For rows of `cols` columns.
    pub(crate) fn new(cols: usize) -> Self {
        Self { value: vec![0.0; cols], seen: vec![false; cols], columns: Vec::new() }
    }

    /// Adds `v` in column `j`.
    #[inline(always)]
    pub(crate) fn add(&mut self, j: usize, v: f64) {
        if !self.seen[j] {
            self.seen[j] = true;
            self.columns.push(j as u32);
        }
        self.value[j] += v;
    }

    /// Appends the row, columns ascending, and clears the accumulator.
    pub(crate) fn drain(&mut self, columns: &mut Vec<u32>, values: &mut Vec<f64>) {
        self.columns.sort_unstable();
        for &j in &self.columns {
            columns.push(j);
            values.push(std::mem::take(&mut self.value[j as usize]));
            self.seen[j as usize] = false;
        }
        self.columns.clear();
    }
}

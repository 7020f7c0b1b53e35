//! Row-by-row, parallel assembly of sparse matrices.

use std::ops::Range;
use std::sync::Arc;

use super::rows::Pool;
use super::{Csr, Pattern};
use crate::error::{Error, Result};
use crate::parallel;

/// The least number of rows per task, and the number of tasks per thread, which balances uneven rows.
const CHUNK: usize = 1024;
const PARTS: usize = 16;
/// The initial capacity of a row.
const ROOM: usize = 6;

/// The matrix whose row `i` consists of the `columns` (ascending) and `values` that `fill(i, work, columns,
/// values)` appends. `work` is scratch space of one thread, made by `init`; a row must not depend on its
/// former contents. The same bits on any number of threads.
///
/// # Errors
/// More entries than 32-bit indices can number; a value that is not finite.
pub(crate) fn assemble<W: Send>(
    rows: usize,
    cols: usize,
    init: impl Fn() -> W + Sync + Send,
    fill: impl Fn(usize, &mut W, &mut Vec<u32>, &mut Vec<f64>) + Sync + Send,
) -> Result<Csr<f64>> {
    let pool = Pool::new(init);
    join(rows, cols, &|range| {
        pool.with(|work| {
            let mut ends = Vec::with_capacity(range.len() + 1);
            // Unused capacity costs nothing; moving a growing list is expensive.
            let room = ROOM * range.len();
            let (mut columns, mut values) = (Vec::with_capacity(room), Vec::with_capacity(room));
            for i in range {
                fill(i, work, &mut columns, &mut values);
                ends.push(columns.len() as u32);
            }
            Part { ends, columns, values }
        })
    })
}

/// The part of [`assemble`] that is compiled once.
fn join(rows: usize, cols: usize, part: &(dyn Fn(Range<usize>) -> Part + Sync)) -> Result<Csr<f64>> {
    let chunk = match parallel::threads() {
        1 => rows.max(1),
        threads => CHUNK.max(rows.div_ceil(PARTS * threads)),
    };
    let parts: Vec<(Part, bool)> = parallel::map(0..rows.div_ceil(chunk), &|c| {
        let part = part(c * chunk..rows.min((c + 1) * chunk));
        let finite = part.values.iter().all(|v| v.is_finite());
        (part, finite)
    });
    let finite = parts.iter().all(|(_, finite)| *finite);
    let parts: Vec<Part> = parts.into_iter().map(|(part, _)| part).collect();
    let nnz: usize = parts.iter().map(|p| p.columns.len()).sum();
    if nnz >= u32::MAX as usize {
        return Err(Error::dimension(format!(
            "a {rows} × {cols} matrix with {nnz} nonzeros exceeds 32-bit indices"
        )));
    }
    let (row_ptr, col_idx, values) = stitch(rows, nnz, parts);
    let pattern = Arc::new(Pattern::from_parts(rows, cols, row_ptr, col_idx));
    if finite { Ok(Csr::from_parts(pattern, values)) } else { Csr::new(pattern, values) }
}

/// Consecutive rows.
struct Part {
    /// The end of every row.
    ends: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

/// The concatenated parts: row pointers, columns and values.
fn stitch(rows: usize, nnz: usize, mut parts: Vec<Part>) -> (Vec<u32>, Vec<u32>, Vec<f64>) {
    if parts.len() == 1
        && let Some(mut only) = parts.pop()
    {
        only.columns.shrink_to_fit();
        only.values.shrink_to_fit();
        only.ends.insert(0, 0);
        return (only.ends, only.columns, only.values);
    }
    let (mut row_ptr, mut col_idx, mut values) = (vec![0u32; rows + 1], vec![0u32; nnz], vec![0.0; nnz]);
    let (mut pointers, mut columns, mut entries) = (&mut row_ptr[1..], &mut col_idx[..], &mut values[..]);
    let mut pieces = Vec::with_capacity(parts.len());
    let mut start = 0u32;
    for part in &parts {
        let pointer = pointers.split_off_mut(..part.ends.len()).unwrap_or_default();
        let column = columns.split_off_mut(..part.columns.len()).unwrap_or_default();
        let entry = entries.split_off_mut(..part.values.len()).unwrap_or_default();
        pieces.push((part, start, pointer, column, entry));
        start += part.columns.len() as u32;
    }
    parallel::for_each(pieces.into_iter(), &|(part, start, pointer, column, entry)| {
        pointer.iter_mut().zip(&part.ends).for_each(|(p, end)| *p = start + end);
        column.copy_from_slice(&part.columns);
        entry.copy_from_slice(&part.values);
    });
    (row_ptr, col_idx, values)
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

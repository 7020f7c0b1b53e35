//! Assembly of matrices with row lengths known in advance.

use std::sync::Arc;

use super::input::Input;
use crate::error::{Error, Result};
use crate::parallel;
use crate::sparse::rows::Pool;
use crate::sparse::{Csr, Pattern};

/// Rows per task.
const ROWS: usize = 1024;

/// A task: its first row, the bounds of its rows, and their columns and values.
type Piece<'a> = (usize, &'a [u32], &'a mut [u32], &'a mut [f64]);

/// A prolongation whose row i has `count(i)` entries if i is fine; `fill(i, work, columns, values)` writes
/// them, columns ascending. Rows of coarse points are unit vectors.
pub(super) fn build<W: Send>(
    input: &Input,
    count: impl Fn(usize) -> usize + Sync,
    init: impl Fn() -> W + Sync + Send,
    fill: impl Fn(usize, &mut W, &mut [u32], &mut [f64]) + Sync + Send,
) -> Result<Csr<f64>> {
    let (n, splitting) = (input.a.rows(), input.splitting);
    let row_ptr = offsets(n, |i| if splitting.is_coarse(i) { 1 } else { count(i) })?;
    Ok(fill_rows(splitting.count(), row_ptr, init, |i, work, columns, values| match splitting.index(i) {
        Some(k) => (columns[0], values[0]) = (k as u32, 1.0),
        None => fill(i, work, columns, values),
    }))
}

/// The row pointer for `count(i)` entries in row i.
///
/// # Errors
/// More entries than 32-bit indices can number.
pub(super) fn offsets(rows: usize, count: impl Fn(usize) -> usize + Sync) -> Result<Vec<u32>> {
    let mut row_ptr = vec![0u32; rows + 1];
    parallel::chunks_mut(&mut row_ptr[1..], ROWS, &|first, piece| {
        for (r, length) in piece.iter_mut().enumerate() {
            *length = count(first + r) as u32;
        }
    });
    let mut total = 0u64;
    for end in row_ptr.iter_mut() {
        total += u64::from(*end);
        *end = total as u32;
    }
    if total >= u64::from(u32::MAX) {
        return Err(Error::dimension(format!(
            "a matrix of {rows} rows with {total} nonzeros exceeds 32-bit indices"
        )));
    }
    Ok(row_ptr)
}

/// The matrix whose row i `fill(i, work, columns, values)` writes, columns ascending, into the space given by
/// `row_ptr`. `work` is scratch space of one thread. The arrays are allocated once, at their exact size.
pub(super) fn fill_rows<W: Send>(
    cols: usize,
    row_ptr: Vec<u32>,
    init: impl Fn() -> W + Sync + Send,
    fill: impl Fn(usize, &mut W, &mut [u32], &mut [f64]) + Sync + Send,
) -> Csr<f64> {
    let rows = row_ptr.len() - 1;
    let nnz = row_ptr[rows] as usize;
    let (mut col_idx, mut values) = (vec![0u32; nnz], vec![0.0; nnz]);
    let pool = Pool::new(init);
    let pieces = pieces(&row_ptr, &mut col_idx, &mut values).into_iter();
    parallel::for_each(pieces, &|(first, ends, columns, values)| {
        pool.with(|work| {
            let start = ends[0];
            for (r, pair) in ends.windows(2).enumerate() {
                let range = (pair[0] - start) as usize..(pair[1] - start) as usize;
                fill(first + r, work, &mut columns[range.clone()], &mut values[range]);
            }
        });
    });
    Csr::from_parts(Arc::new(Pattern::from_parts(rows, cols, row_ptr, col_idx)), values)
}

/// Cuts the arrays of a matrix into pieces of whole rows.
fn pieces<'a>(row_ptr: &'a [u32], mut columns: &'a mut [u32], mut values: &'a mut [f64]) -> Vec<Piece<'a>> {
    let rows = row_ptr.len() - 1;
    (0..rows)
        .step_by(ROWS)
        .map(|first| {
            let ends = &row_ptr[first..=rows.min(first + ROWS)];
            let length = (ends[ends.len() - 1] - ends[0]) as usize;
            let (c, rest) = std::mem::take(&mut columns).split_at_mut(length);
            columns = rest;
            let (v, rest) = std::mem::take(&mut values).split_at_mut(length);
            values = rest;
            (first, ends, c, v)
        })
        .collect()
}

/// Number of strong coarse neighbours of `i`.
#[inline(always)]
pub(super) fn coarse_neighbours(input: &Input, i: usize) -> usize {
    input.strong.row_cols(i).iter().filter(|&&j| input.splitting.is_coarse(j as usize)).count()
}

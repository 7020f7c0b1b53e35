//! Matrices built row by row: ranges of rows side by side, joined in order.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use super::pattern::check_size;
use super::{Csr, Pattern, Scalar};
use crate::error::Result;

/// Below this much work a range of rows is not worth a task of its own.
const WORK: usize = 16_384;
/// Tasks for each thread, so that uneven rows even out.
const TASKS: usize = 8;

/// Consecutive rows under construction.
#[derive(Debug, Default)]
pub(crate) struct Rows<T> {
    /// Columns, ascending within a row.
    pub columns: Vec<u32>,
    /// One value for every column.
    pub values: Vec<T>,
    ends: Vec<u32>,
}

impl<T> Rows<T> {
    /// Ends the row. False once there are more entries than 32 bits can number: the rest
    /// need not be worked out.
    #[inline(always)]
    pub(crate) fn end_row(&mut self) -> bool {
        self.ends.push(self.columns.len() as u32);
        self.columns.len() < u32::MAX as usize
    }
}

/// Scratch space for the threads that need some, used again and again.
pub(crate) struct Pool<W, F> {
    free: Mutex<Vec<W>>,
    make: F,
}

impl<W, F: Fn() -> W> Pool<W, F> {
    pub(crate) fn new(make: F) -> Self {
        Self { free: Mutex::new(Vec::new()), make }
    }

    /// What `f` makes of one of them; it must leave nothing behind on which a result depends.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut W) -> R) -> R {
        let taken = self.free.lock().ok().and_then(|mut list| list.pop());
        let mut work = taken.unwrap_or_else(&self.make);
        let result = f(&mut work);
        if let Ok(mut list) = self.free.lock() {
            list.push(work);
        }
        result
    }
}

/// Ranges of rows of about equal work, where `work` counts up through the rows (such as a
/// row pointer, `rows + 1` values). One range on one thread or for little work.
pub(crate) fn ranges(work: &[u32], factor: usize) -> Vec<Range<usize>> {
    let rows = work.len() - 1;
    let total = work[rows] as usize;
    let threads = rayon::current_num_threads();
    let tasks =
        if threads == 1 { 1 } else { (total.saturating_mul(factor) / WORK).clamp(1, threads * TASKS) };
    let mut start = 0;
    let mut list = Vec::with_capacity(tasks);
    for t in 1..=tasks {
        let end = if t == tasks {
            rows
        } else {
            let share = (total as u64 * t as u64 / tasks as u64) as u32;
            work[..rows].partition_point(|&w| w < share).max(start)
        };
        if end > start || t == tasks {
            list.push(start..end);
        }
        start = end;
    }
    list
}

/// The `rows.len()`-th part of every range, in order; on the spot if there is only one.
pub(crate) fn for_ranges<R: Send>(
    ranges: Vec<Range<usize>>,
    f: impl Fn(Range<usize>) -> R + Sync + Send,
) -> Vec<R> {
    if ranges.len() == 1 {
        ranges.into_iter().map(f).collect()
    } else {
        ranges.into_par_iter().map(f).collect()
    }
}

/// A matrix of the shape `rows × cols` from what `fill(range, rows)` makes of every range
/// ([`ranges`] of `work`). The same bits on any number of threads, since a row does not depend
/// on its range. The values are as they come, not checked.
///
/// # Errors
/// More entries than 32 bits can number.
pub(crate) fn build<T: Scalar>(
    cols: usize,
    work: &[u32],
    factor: usize,
    fill: impl Fn(Range<usize>, &mut Rows<T>) + Sync + Send,
) -> Result<Csr<T>> {
    let rows = work.len() - 1;
    let parts = for_ranges(ranges(work, factor), |range| {
        let mut part = Rows { ends: Vec::with_capacity(range.len() + 1), ..Rows::default() };
        fill(range, &mut part);
        part
    });
    join(rows, cols, parts)
}

fn join<T: Scalar>(rows: usize, cols: usize, mut parts: Vec<Rows<T>>) -> Result<Csr<T>> {
    let nnz: usize = parts.iter().map(|p| p.columns.len()).sum();
    check_size(rows, cols, nnz)?;
    let mut row_ptr = Vec::with_capacity(rows + 1);
    row_ptr.push(0u32);
    let mut start = 0;
    for part in &parts {
        row_ptr.extend(part.ends.iter().map(|e| start + e));
        start += part.columns.len() as u32;
    }
    let (col_idx, values) = if parts.len() == 1 {
        let mut part = parts.swap_remove(0);
        part.columns.shrink_to_fit();
        part.values.shrink_to_fit();
        (part.columns, part.values)
    } else {
        let (mut col_idx, mut values) = (vec![0; nnz], vec![T::ZERO; nnz]);
        let lengths: Vec<usize> = parts.iter().map(|p| p.columns.len()).collect();
        let columns = split(&mut col_idx, lengths.iter().copied());
        let entries = split(&mut values, lengths.iter().copied());
        parts.into_par_iter().zip(columns).zip(entries).for_each(|((part, c), v)| {
            c.copy_from_slice(&part.columns);
            v.copy_from_slice(&part.values);
        });
        (col_idx, values)
    };
    Ok(Csr::from_parts(Arc::new(Pattern::from_parts(rows, cols, row_ptr, col_idx)), values))
}

/// Consecutive pieces of `list` with these lengths.
pub(crate) fn split<T>(mut list: &mut [T], lengths: impl Iterator<Item = usize>) -> Vec<&mut [T]> {
    lengths
        .map(|n| {
            let (head, tail) = std::mem::take(&mut list).split_at_mut(n);
            list = tail;
            head
        })
        .collect()
}

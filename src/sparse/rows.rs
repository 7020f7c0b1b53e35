//! Row-by-row construction of matrices: ranges of rows in parallel, joined in order.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::pattern::check_size;
use super::{Csr, Pattern, Scalar};
use crate::error::Result;
use crate::parallel;

/// The least work that is worth a separate task.
const WORK: usize = 32_768;
/// Tasks for each thread, to balance uneven rows.
const TASKS: usize = 8;
/// The initial capacity of a row: unused capacity costs nothing, moving a growing list is expensive.
const ROOM: usize = 12;

/// The structure of consecutive rows under construction.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Columns, ascending within a row.
    pub columns: Vec<u32>,
    ends: Vec<u32>,
}

impl Lines {
    pub(crate) fn new(rows: usize) -> Self {
        Self { columns: Vec::with_capacity(ROOM * rows), ends: Vec::with_capacity(rows) }
    }

    /// Ends the row. False once there are more entries than 32 bits can number: the remaining rows can be
    /// skipped.
    #[inline(always)]
    #[must_use]
    pub(crate) fn end_row(&mut self) -> bool {
        self.ends.push(self.columns.len() as u32);
        self.columns.len() < u32::MAX as usize
    }
}

/// A pool of scratch spaces, one for each active thread.
pub(crate) struct Pool<W, F> {
    free: Mutex<Vec<W>>,
    make: F,
}

impl<W, F: Fn() -> W> Pool<W, F> {
    pub(crate) fn new(make: F) -> Self {
        Self { free: Mutex::new(Vec::new()), make }
    }

    /// Calls `f` with one of them; results must not depend on its former contents.
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

/// Whether this much work is worth several threads.
pub(crate) fn in_parallel(work: usize) -> bool {
    work > 2 * WORK && parallel::threads() > 1
}

/// At most `tasks` ranges of rows of about equal work. `work` is its cumulative sum over the rows, like a row
/// pointer (`rows + 1` values).
pub(crate) fn shares(work: &[u32], tasks: usize) -> Vec<Range<usize>> {
    let rows = work.len() - 1;
    let total = u64::from(work[rows]);
    let mut start = 0;
    let mut list = Vec::with_capacity(tasks);
    for t in 1..=tasks {
        let share = (total * t as u64 / tasks as u64) as u32;
        let end = if t == tasks { rows } else { work.partition_point(|&w| w < share).clamp(start, rows) };
        if end > start || (t == tasks && list.is_empty()) {
            list.push(start..end);
        }
        start = end;
    }
    list
}

/// The matrix with `cols` columns that `fill` computes: for every range of rows it appends columns and values
/// and ends every row. The work on a row is `weight` times its share in `work` ([`shares`]). The same bits on
/// any number of threads, since no row depends on its range. Values are not checked.
///
/// # Errors
/// More entries than 32-bit indices can number.
pub(crate) fn build<T: Scalar>(
    cols: usize,
    work: &[u32],
    weight: usize,
    fill: impl Fn(Range<usize>, &mut Lines, &mut Vec<T>) + Sync + Send,
) -> Result<Csr<T>> {
    let rows = work.len() - 1;
    let total = (work[rows] as usize).saturating_mul(weight);
    let tasks = if in_parallel(total) { (total / WORK).min(TASKS * parallel::threads()) } else { 1 };
    let run = |range: Range<usize>| {
        let (mut lines, mut values) = (Lines::new(range.len()), Vec::with_capacity(ROOM * range.len()));
        fill(range, &mut lines, &mut values);
        (lines, values)
    };
    let (lines, values) = match tasks {
        1 => {
            let (lines, values) = run(0..rows);
            (vec![lines], vec![values])
        }
        _ => parallel::map(shares(work, tasks).into_iter(), &run).into_iter().unzip(),
    };
    let pattern = join(rows, cols, lines)?;
    Ok(Csr::from_parts(Arc::new(pattern), concat(values)))
}

/// The joint pattern of consecutive ranges of rows.
///
/// # Errors
/// More entries than 32-bit indices can number.
pub(crate) fn join(rows: usize, cols: usize, parts: Vec<Lines>) -> Result<Pattern> {
    check_size(rows, cols, parts.iter().map(|p| p.columns.len()).sum())?;
    let mut row_ptr = Vec::with_capacity(rows + 1);
    row_ptr.push(0u32);
    let mut start = 0;
    for part in &parts {
        row_ptr.extend(part.ends.iter().map(|e| start + e));
        start += part.columns.len() as u32;
    }
    let columns = parts.into_iter().map(|p| p.columns).collect();
    Ok(Pattern::from_parts(rows, cols, row_ptr, concat(columns)))
}

/// The concatenation of all lists, without spare capacity; a single list is not copied.
pub(crate) fn concat<V: Copy + Default + Send + Sync>(mut parts: Vec<Vec<V>>) -> Vec<V> {
    if parts.len() == 1 {
        let mut only = parts.swap_remove(0);
        only.shrink_to_fit();
        return only;
    }
    let mut all = vec![V::default(); parts.iter().map(Vec::len).sum()];
    let pieces = split(&mut all, parts.iter().map(Vec::len));
    parallel::for_each(parts.iter().zip(pieces), &|(part, piece)| piece.copy_from_slice(part));
    all
}

/// Consecutive pieces of `list` with these lengths.
pub(crate) fn split<V>(mut list: &mut [V], lengths: impl Iterator<Item = usize>) -> Vec<&mut [V]> {
    lengths
        .map(|n| {
            let (head, tail) = std::mem::take(&mut list).split_at_mut(n);
            list = tail;
            head
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_all_rows_once() {
        for work in [vec![0u32], vec![0, 0, 0], vec![0, 5, 5, 5, 6, 100, 101], vec![0, 0, 7], vec![0, 7, 7]] {
            for tasks in 1..9 {
                let list = shares(&work, tasks);
                assert!((1..=tasks).contains(&list.len()), "{work:?} {list:?}");
                assert_eq!((list[0].start, list[list.len() - 1].end), (0, work.len() - 1));
                assert!(list.windows(2).all(|w| w[0].end == w[1].start), "{work:?} {list:?}");
            }
        }
        assert_eq!(shares(&[0, 2, 4, 6, 8], 2), [0..2, 2..4]);
    }

    #[test]
    fn more_entries_than_32_bits_can_number_are_an_error() {
        // Rows that are too long cannot be stored here; sizes can.
        let error = join(u32::MAX as usize, 1, Vec::new()).unwrap_err();
        assert!(error.is_dimension() && error.to_string().contains("32-bit"), "{error}");
    }
}

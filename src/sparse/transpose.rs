//! Transposition by counting, over ranges of columns in parallel.

use std::ops::Range;
use std::sync::Arc;

use super::rows::{in_parallel, shares, split};
use super::{Csr, Pattern, Scalar, Transposition};
use crate::parallel;

impl<T: Scalar> Csr<T> {
    /// The transpose, with a new pattern. Cost: two passes, or one if [`Pattern::transposition`] has been
    /// computed.
    #[must_use]
    pub fn transpose(&self) -> Self {
        let (rows, cols) = (self.cols(), self.rows());
        if let Some(known) = self.pattern().known_transposition() {
            let values = known.source.iter().map(|&p| self.values()[p as usize]).collect();
            return Self::from_parts(self.pattern().transposed(), values);
        }
        let ptr = starts(self.pattern());
        let (row_idx, values) = scatter(self.pattern(), &ptr, |p| self.values()[p]);
        Self::from_parts(Arc::new(Pattern::from_parts(rows, cols, ptr, row_idx)), values)
    }
}

impl Pattern {
    /// The pattern of the transpose, as a new pattern. Cost: two passes, or a copy if
    /// [`transposition`](Self::transposition) has been computed.
    pub fn transposed(&self) -> Arc<Pattern> {
        let (ptr, row_idx) = match self.known_transposition() {
            Some(known) => (known.ptr.clone(), known.row_idx.clone()),
            None => {
                let ptr = starts(self);
                let (row_idx, _) = scatter(self, &ptr, |_| ());
                (ptr, row_idx)
            }
        };
        Arc::new(Self::from_parts(self.cols(), self.rows(), ptr, row_idx))
    }
}

/// The transposition of a pattern.
pub(super) fn transposition(pattern: &Pattern) -> Transposition {
    let ptr = starts(pattern);
    let (row_idx, source) = scatter(pattern, &ptr, |p| p as u32);
    Transposition { ptr, row_idx, source }
}

/// Calls `f(row, nonzero number, column)` for all entries in these columns, by rows.
#[inline(always)]
fn visit(pattern: &Pattern, columns: Range<usize>, mut f: impl FnMut(usize, usize, usize)) {
    let (ptr, col_idx) = (pattern.row_ptr(), pattern.col_idx());
    let whole = columns == (0..pattern.cols());
    for (i, bounds) in ptr.windows(2).enumerate() {
        let mut start = bounds[0] as usize;
        let mut row = &col_idx[start..bounds[1] as usize];
        if !whole {
            let outside = row.first().is_none_or(|&j| j as usize >= columns.end)
                || row.last().is_none_or(|&j| (j as usize) < columns.start);
            if outside {
                continue;
            }
            let skip = row.partition_point(|&j| (j as usize) < columns.start);
            start += skip;
            row = &row[skip..];
            row = &row[..row.partition_point(|&j| (j as usize) < columns.end)];
        }
        for (p, &j) in (start..).zip(row) {
            f(i, p, j as usize);
        }
    }
}

/// The number of ranges of columns; each costs a pass over the row pointer.
fn tasks(pattern: &Pattern) -> usize {
    if in_parallel(pattern.nnz()) { parallel::threads() } else { 1 }
}

/// Start of every column, `cols + 1` entries.
fn starts(pattern: &Pattern) -> Vec<u32> {
    let cols = pattern.cols();
    let mut ptr = vec![0u32; cols + 1];
    let count = |columns: Range<usize>, counts: &mut [u32]| {
        let first = columns.start;
        visit(pattern, columns, |_, _, j| counts[j - first] += 1);
    };
    match tasks(pattern) {
        1 => count(0..cols, &mut ptr[1..]),
        tasks => {
            let size = cols.div_ceil(tasks).max(1);
            parallel::chunks_mut(&mut ptr[1..], size, &|first, counts| {
                count(first..first + counts.len(), counts);
            });
        }
    }
    let mut sum = 0;
    for p in &mut ptr {
        sum += *p;
        *p = sum;
    }
    ptr
}

/// By columns: the row of every entry, and `value` of its nonzero number.
fn scatter<V: Copy + Default + Send>(
    pattern: &Pattern,
    ptr: &[u32],
    value: impl Fn(usize) -> V + Sync,
) -> (Vec<u32>, Vec<V>) {
    let mut row_idx = vec![0u32; pattern.nnz()];
    let mut values = vec![V::default(); pattern.nnz()];
    let place = |columns: Range<usize>, row_idx: &mut [u32], values: &mut [V]| {
        let (first, offset) = (columns.start, ptr[columns.start]);
        let mut next: Vec<u32> = ptr[columns.clone()].iter().map(|p| p - offset).collect();
        visit(pattern, columns, |i, p, j| {
            let slot = next[j - first] as usize;
            row_idx[slot] = i as u32;
            values[slot] = value(p);
            next[j - first] += 1;
        });
    };
    match tasks(pattern) {
        1 => place(0..pattern.cols(), &mut row_idx, &mut values),
        tasks => {
            let ranges = shares(ptr, tasks);
            let length = |r: &Range<usize>| (ptr[r.end] - ptr[r.start]) as usize;
            let rows = split(&mut row_idx, ranges.iter().map(length));
            let entries = split(&mut values, ranges.iter().map(length));
            let pieces = ranges.iter().cloned().zip(rows).zip(entries);
            parallel::for_each(pieces, &|((r, i), v)| place(r, i, v));
        }
    }
    (row_idx, values)
}

//! Loops over values, in parallel if worthwhile and with the same bits on any number of threads.

use std::ops::Range;

use crate::parallel;
use crate::sparse::rows::split;
use crate::sparse::{Pattern, Scalar};

/// The number of values per task, and the length above which there are several tasks.
pub(super) const CHUNK: usize = 1 << 13;
const PARALLEL: usize = 1 << 16;
/// Rows per task.
const ROWS: usize = 1 << 11;

/// Calls `f(first, part)` for consecutive parts of `out`.
#[inline(always)]
pub(super) fn parts<T: Send>(out: &mut [T], f: impl Fn(usize, &mut [T]) + Sync) {
    if out.len() < PARALLEL || parallel::threads() == 1 {
        f(0, out);
    } else {
        parallel::chunks_mut(out, CHUNK, &f);
    }
}

/// out(q) ← f(q).
#[inline(always)]
pub(super) fn each<T: Scalar>(out: &mut [T], f: impl Fn(usize) -> T + Sync + Send) {
    parts(out, |first, part| {
        part.iter_mut().enumerate().for_each(|(q, v)| *v = f(first + q));
    });
}

/// out(q) ← f(q), or out(q) + f(q) if `add`.
#[inline(always)]
pub(super) fn put<T: Scalar>(add: bool, out: &mut [T], f: impl Fn(usize) -> T + Sync + Send) {
    if add {
        parts(out, |first, part| {
            part.iter_mut().enumerate().for_each(|(q, v)| *v += f(first + q));
        });
    } else {
        each(out, f);
    }
}

/// Calls `f(i, values of row i)` for every row of a pattern.
#[inline(always)]
pub(super) fn by_rows<T: Send>(pattern: &Pattern, out: &mut [T], f: impl Fn(usize, &mut [T]) + Sync + Send) {
    let rows = |first: usize, last: usize, mut rest: &mut [T]| {
        let bounds = pattern.row_ptr()[first..=last].windows(2);
        for (i, bounds) in (first..last).zip(bounds) {
            let (row, tail) = rest.split_at_mut((bounds[1] - bounds[0]) as usize);
            f(i, row);
            rest = tail;
        }
    };
    if out.len() < PARALLEL || parallel::threads() == 1 {
        return rows(0, pattern.rows(), out);
    }
    let (n, ptr) = (pattern.rows(), pattern.row_ptr());
    let end = |c: usize| n.min((c + 1) * ROWS);
    let lengths = (0..n.div_ceil(ROWS)).map(|c| (ptr[end(c)] - ptr[c * ROWS]) as usize);
    let pieces = split(out, lengths).into_iter().enumerate();
    parallel::for_each(pieces, &|(c, part)| rows(c * ROWS, end(c), part));
}

/// Σ f(q) over a block, in eight interleaved sums.
#[inline(always)]
fn block_sum<T: Scalar>(range: Range<usize>, f: impl Fn(usize) -> T) -> T {
    let whole = range.start + range.len() / 8 * 8;
    let mut lanes = [T::ZERO; 8];
    for q in (range.start..whole).step_by(8) {
        lanes.iter_mut().enumerate().for_each(|(l, lane)| *lane += f(q + l));
    }
    let rest = (whole..range.end).fold(T::ZERO, |sum, q| sum + f(q));
    let four: [T; 4] = std::array::from_fn(|l| lanes[l] + lanes[l + 4]);
    ((four[0] + four[2]) + (four[1] + four[3])) + rest
}

/// As [`put`], and Σ h(q) over all values while they are in cache.
#[inline(always)]
pub(super) fn put_and_sum<T: Scalar>(
    add: bool,
    out: &mut [T],
    f: impl Fn(usize) -> T + Sync + Send,
    h: impl Fn(usize) -> T + Sync + Send,
) -> T {
    let block = |(c, part): (usize, &mut [T])| {
        let first = c * CHUNK;
        let values = part.iter_mut().enumerate();
        if add {
            values.for_each(|(q, v)| *v += f(first + q));
        } else {
            values.for_each(|(q, v)| *v = f(first + q));
        }
        block_sum(first..first + part.len(), &h)
    };
    if out.len() < PARALLEL || parallel::threads() == 1 {
        return out.chunks_mut(CHUNK).enumerate().map(block).fold(T::ZERO, |sum, part| sum + part);
    }
    let parts = parallel::map(out.chunks_mut(CHUNK).enumerate(), &block);
    parts.into_iter().fold(T::ZERO, |sum, part| sum + part)
}

/// Σ f(q) over 0 ≤ q < `length`: eight interleaved sums per block of fixed size.
#[inline(always)]
pub(super) fn sum<T: Scalar>(length: usize, f: impl Fn(usize) -> T + Sync + Send) -> T {
    let block = |c: usize| block_sum(c * CHUNK..length.min((c + 1) * CHUNK), &f);
    let blocks = length.div_ceil(CHUNK);
    if length < PARALLEL || parallel::threads() == 1 {
        return (0..blocks).fold(T::ZERO, |sum, c| sum + block(c));
    }
    let parts = parallel::map(0..blocks, &block);
    parts.into_iter().fold(T::ZERO, |sum, part| sum + part)
}

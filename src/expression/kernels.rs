//! Loops over values, in parallel where it pays and with the same bits on any number of threads.

use rayon::prelude::*;

use crate::sparse::rows::split;
use crate::sparse::{Pattern, Scalar};

/// Values handled by one task, and length from which there are several.
pub(super) const CHUNK: usize = 1 << 13;
const PARALLEL: usize = 1 << 16;
/// Rows handled by one task.
const ROWS: usize = 1 << 11;

/// Calls `f(first, part)` for consecutive parts of `out`.
#[inline(always)]
pub(super) fn parts<T: Send>(out: &mut [T], f: impl Fn(usize, &mut [T]) + Sync + Send) {
    if out.len() < PARALLEL || rayon::current_num_threads() == 1 {
        f(0, out);
    } else {
        out.par_chunks_mut(CHUNK).enumerate().for_each(|(c, part)| f(c * CHUNK, part));
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
        for i in first..last {
            let (row, tail) = rest.split_at_mut(pattern.row(i).len());
            f(i, row);
            rest = tail;
        }
    };
    if out.len() < PARALLEL || rayon::current_num_threads() == 1 {
        return rows(0, pattern.rows(), out);
    }
    let (n, ptr) = (pattern.rows(), pattern.row_ptr());
    let end = |c: usize| n.min((c + 1) * ROWS);
    let lengths = (0..n.div_ceil(ROWS)).map(|c| (ptr[end(c)] - ptr[c * ROWS]) as usize);
    split(out, lengths).into_par_iter().enumerate().for_each(|(c, part)| rows(c * ROWS, end(c), part));
}

/// Σ f(q) over 0 ≤ q < `length`: eight interleaved sums per block of fixed size.
#[inline(always)]
pub(super) fn sum<T: Scalar>(length: usize, f: impl Fn(usize) -> T + Sync + Send) -> T {
    let block = |c: usize| {
        let (start, end) = (c * CHUNK, length.min((c + 1) * CHUNK));
        let whole = start + (end - start) / 8 * 8;
        let mut lanes = [T::ZERO; 8];
        for q in (start..whole).step_by(8) {
            lanes.iter_mut().enumerate().for_each(|(l, lane)| *lane += f(q + l));
        }
        let rest = (whole..end).fold(T::ZERO, |sum, q| sum + f(q));
        let four: [T; 4] = std::array::from_fn(|l| lanes[l] + lanes[l + 4]);
        ((four[0] + four[2]) + (four[1] + four[3])) + rest
    };
    let blocks = length.div_ceil(CHUNK);
    if length < PARALLEL || rayon::current_num_threads() == 1 {
        return (0..blocks).fold(T::ZERO, |sum, c| sum + block(c));
    }
    let parts: Vec<T> = (0..blocks).into_par_iter().map(block).collect();
    parts.into_iter().fold(T::ZERO, |sum, part| sum + part)
}

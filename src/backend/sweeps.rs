//! Gauss–Seidel sweeps: in natural order, in blocks and by colours.
//!
//! For one column a sweep is bound by latency: every row waits for its predecessor. The kernels here keep the
//! predecessor's value in a register, use it last, and multiply by precomputed reciprocals; the chain then
//! has one multiplication and one subtraction per row.

use super::columns::{by_columns, part, vectorised};
use super::one_column::SplitRows;
use super::order::{Colouring, Order, OrderedView};
use super::rows::{entries, rows_in_order, substitute};
use super::{Direction, View};
use crate::parallel;
use crate::sparse::Scalar;

/// The number of multiply-adds below which starting the pool costs more than it saves.
const PARALLEL_WORK: usize = 1 << 17;

/// Rows per task when the rows of a colour are written back.
const ROWS: usize = 4096;

/// x after one sweep on A x = b in natural order. Sequential: a row uses every new value at once.
pub fn natural<T: Scalar>(a: View<'_, T>, b: &[T], x: &mut [T], direction: Direction, k: usize) {
    vectorised(
        #[inline(always)]
        || {
            if k == 1 {
                match direction {
                    Direction::Forward => natural_one_column::<T, true>(a, b, x),
                    Direction::Backward => natural_one_column::<T, false>(a, b, x),
                }
                return;
            }
            by_columns!(k, |K, k, c| {
                for i in rows_in_order(a.pattern.rows(), direction == Direction::Forward) {
                    let rhs = part::<T, K>(b, i, k, c);
                    substitute(entries(a, i), false, rhs, i, x, (k, c));
                }
            });
        },
    );
}

/// One column: x(i) ← (s − c·x(near)) / d, with near the row before this one in the sweep.
#[inline(always)]
fn natural_one_column<T: Scalar, const FORWARD: bool>(a: View<'_, T>, b: &[T], x: &mut [T]) {
    let (n, a) = (b.len(), SplitRows::new(a));
    let mut last = T::ZERO;
    for step in 0..n {
        let i = if FORWARD { step } else { n - 1 - step };
        let (below, left) = a.below(i);
        let (above, right, diagonal) = a.above(i);
        let (near, far, other) =
            if FORWARD { (left, right, i + 1) } else { (right, left, i.wrapping_sub(1)) };
        let mut sum = a.subtract(above, x, a.subtract(below, x, b[i]));
        if far != T::ZERO {
            sum -= far * x[other];
        }
        let inverse = T::ONE / diagonal;
        last = sum * inverse - (near * inverse) * last;
        x[i] = last;
    }
}

/// One sweep in blocks or by colours: x(i) ← x(i) + w(i) (b(i) − Σ a(i,j) x(j)), in parallel. `scratch` is as
/// long as x, with any content.
pub fn ordered<T: Scalar>(s: OrderedView<'_, T>, b: &[T], x: &mut [T], scratch: &mut [T], k: usize) {
    if x.is_empty() || k == 0 {
        return;
    }
    let parallel = s.a.pattern.nnz() * k >= PARALLEL_WORK && parallel::threads() > 1;
    match &s.sweep.order {
        Order::Blocks { rows } => {
            scratch.copy_from_slice(x);
            let (old, rows) = (&*scratch, (*rows).max(1) as usize);
            let body = |(q, x): (usize, &mut [T])| block(s, b, old, q * rows, x, k);
            let blocks = x.chunks_mut(rows * k).enumerate();
            if parallel {
                parallel::for_each(blocks, &body);
            } else {
                blocks.for_each(body);
            }
        }
        Order::Colours(colouring) => {
            let count = colouring.count();
            for step in 0..count {
                let c = if s.sweep.direction == Direction::Forward { step } else { count - 1 - step };
                if parallel {
                    colour_parallel(s, b, x, scratch, colouring.colour(c), k);
                } else {
                    colour(s, b, x, colouring, c, k);
                }
            }
        }
    }
}

/// The rows from `first` on, with values `x`; those of other blocks are read from `old`.
fn block<T: Scalar>(s: OrderedView<'_, T>, b: &[T], old: &[T], first: usize, x: &mut [T], k: usize) {
    let forward = s.sweep.direction == Direction::Forward;
    vectorised(
        #[inline(always)]
        || {
            if k == 1 {
                if forward {
                    block_one_column::<T, true>(s, b, old, first, x);
                } else {
                    block_one_column::<T, false>(s, b, old, first, x);
                }
                return;
            }
            by_columns!(k, |K, k, c| {
                for local in rows_in_order(x.len() / k, forward) {
                    let new = block_row::<T, K>(s, b, old, first, x, local, (k, c));
                    x[local * k + c..local * k + c + K].copy_from_slice(&new);
                }
            });
        },
    );
}

/// As [`natural_one_column`], for a row whose entries all lie in its block; otherwise as [`block_row`].
#[inline(always)]
fn block_one_column<T: Scalar, const FORWARD: bool>(
    s: OrderedView<'_, T>,
    b: &[T],
    old: &[T],
    first: usize,
    x: &mut [T],
) {
    let (ptr, n) = (s.a.pattern.row_ptr(), x.len());
    let mut last = T::ZERO;
    for step in 0..n {
        let local = if FORWARD { step } else { n - 1 - step };
        let i = first + local;
        let range = ptr[i] as usize..ptr[i + 1] as usize;
        let (cols, vals) = (&s.a.pattern.col_idx()[range.clone()], &s.a.values[range]);
        let inside = match (cols.first(), cols.last()) {
            (Some(&low), Some(&high)) => low as usize >= first && (high as usize) < first + n,
            _ => true,
        };
        if inside {
            let (mut sum, mut near, mut q) = (b[i], T::ZERO, 0);
            // One more than the column of the neighbour.
            let after = if FORWARD { i } else { i + 2 };
            while q < cols.len() && (cols[q] as usize) + 1 < after {
                sum -= vals[q] * x[cols[q] as usize - first];
                q += 1;
            }
            if q < cols.len() && (cols[q] as usize) + 1 == after {
                near = vals[q];
                q += 1;
            }
            for (&j, &v) in cols[q..].iter().zip(&vals[q..]) {
                sum -= v * x[j as usize - first];
            }
            let inverse = s.inverse[i];
            last = (x[local] + inverse * sum) - (inverse * near) * last;
        } else {
            last = block_row::<T, 1>(s, b, old, first, x, local, (1, 0))[0];
        }
        x[local] = last;
    }
}

#[inline(always)]
fn block_row<T: Scalar, const K: usize>(
    s: OrderedView<'_, T>,
    b: &[T],
    old: &[T],
    first: usize,
    x: &[T],
    local: usize,
    (k, c): (usize, usize),
) -> [T; K] {
    let i = first + local;
    let rows = x.len() / k;
    let mut sum = part::<T, K>(b, i, k, c);
    for (j, v) in entries(s.a, i) {
        let j = j as usize;
        let inside = j >= first && j < first + rows;
        let xj = if inside { part::<T, K>(x, j - first, k, c) } else { part::<T, K>(old, j, k, c) };
        for l in 0..K {
            sum[l] -= v * xj[l];
        }
    }
    let mut new = part::<T, K>(x, local, k, c);
    for l in 0..K {
        new[l] += s.inverse[i] * sum[l];
    }
    new
}

#[inline(always)]
fn colour_row<T: Scalar, const K: usize>(
    s: OrderedView<'_, T>,
    b: &[T],
    x: &[T],
    i: usize,
    (k, c): (usize, usize),
) -> [T; K] {
    let mut sum = part::<T, K>(b, i, k, c);
    for (j, v) in entries(s.a, i) {
        let xj = part::<T, K>(x, j as usize, k, c);
        for l in 0..K {
            sum[l] -= v * xj[l];
        }
    }
    let mut new = part::<T, K>(x, i, k, c);
    for l in 0..K {
        new[l] += s.inverse[i] * sum[l];
    }
    new
}

/// The rows of one colour, one after another.
fn colour<T: Scalar>(s: OrderedView<'_, T>, b: &[T], x: &mut [T], colouring: &Colouring, c: usize, k: usize) {
    let rows = colouring.colour(c);
    vectorised(
        #[inline(always)]
        || {
            by_columns!(k, |K, k, c| {
                for &i in rows {
                    let i = i as usize;
                    let new = colour_row::<T, K>(s, b, x, i, (k, c));
                    x[i * k + c..i * k + c + K].copy_from_slice(&new);
                }
            });
        },
    );
}

/// The rows of one colour in parallel: first computed, then scattered.
fn colour_parallel<T: Scalar>(
    s: OrderedView<'_, T>,
    b: &[T],
    x: &mut [T],
    scratch: &mut [T],
    rows: &[u32],
    k: usize,
) {
    let new = &mut scratch[..rows.len() * k];
    let old = &*x;
    parallel::for_each(new.chunks_mut(ROWS * k).zip(rows.chunks(ROWS)), &|(new, rows)| {
        vectorised(
            #[inline(always)]
            || {
                by_columns!(k, |K, k, c| {
                    for (out, &i) in new.chunks_exact_mut(k).zip(rows) {
                        out[c..c + K].copy_from_slice(&colour_row::<T, K>(s, b, old, i as usize, (k, c)));
                    }
                });
            },
        )
    });
    let new = &*new;
    parallel::for_each(x.chunks_mut(ROWS * k).enumerate(), &|(q, x)| {
        let first = q * ROWS;
        let from = rows.partition_point(|&i| (i as usize) < first);
        let to = from + rows[from..].partition_point(|&i| (i as usize) < first + ROWS);
        for (&i, new) in rows[from..to].iter().zip(new[from * k..to * k].chunks_exact(k)) {
            let local = (i as usize - first) * k;
            x[local..local + k].copy_from_slice(new);
        }
    });
}

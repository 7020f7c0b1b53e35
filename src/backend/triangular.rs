//! Triangular solves: sequential, and by levels of independent rows.

use super::columns::{by_columns, part, vectorised};
use super::one_column::SplitRows;
use super::rows::rows_in_order;
use super::{Triangle, View};
use crate::parallel;
use crate::sparse::{Levels, Scalar};

/// The number of stored entries below which starting the pool costs more than it saves.
const PARALLEL_WORK: usize = 1 << 17;

/// The number of threads from which levels are used: their rows lie far apart in memory, so that on two
/// threads a 7-point matrix of 100³ rows took five times as long as row after row.
const THREADS: usize = 16;

/// Rows per task within a level.
const ROWS: usize = 512;

/// x ← T⁻¹ x, or T⁻ᵀ x.
pub fn solve<T: Scalar>(a: View<'_, T>, tri: Triangle, transposed: bool, x: &mut [T], k: usize) {
    if k == 1 && !transposed {
        single(a, tri, x);
        return;
    }
    if k == 1 {
        return single_transposed(a, tri, x);
    }
    let transposed_lower = (transposed, tri.lower);
    vectorised(
        #[inline(always)]
        || {
            by_columns!(k, |K, k, c| match transposed_lower {
                (false, true) => block::<T, K, false, true>(a, tri.unit, x, (k, c)),
                (false, false) => block::<T, K, false, false>(a, tri.unit, x, (k, c)),
                (true, true) => block::<T, K, true, true>(a, tri.unit, x, (k, c)),
                (true, false) => block::<T, K, true, false>(a, tri.unit, x, (k, c)),
            });
        },
    );
}

/// K columns from c on. A row is gathered from the known ones, the preceding one last; transposed, every
/// known row is subtracted from the others, the next one first. Either way a row waits only for its
/// predecessor.
#[inline(always)]
fn block<T: Scalar, const K: usize, const TRANSPOSED: bool, const LOWER: bool>(
    a: View<'_, T>,
    unit: bool,
    x: &mut [T],
    (k, c): (usize, usize),
) {
    let (columns, ptr, splits) = (a.pattern.col_idx(), a.pattern.row_ptr(), a.pattern.splits());
    for i in rows_in_order(a.pattern.rows(), LOWER != TRANSPOSED) {
        let (start, split, end) = (ptr[i] as usize, splits[i] as usize, ptr[i + 1] as usize);
        let stored = split < end && columns[split] as usize == i;
        let range = if LOWER { start..split } else { split + usize::from(stored)..end };
        let inverse = match (unit, stored) {
            (true, _) => T::ONE,
            (false, true) => T::ONE / a.values[split],
            (false, false) => T::ONE / T::ZERO,
        };
        let mut own = part::<T, K>(x, i, k, c);
        let (row, values) = (&columns[range.clone()], &a.values[range]);
        if !TRANSPOSED {
            for q in 0..row.len() {
                // The row before this one is the last entry of a lower triangle, the first of an upper.
                let q = if LOWER { q } else { row.len() - 1 - q };
                let (v, known) = (values[q], part::<T, K>(x, row[q] as usize, k, c));
                for l in 0..K {
                    own[l] -= v * known[l];
                }
            }
        }
        own.iter_mut().for_each(|v| *v *= inverse);
        x[i * k + c..i * k + c + K].copy_from_slice(&own);
        if TRANSPOSED {
            for q in 0..row.len() {
                let q = if LOWER { row.len() - 1 - q } else { q };
                let (v, j) = (values[q], row[q] as usize * k + c);
                let rest = &mut x[j..j + K];
                for l in 0..K {
                    rest[l] -= v * own[l];
                }
            }
        }
    }
}

/// One column: by levels if they are wide and there are many threads.
fn single<T: Scalar>(a: View<'_, T>, tri: Triangle, x: &mut [T]) {
    let parallel = a.pattern.nnz() >= PARALLEL_WORK && parallel::threads() >= THREADS;
    let levels = if parallel { a.pattern.levels(tri.lower) } else { None };
    match (levels, tri.lower, tri.unit) {
        (None, true, true) => sequential::<T, true, true>(a, x),
        (None, true, false) => sequential::<T, true, false>(a, x),
        (None, false, true) => sequential::<T, false, true>(a, x),
        (None, false, false) => sequential::<T, false, false>(a, x),
        (Some(levels), true, true) => by_levels::<T, true, true>(a, levels, x),
        (Some(levels), true, false) => by_levels::<T, true, false>(a, levels, x),
        (Some(levels), false, true) => by_levels::<T, false, true>(a, levels, x),
        (Some(levels), false, false) => by_levels::<T, false, false>(a, levels, x),
    }
}

/// T⁻ᵀ x for one column: every finished row of T is subtracted from the others, without a transposition.
fn single_transposed<T: Scalar>(a: View<'_, T>, tri: Triangle, x: &mut [T]) {
    let (columns, ptr, splits) = (a.pattern.col_idx(), a.pattern.row_ptr(), a.pattern.splits());
    vectorised(
        #[inline(always)]
        || {
            for i in rows_in_order(a.pattern.rows(), !tri.lower) {
                let (start, split, end) = (ptr[i] as usize, splits[i] as usize, ptr[i + 1] as usize);
                let stored = split < end && columns[split] as usize == i;
                let range = if tri.lower { start..split } else { split + usize::from(stored)..end };
                let known = match (tri.unit, stored) {
                    (true, _) => x[i],
                    (false, true) => x[i] / a.values[split],
                    (false, false) => x[i] / T::ZERO,
                };
                x[i] = known;
                for (&j, &v) in columns[range.clone()].iter().zip(&a.values[range]) {
                    x[j as usize] -= v * known;
                }
            }
        },
    );
}

/// Row i of T⁻¹ x, with `last` the value of the preceding row, if any. It is used last, and the reciprocal
/// does not wait for it.
#[inline(always)]
fn row<T: Scalar, const LOWER: bool, const UNIT: bool>(a: SplitRows<'_, T>, x: &[T], i: usize, last: T) -> T {
    let (above, right, diagonal) = if LOWER && UNIT { (0..0, T::ZERO, T::ONE) } else { a.above(i) };
    let (entries, near) = if LOWER { a.below(i) } else { (above, right) };
    let sum = a.subtract(entries, x, x[i]);
    if UNIT {
        sum - near * last
    } else {
        let inverse = T::ONE / diagonal;
        sum * inverse - (near * inverse) * last
    }
}

fn sequential<T: Scalar, const LOWER: bool, const UNIT: bool>(a: View<'_, T>, x: &mut [T]) {
    vectorised(
        #[inline(always)]
        || {
            let (n, a) = (x.len(), SplitRows::new(a));
            let mut last = T::ZERO;
            for step in 0..n {
                let i = if LOWER { step } else { n - 1 - step };
                last = row::<T, LOWER, UNIT>(a, x, i, last);
                x[i] = last;
            }
        },
    );
}

/// The same rows with the same bits, level by level.
fn by_levels<T: Scalar, const LOWER: bool, const UNIT: bool>(a: View<'_, T>, levels: &Levels, x: &mut [T]) {
    let a = SplitRows::new(a);
    let mut new = vec![T::ZERO; levels.widest()];
    for rows in levels.iter() {
        let old = &*x;
        let compute = |(new, rows): (&mut [T], &[u32])| {
            for (out, &i) in new.iter_mut().zip(rows) {
                let i = i as usize;
                let near = if LOWER { i.checked_sub(1) } else { Some(i + 1).filter(|&j| j < old.len()) };
                *out = row::<T, LOWER, UNIT>(a, old, i, near.map_or(T::ZERO, |j| old[j]));
            }
        };
        let new = &mut new[..rows.len()];
        if rows.len() < 2 * ROWS {
            compute((new, rows));
        } else {
            parallel::for_each(new.chunks_mut(ROWS).zip(rows.chunks(ROWS)), &compute);
        }
        for (&i, &v) in rows.iter().zip(&*new) {
            x[i as usize] = v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Csr;

    /// A triangle with wide levels: rows have the same bits in any order.
    #[test]
    fn levels_have_the_bits_of_the_sequence() {
        let n = 60_000;
        let mut t = Vec::new();
        for i in 0..n {
            t.push((i, i, 3.0 + (i % 7) as f64));
            for (q, step) in [1, 5_000, 7_001].into_iter().enumerate() {
                // Only some rows depend on their neighbour; otherwise every row would wait for the one
                // before.
                if i >= step && (step > 1 || i % 4 == 0) {
                    t.extend([(i, i - step, 0.5 + q as f64 / 7.0), (i - step, i, -0.3 - q as f64 / 9.0)]);
                }
            }
        }
        let a = Csr::<f64>::from_triplets(n, n, &t).unwrap();
        let a: View<'_, f64> = (&a).into();
        let b: Vec<f64> = (0..n).map(|i| (i as f64 * 1.618).sin()).collect();
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (mut x, mut y) = (b.clone(), b.clone());
            sequential::<_, true, true>(a, &mut x);
            sequential::<_, false, false>(a, &mut x);
            pool.install(|| {
                by_levels::<_, true, true>(a, a.pattern.levels(true).unwrap(), &mut y);
                by_levels::<_, false, false>(a, a.pattern.levels(false).unwrap(), &mut y);
            });
            assert!(x == y && x.iter().all(|v| v.is_finite()), "{threads} threads");
        }
    }
}

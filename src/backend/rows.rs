//! Rows of a sparse matrix and of its transpose, for the kernels of [`Cpu`](super::Cpu).

use std::ops::Range;

use super::View;
use super::columns::{by_columns, dot, part};
use crate::sparse::Scalar;

#[inline(always)]
pub fn entries<'a, T: Scalar>(a: View<'a, T>, i: usize) -> impl Iterator<Item = (u32, T)> + 'a {
    entries_range(a, a.pattern.row(i))
}

#[inline(always)]
pub fn entries_range<'a, T: Scalar>(
    a: View<'a, T>,
    range: Range<usize>,
) -> impl Iterator<Item = (u32, T)> + 'a {
    a.pattern.col_idx()[range.clone()].iter().copied().zip(a.values[range].iter().copied())
}

#[inline(always)]
pub fn transposed_entries<'a, T: Scalar>(a: View<'a, T>, j: usize) -> impl Iterator<Item = (u32, T)> + 'a {
    let t = a.pattern.transposition();
    transposed_range(a, t.ptr[j] as usize..t.ptr[j + 1] as usize)
}

#[inline(always)]
pub fn transposed_range<'a, T: Scalar>(
    a: View<'a, T>,
    range: Range<usize>,
) -> impl Iterator<Item = (u32, T)> + 'a {
    let t = a.pattern.transposition();
    let values = a.values;
    t.row_idx[range.clone()].iter().zip(&t.source[range]).map(
        #[inline(always)]
        move |(&i, &p)| (i, values[p as usize]),
    )
}

/// y(i) ← α Σ v x(j) + β y(i) over the entries (j, v) of row i.
#[inline(always)]
pub fn gather<T: Scalar, I: Iterator<Item = (u32, T)>>(
    entries: impl Fn(usize) -> I,
    (alpha, beta): (T, T),
    x: &[T],
    first: usize,
    y: &mut [T],
    k: usize,
) {
    by_columns!(k, |K, k, c| {
        for (local, row) in y.chunks_exact_mut(k).enumerate() {
            let mut sum = dot::<T, K>(entries(first + local), x, k, c);
            let old = if beta == T::ZERO { [T::ZERO; K] } else { part::<T, K>(row, 0, k, c) };
            for l in 0..K {
                sum[l] = alpha * sum[l] + beta * old[l];
            }
            row[c..c + K].copy_from_slice(&sum);
        }
    });
}

/// One row of a substitution or sweep: x(i) ← (b − Σ_{j≠i} v x(j)) / d for the given entries, with d = 1 for
/// a unit diagonal and d = 0 if none is stored.
#[inline(always)]
pub fn substitute<T: Scalar, const K: usize>(
    entries: impl Iterator<Item = (u32, T)>,
    unit: bool,
    mut sum: [T; K],
    i: usize,
    x: &mut [T],
    (k, c): (usize, usize),
) {
    let mut diagonal = if unit { T::ONE } else { T::ZERO };
    for (j, v) in entries {
        let j = j as usize;
        if j == i {
            if unit {
                continue;
            }
            diagonal = v;
            continue;
        }
        let xj = &x[j * k + c..j * k + c + K];
        for l in 0..K {
            sum[l] -= v * xj[l];
        }
    }
    let out = &mut x[i * k + c..i * k + c + K];
    for l in 0..K {
        out[l] = sum[l] / diagonal;
    }
}

#[inline(always)]
pub fn rows_in_order(n: usize, ascending: bool) -> impl Iterator<Item = usize> {
    (0..n).map(move |step| if ascending { step } else { n - 1 - step })
}

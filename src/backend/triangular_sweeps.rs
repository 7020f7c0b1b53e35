//! Jacobi sweeps on a triangular system: all rows at once, unlike a substitution.

use super::columns::{by_columns, part, vectorised};
use super::over_rows::over_rows;
use super::{Triangle, View};
use crate::sparse::Scalar;

/// y ← D⁻¹ (b − N x) for the triangle T = D + N of `a`, or D⁻¹ (b − Nᵀ x); without x, y ← D⁻¹ b.
///
/// Memory traffic: values and indices of the triangle once and 3 k values per row.
pub fn sweep<T: Scalar>(
    a: View<'_, T>,
    tri: Triangle,
    transposed: bool,
    (b, x): (&[T], Option<&[T]>),
    y: &mut [T],
    k: usize,
) {
    let work = x.map_or(b.len(), |_| a.pattern.nnz() * k);
    over_rows(y, k, work, |first, y| {
        vectorised(
            #[inline(always)]
            || {
                by_columns!(k, |K, k, c| {
                    let to = ((first, &mut *y), (k, c));
                    match (x, transposed) {
                        (None, _) => rows::<T, K>(a, tri.unit, b, to, |_, _| {}),
                        (Some(x), false) => rows::<T, K>(
                            a,
                            tri.unit,
                            b,
                            to,
                            #[inline(always)]
                            |i, own| forward(a, tri, x, (k, c), i, own),
                        ),
                        (Some(x), true) => rows::<T, K>(
                            a,
                            tri.unit,
                            b,
                            to,
                            #[inline(always)]
                            |i, own| backward(a, tri, x, (k, c), i, own),
                        ),
                    }
                });
            },
        );
    });
}

/// The rows of y from `first` on: b minus the sums of `subtract`, divided by the diagonal.
#[inline(always)]
fn rows<T: Scalar, const K: usize>(
    a: View<'_, T>,
    unit: bool,
    b: &[T],
    ((first, y), (k, c)): ((usize, &mut [T]), (usize, usize)),
    subtract: impl Fn(usize, &mut [T; K]),
) {
    let (columns, ptr, splits) = (a.pattern.col_idx(), a.pattern.row_ptr(), a.pattern.splits());
    for (local, out) in y.chunks_exact_mut(k).enumerate() {
        let i = first + local;
        let mut own = part::<T, K>(b, i, k, c);
        subtract(i, &mut own);
        if !unit {
            let (split, end) = (splits[i] as usize, ptr[i + 1] as usize);
            let stored = split < end && columns[split] as usize == i;
            let inverse = T::ONE / if stored { a.values[split] } else { T::ZERO };
            own.iter_mut().for_each(|v| *v *= inverse);
        }
        out[c..c + K].copy_from_slice(&own);
    }
}

/// Subtracts row i of N x.
#[inline(always)]
fn forward<T: Scalar, const K: usize>(
    a: View<'_, T>,
    tri: Triangle,
    x: &[T],
    (k, c): (usize, usize),
    i: usize,
    own: &mut [T; K],
) {
    let row = a.pattern.row(i);
    let split = a.pattern.splits()[i] as usize;
    let stored = split < row.end && a.pattern.col_idx()[split] as usize == i;
    let range = if tri.lower { row.start..split } else { split + usize::from(stored)..row.end };
    for (&j, &v) in a.pattern.col_idx()[range.clone()].iter().zip(&a.values[range]) {
        let known = part::<T, K>(x, j as usize, k, c);
        for l in 0..K {
            own[l] -= v * known[l];
        }
    }
}

/// Subtracts row i of Nᵀ x.
#[inline(always)]
fn backward<T: Scalar, const K: usize>(
    a: View<'_, T>,
    tri: Triangle,
    x: &[T],
    (k, c): (usize, usize),
    i: usize,
    own: &mut [T; K],
) {
    let t = a.pattern.transposition();
    let range = t.ptr[i] as usize..t.ptr[i + 1] as usize;
    for (&j, &p) in t.row_idx[range.clone()].iter().zip(&t.source[range]) {
        if j as usize != i && tri.reads(j as usize, i) {
            let (v, known) = (a.values[p as usize], part::<T, K>(x, j as usize, k, c));
            for l in 0..K {
                own[l] -= v * known[l];
            }
        }
    }
}

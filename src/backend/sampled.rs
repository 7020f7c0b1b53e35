//! Sampled dense-dense product: the gradient with respect to the values of a matrix.

use std::ops::Range;

use super::Triangle;
use super::columns::{by_columns, halving_sum, part, vectorised};
use super::over_rows::PARALLEL_WORK;
use crate::parallel;
use crate::sparse::{Pattern, Scalar};

/// g(p) ← g(p) + α Σ_c y(i,c) x(j,c) for every entry p = (i, j), or for those of a triangle.
pub fn product<T: Scalar>(
    alpha: T,
    pattern: &Pattern,
    triangle: Option<Triangle>,
    (y, x): (&[T], &[T]),
    g: &mut [T],
    k: usize,
) {
    let body = |rows: Range<usize>, g: &mut [T]| {
        vectorised(
            #[inline(always)]
            || {
                let start = pattern.row_ptr()[rows.start] as usize;
                by_columns!(k, |K, k, c| {
                    for i in rows.clone() {
                        let yi = part::<T, K>(y, i, k, c);
                        let range = wanted(pattern, triangle, i);
                        let out = &mut g[range.start - start..range.end - start];
                        for (slot, &j) in out.iter_mut().zip(&pattern.col_idx()[range]) {
                            let xj = part::<T, K>(x, j as usize, k, c);
                            let mut product = [T::ZERO; K];
                            for l in 0..K {
                                product[l] = yi[l] * xj[l];
                            }
                            *slot += alpha * halving_sum(product);
                        }
                    }
                });
            },
        )
    };
    if pattern.nnz() * k < PARALLEL_WORK || parallel::threads() == 1 {
        body(0..pattern.rows(), g);
        return;
    }
    let mut parts = Vec::new();
    let chunk = pattern.rows().div_ceil(4 * parallel::threads()).max(64);
    let mut rest = g;
    for first in (0..pattern.rows()).step_by(chunk) {
        let last = (first + chunk).min(pattern.rows());
        let length = (pattern.row_ptr()[last] - pattern.row_ptr()[first]) as usize;
        let (head, tail) = rest.split_at_mut(length);
        parts.push((first..last, head));
        rest = tail;
    }
    parallel::for_each(parts.into_iter(), &|(rows, g)| body(rows, g));
}

/// The entries of row `i` that a triangle reads, or all of them.
#[inline(always)]
fn wanted(pattern: &Pattern, triangle: Option<Triangle>, i: usize) -> Range<usize> {
    let row = pattern.row(i);
    let Some(triangle) = triangle else { return row };
    let split = pattern.splits()[i] as usize;
    let stored = split < row.end && pattern.col_idx()[split] as usize == i;
    match triangle.lower {
        true => row.start..split + usize::from(stored && !triangle.unit),
        false => split + usize::from(stored && triangle.unit)..row.end,
    }
}

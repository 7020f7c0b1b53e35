//! Both gradients of a product in one pass over the matrix, on one thread.
//!
//! Several threads use a gather for each gradient: the same sums, in the same order.

use super::View;
use super::columns::{by_columns, halving_sum, part, vectorised};
use crate::sparse::Scalar;

/// The gradients of A X with respect to A and X for `k` columns: g(p) ← g(p) + Σ_c y(i,c) x(j,c) for every
/// entry p = (i, j), and z ← z + Aᵀ y, with y the adjoint of the product.
///
/// Moves per nonzero: value and index once, g read and written, k values of x and of z.
pub(crate) fn product_adjoints<T: Scalar>(
    a: View<'_, T>,
    y: &[T],
    x: &[T],
    g: &mut [T],
    z: &mut [T],
    k: usize,
) {
    let (pattern, columns) = (a.pattern, a.pattern.col_idx());
    vectorised(
        #[inline(always)]
        || {
            by_columns!(k, |K, k, c| {
                for i in 0..pattern.rows() {
                    let own = part::<T, K>(y, i, k, c);
                    let range = pattern.row(i);
                    let entries = columns[range.clone()].iter().zip(&a.values[range.clone()]);
                    for ((&j, &v), g) in entries.zip(&mut g[range]) {
                        let at = j as usize * k + c;
                        let other = part::<T, K>(x, j as usize, k, c);
                        let mut product = [T::ZERO; K];
                        let z = &mut z[at..at + K];
                        for l in 0..K {
                            product[l] = own[l] * other[l];
                            z[l] += v * own[l];
                        }
                        *g += halving_sum(product);
                    }
                }
            });
        },
    );
}

/// The gradients of a product X Yᵀ sampled on the pattern of A, with respect to X and Y, for `k` columns: u ←
/// A Y and z ← z + Aᵀ X, with A the adjoint of the samples.
///
/// Moves per nonzero: value and index once, k values of y and of z.
pub(crate) fn sampled_adjoints<T: Scalar>(
    a: View<'_, T>,
    x: &[T],
    y: &[T],
    u: &mut [T],
    z: &mut [T],
    k: usize,
) {
    let (pattern, columns) = (a.pattern, a.pattern.col_idx());
    vectorised(
        #[inline(always)]
        || {
            by_columns!(k, |K, k, c| {
                for i in 0..pattern.rows() {
                    let own = part::<T, K>(x, i, k, c);
                    let range = pattern.row(i);
                    let mut sum = [T::ZERO; K];
                    for (&j, &v) in columns[range.clone()].iter().zip(&a.values[range]) {
                        let at = j as usize * k + c;
                        let other = part::<T, K>(y, j as usize, k, c);
                        let z = &mut z[at..at + K];
                        for l in 0..K {
                            sum[l] += v * other[l];
                            z[l] += v * own[l];
                        }
                    }
                    u[i * k + c..i * k + c + K].copy_from_slice(&sum);
                }
            });
        },
    );
}

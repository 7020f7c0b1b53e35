//! Kernels on the `rayon` pool.
//!
//! Every output row is computed by one thread, from its entries in order, and sums over
//! rows are taken over blocks of fixed size: the bits do not depend on the number of
//! threads. Small work stays on the calling thread.

use super::columns::{by_columns, dot, interleaved_dot, part, vectorised};
use super::over_rows::{PARALLEL_WORK, over_rows};
use super::rows::{entries, gather, transposed_entries};
use super::sampled;
use super::stencils::row_products;
use super::{Direction, OrderedView, Triangle, View, sweeps, triangular, triangular_sweeps};
use crate::parallel;
use crate::sparse::{Pattern, Scalar};

/// Multi-threaded kernels on the current `rayon` pool.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cpu;

/// Values per block of a sum computed by several threads.
const SUM_BLOCK: usize = 1 << 13;

impl Cpu {
    /// y ← α A x + β y. With β = 0, y is not read.
    ///
    /// Moves per nonzero: value and index once (12 bytes in f64), k values of x from cache or
    /// memory; per row k values of y written, and read if β ≠ 0.
    pub fn spmv<T: Scalar>(&self, alpha: T, a: View<'_, T>, x: &[T], beta: T, y: &mut [T], k: usize) {
        if k == 1 {
            return over_rows(y, k, a.pattern.nnz(), |first, y| {
                if alpha == T::ONE && beta == T::ZERO {
                    row_products(a, x, first, y, |_, y, sums| y.copy_from_slice(sums));
                } else if alpha == T::ONE && beta == T::ONE {
                    row_products(a, x, first, y, |_, y, sums| each(y, sums, |y, _, sum| *y += sum));
                } else if beta == T::ZERO {
                    row_products(a, x, first, y, |_, y, sums| each(y, sums, |y, _, sum| *y = alpha * sum));
                } else {
                    let combine = |y: &mut T, _, sum| *y = alpha * sum + beta * *y;
                    row_products(a, x, first, y, |_, y, sums| each(y, sums, combine));
                }
            });
        }
        over_rows(y, k, a.pattern.nnz() * k, |first, y| {
            vectorised(
                #[inline(always)]
                || {
                    gather(
                        #[inline(always)]
                        |i| entries(a, i),
                        (alpha, beta),
                        x,
                        first,
                        y,
                        k,
                    )
                },
            )
        });
    }

    /// y ← α Aᵀ x + β y, as a gather through the transposition of the pattern.
    ///
    /// As `spmv`, and 4 bytes per nonzero for the permutation.
    pub fn spmv_transposed<T: Scalar>(
        &self,
        alpha: T,
        a: View<'_, T>,
        x: &[T],
        beta: T,
        y: &mut [T],
        k: usize,
    ) {
        a.pattern.transposition();
        over_rows(y, k, a.pattern.nnz() * k, |first, y| {
            vectorised(
                #[inline(always)]
                || {
                    gather(
                        #[inline(always)]
                        |j| transposed_entries(a, j),
                        (alpha, beta),
                        x,
                        first,
                        y,
                        k,
                    )
                },
            )
        });
    }

    /// r ← b − A x.
    ///
    /// As `spmv`, with b read and r written once per row.
    pub fn residual<T: Scalar>(&self, a: View<'_, T>, b: &[T], x: &[T], r: &mut [T], k: usize) {
        if k == 1 {
            return over_rows(r, k, a.pattern.nnz(), |first, r| {
                row_products(a, x, first, r, |i, r, sums| {
                    let b = &b[i..i + r.len()];
                    each(r, sums, |r, l, sum| *r = b[l] - sum);
                });
            });
        }
        over_rows(r, k, a.pattern.nnz() * k, |first, r| {
            vectorised(
                #[inline(always)]
                || {
                    by_columns!(k, |K, k, c| {
                        for (local, out) in r.chunks_exact_mut(k).enumerate() {
                            let i = first + local;
                            let mut sum = dot::<T, K>(entries(a, i), x, k, c);
                            let rhs = part::<T, K>(b, i, k, c);
                            for l in 0..K {
                                sum[l] = rhs[l] - sum[l];
                            }
                            out[c..c + K].copy_from_slice(&sum);
                        }
                    });
                },
            )
        });
    }

    /// x′(i,c) ← x(i,c) + d(i) (b − A x)(i,c): a sweep of Jacobi relaxation.
    ///
    /// As `residual`, with d and x read once more: the residual itself is not written.
    pub fn jacobi<T: Scalar>(&self, a: View<'_, T>, d: &[T], b: &[T], x: &[T], next: &mut [T], k: usize) {
        if k == 1 {
            return over_rows(next, k, a.pattern.nnz(), |first, next| {
                row_products(a, x, first, next, |i, next, sums| {
                    let rows = i..i + next.len();
                    let (b, d, x) = (&b[rows.clone()], &d[rows.clone()], &x[rows]);
                    each(next, sums, |next, l, sum| *next = x[l] + d[l] * (b[l] - sum));
                });
            });
        }
        over_rows(next, k, a.pattern.nnz() * k, |first, next| {
            vectorised(
                #[inline(always)]
                || {
                    by_columns!(k, |K, k, c| {
                        for (local, out) in next.chunks_exact_mut(k).enumerate() {
                            let i = first + local;
                            let sum = dot::<T, K>(entries(a, i), x, k, c);
                            let (rhs, old) = (part::<T, K>(b, i, k, c), part::<T, K>(x, i, k, c));
                            for l in 0..K {
                                out[c + l] = old[l] + d[i] * (rhs[l] - sum[l]);
                            }
                        }
                    });
                },
            )
        });
    }

    /// y(i,c) ← α y(i,c) + β d(i) (b − A x)(i,c): a step of polynomial relaxation. With α = 0, y
    /// is not read.
    ///
    /// As `jacobi`, with y in the place of x′, read if α ≠ 0.
    #[expect(clippy::too_many_arguments, reason = "the operands of one formula")]
    pub fn polynomial_step<T: Scalar>(
        &self,
        a: View<'_, T>,
        d: &[T],
        b: &[T],
        x: &[T],
        (alpha, beta): (T, T),
        y: &mut [T],
        k: usize,
    ) {
        if k == 1 {
            return over_rows(y, k, a.pattern.nnz(), |first, y| {
                row_products(a, x, first, y, |i, y, sums| {
                    let (b, d) = (&b[i..i + y.len()], &d[i..i + y.len()]);
                    each(y, sums, |y, l, sum| {
                        let old = if alpha == T::ZERO { T::ZERO } else { alpha * *y };
                        *y = beta * (d[l] * (b[l] - sum)) + old;
                    });
                });
            });
        }
        over_rows(y, k, a.pattern.nnz() * k, |first, y| {
            vectorised(
                #[inline(always)]
                || {
                    by_columns!(k, |K, k, c| {
                        for (local, out) in y.chunks_exact_mut(k).enumerate() {
                            let i = first + local;
                            let sum = dot::<T, K>(entries(a, i), x, k, c);
                            let rhs = part::<T, K>(b, i, k, c);
                            for l in 0..K {
                                let old = if alpha == T::ZERO { T::ZERO } else { alpha * out[c + l] };
                                out[c + l] = beta * (d[i] * (rhs[l] - sum[l])) + old;
                            }
                        }
                    });
                },
            )
        });
    }

    /// g(p) ← g(p) + α Σ_c y(i,c) x(j,c) for every entry p = (i, j): the sampled
    /// dense-dense product, which is the gradient with respect to a matrix.
    ///
    /// Moves per nonzero: index (4 bytes), gradient read and written, k values of x; y once.
    pub fn sampled_product<T: Scalar>(
        &self,
        alpha: T,
        pattern: &Pattern,
        y: &[T],
        x: &[T],
        g: &mut [T],
        k: usize,
    ) {
        sampled::product(alpha, pattern, None, (y, x), g, k);
    }

    /// The same for the entries that a triangle reads, for blocks (y, x).
    pub fn sampled_triangle<T: Scalar>(
        &self,
        alpha: T,
        pattern: &Pattern,
        part: Triangle,
        blocks: (&[T], &[T]),
        g: &mut [T],
        k: usize,
    ) {
        sampled::product(alpha, pattern, Some(part), blocks, g, k);
    }

    /// y(i,c) ← y(i,c) + d(i) x(i,c).
    ///
    /// Moves 3 k values and one weight per row.
    pub fn diagonal_add<T: Scalar>(&self, d: &[T], x: &[T], y: &mut [T], k: usize) {
        over_rows(y, k, d.len() * k, |first, y| {
            let x = &x[first * k..first * k + y.len()];
            vectorised(
                #[inline(always)]
                || scaled_rows(&d[first..], x, y, k, |y, term| *y += term),
            )
        });
    }

    /// y(i,c) ← d(i) x(i,c).
    ///
    /// Moves 2 k values and one weight per row.
    pub fn diagonal_scale<T: Scalar>(&self, d: &[T], x: &[T], y: &mut [T], k: usize) {
        over_rows(y, k, d.len() * k, |first, y| {
            let x = &x[first * k..first * k + y.len()];
            vectorised(
                #[inline(always)]
                || scaled_rows(&d[first..], x, y, k, |y, term| *y = term),
            )
        });
    }

    /// g(i) ← g(i) + Σ_c y(i,c) x(i,c).
    pub fn row_dots<T: Scalar>(&self, y: &[T], x: &[T], g: &mut [T], k: usize) {
        over_rows(g, 1, y.len(), |first, g| {
            for (local, slot) in g.iter_mut().enumerate() {
                let range = (first + local) * k..(first + local + 1) * k;
                let mut sum = T::ZERO;
                for (&a, &b) in y[range.clone()].iter().zip(&x[range]) {
                    sum += a * b;
                }
                *slot += sum;
            }
        });
    }

    /// y ← α x + β y. With β = 0, y is not read.
    ///
    /// Moves three values per entry, two if β = 0.
    pub fn combine<T: Scalar>(&self, alpha: T, x: &[T], beta: T, y: &mut [T]) {
        over_rows(y, 1, x.len(), |first, y| {
            let x = &x[first..first + y.len()];
            vectorised(
                #[inline(always)]
                || {
                    if beta == T::ZERO {
                        y.iter_mut().zip(x).for_each(|(yi, &xi)| *yi = alpha * xi);
                    } else {
                        y.iter_mut().zip(x).for_each(|(yi, &xi)| *yi = alpha * xi + beta * *yi);
                    }
                },
            )
        });
    }

    /// x ← T⁻¹ x, or T⁻ᵀ x, for a triangle of `a` whose diagonal has no zero.
    pub fn solve_triangular<T: Scalar>(
        &self,
        a: View<'_, T>,
        tri: Triangle,
        transposed: bool,
        x: &mut [T],
        k: usize,
    ) {
        triangular::solve(a, tri, transposed, x, k);
    }

    /// y ← D⁻¹ (b − N x) for a triangle T = D + N of `a` whose diagonal D has no zero, or
    /// D⁻¹ (b − Nᵀ x): a sweep of Jacobi relaxation on T y = b, or on Tᵀ y = b. Without x, from zero.
    pub fn sweep_triangular<T: Scalar>(
        &self,
        a: View<'_, T>,
        part: Triangle,
        transposed: bool,
        blocks: (&[T], Option<&[T]>),
        y: &mut [T],
        k: usize,
    ) {
        triangular_sweeps::sweep(a, part, transposed, blocks, y, k);
    }

    /// One Gauss–Seidel sweep on A x = b in place; the diagonal has no zero.
    pub fn gauss_seidel<T: Scalar>(
        &self,
        a: View<'_, T>,
        b: &[T],
        x: &mut [T],
        direction: Direction,
        k: usize,
    ) {
        sweeps::natural(a, b, x, direction, k);
    }

    /// One Gauss–Seidel sweep on A x = b in place, in blocks or by colours: in the order of
    /// `sweep`, x(i) ← x(i) + w(i) (b(i) − Σ_j a(i,j) x(j)). `scratch` is as long as x, with any
    /// content.
    pub fn ordered_sweep<T: Scalar>(
        &self,
        sweep: OrderedView<'_, T>,
        b: &[T],
        x: &mut [T],
        scratch: &mut [T],
        k: usize,
    ) {
        sweeps::ordered(sweep, b, x, scratch, k);
    }

    /// y(i,c) ← y(i,c) + α(c) x(i,c).
    ///
    /// Moves 3 k values per row.
    pub fn column_add<T: Scalar>(&self, alpha: &[T], x: &[T], y: &mut [T]) {
        let k = alpha.len();
        over_rows(y, k, x.len(), |first, y| {
            let x = &x[first * k..first * k + y.len()];
            for (y, x) in y.chunks_exact_mut(k).zip(x.chunks_exact(k)) {
                for ((y, &x), &alpha) in y.iter_mut().zip(x).zip(alpha) {
                    *y += alpha * x;
                }
            }
        });
    }

    /// out(c) ← Σ_i x(i,c) y(i,c), summed in an order that does not depend on threads.
    ///
    /// Moves 2 k values per row; one reduction per block of fixed size.
    pub fn column_dots<T: Scalar>(&self, x: &[T], y: &[T], out: &mut [T]) {
        let k = out.len();
        if k == 0 {
            return;
        }
        let block = (SUM_BLOCK / k).max(1) * k;
        let sum = |(x, y): (&[T], &[T])| {
            let mut partial = vec![T::ZERO; k];
            vectorised(
                #[inline(always)]
                || block_dots(x, y, &mut partial),
            );
            partial
        };
        let blocks = x.chunks(block).zip(y.chunks(block));
        let partials: Vec<Vec<T>> = if x.len() < PARALLEL_WORK || parallel::threads() == 1 {
            blocks.map(sum).collect()
        } else {
            parallel::map(blocks, &sum)
        };
        out.fill(T::ZERO);
        for partial in partials {
            out.iter_mut().zip(partial).for_each(|(o, p)| *o += p);
        }
    }
}

/// Calls f(y(l), l, s(l)) for every l.
#[inline(always)]
fn each<T: Scalar>(y: &mut [T], sums: &[T], f: impl Fn(&mut T, usize, T)) {
    y.iter_mut().zip(sums).enumerate().for_each(|(l, (y, &sum))| f(y, l, sum));
}

/// Scatters every value of x, times the weight of its row, to its place in y.
#[inline(always)]
fn scaled_rows<T: Scalar>(d: &[T], x: &[T], y: &mut [T], k: usize, put: impl Fn(&mut T, T)) {
    if k == 1 {
        y.iter_mut().zip(x).zip(d).for_each(|((y, &x), &w)| put(y, w * x));
        return;
    }
    for ((y, x), &w) in y.chunks_exact_mut(k).zip(x.chunks_exact(k)).zip(d) {
        y.iter_mut().zip(x).for_each(|(y, &x)| put(y, w * x));
    }
}

/// Dot products of the columns of one block.
#[inline(always)]
fn block_dots<T: Scalar>(x: &[T], y: &[T], out: &mut [T]) {
    if out.len() == 1 {
        out[0] = interleaved_dot(x, y);
        return;
    }
    by_columns!(out.len(), |K, k, c| {
        let mut sum = [T::ZERO; K];
        for (xi, yi) in x.chunks_exact(k).zip(y.chunks_exact(k)) {
            for l in 0..K {
                sum[l] += xi[c + l] * yi[c + l];
            }
        }
        out[c..c + K].copy_from_slice(&sum);
    });
}

//! Batches of small dense systems.

use crate::autodiff::handle::{Dense, Handle};
use crate::autodiff::ops::Op as Any;
use crate::autodiff::reverse::Reverse;
use crate::autodiff::tape::{Pool, Shape};
use crate::backend::vectorised;
use crate::error::Error;
use crate::parallel;
use crate::sparse::Scalar;

/// X with Aᵢ Xᵢ = Bᵢ, blocks stacked vertically.
pub(crate) struct Batched<T> {
    a: usize,
    b: usize,
    /// Rows of a block.
    m: usize,
    /// L and U of every block, row-major, rows swapped.
    factors: Vec<T>,
    /// The original row at each place.
    pivots: Vec<u32>,
}

/// The number of values above which systems are shared among threads, and the number of systems per task.
const PARALLEL: usize = 1 << 14;
const TASK: usize = 256;

/// Calls `body` with `$M` a constant for usual orders: the rows then stay in registers.
macro_rules! with_order {
    ($m:expr, $body:ident($($argument:expr),*)) => {
        match $m {
            2 => $body::<T, 2>($($argument),*),
            3 => $body::<T, 3>($($argument),*),
            4 => $body::<T, 4>($($argument),*),
            6 => $body::<T, 6>($($argument),*),
            8 => $body::<T, 8>($($argument),*),
            _ => $body::<T, 0>($($argument),*),
        }
    };
}

/// LU with partial pivoting in place; the row that was swapped with each. The first row without a pivot
/// on failure. The order is `M`, or `m` if `M` is 0.
#[inline(always)]
fn factor<T: Scalar, const M: usize>(
    a: &mut [T],
    pivots: &mut [u32],
    m: usize,
) -> std::result::Result<(), usize> {
    let m = if M == 0 { m } else { M };
    let a = &mut a[..m * m];
    for k in 0..m {
        let larger = |best: usize, i: usize| {
            if a[i * m + k].magnitude() > a[best * m + k].magnitude() { i } else { best }
        };
        let best = (k + 1..m).fold(k, larger);
        let pivot = a[best * m + k];
        if pivot == T::ZERO || !pivot.finite() {
            return Err(k);
        }
        pivots[k] = best as u32;
        if best != k {
            (0..m).for_each(|j| a.swap(best * m + j, k * m + j));
        }
        let (above, below) = a.split_at_mut((k + 1) * m);
        let row = &above[k * m..];
        for other in below.chunks_exact_mut(m) {
            let factor = other[k] / pivot;
            other[k] = factor;
            other[k + 1..].iter_mut().zip(&row[k + 1..]).for_each(|(v, &u)| *v -= factor * u);
        }
    }
    Ok(())
}

/// x ← A⁻¹ x for m × k.
#[inline(always)]
fn solve<T: Scalar, const M: usize>(lu: &[T], pivots: &[u32], x: &mut [T], m: usize, k: usize) {
    let m = if M == 0 { m } else { M };
    let (lu, x) = (&lu[..m * m], &mut x[..m * k]);
    for (i, &p) in pivots.iter().enumerate() {
        (0..k).for_each(|c| x.swap(i * k + c, p as usize * k + c));
    }
    for c in 0..k {
        for i in 0..m {
            let sum = (0..i).fold(x[i * k + c], |sum, j| sum - lu[i * m + j] * x[j * k + c]);
            x[i * k + c] = sum;
        }
        for i in (0..m).rev() {
            let sum = (i + 1..m).fold(x[i * k + c], |sum, j| sum - lu[i * m + j] * x[j * k + c]);
            x[i * k + c] = sum / lu[i * m + i];
        }
    }
}

/// x ← A⁻ᵀ x for m × k.
#[inline(always)]
fn solve_transposed<T: Scalar, const M: usize>(lu: &[T], pivots: &[u32], x: &mut [T], m: usize, k: usize) {
    let m = if M == 0 { m } else { M };
    let (lu, x) = (&lu[..m * m], &mut x[..m * k]);
    for c in 0..k {
        // Row by row of U and of L: known values are subtracted from the others.
        for i in 0..m {
            let known = x[i * k + c] / lu[i * m + i];
            x[i * k + c] = known;
            (i + 1..m).for_each(|j| x[j * k + c] -= lu[i * m + j] * known);
        }
        for i in (0..m).rev() {
            let known = x[i * k + c];
            (0..i).for_each(|j| x[j * k + c] -= lu[i * m + j] * known);
        }
    }
    for (i, &p) in pivots.iter().enumerate().rev() {
        (0..k).for_each(|c| x.swap(i * k + c, p as usize * k + c));
    }
}

/// Factors some systems and solves them; on failure returns the first singular one and its row.
fn solve_all<T: Scalar, const M: usize>(
    lu: &mut [T],
    pivots: &mut [u32],
    x: &mut [T],
    m: usize,
    k: usize,
) -> std::result::Result<(), (usize, usize)> {
    vectorised(
        #[inline(always)]
        || {
            let systems = lu.chunks_exact_mut(m * m).zip(pivots.chunks_exact_mut(m));
            for (system, ((lu, pivots), x)) in systems.zip(x.chunks_exact_mut(m * k)).enumerate() {
                factor::<T, M>(lu, pivots, m).map_err(|row| (system, row))?;
                solve::<T, M>(lu, pivots, x, m, k);
            }
            Ok(())
        },
    )
}

/// B̄ = A⁻ᵀ X̄ in place, for some systems.
fn solve_all_transposed<T: Scalar, const M: usize>(
    lu: &[T],
    pivots: &[u32],
    x: &mut [T],
    m: usize,
    k: usize,
) {
    vectorised(
        #[inline(always)]
        || {
            let systems = lu.chunks_exact(m * m).zip(pivots.chunks_exact(m)).zip(x.chunks_exact_mut(m * k));
            // A loop: the compiler does not always inline `for_each`, and then its body has no wide vector instructions.
            for ((lu, pivots), x) in systems {
                solve_transposed::<T, M>(lu, pivots, x, m, k);
            }
        },
    );
}

/// Ā = −B̄ Xᵀ for some systems, added if `add`.
fn minus_outer<T: Scalar, const M: usize>(y: &[T], x: &[T], g: &mut [T], m: usize, k: usize, add: bool) {
    let m = if M == 0 { m } else { M };
    vectorised(
        #[inline(always)]
        || {
            let systems = y.chunks_exact(m * k).zip(x.chunks_exact(m * k));
            for ((y, x), g) in systems.zip(g.chunks_exact_mut(m * m)) {
                for (y, row) in y.chunks_exact(k).zip(g.chunks_exact_mut(m)) {
                    for (x, g) in x.chunks_exact(k).zip(row) {
                        let sum = y.iter().zip(x).fold(T::ZERO, |sum, (&y, &x)| sum + y * x);
                        *g = if add { *g - sum } else { T::ZERO - sum };
                    }
                }
            }
        },
    );
}

impl<T: Scalar> Batched<T> {
    pub(super) fn reverse(&self, id: usize, up: &[T], r: &mut Reverse<'_, T>) {
        let (m, x, k) = (self.m, r.value(id), r.extent(id).1);
        let (lu, pivots) = (&self.factors[..], &self.pivots[..]);
        let mut adjoint = r.pool.take(up.len());
        adjoint.copy_from_slice(up);
        let (systems, values) = (TASK * m, TASK * m * m);
        if lu.len() < PARALLEL || parallel::threads() == 1 {
            with_order!(m, solve_all_transposed(lu, pivots, &mut adjoint, m, k));
        } else {
            let tasks = adjoint.chunks_mut(systems * k).zip(lu.chunks(values));
            parallel::for_each(tasks.zip(pivots.chunks(systems)), &|((x, lu), pivots)| {
                with_order!(m, solve_all_transposed(lu, pivots, x, m, k));
            });
        }
        r.with(self.a, |g, add| {
            if g.len() < PARALLEL || parallel::threads() == 1 {
                with_order!(m, minus_outer(&adjoint, x, g, m, k, add));
            } else {
                let tasks = g.chunks_mut(values).zip(adjoint.chunks(systems * k));
                parallel::for_each(tasks.zip(x.chunks(systems * k)), &|((g, y), x)| {
                    with_order!(m, minus_outer(y, x, g, m, k, add));
                });
            }
        });
        r.hand(self.b, adjoint);
    }

    /// Returns its buffers.
    pub(super) fn recycle(self, pool: &mut Pool<T>) {
        pool.put(self.factors);
        pool.put_list(self.pivots);
    }
}

impl<'t, T: Scalar> Dense<'t, T> {
    /// Solves Aᵢ Xᵢ = Bᵢ for many small systems: this block consists of the square matrices Aᵢ stacked
    /// vertically ((N m) × m), `b` of the right-hand sides ((N m) × k). By LU with partial pivoting, in
    /// parallel over systems. Gradients: B̄ᵢ = Aᵢ⁻ᵀ X̄ᵢ, Āᵢ = −B̄ᵢ Xᵢᵀ. A singular system is an error.
    pub fn solve_batched(self, b: Self) -> Self {
        let (tape, a, b) = (self.tape(), self.id(), self.other(&b));
        let id = tape.record(&[a, b], |nodes, _, pool| {
            let ((rows, m), (height, k)) = (nodes[a].shape.extent(), nodes[b].shape.extent());
            if m == 0 || k == 0 || rows % m != 0 || height != rows {
                let (left, right) = (&nodes[a].shape, &nodes[b].shape);
                return Err(Error::dimension(format!(
                    "small systems in {left} with right-hand sides in {right}"
                )));
            }
            let (mut factors, mut pivots) = (pool.take(rows * m), pool.take_list(rows));
            factors.copy_from_slice(&nodes[a].value);
            let mut x = pool.take(rows * k);
            x.copy_from_slice(&nodes[b].value);
            let (systems, values) = (TASK * m, TASK * m * m);
            let done = if factors.len() < PARALLEL || parallel::threads() == 1 {
                with_order!(m, solve_all(&mut factors, &mut pivots, &mut x, m, k))
            } else {
                let tasks = factors.chunks_mut(values).zip(pivots.chunks_mut(systems));
                let tasks = tasks.zip(x.chunks_mut(systems * k)).enumerate();
                let solved = parallel::map(tasks, &|(q, ((lu, p), x))| {
                    let at = |(system, row)| (q * TASK + system, row);
                    with_order!(m, solve_all(lu, p, x, m, k)).map_err(at)
                });
                // The first in order, independent of the threads.
                solved.into_iter().collect()
            };
            done.map_err(|(system, row)| {
                Error::singular(format!("small system {} is singular (row {})", system + 1, row + 1))
            })?;
            Ok((x, Shape::Dense(rows, k), Any::Batched(Batched { a, b, m, factors, pivots })))
        });
        Self::new(tape, id)
    }
}

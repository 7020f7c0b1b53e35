//! Many small dense systems at once.

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::expression::handle::{Dense, Handle};
use crate::expression::ops::Op as Any;
use crate::expression::reverse::Reverse;
use crate::expression::tape::Shape;
use crate::sparse::Scalar;

/// X with Aᵢ Xᵢ = Bᵢ for blocks below each other.
pub(crate) struct Batched<T> {
    a: usize,
    b: usize,
    /// Rows of a block.
    m: usize,
    /// L and U of every block, row-major, rows swapped.
    factors: Vec<T>,
    /// The row that came to each place.
    pivots: Vec<u32>,
}

/// LU with partial pivoting in place; the row that was swapped with each. The first row without a pivot
/// on failure.
fn factor<T: Scalar>(a: &mut [T], pivots: &mut [u32], m: usize) -> std::result::Result<(), usize> {
    for k in 0..m {
        let larger = |best: usize, i: usize| {
            if a[i * m + k].magnitude() > a[best * m + k].magnitude() { i } else { best }
        };
        let best = (k..m).fold(k, larger);
        let pivot = a[best * m + k];
        if pivot == T::ZERO || !pivot.finite() {
            return Err(k);
        }
        pivots[k] = best as u32;
        if best != k {
            (0..m).for_each(|j| a.swap(best * m + j, k * m + j));
        }
        for i in k + 1..m {
            let factor = a[i * m + k] / pivot;
            a[i * m + k] = factor;
            for j in k + 1..m {
                let v = a[k * m + j];
                a[i * m + j] -= factor * v;
            }
        }
    }
    Ok(())
}

/// x ← A⁻¹ x for m × k.
fn solve<T: Scalar>(lu: &[T], pivots: &[u32], x: &mut [T], m: usize, k: usize) {
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
fn solve_transposed<T: Scalar>(lu: &[T], pivots: &[u32], x: &mut [T], m: usize, k: usize) {
    for c in 0..k {
        for i in 0..m {
            let sum = (0..i).fold(x[i * k + c], |sum, j| sum - lu[j * m + i] * x[j * k + c]);
            x[i * k + c] = sum / lu[i * m + i];
        }
        for i in (0..m).rev() {
            let sum = (i + 1..m).fold(x[i * k + c], |sum, j| sum - lu[j * m + i] * x[j * k + c]);
            x[i * k + c] = sum;
        }
    }
    for (i, &p) in pivots.iter().enumerate().rev() {
        (0..k).for_each(|c| x.swap(i * k + c, p as usize * k + c));
    }
}

impl<T: Scalar> Batched<T> {
    pub(super) fn reverse(&self, id: usize, up: &[T], r: &mut Reverse<'_, T>) {
        let (m, x, k) = (self.m, r.value(id), r.extent(id).1);
        let mut adjoint = r.pool.take(up.len());
        adjoint.copy_from_slice(up);
        let blocks = adjoint.par_chunks_mut(m * k).zip(self.factors.par_chunks(m * m));
        blocks.zip(self.pivots.par_chunks(m)).for_each(|((x, lu), p)| solve_transposed(lu, p, x, m, k));
        r.add(self.a, |q| {
            let (i, j) = (q / m, q / (m * m) * m + q % m);
            let terms = adjoint[i * k..(i + 1) * k].iter().zip(&x[j * k..(j + 1) * k]);
            T::ZERO - terms.fold(T::ZERO, |sum, (&y, &x)| sum + y * x)
        });
        r.add(self.b, |q| adjoint[q]);
        r.pool.put(adjoint);
    }
}

impl<'t, T: Scalar> Dense<'t, T> {
    /// Solves Aᵢ Xᵢ = Bᵢ for many small systems: this block holds the square matrices Aᵢ below each
    /// other ((N m) × m), `b` the right-hand sides ((N m) × k). By LU with partial pivoting, in
    /// parallel over systems. Gradients: B̄ᵢ = Aᵢ⁻ᵀ X̄ᵢ, Āᵢ = −B̄ᵢ Xᵢᵀ. A singular system is an error.
    pub fn solve_batched(self, b: Self) -> Self {
        let (tape, a, b) = (self.tape(), self.id(), b.id());
        let id = tape.record(&[a, b], |nodes, _, pool| {
            let ((rows, m), (height, k)) = (nodes[a].shape.extent(), nodes[b].shape.extent());
            if m == 0 || k == 0 || rows % m != 0 || height != rows {
                let (left, right) = (&nodes[a].shape, &nodes[b].shape);
                return Err(Error::dimension(format!(
                    "small systems in {left} with right-hand sides in {right}"
                )));
            }
            let (mut factors, mut pivots) = (nodes[a].value.to_vec(), vec![0u32; rows]);
            let mut x = pool.take(rows * k);
            x.copy_from_slice(&nodes[b].value);
            let blocks = factors.par_chunks_mut(m * m).zip(pivots.par_chunks_mut(m));
            let one = |(system, ((lu, p), x)): (usize, ((&mut [T], &mut [u32]), &mut [T]))| -> Result<()> {
                factor(lu, p, m).map_err(|row| {
                    Error::singular(format!("small system {} is singular (row {})", system + 1, row + 1))
                })?;
                solve(lu, p, x, m, k);
                Ok(())
            };
            blocks.zip(x.par_chunks_mut(m * k)).enumerate().try_for_each(one)?;
            Ok((x, Shape::Dense(rows, k), Any::Batched(Batched { a, b, m, factors, pivots })))
        });
        Self::new(tape, id)
    }
}

//! Relaxations from blocks of the matrix: block Jacobi, and the diagonal of l1 Gauss–Seidel.

use std::sync::Arc;

use super::check_square;
use crate::error::{Error, Result};
use crate::parallel;
use crate::sparse::{Csr, Pattern};

/// Largest block of [`block_jacobi`].
const LARGEST: usize = 64;

/// Pivot, relative to the largest entry of its block, that counts as zero.
const PIVOT: f64 = 1e-14;

/// Rows per task, and blocks per task.
const CHUNK: usize = 4096;
const BLOCKS: usize = 256;

/// Block Jacobi: the inverses of the `size` × `size` blocks on the diagonal of A, as one sparse
/// matrix of dense blocks, undamped. If `size` does not divide n, the last block is smaller.
///
/// For systems with `size` unknowns per node. Cost: `size`³ operations per block, in parallel;
/// n · `size` values.
///
/// # Errors
/// A matrix that is not square, a size of 0 or above 64, or a block that is singular (its rows
/// are named).
///
/// ```
/// use multigrad::setup::relaxation::block_jacobi;
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(3, 3, &[(0, 1, 2.0), (1, 0, 4.0), (1, 2, 1.0), (2, 2, 5.0)])?;
/// let m = block_jacobi(&a, 2)?;
/// assert_eq!((m.get(0, 1), m.get(1, 0), m.get(2, 2)), (0.25, 0.5, 0.2));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn block_jacobi(a: &Csr<f64>, size: usize) -> Result<Csr<f64>> {
    check_square(a)?;
    if !(1..=LARGEST).contains(&size) {
        return Err(Error::invalid_input(format!(
            "blocks of {size} unknowns; block Jacobi takes 1 to {LARGEST}, the unknowns per node"
        )));
    }
    let n = a.rows();
    let rows_of = |q: usize| q * size..n.min((q + 1) * size);
    let nnz: usize = (0..n.div_ceil(size)).map(|q| rows_of(q).len().pow(2)).sum();
    if nnz >= u32::MAX as usize {
        return Err(Error::dimension("block Jacobi exceeds 32-bit indices; use smaller blocks"));
    }
    let mut row_ptr = Vec::with_capacity(n + 1);
    row_ptr.push(0u32);
    let mut columns = Vec::with_capacity(nnz);
    for i in 0..n {
        columns.extend(rows_of(i / size).map(|j| j as u32));
        row_ptr.push(columns.len() as u32);
    }
    let mut values = vec![0.0; nnz];
    let invert = |work: &mut Vec<f64>, (q, out): (usize, &mut [f64])| {
        let rows = rows_of(q);
        let m = rows.len();
        work.clear();
        work.resize(m * m, 0.0);
        for i in rows.clone() {
            for (j, v) in a.row(i) {
                if rows.contains(&j) {
                    work[(i - rows.start) * m + j - rows.start] = v;
                }
            }
        }
        (!inverted(work, out, m)).then_some(q)
    };
    let singular: Vec<Option<usize>> =
        parallel::map(values.chunks_mut(BLOCKS * size * size).enumerate(), &|(task, blocks)| {
            let (mut work, blocks) = (Vec::new(), blocks.chunks_mut(size * size).enumerate());
            blocks.fold(None, |first, (q, out)| first.or(invert(&mut work, (task * BLOCKS + q, out))))
        });
    match singular.into_iter().flatten().next() {
        None => Ok(Csr::from_parts(Arc::new(Pattern::from_parts(n, n, row_ptr, columns)), values)),
        Some(q) => Err(Error::singular(format!(
            "the diagonal block of rows {} to {} is singular; use blocks of another size, or SPAI-1",
            rows_of(q).start + 1,
            rows_of(q).end
        ))),
    }
}

/// The inverse of an m × m matrix by Gauss–Jordan elimination with row pivoting; false if it is
/// singular. `a` is overwritten.
fn inverted(a: &mut [f64], out: &mut [f64], m: usize) -> bool {
    let largest = a.iter().fold(0.0f64, |l, v| l.max(v.abs()));
    out.fill(0.0);
    for i in 0..m {
        out[i * m + i] = 1.0;
    }
    for c in 0..m {
        let mut best = c;
        for i in c + 1..m {
            if a[i * m + c].abs() > a[best * m + c].abs() {
                best = i;
            }
        }
        let pivot = a[best * m + c];
        if pivot.abs() <= PIVOT * largest {
            return false;
        }
        for j in 0..m {
            a.swap(best * m + j, c * m + j);
            out.swap(best * m + j, c * m + j);
        }
        for j in 0..m {
            a[c * m + j] /= pivot;
            out[c * m + j] /= pivot;
        }
        for i in (0..m).filter(|&i| i != c) {
            let factor = a[i * m + c];
            for j in 0..m {
                a[i * m + j] -= factor * a[c * m + j];
                out[i * m + j] -= factor * out[c * m + j];
            }
        }
    }
    out.iter().all(|v| v.is_finite())
}

/// The inverse of the l1 diagonal for blocks of `rows` consecutive rows: wᵢ = sign(aᵢᵢ) / (|aᵢᵢ| + Σⱼ |aᵢⱼ|),
/// j over the other blocks (Baker, Falgout, Kolev and Yang 2011). Gauss–Seidel within the blocks with this
/// diagonal converges for every symmetric positive definite matrix and any blocks; with plain 1/aᵢᵢ it may
/// diverge. Cost: one pass.
///
/// # Errors
/// A matrix that is not square, blocks without rows, or a zero on the diagonal (the row is named).
///
/// ```
/// use multigrad::setup::relaxation::l1_block_diagonal;
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, -2.0), (1, 1, -2.0)])?;
/// assert_eq!(l1_block_diagonal(&a, 1)?, [0.25, -0.5]);
/// assert_eq!(l1_block_diagonal(&a, 2)?, [0.5, -0.5]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn l1_block_diagonal(a: &Csr<f64>, rows: usize) -> Result<Vec<f64>> {
    check_square(a)?;
    if rows == 0 {
        return Err(Error::invalid_input("blocks of 0 rows; use one row or more"));
    }
    let of_row = |i: usize| {
        let (mut diagonal, mut outside) = (0.0, 0.0f64);
        for (j, v) in a.row(i) {
            if j == i {
                diagonal = v;
            } else if j / rows != i / rows {
                outside += v.abs();
            }
        }
        let inverse = 1.0 / (diagonal + outside.copysign(diagonal));
        if diagonal == 0.0 || inverse == 0.0 || !inverse.is_finite() {
            return Err(Error::invalid_input(format!(
                "the diagonal entry of row {} is {diagonal:e}, and Gauss–Seidel divides by it; use SPAI-1, or reorder the equations",
                i + 1
            )));
        }
        Ok(inverse)
    };
    let rows = |c: usize| (c * CHUNK..a.rows().min((c + 1) * CHUNK)).map(of_row).collect();
    let parts: Vec<Result<Vec<f64>>> = parallel::map(0..a.rows().div_ceil(CHUNK), &rows);
    Ok(parts.into_iter().collect::<Result<Vec<_>>>()?.concat())
}

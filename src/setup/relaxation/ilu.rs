//! Incomplete LU factorisations on a pattern: without fill, and with fill by levels.

use std::sync::Arc;

use super::check_square;
use super::fill::{MOST_LEVEL, ROWS_BETWEEN_CHECKS, fill_pattern};
use crate::error::{Error, Result};
use crate::limits;
use crate::sparse::{Csr, Pattern};

/// Size of a pivot, relative to the largest entry of its row of A, that counts as zero.
pub(super) const PIVOT: f64 = 1e-14;

/// ILU(0): L U ≈ A on the pattern of A (Meijerink and van der Vorst 1977), by the IKJ
/// variant of Gaussian elimination (Saad 2003, algorithm 10.4).
///
/// The result shares the pattern of A: strictly below the diagonal it holds L, whose own
/// diagonal of ones is not stored, and from the diagonal on U. (L U)ᵢⱼ = aᵢⱼ wherever A has
/// an entry. Apply it by two triangular solves. Cost: one pass, sequential; per row i the sum
/// of the lengths of the rows k < i that it couples to.
///
/// # Errors
/// A matrix that is not square, a row without a stored diagonal entry, or a pivot that is
/// zero, tiny or not finite (the row is named).
///
/// ```
/// use multigrad::setup::relaxation::ilu0;
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, 1.0), (1, 0, 4.0), (1, 1, 5.0)])?;
/// let lu = ilu0(&a)?; // l = 4/2, u = 5 − 2·1
/// assert_eq!(lu.values(), [2.0, 1.0, 2.0, 3.0]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn ilu0(a: &Csr<f64>) -> Result<Csr<f64>> {
    check_square(a)?;
    let mut values = a.values().to_vec();
    eliminate(a.pattern(), &mut values, "ILU(0)", &mut |_| ())?;
    Ok(Csr::from_parts(a.pattern().clone(), values))
}

/// As [`ilu0`], with the sum of the fill that the elimination drops in every row: A + E = L U on all entries with
/// Σⱼ eᵢⱼ = −dᵢ. Modified ILU adds dᵢ to the pivot (Gustafsson 1978).
///
/// # Errors
/// As [`ilu0`].
pub(crate) fn ilu0_with_dropped_fill(a: &Csr<f64>) -> Result<(Csr<f64>, Vec<f64>)> {
    check_square(a)?;
    let mut values = a.values().to_vec();
    let mut dropped = Vec::with_capacity(a.rows());
    eliminate(a.pattern(), &mut values, "ILU(0)", &mut |sum| dropped.push(sum))?;
    Ok((Csr::from_parts(a.pattern().clone(), values), dropped))
}

/// ILU(k): as [`ilu0`], with fill up to `level` (Saad 2003, algorithm 10.5).
///
/// An entry of A has level 0, and elimination of column k fills (i, j) with level lev(i,k) + lev(k,j) + 1;
/// entries of a level above `level` are dropped. Level 0 is ILU(0), and with `level` ≥ n nothing is dropped.
/// A diagonal entry that A does not store is added. The 5-point stencil has 7 entries a row at level 1 and 9
/// at level 2.
///
/// Cost: sequential; a symbolic pass, then as `ilu0` on the larger pattern.
///
/// # Errors
/// As [`ilu0`], and fill beyond 32-bit indices.
///
/// ```
/// use multigrad::{gallery, setup::relaxation::iluk};
/// let a = gallery::poisson_2d(8, 8)?.matrix;
/// assert_eq!(iluk(&a, 0)?.nnz(), a.nnz());
/// assert_eq!(iluk(&a, 1)?.nnz(), a.nnz() + 2 * 7 * 7);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn iluk(a: &Csr<f64>, level: usize) -> Result<Csr<f64>> {
    if level == 0 {
        return ilu0(a);
    }
    check_square(a)?;
    let pattern = fill_pattern(a.pattern(), level.min(usize::from(MOST_LEVEL)) as u16)?;
    let mut values = vec![0.0; pattern.nnz()];
    for i in 0..a.rows() {
        // Both rows ascend, and the columns of A are a subset of the other's.
        let range = pattern.row(i);
        let mut slots = pattern.col_idx()[range.clone()].iter().zip(&mut values[range]);
        for (j, v) in a.row(i) {
            if let Some((_, slot)) = slots.find(|(c, _)| **c as usize == j) {
                *slot = v;
            }
        }
    }
    eliminate(&pattern, &mut values, "ILU(k)", &mut |_| ())?;
    Ok(Csr::from_parts(Arc::new(pattern), values))
}

/// Gaussian elimination in place on a pattern; entries outside are dropped, and `dropped` is told their sum in every
/// row.
fn eliminate(pattern: &Pattern, values: &mut [f64], name: &str, dropped: &mut dyn FnMut(f64)) -> Result<()> {
    let n = pattern.rows();
    let longest = (0..n).map(|i| pattern.row(i).len()).max().unwrap_or(0);
    // The present row from place 1 on; place 0 takes values outside the pattern.
    let mut row = vec![0.0; longest + 1];
    // Place of a column in the present row, 0 if it has none.
    let mut place = vec![0u32; n];
    // The reciprocal pivot of every row, and the start of the entries above the diagonal.
    let mut pivots: Vec<(f64, u32)> = Vec::with_capacity(n);
    for i in 0..n {
        if i % ROWS_BETWEEN_CHECKS == 0 {
            limits::check()?;
        }
        let range = pattern.row(i);
        let columns = &pattern.col_idx()[range.clone()];
        let (done, rest) = values.split_at_mut(range.start);
        let own = &mut rest[..columns.len()];
        let mut largest = 0.0f64;
        row[0] = 0.0;
        for (p, (&j, &v)) in columns.iter().zip(&*own).enumerate() {
            place[j as usize] = p as u32 + 1;
            row[p + 1] = v;
            largest = largest.max(v.abs());
        }
        let diagonal = place[i] as usize;
        if diagonal == 0 {
            return Err(Error::invalid_input(format!(
                "row {} has no stored diagonal entry, which {name} needs; store a zero there or use SPAI-1",
                i + 1
            )));
        }
        for p in 1..diagonal {
            let k = columns[p - 1] as usize;
            let (reciprocal, above) = pivots[k];
            let factor = row[p] * reciprocal;
            row[p] = factor;
            let range = above as usize..pattern.row_ptr()[k + 1] as usize;
            for (&j, &u) in pattern.col_idx()[range.clone()].iter().zip(&done[range]) {
                row[place[j as usize] as usize] -= factor * u;
            }
        }
        dropped(row[0]);
        let mut finite = true;
        for (p, (&j, slot)) in columns.iter().zip(own).enumerate() {
            place[j as usize] = 0;
            *slot = row[p + 1];
            finite &= slot.is_finite();
        }
        let pivot = row[diagonal];
        let reciprocal = 1.0 / pivot;
        if !finite || pivot.abs() <= PIVOT * largest || !reciprocal.is_finite() {
            return Err(bad_pivot(i, pivot, name));
        }
        pivots.push((reciprocal, (range.start + diagonal) as u32));
    }
    Ok(())
}

/// Incomplete factors with the entries of L and U beside the diagonal times 1 − τ, pivots kept.
///
/// ILU(0) of a matrix that is not an M-matrix may be close to singular: small pivots make U⁻¹ L⁻¹ grow along the rows, and
/// a sweep diverges. Each entry that a substitution passes on is reduced by τ here, which bounds that growth within
/// about 1/τ rows and leaves the couplings that smooth nearly unchanged. For τ = 1 the pivots alone remain. The
/// factors of a symmetric matrix remain symmetric: L D Lᵀ with a weaker L. Cost: one pass over the factors.
///
/// # Errors
/// A τ outside [0, 1].
///
/// ```
/// use multigrad::setup::relaxation::{ilu0, weaken_factors};
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, 1.0), (1, 0, 4.0), (1, 1, 5.0)])?;
/// let lu = weaken_factors(ilu0(&a)?, 0.5)?;
/// assert_eq!(lu.values(), [2.0, 0.5, 1.0, 3.0]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn weaken_factors(factors: Csr<f64>, tau: f64) -> Result<Csr<f64>> {
    if !(0.0..=1.0).contains(&tau) {
        return Err(Error::invalid_input(format!(
            "τ of incomplete factors is {tau}; it must lie between 0 and 1, such as 0.02"
        )));
    }
    if tau == 0.0 {
        return Ok(factors);
    }
    Ok(factors.map(|i, j, v| if i == j { v } else { (1.0 - tau) * v }))
}

pub(super) fn bad_pivot(i: usize, pivot: f64, name: &str) -> Error {
    Error::singular(format!(
        "the pivot of row {} in {name} is {pivot:e}; add a shift to the diagonal, reorder the equations, or use SPAI-1",
        i + 1
    ))
}

//! Incomplete LU factorisation with a threshold.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::check_square;
use super::fill::{ROWS_BETWEEN_CHECKS, too_much_fill};
use super::ilu::{PIVOT, bad_pivot};
use crate::error::{Error, Result};
use crate::limits;
use crate::sparse::{Csr, Pattern};

/// Largest number of additions, relative to those for rows of the length that is kept, and one that is always allowed.
const WORK: f64 = 8.0;
const FREE: f64 = 1e7;

/// ILUT: L U ≈ A with fill where entries are large (Saad 1994).
///
/// Row i is eliminated in full. An entry smaller than `drop_tolerance` · ‖aᵢ‖₂ is dropped, in L before its
/// division by the pivot, so that scaling A changes nothing. Of the others the largest are kept,
/// ⌈`fill_factor` · nnz(A)/(2n)⌉ in L and as many in U beside the diagonal: the factors have about
/// `fill_factor` times the entries of A at most. With a tolerance of 0 and a large factor the factorisation
/// is complete.
///
/// The format is that of [`ilu0`](super::ilu0), on a new pattern, which is in general not symmetric even if A
/// is. Cost: sequential; the total length of the rows used in the elimination, times a logarithm.
///
/// # Errors
/// A matrix that is not square, parameters out of range, a pivot that is zero, tiny or not finite (the row
/// is named), fill beyond 32-bit indices, or an elimination that fills rows far beyond what they keep, as long rows may.
///
/// ```
/// use multigrad::{gallery, setup::relaxation::ilut};
/// let a = gallery::poisson_2d(8, 8)?.matrix;
/// let (few, many) = (ilut(&a, 0.1, 10.0)?, ilut(&a, 1e-3, 10.0)?);
/// assert!(few.nnz() < many.nnz());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn ilut(a: &Csr<f64>, drop_tolerance: f64, fill_factor: f64) -> Result<Csr<f64>> {
    check_square(a)?;
    if !(drop_tolerance >= 0.0 && drop_tolerance.is_finite()) {
        return Err(Error::invalid_input(format!(
            "the drop tolerance of ILUT is {drop_tolerance}; it must be zero or positive, such as 0.01"
        )));
    }
    if !(fill_factor > 0.0 && fill_factor.is_finite()) {
        return Err(Error::invalid_input(format!(
            "the fill factor of ILUT is {fill_factor}; it must be positive, such as 10"
        )));
    }
    let n = a.rows();
    let most = (fill_factor * a.nnz() as f64 / (2.0 * n.max(1) as f64)).ceil().min(n as f64) as usize;
    let mut row_ptr = Vec::with_capacity(n + 1);
    row_ptr.push(0u32);
    let (mut columns, mut values): (Vec<u32>, Vec<f64>) = (Vec::new(), Vec::new());
    // Every row of L keeps `most` entries, and each of them adds as many of U.
    let allowed = WORK * most as f64 * (most as f64 + a.nnz() as f64 / n.max(1) as f64) * n as f64 + FREE;
    let mut work = 0.0;
    let mut pivots: Vec<(f64, u32)> = Vec::with_capacity(n);
    let (mut row, mut seen) = (vec![0.0; n], vec![false; n]);
    let mut waiting: BinaryHeap<Reverse<u32>> = BinaryHeap::new();
    let (mut lower, mut upper): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    let mut touched: Vec<u32> = Vec::new();
    for i in 0..n {
        if i % ROWS_BETWEEN_CHECKS == 0 {
            limits::check()?;
        }
        let mut add = |j: usize, v: f64, waiting: &mut BinaryHeap<_>, row: &mut [f64]| {
            row[j] += v;
            if !std::mem::replace(&mut seen[j], true) {
                touched.push(j as u32);
                if j < i {
                    waiting.push(Reverse(j as u32));
                } else if j > i {
                    upper.push(j as u32);
                }
            }
        };
        let mut largest = 0.0f64;
        for (j, v) in a.row(i) {
            add(j, v, &mut waiting, &mut row);
            largest = largest.max(v.abs());
        }
        // Scaled by the largest entry, so that squares neither overflow nor underflow.
        let length = a.row(i).map(|(_, v)| (v / largest).powi(2)).sum::<f64>().sqrt() * largest;
        let small = drop_tolerance * length;
        while let Some(Reverse(k)) = waiting.pop() {
            let (reciprocal, above) = pivots[k as usize];
            let value = row[k as usize];
            if value == 0.0 || value.abs() < small {
                continue;
            }
            let factor = value * reciprocal;
            work += (row_ptr[k as usize + 1] - above) as f64;
            for q in above as usize..row_ptr[k as usize + 1] as usize {
                add(columns[q] as usize, -factor * values[q], &mut waiting, &mut row);
            }
            row[k as usize] = factor;
            lower.push(k);
        }
        if work > allowed {
            return Err(Error::unsuited(format!(
                "the elimination in ILUT fills rows far beyond what they keep (at row {}), as long rows do; use a larger drop tolerance, or ILU(0)",
                i + 1
            )));
        }
        upper.retain(|&j| row[j as usize] != 0.0 && row[j as usize].abs() >= small);
        keep_largest(&mut lower, &row, most);
        keep_largest(&mut upper, &row, most);
        let pivot = row[i];
        let reciprocal = 1.0 / pivot;
        let finite = lower.iter().chain(&upper).all(|&j| row[j as usize].is_finite());
        // Not `<=`: a NaN must not pass as a pivot.
        let sound = finite && pivot.abs() > PIVOT * largest && pivot.is_finite() && reciprocal.is_finite();
        if !sound {
            return Err(bad_pivot(i, pivot, "ILUT"));
        }
        for &j in &lower {
            columns.push(j);
            values.push(row[j as usize]);
        }
        columns.push(i as u32);
        values.push(pivot);
        pivots.push((reciprocal, columns.len() as u32));
        for &j in &upper {
            columns.push(j);
            values.push(row[j as usize]);
        }
        if columns.len() >= u32::MAX as usize {
            return Err(too_much_fill());
        }
        row_ptr.push(columns.len() as u32);
        for j in touched.drain(..) {
            row[j as usize] = 0.0;
            seen[j as usize] = false;
        }
        lower.clear();
        upper.clear();
    }
    Ok(Csr::from_parts(Arc::new(Pattern::from_parts(n, n, row_ptr, columns)), values))
}

/// Keeps the `most` columns with the largest entries, ascending; of equal ones the first.
fn keep_largest(columns: &mut Vec<u32>, row: &[f64], most: usize) {
    if columns.len() > most {
        let size = |j: u32| row[j as usize].abs();
        columns.select_nth_unstable_by(most, |&p, &q| size(q).total_cmp(&size(p)).then(p.cmp(&q)));
        columns.truncate(most);
    }
    columns.sort_unstable();
}

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

/// Share of the largest entry right of it below which a pivot is exchanged: the largest that Saad advises.
const SMALL_PIVOT: f64 = 0.5;

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
    let n = a.rows();
    let Elimination { row_ptr, columns, values, .. } = eliminate::<false>(a, drop_tolerance, fill_factor)?;
    Ok(Csr::from_parts(Arc::new(Pattern::from_parts(n, n, row_ptr, columns)), values))
}

/// The order of the columns of A in ILUT with pivoting (Saad 1994, ILUTP): each row exchanges its pivot for the largest
/// entry right of it if that is twice as large. [`ilut`] of A with its columns in this order has the same factors.
///
/// # Errors
/// As [`ilut`]; a row that vanishes in the elimination.
pub(crate) fn pivot_order(a: &Csr<f64>, drop_tolerance: f64, fill_factor: f64) -> Result<Vec<u32>> {
    eliminate::<true>(a, drop_tolerance, fill_factor).map(|found| found.order.column)
}

/// The order of columns in an elimination, the own one unless it pivots.
struct ColumnOrder<const PIVOTS: bool> {
    /// The column at every position, and the position of every column; empty without pivots.
    column: Vec<u32>,
    position: Vec<u32>,
}

impl<const PIVOTS: bool> ColumnOrder<PIVOTS> {
    fn own(n: usize) -> Self {
        let own: Vec<u32> = if PIVOTS { (0..n as u32).collect() } else { Vec::new() };
        Self { column: own.clone(), position: own }
    }

    fn column(&self, position: u32) -> u32 {
        if PIVOTS { self.column[position as usize] } else { position }
    }

    fn position(&self, column: usize) -> usize {
        if PIVOTS { self.position[column] as usize } else { column }
    }

    fn exchange(&mut self, p: u32, q: u32) {
        self.column.swap(p as usize, q as usize);
        for p in [p, q] {
            self.position[self.column[p as usize] as usize] = p;
        }
    }
}

/// L and U in one matrix, with columns numbered as in A, and the order of columns in which they are triangular.
struct Elimination<const PIVOTS: bool> {
    row_ptr: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f64>,
    order: ColumnOrder<PIVOTS>,
}

fn eliminate<const PIVOTS: bool>(
    a: &Csr<f64>,
    drop_tolerance: f64,
    fill_factor: f64,
) -> Result<Elimination<PIVOTS>> {
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
    let mut order = ColumnOrder::<PIVOTS>::own(n);
    let mut pivots: Vec<(f64, u32)> = Vec::with_capacity(n);
    // By columns of A, as are the lists; `waiting` has positions.
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
                let position = order.position(j);
                if position < i {
                    waiting.push(Reverse(position as u32));
                } else if position > i {
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
            let column = order.column(k);
            let value = row[column as usize];
            if value == 0.0 || value.abs() < small {
                continue;
            }
            let factor = value * reciprocal;
            work += (row_ptr[k as usize + 1] - above) as f64;
            for q in above as usize..row_ptr[k as usize + 1] as usize {
                add(columns[q] as usize, -factor * values[q], &mut waiting, &mut row);
            }
            row[column as usize] = factor;
            lower.push(column);
        }
        if work > allowed {
            return Err(Error::unsuited(format!(
                "the elimination in ILUT fills rows far beyond what they keep (at row {}), as long rows do; use a larger drop tolerance, or ILU(0)",
                i + 1
            )));
        }
        if PIVOTS {
            exchange_pivot(i, &mut order, &mut upper, &row);
        }
        upper.retain(|&j| row[j as usize] != 0.0 && row[j as usize].abs() >= small);
        let position = |j: u32| order.position(j as usize);
        keep_largest(&mut lower, &row, most, &position);
        keep_largest(&mut upper, &row, most, &position);
        let diagonal = order.column(i as u32);
        let pivot = row[diagonal as usize];
        let reciprocal = 1.0 / pivot;
        let finite = lower.iter().chain(&upper).all(|&j| row[j as usize].is_finite());
        // Not `<=`: a NaN must not pass as a pivot.
        let sound = finite && pivot.abs() > PIVOT * largest && pivot.is_finite() && reciprocal.is_finite();
        if !sound {
            return Err(bad_pivot(i, pivot, if PIVOTS { "ILUT with pivoting" } else { "ILUT" }));
        }
        for &j in &lower {
            columns.push(j);
            values.push(row[j as usize]);
        }
        columns.push(diagonal);
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
    Ok(Elimination { row_ptr, columns, values, order })
}

/// Exchanges the column of pivot i for that of the largest entry right of it, if the pivot is small beside it.
fn exchange_pivot<const PIVOTS: bool>(
    i: usize,
    order: &mut ColumnOrder<PIVOTS>,
    upper: &mut [u32],
    row: &[f64],
) {
    let size = |j: u32| row[j as usize].abs();
    let own = order.column(i as u32);
    let largest = (0..upper.len()).reduce(|p, q| if size(upper[q]) > size(upper[p]) { q } else { p });
    if let Some(p) = largest.filter(|&p| size(own) < SMALL_PIVOT * size(upper[p])) {
        let column = std::mem::replace(&mut upper[p], own);
        order.exchange(i as u32, order.position(column as usize) as u32);
    }
}

/// Keeps the `most` columns with the largest entries, by position; of equal ones the first.
fn keep_largest(columns: &mut Vec<u32>, row: &[f64], most: usize, position: &dyn Fn(u32) -> usize) {
    if columns.len() > most {
        let size = |j: u32| row[j as usize].abs();
        columns.select_nth_unstable_by(most, |&p, &q| {
            size(q).total_cmp(&size(p)).then(position(p).cmp(&position(q)))
        });
        columns.truncate(most);
    }
    columns.sort_unstable_by_key(|&j| position(j));
}

//! Truncation of the rows of a prolongation.

use super::rows::fill_rows;
use crate::sparse::Csr;

/// A rescaling of a row by less than this part of its entries' sizes would be meaningless.
const TINY: f64 = 1e-12;

/// Drops small entries of every row and rescales the others, so that the sum of the row is preserved.
///
/// An entry is dropped if its size is below `factor` times the largest of the row, or if it is not among the
/// `max_per_row` largest; of equal ones the first columns stay. The largest entry always stays, whatever the
/// limits (a `factor` that is not positive or NaN drops nothing). As in BoomerAMG (De Sterck, Falgout,
/// Nolting and Yang 2008), one factor preserves the sum of the whole row; positive and negative entries are
/// not scaled separately. A row whose remaining entries cancel (sum below 10⁻¹² of their sizes), or whose sum
/// would need a change of sign, is not rescaled.
///
/// Cost: two passes over P, and a sort of the rows that are too long; parallel over rows.
///
/// ```
/// use multigrad::setup::classical::truncate;
/// use multigrad::sparse::Csr;
/// let p = Csr::from_triplets(1, 3, &[(0, 0, 0.5), (0, 1, 0.05), (0, 2, 0.25)])?;
/// let q = truncate(&p, 0.2, None);
/// assert_eq!(q.nnz(), 2);
/// assert!((q.get(0, 0) + q.get(0, 2) - 0.8).abs() < 1e-15);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[must_use]
pub fn truncate(p: &Csr<f64>, factor: f64, max_per_row: Option<usize>) -> Csr<f64> {
    let most = max_per_row.unwrap_or(usize::MAX).max(1);
    let factor = if factor > 0.0 { factor.min(1.0) } else { 0.0 };
    let bound = |i: usize| factor * p.row(i).fold(0.0f64, |m, (_, v)| m.max(v.abs()));
    let mut row_ptr = vec![0u32; p.rows() + 1];
    for i in 0..p.rows() {
        let bound = bound(i);
        let count = p.row(i).filter(|(_, v)| v.abs() >= bound).count().min(most);
        row_ptr[i + 1] = row_ptr[i] + count as u32;
    }
    if row_ptr[p.rows()] as usize == p.nnz() {
        return p.clone();
    }
    fill_rows(p.cols(), row_ptr, Vec::new, |i, kept: &mut Vec<(usize, f64)>, columns, values| {
        let bound = bound(i);
        kept.clear();
        kept.extend(p.row(i).filter(|(_, v)| v.abs() >= bound));
        if kept.len() > columns.len() {
            kept.sort_unstable_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
            kept.truncate(columns.len());
            kept.sort_unstable_by_key(|&(j, _)| j);
        }
        let scale = if columns.len() < p.row(i).len() { rescaling(p, i, kept) } else { 1.0 };
        for ((column, value), &(j, v)) in columns.iter_mut().zip(values).zip(&*kept) {
            (*column, *value) = (j as u32, v * scale);
        }
    })
}

/// The factor that scales the kept entries of row `i` to the sum of the whole row.
fn rescaling(p: &Csr<f64>, i: usize, kept: &[(usize, f64)]) -> f64 {
    let all: f64 = p.row(i).map(|(_, v)| v).sum();
    let (sum, size) = kept.iter().fold((0.0, 0.0), |(sum, size), (_, v)| (sum + v, size + v.abs()));
    let scale = all / sum;
    let usable = sum.abs() > TINY * size && scale > 0.0 && (size * scale).is_finite();
    if usable { scale } else { 1.0 }
}

//! Hierarchies of matrices, and the rules common to all kinds of coarsening.

use super::spectral::inverse_diagonal;
use crate::error::{Error, Result};
use crate::limits;
use crate::parallel;
use crate::sparse::Csr;

/// A coarse level must have at most this fraction of the rows.
const STAGNATION: f64 = 0.9;
/// The largest matrix that the direct solver takes when coarsening stagnates.
const DIRECT_ROWS: usize = 20_000;
/// Rows checked by one task.
const CHUNK: usize = 8192;

/// Bytes of the next level with its transfers for an entry of this one, as far as they can be told before.
pub(crate) const LEVEL_BYTES: f64 = 24.0;

/// A level that is not the coarsest: its matrix and its transfers.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// The matrix of this level, n × n.
    pub a: Csr<f64>,
    /// From the next coarser level to this one, n × m.
    pub prolongation: Csr<f64>,
    /// From this level to the next coarser one, m × n.
    pub restriction: Csr<f64>,
}

/// A hierarchy, finest level first.
#[derive(Debug, Clone, PartialEq)]
pub struct Grids {
    /// All levels but the coarsest; none for a small matrix.
    pub transfers: Vec<Transfer>,
    /// The matrix of the coarsest level.
    pub coarsest: Csr<f64>,
}

impl Grids {
    /// Number of levels, the coarsest included.
    pub fn levels(&self) -> usize {
        self.transfers.len() + 1
    }

    /// The matrices, finest first.
    pub fn matrices(&self) -> impl Iterator<Item = &Csr<f64>> {
        self.transfers.iter().map(|t| &t.a).chain([&self.coarsest])
    }

    /// Entries of all matrices per entry of the finest: the cost of a cycle.
    pub fn operator_complexity(&self) -> f64 {
        let finest = self.matrices().next().map_or(0, Csr::nnz);
        self.matrices().map(Csr::nnz).sum::<usize>() as f64 / finest.max(1) as f64
    }
}

/// Whether a level with `coarse` rows below one with `fine` rows is worthwhile: it has rows, fewer than the
/// fine one, and not more than 0.9 of them unless the fine matrix is too large for the direct solver.
pub(crate) fn pays(fine: usize, coarse: usize) -> bool {
    let stagnates = coarse as f64 > STAGNATION * fine as f64;
    coarse > 0 && coarse < fine && !(stagnates && fine <= DIRECT_ROWS)
}

/// The loop over levels. Every `step` takes a level and its number and returns the transfer to the next level
/// and that level, or `None`. The loop ends at `max_levels`, `max_coarse` rows, or a zero on a diagonal.
/// Returns all but the last level, and the last one.
pub(crate) fn descend<L>(
    mut level: L,
    matrix: impl Fn(&L) -> &Csr<f64>,
    max_levels: usize,
    max_coarse: usize,
    step: impl Fn(&mut L, usize) -> Result<Option<(Transfer, L)>>,
) -> Result<(Vec<Transfer>, L)> {
    let mut transfers = Vec::new();
    while matrix(&level).rows() > max_coarse && transfers.len() + 1 < max_levels {
        limits::room_for(LEVEL_BYTES * matrix(&level).nnz() as f64, "levels")?;
        let number = transfers.len() + 1;
        let Some((transfer, next)) = step(&mut level, number).map_err(|e| e.at(format!("level {number}")))?
        else {
            break;
        };
        transfers.push(transfer);
        level = next;
        if has_zero_diagonal(matrix(&level)) {
            break;
        }
    }
    Ok((transfers, level))
}

/// A row of a coarse matrix is zero up to rounding if its entries sum to less than this share of the diagonal that
/// its fine rows would give without their neighbours.
const VANISHED: f64 = 1e-13;

/// The coarse unknowns whose row does not vanish, or `None` if all are such. A row vanishes where an aggregate is a
/// connected part of the graph on which A is singular (an island without Dirichlet values): what is left is rounding,
/// and dividing by it would make the coarse correction arbitrary. Relaxation solves such a part up to its null vector.
/// Cost: one pass over the diagonals, and over P and the coarse matrix if one of its diagonal entries is tiny.
pub(crate) fn surviving(fine: &Csr<f64>, prolongation: &Csr<f64>, coarse: &Csr<f64>) -> Option<Vec<u32>> {
    let sizes = |a: &Csr<f64>| parallel::collect(a.rows(), CHUNK, |i| own(a, i).abs());
    let most = sizes(fine).into_iter().fold(0.0, f64::max);
    if sizes(coarse).into_iter().all(|d| d > 10.0 * VANISHED * most) {
        return None;
    }
    let mut expected = vec![0.0; coarse.rows()];
    for i in 0..fine.rows() {
        let diagonal = own(fine, i).abs();
        prolongation.row(i).for_each(|(j, v)| expected[j] += v * v * diagonal);
    }
    let vanishes = |j: usize| coarse.row(j).map(|(_, v)| v.abs()).sum::<f64>() <= VANISHED * expected[j];
    let kept: Vec<u32> = (0..coarse.rows()).filter(|&j| !vanishes(j)).map(|j| j as u32).collect();
    (kept.len() < coarse.rows()).then_some(kept)
}

/// Most entries of a coarse matrix, in multiples of those of the finest, once they are many.
const MOST_ENTRIES: usize = 6;
/// Coarse matrices with fewer entries are cheap anyhow.
const FEW_ENTRIES: usize = 1 << 20;

/// Refuses a coarse matrix that is far denser than the finest one.
pub(crate) fn check_density(finest: usize, coarse: &Csr<f64>) -> Result<()> {
    if coarse.nnz() <= (MOST_ENTRIES * finest).max(FEW_ENTRIES) {
        return Ok(());
    }
    Err(Error::unsuited(format!(
        "a coarse matrix of {} rows has {} entries, more than {MOST_ENTRIES} times those of the finest: long rows make the levels dense; use one level (none) or plain aggregation in pairs (pairwise)",
        coarse.rows(),
        coarse.nnz()
    )))
}

/// Fails with this message unless a parameter condition `holds`.
pub(crate) fn require(holds: bool, what: String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::invalid_input(what)) }
}

/// A hierarchy has at least one level.
pub(crate) fn check_levels(max_levels: usize) -> Result<()> {
    require(max_levels > 0, "max_levels is 0; a hierarchy has at least one level".into())
}

/// A square matrix with rows, none of them empty, and no zero on the diagonal. Cost: one pass,
/// parallel over rows.
///
/// # Errors
/// Names the row (counted from 1) that breaks the rule.
pub(crate) fn check_matrix(a: &Csr<f64>) -> Result<()> {
    if a.rows() == 0 && a.cols() == 0 {
        return Err(Error::dimension("the matrix has no rows; multigrid needs at least one"));
    }
    if a.rows() == a.cols() && !has_zero_diagonal(a) {
        return Ok(());
    }
    if let Some(i) = (0..a.rows()).find(|&i| a.row(i).all(|(_, v)| v == 0.0)) {
        return Err(Error::invalid_input(format!(
            "row {} is all zeros; remove that equation and its unknown, or put a one on the diagonal",
            i + 1
        )));
    }
    inverse_diagonal(a).map(|_| ())
}

/// Whether a value of the diagonal is zero or not stored. Cost: one pass over the structure,
/// parallel over rows.
pub(crate) fn has_zero_diagonal(a: &Csr<f64>) -> bool {
    parallel::collect(a.rows(), CHUNK, |i| own(a, i) == 0.0).contains(&true)
}

/// aᵢᵢ, zero where nothing is stored.
#[inline(always)]
pub(crate) fn own(a: &Csr<f64>, i: usize) -> f64 {
    let range = a.pattern().row(i);
    let columns = &a.pattern().col_idx()[range.clone()];
    // In a short row a linear search is faster than bisection.
    let place = if columns.len() <= 16 {
        columns.iter().position(|&j| j as usize == i)
    } else {
        columns.binary_search(&(i as u32)).ok()
    };
    place.map_or(0.0, |p| a.values()[range.start + p])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stagnation_is_left_to_the_direct_solver_while_it_can() {
        assert!(pays(100, 90) && !pays(100, 91) && !pays(100, 0) && !pays(100, 100));
        assert!(pays(30_000, 29_999) && !pays(30_000, 30_000));
    }

    #[test]
    fn the_diagonal_is_found_in_short_and_long_rows() {
        let full: Vec<_> = (0..40 * 40).map(|q| (q / 40, q % 40, q as f64 + 1.0)).collect();
        let a = Csr::from_triplets(40, 40, &full).unwrap();
        assert!((0..40).all(|i| own(&a, i) == a.get(i, i)));
        assert!(!has_zero_diagonal(&a));
        let a = a.filter(|i, j, _| i != 39 || j < 12);
        assert!(has_zero_diagonal(&a) && own(&a, 39) == 0.0);
        assert!(check_matrix(&a).unwrap_err().to_string().contains("diagonal of row 40"));
    }
}

//! Plans of products: the structure once, any values later.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::accumulate::Places;
use super::positions::{Position, Positions, with_positions};
use super::{check_chain, check_length, check_overflow, check_pattern};
use crate::error::Result;
use crate::parallel;
use crate::sparse::rows::{Lines, Pool, in_parallel, join, split};
use crate::sparse::{Csr, Pattern, Scalar};

/// The number of rows that share one integer width of places.
pub(super) const CHUNK: usize = 256;

/// The structure of a product A B, computed once.
///
/// [`numeric`](Self::numeric) then takes any values of A and B and needs a fraction of the time
/// of [`Csr::multiply`], with the same bits. Memory: the patterns (shared), the pattern of the
/// product, and one byte for every product of two values (two or four for those in rows near
/// one with more than 256 or 65 536 entries).
///
/// ```
/// use multigrad::sparse::{Csr, ProductPlan};
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 2.0), (0, 1, -1.0), (1, 1, 3.0)])?;
/// let plan = ProductPlan::new(a.pattern(), a.pattern())?;
/// assert_eq!(plan.numeric(&a, &a)?, a.multiply(&a)?);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub struct ProductPlan {
    pub(super) a: Arc<Pattern>,
    pub(super) b: Arc<Pattern>,
    pub(super) pattern: Arc<Pattern>,
    /// For every chunk of rows, by entries of A in a row and entries of B in the corresponding row: the place
    /// of their product in the row of A B.
    pub(super) chunks: Vec<Positions>,
    /// The start of the places of every entry of A, for the gradient.
    pub(super) starts: OnceLock<Vec<u32>>,
}

impl ProductPlan {
    /// For matrices A and B of these patterns. Cost: somewhat more than a product.
    ///
    /// # Errors
    /// Inner dimensions that differ, or a product too large for 32-bit indices.
    pub fn new(a: &Arc<Pattern>, b: &Arc<Pattern>) -> Result<Self> {
        check_chain(a, b)?;
        let pool = Pool::new(|| Work { places: Places::new(b.cols()), list: Vec::new(), rank: Vec::new() });
        let parts: Vec<(Lines, Positions)> =
            map_chunks(a.rows(), |range| pool.with(|work| work.chunk(range, a, b)));
        let (lines, chunks) = parts.into_iter().unzip();
        let pattern = Arc::new(join(a.rows(), b.cols(), lines)?);
        Ok(Self { a: a.clone(), b: b.clone(), pattern, chunks, starts: OnceLock::new() })
    }

    /// The pattern of the product.
    pub fn pattern(&self) -> &Arc<Pattern> {
        &self.pattern
    }

    /// Memory of the plan in bytes, without the three patterns.
    pub fn bytes(&self) -> usize {
        self.chunks.iter().map(Positions::bytes).sum()
    }

    /// A B, bit for bit that of [`Csr::multiply`]. Cost: one pass over the entries of B that the
    /// rows of A meet, in parallel.
    ///
    /// # Errors
    /// A or B of another pattern, or a product that overflows (with its row and column).
    pub fn numeric<T: Scalar>(&self, a: &Csr<T>, b: &Csr<T>) -> Result<Csr<T>> {
        check_pattern("A", &self.a, a.pattern())?;
        check_pattern("B", &self.b, b.pattern())?;
        let mut values = vec![T::ZERO; self.pattern.nnz()];
        self.numeric_into(a.values(), b.values(), &mut values)?;
        Ok(Csr::from_parts(self.pattern.clone(), values))
    }

    /// Computes the values of A B from those of A and B into `out`, almost without allocation.
    ///
    /// # Errors
    /// Lengths that do not fit the patterns, or a product that overflows.
    pub fn numeric_into<T: Scalar>(&self, a_values: &[T], b_values: &[T], out: &mut [T]) -> Result<()> {
        check_length("A", &self.a, a_values.len())?;
        check_length("B", &self.b, b_values.len())?;
        check_length("A B", &self.pattern, out.len())?;
        for_chunks(&self.pattern, &self.chunks, self.bytes(), out, |range, positions, out| {
            with_positions!(positions, list => self.rows(range, list, a_values, b_values, out));
        });
        check_overflow(&self.pattern, out)
    }

    fn rows<T: Scalar, P: Position>(&self, range: Range<usize>, list: &[P], a: &[T], b: &[T], out: &mut [T]) {
        let (mut rest, mut out) = (list, out);
        for i in range {
            let row;
            (row, out) = out.split_at_mut(self.pattern.row(i).len());
            row.fill(T::ZERO);
            let entries = self.a.row(i);
            for (&k, &v) in self.a.col_idx()[entries.clone()].iter().zip(&a[entries]) {
                rest = add_row(row, rest, v, &b[self.b.row(k as usize)]);
            }
        }
    }
}

impl std::fmt::Debug for ProductPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (rows, cols, nnz) = (self.pattern.rows(), self.pattern.cols(), self.pattern.nnz());
        write!(f, "ProductPlan({rows} × {cols}, {nnz} entries)")
    }
}

/// Adds `factor` times a sparse row at the next places of `list`; returns the rest of the list.
#[inline(always)]
pub(super) fn add_row<'l, T: Scalar, P: Position>(
    row: &mut [T],
    list: &'l [P],
    factor: T,
    values: &[T],
) -> &'l [P] {
    let (now, rest) = list.split_at(values.len());
    for (&p, &v) in now.iter().zip(values) {
        row[p.index()] += factor * v;
    }
    rest
}

/// f of the ranges of rows of a plan.
pub(super) fn map_chunks<R: Send>(rows: usize, f: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
    parallel::map(0..rows.div_ceil(CHUNK), &|c| f(c * CHUNK..rows.min((c + 1) * CHUNK)))
}

/// Calls `f` with the rows of every chunk, its part of the plan, and its values of `out`.
pub(super) fn for_chunks<T: Scalar, C: Sync>(
    pattern: &Pattern,
    chunks: &[C],
    work: usize,
    out: &mut [T],
    f: impl Fn(Range<usize>, &C, &mut [T]) + Sync,
) {
    let range = |c: usize| c * CHUNK..pattern.rows().min((c + 1) * CHUNK);
    let ptr = pattern.row_ptr();
    let length = |c: usize| (ptr[range(c).end] - ptr[range(c).start]) as usize;
    if in_parallel(work) {
        let pieces = split(out, (0..chunks.len()).map(length));
        let tasks = pieces.into_iter().zip(chunks).enumerate();
        parallel::for_each(tasks, &|(c, (out, chunk))| f(range(c), chunk, out));
        return;
    }
    // No list, no allocation.
    let mut rest = out;
    for (c, chunk) in chunks.iter().enumerate() {
        let (piece, tail) = rest.split_at_mut(length(c));
        f(range(c), chunk, piece);
        rest = tail;
    }
}

/// Scratch space of a thread.
struct Work {
    places: Places,
    list: Vec<u32>,
    rank: Vec<u32>,
}

impl Work {
    fn chunk(&mut self, range: Range<usize>, a: &Pattern, b: &Pattern) -> (Lines, Positions) {
        let Self { places, list, rank } = self;
        let mut lines = Lines::new(range.len());
        let mut longest = 0;
        list.clear();
        for i in range {
            let start = list.len();
            for &k in a.row_cols(i) {
                note_row(places, b.row_cols(k as usize), list);
            }
            longest = longest.max(places.len());
            let fits = places.rank(&mut lines, rank);
            list[start..].iter_mut().for_each(|p| *p = rank[*p as usize]);
            places.clear();
            if !fits {
                break;
            }
        }
        (lines, Positions::new(list, longest))
    }
}

/// Appends the places of a row's columns.
#[inline(always)]
pub(super) fn note_row(places: &mut Places, columns: &[u32], list: &mut Vec<u32>) {
    places.reserve(columns.len());
    let start = list.len();
    list.resize(start + columns.len(), 0);
    places.each(columns, list[start..].iter_mut(), |place, p| *p = place as u32);
}

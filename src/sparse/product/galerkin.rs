//! Plans of Galerkin products: the structure once, any values later.

use std::ops::Range;
use std::sync::Arc;

use super::accumulate::Places;
use super::plan::{add_row, for_chunks, map_chunks, note_row};
use super::positions::{Position, Positions, with_positions};
use super::{check_chain, check_length, check_overflow, check_pattern};
use crate::error::Result;
use crate::sparse::rows::{Lines, Pool, join};
use crate::sparse::{Csr, Pattern, Scalar};

/// The structure of a Galerkin product R A P, computed once.
///
/// For time stepping and Newton's method, where values change and patterns do not: [`numeric`](Self::numeric)
/// takes any values of A, R and P and needs a fraction of the time of [`Csr::galerkin`], with the same bits.
/// Memory: the patterns (shared), the pattern of the product, the columns of R A (four bytes each), and one
/// byte for every product of two values (two or four for those in rows near one with more than 256 or 65 536
/// entries).
///
/// ```
/// use multigrad::setup::Coarsening;
/// use multigrad::sparse::GalerkinPlan;
///
/// let a = multigrad::gallery::poisson_2d(40, 40)?.matrix;
/// let level = &Coarsening::default().coarsen(&a, None)?.transfers[0];
/// let (r, p) = (&level.restriction, &level.prolongation);
/// let plan = GalerkinPlan::new(r.pattern(), a.pattern(), p.pattern())?;
/// let stiffer = a.map(|i, j, v| if i == j { v + 1.0 } else { v });
/// assert_eq!(plan.numeric(r, &stiffer, p)?, stiffer.galerkin(r, p)?);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub struct GalerkinPlan {
    r: Arc<Pattern>,
    a: Arc<Pattern>,
    p: Arc<Pattern>,
    pattern: Arc<Pattern>,
    chunks: Vec<Chunk>,
}

/// A chunk of rows of the product.
struct Chunk {
    /// The end of every row of R A within `columns`.
    ends: Vec<usize>,
    /// Columns of R A, in order of appearance.
    columns: Vec<u32>,
    /// Places of the products of two values: for every row the places of the products of R A in its row, then
    /// those of (R A) P in the row of the result.
    positions: Positions,
}

impl GalerkinPlan {
    /// For matrices R, A and P of these patterns. Cost: somewhat more than a product.
    ///
    /// # Errors
    /// Dimensions that do not chain, or a product too large for 32-bit indices.
    pub fn new(r: &Arc<Pattern>, a: &Arc<Pattern>, p: &Arc<Pattern>) -> Result<Self> {
        check_chain(r, a)?;
        check_chain(a, p)?;
        let pool = Pool::new(|| Work {
            inner: Places::new(a.cols()),
            outer: Places::new(p.cols()),
            list: Vec::new(),
            rank: Vec::new(),
        });
        let parts: Vec<(Lines, Chunk)> =
            map_chunks(r.rows(), |range| pool.with(|work| work.chunk(range, r, a, p)));
        let (lines, chunks) = parts.into_iter().unzip();
        let pattern = Arc::new(join(r.rows(), p.cols(), lines)?);
        Ok(Self { r: r.clone(), a: a.clone(), p: p.clone(), pattern, chunks })
    }

    /// The pattern of the product.
    pub fn pattern(&self) -> &Arc<Pattern> {
        &self.pattern
    }

    /// Memory of the plan in bytes, without the four patterns.
    pub fn bytes(&self) -> usize {
        let of = |c: &Chunk| c.positions.bytes() + size_of_val(&c.columns[..]) + size_of_val(&c.ends[..]);
        self.chunks.iter().map(of).sum()
    }

    /// R A P, bit for bit that of [`Csr::galerkin`]. Cost: one pass over the single products,
    /// in parallel.
    ///
    /// # Errors
    /// A matrix of another pattern, or a product that overflows (with its row and column).
    pub fn numeric<T: Scalar>(&self, r: &Csr<T>, a: &Csr<T>, p: &Csr<T>) -> Result<Csr<T>> {
        check_pattern("R", &self.r, r.pattern())?;
        check_pattern("A", &self.a, a.pattern())?;
        check_pattern("P", &self.p, p.pattern())?;
        let mut values = vec![T::ZERO; self.pattern.nnz()];
        self.numeric_into(r.values(), a.values(), p.values(), &mut values)?;
        Ok(Csr::from_parts(self.pattern.clone(), values))
    }

    /// Computes the values of R A P from those of R, A and P into `out`, almost without allocation.
    ///
    /// # Errors
    /// Lengths that do not fit the patterns, or a product that overflows.
    pub fn numeric_into<T: Scalar>(
        &self,
        r_values: &[T],
        a_values: &[T],
        p_values: &[T],
        out: &mut [T],
    ) -> Result<()> {
        check_length("R", &self.r, r_values.len())?;
        check_length("A", &self.a, a_values.len())?;
        check_length("P", &self.p, p_values.len())?;
        check_length("R A P", &self.pattern, out.len())?;
        let pool = Pool::new(Vec::new);
        for_chunks(&self.pattern, &self.chunks, self.bytes(), out, |range, chunk, out| {
            let values = (r_values, a_values, p_values);
            pool.with(|sums| {
                with_positions!(&chunk.positions, list => self.rows(range, chunk, list, values, sums, out));
            });
        });
        check_overflow(&self.pattern, out)
    }

    fn rows<T: Scalar, P: Position>(
        &self,
        range: Range<usize>,
        chunk: &Chunk,
        list: &[P],
        (r, a, p): (&[T], &[T], &[T]),
        sums: &mut Vec<T>,
        out: &mut [T],
    ) {
        let (mut rest, mut out, mut start) = (list, out, 0);
        for (i, &end) in range.zip(&chunk.ends) {
            let columns = &chunk.columns[start..end];
            start = end;
            sums.clear();
            sums.resize(columns.len(), T::ZERO);
            let entries = self.r.row(i);
            for (&k, &v) in self.r.col_idx()[entries.clone()].iter().zip(&r[entries]) {
                rest = add_row(sums, rest, v, &a[self.a.row(k as usize)]);
            }
            let row;
            (row, out) = out.split_at_mut(self.pattern.row(i).len());
            row.fill(T::ZERO);
            for (&j, &v) in columns.iter().zip(&sums[..]) {
                rest = add_row(row, rest, v, &p[self.p.row(j as usize)]);
            }
        }
    }
}

impl std::fmt::Debug for GalerkinPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (rows, cols, nnz) = (self.pattern.rows(), self.pattern.cols(), self.pattern.nnz());
        write!(f, "GalerkinPlan({rows} × {cols}, {nnz} entries)")
    }
}

/// Scratch space of a thread.
struct Work {
    inner: Places,
    outer: Places,
    list: Vec<u32>,
    rank: Vec<u32>,
}

impl Work {
    fn chunk(&mut self, range: Range<usize>, r: &Pattern, a: &Pattern, p: &Pattern) -> (Lines, Chunk) {
        let Self { inner, outer, list, rank } = self;
        let mut lines = Lines::new(range.len());
        let (mut ends, mut columns) = (Vec::with_capacity(range.len()), Vec::new());
        let mut longest = 0;
        list.clear();
        for i in range {
            for &k in r.row_cols(i) {
                note_row(inner, a.row_cols(k as usize), list);
            }
            let start = list.len();
            for &j in inner.columns() {
                note_row(outer, p.row_cols(j as usize), list);
            }
            columns.extend_from_slice(inner.columns());
            ends.push(columns.len());
            longest = longest.max(inner.len()).max(outer.len());
            let fits = outer.rank(&mut lines, rank);
            list[start..].iter_mut().for_each(|q| *q = rank[*q as usize]);
            inner.clear();
            outer.clear();
            if !fits {
                break;
            }
        }
        columns.shrink_to_fit();
        (lines, Chunk { ends, columns, positions: Positions::new(list, longest) })
    }
}

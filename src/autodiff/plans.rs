//! Symbolic plans by pattern, kept from one recording to the next.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::cache::{Cache, KEPT};
use super::hash::Multiply;
use crate::backend::Ordering;
use crate::error::Result;
use crate::sparse::{Pattern, ProductPlan};

/// Represents "no entry" in a [`Selection`].
pub(super) const NONE: u32 = u32::MAX;

/// A block matrix: the places of the entries of each block.
pub(super) struct Assembly {
    pub(super) pattern: Arc<Pattern>,
    pub(super) places: Vec<Vec<u32>>,
}

/// The union or the intersection of two patterns.
pub(super) struct Union {
    pub(super) pattern: Arc<Pattern>,
    /// The place of every entry in the union, or the origin of every common entry.
    pub(super) of_a: Vec<u32>,
    pub(super) of_b: Vec<u32>,
}

/// Entries of one pattern, in the order of another or of a vector.
pub(super) struct Selection {
    /// The pattern of the result, if it is sparse.
    pub(super) pattern: Option<Arc<Pattern>>,
    /// The source entry of each place, or [`NONE`].
    pub(super) source: Vec<u32>,
    /// Whether the map is a permutation.
    pub(super) permutes: bool,
}

/// A part of a pattern by lists of rows and columns.
struct Submatrix {
    rows: Vec<usize>,
    columns: Vec<usize>,
    plan: Arc<Selection>,
}

/// The selected part of a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Transpose,
    Diagonal,
    /// Entries (i, j) with j − i ≤ shift.
    Lower(i64),
    /// Entries (i, j) with j − i ≥ shift.
    Upper(i64),
}

/// A pattern by identity. The plan keeps it alive, so that its address is not reused.
fn key(pattern: &Arc<Pattern>) -> usize {
    Arc::as_ptr(pattern) as usize
}

/// All plans of a tape.
#[derive(Default)]
pub(super) struct Plans {
    identities: Cache<usize, Pattern>,
    products: Cache<(usize, usize), ProductPlan>,
    unions: Cache<(usize, usize), Union>,
    parts: Cache<(usize, Part), Selection>,
    commons: Cache<(usize, usize), Union>,
    orderings: Cache<usize, Ordering>,
    submatrices: Cache<(usize, u64), Submatrix>,
    assemblies: Cache<Vec<usize>, Assembly>,
    recording: u64,
}

impl Plans {
    /// Begins the next recording: plans not used recently are evicted.
    pub(super) fn next_recording(&mut self) {
        self.recording += 1;
        if self.recording.is_multiple_of(KEPT) {
            let oldest = self.recording - KEPT;
            self.identities.forget(oldest);
            self.products.forget(oldest);
            self.unions.forget(oldest);
            self.parts.forget(oldest);
            self.commons.forget(oldest);
            self.orderings.forget(oldest);
            self.submatrices.forget(oldest);
            self.assemblies.forget(oldest);
        }
    }

    pub(super) fn identity(&mut self, n: usize) -> Arc<Pattern> {
        let make = || Pattern::from_parts(n, n, (0..=n as u32).collect(), (0..n as u32).collect());
        self.identities.get(n, self.recording, &[], make)
    }

    pub(super) fn product(&mut self, a: &Arc<Pattern>, b: &Arc<Pattern>) -> Result<Arc<ProductPlan>> {
        self.products.try_get((key(a), key(b)), self.recording, &[a, b], || ProductPlan::new(a, b))
    }

    pub(super) fn union(&mut self, a: &Arc<Pattern>, b: &Arc<Pattern>) -> Arc<Union> {
        self.unions.get((key(a), key(b)), self.recording, &[a, b], || union(a, b))
    }

    pub(super) fn part(&mut self, a: &Arc<Pattern>, part: Part) -> Arc<Selection> {
        self.parts.get((key(a), part), self.recording, &[a], || select(a, part))
    }

    /// The common entries, with their places in both.
    pub(super) fn common(&mut self, a: &Arc<Pattern>, b: &Arc<Pattern>) -> Arc<Union> {
        self.commons.get((key(a), key(b)), self.recording, &[a, b], || common(a, b))
    }

    /// The rows `rows` and columns `columns` of a pattern, in the given order.
    ///
    /// # Errors
    /// The error of `check` for lists that are not yet known.
    pub(super) fn submatrix(
        &mut self,
        a: &Arc<Pattern>,
        rows: &[usize],
        columns: &[usize],
        check: impl Fn() -> Result<()>,
    ) -> Result<Arc<Selection>> {
        let mut lists = Multiply::default();
        (rows, columns).hash(&mut lists);
        let make = || {
            check()?;
            let plan = Arc::new(submatrix(a, rows, columns));
            Ok(Submatrix { rows: rows.to_vec(), columns: columns.to_vec(), plan })
        };
        let found = self.submatrices.try_get((key(a), lists.finish()), self.recording, &[a], make)?;
        if found.rows == rows && found.columns == columns {
            return Ok(found.plan.clone());
        }
        // Other lists with the same hash.
        check()?;
        Ok(Arc::new(submatrix(a, rows, columns)))
    }

    /// A block matrix of these patterns, `width` per row of blocks; `make` computes it.
    ///
    /// # Errors
    /// Those of `make`.
    pub(super) fn assembly(
        &mut self,
        blocks: &[&Arc<Pattern>],
        width: usize,
        make: impl FnOnce() -> Result<Assembly>,
    ) -> Result<Arc<Assembly>> {
        let key = blocks.iter().map(|p| key(p)).chain([width]).collect();
        self.assemblies.try_get(key, self.recording, blocks, make)
    }

    /// The order of elimination for a direct solve.
    pub(super) fn ordering(&mut self, a: &Arc<Pattern>) -> Result<Arc<Ordering>> {
        self.orderings.try_get(key(a), self.recording, &[a], || Ordering::new(a))
    }

    /// Memory in bytes, without orders of elimination.
    pub(super) fn bytes(&self) -> usize {
        let selection = |s: &Selection| 4 * s.source.len();
        let union = |u: &Union| 4 * (u.of_a.len() + u.of_b.len());
        let assembly = |a: &Assembly| a.places.iter().map(|p| 4 * p.len()).sum::<usize>();
        self.products.sum(ProductPlan::bytes)
            + self.unions.sum(union)
            + self.commons.sum(union)
            + self.parts.sum(selection)
            + self.submatrices.sum(|s| selection(&s.plan))
            + self.assemblies.sum(assembly)
    }
}

/// Merges the columns of two rows, ascending: `f(column, place in a, place in b)`.
fn merge(a: &Pattern, b: &Pattern, i: usize, mut f: impl FnMut(u32, Option<usize>, Option<usize>)) {
    let (mut p, mut q) = (a.row(i), b.row(i));
    loop {
        let column = |of: &Pattern, at: &std::ops::Range<usize>| of.col_idx()[at.clone()].first().copied();
        let (left, right) = (column(a, &p), column(b, &q));
        let next = match (left, right) {
            (None, None) => return,
            (Some(l), Some(r)) => l.min(r),
            (Some(c), None) | (None, Some(c)) => c,
        };
        let (from_a, from_b) = (left == Some(next), right == Some(next));
        f(next, from_a.then_some(p.start), from_b.then_some(q.start));
        p.start += usize::from(from_a);
        q.start += usize::from(from_b);
    }
}

fn union(a: &Pattern, b: &Pattern) -> Union {
    let (mut row_ptr, mut columns) = (vec![0u32], Vec::with_capacity(a.nnz() + b.nnz()));
    let (mut of_a, mut of_b) = (Vec::with_capacity(a.nnz()), Vec::with_capacity(b.nnz()));
    for i in 0..a.rows() {
        merge(a, b, i, |column, in_a, in_b| {
            of_a.extend(in_a.map(|_| columns.len() as u32));
            of_b.extend(in_b.map(|_| columns.len() as u32));
            columns.push(column);
        });
        row_ptr.push(columns.len() as u32);
    }
    Union { pattern: Arc::new(Pattern::from_parts(a.rows(), a.cols(), row_ptr, columns)), of_a, of_b }
}

fn common(a: &Pattern, b: &Pattern) -> Union {
    let (mut row_ptr, mut columns) = (vec![0u32], Vec::new());
    let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
    for i in 0..a.rows() {
        merge(a, b, i, |column, in_a, in_b| {
            if let (Some(p), Some(q)) = (in_a, in_b) {
                columns.push(column);
                of_a.push(p as u32);
                of_b.push(q as u32);
            }
        });
        row_ptr.push(columns.len() as u32);
    }
    Union { pattern: Arc::new(Pattern::from_parts(a.rows(), a.cols(), row_ptr, columns)), of_a, of_b }
}

fn select(a: &Pattern, part: Part) -> Selection {
    match part {
        Part::Transpose => {
            let t = a.transposition();
            let pattern = Pattern::from_parts(a.cols(), a.rows(), t.ptr.clone(), t.row_idx.clone());
            Selection { pattern: Some(Arc::new(pattern)), source: t.source.clone(), permutes: true }
        }
        Part::Diagonal => {
            let own = |i: usize| {
                a.row_cols(i).binary_search(&(i as u32)).map_or(NONE, |at| (a.row(i).start + at) as u32)
            };
            let source = (0..a.rows().min(a.cols())).map(own).collect();
            Selection { pattern: None, source, permutes: false }
        }
        Part::Lower(shift) => keep(a, |i, j| j - i <= shift),
        Part::Upper(shift) => keep(a, |i, j| j - i >= shift),
    }
}

fn keep(a: &Pattern, wanted: impl Fn(i64, i64) -> bool) -> Selection {
    let (mut row_ptr, mut columns, mut source) = (vec![0u32], Vec::new(), Vec::new());
    for i in 0..a.rows() {
        for p in a.row(i) {
            let j = a.col_idx()[p];
            if wanted(i as i64, i64::from(j)) {
                columns.push(j);
                source.push(p as u32);
            }
        }
        row_ptr.push(columns.len() as u32);
    }
    let permutes = source.len() == a.nnz();
    let pattern = Some(Arc::new(Pattern::from_parts(a.rows(), a.cols(), row_ptr, columns)));
    Selection { pattern, source, permutes }
}

/// The rows `rows` and columns `columns` of a pattern, in the given order; each column at most once.
fn submatrix(a: &Pattern, rows: &[usize], columns: &[usize]) -> Selection {
    let mut place = vec![NONE; a.cols()];
    columns.iter().enumerate().for_each(|(at, &j)| place[j] = at as u32);
    let (mut row_ptr, mut list, mut source) = (vec![0u32], Vec::new(), Vec::new());
    let mut row: Vec<(u32, u32)> = Vec::new();
    for &i in rows {
        row.clear();
        let entries = a.row(i).map(|p| (place[a.col_idx()[p] as usize], p as u32));
        row.extend(entries.filter(|e| e.0 != NONE));
        row.sort_unstable();
        list.extend(row.iter().map(|e| e.0));
        source.extend(row.iter().map(|e| e.1));
        row_ptr.push(list.len() as u32);
    }
    let pattern = Pattern::from_parts(rows.len(), columns.len(), row_ptr, list);
    Selection { pattern: Some(Arc::new(pattern)), source, permutes: false }
}

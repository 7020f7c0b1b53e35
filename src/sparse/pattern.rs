//! Patterns: the structure of sparse matrices, checked once and shared.

use std::sync::OnceLock;

use super::buffer::Buffer;
use super::levels::Levels;
use crate::error::{Error, Result};

/// Rows, columns and the sorted column indices of every row (CSR), without values.
///
/// Indices are 32 bit: a matrix may have up to 2³² − 1 nonzeros. A pattern is immutable and shared through
/// [`Arc`](std::sync::Arc); its transposition is computed on first use.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Pattern {
    rows: usize,
    cols: usize,
    row_ptr: Buffer<u32>,
    col_idx: Buffer<u32>,
    transposition: OnceLock<Transposition>,
    /// Levels of the parts above and below the diagonal.
    levels: [OnceLock<Option<Levels>>; 2],
    /// For every row the number of its first entry on or right of the diagonal, or the end of the row.
    splits: OnceLock<Vec<u32>>,
    /// Whether row lengths are irregular.
    ragged: OnceLock<bool>,
}

/// The transpose of a pattern, as a permutation into the *same* values.
///
/// Column `j` of the matrix has its entries in rows `row_idx[ptr[j]..ptr[j+1]]`
/// (ascending), and entry `p` of that list is nonzero number `source[p]`. So `Aᵀg` is a
/// gather, with no atomics and the same bits on every run.
#[derive(Debug, Clone, Default)]
pub struct Transposition {
    /// Start of every column, `cols + 1` entries.
    pub ptr: Vec<u32>,
    /// Row of every entry, by columns.
    pub row_idx: Vec<u32>,
    /// Number of that entry in the row-wise values.
    pub source: Vec<u32>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Raw {
    rows: u64,
    cols: u64,
    row_ptr: Vec<u32>,
    col_idx: Vec<u32>,
}

impl Pattern {
    /// Takes CSR arrays and checks them: `row_ptr` has `rows + 1` ascending entries from
    /// 0 to the number of nonzeros, and every row's columns ascend strictly below `cols`.
    ///
    /// # Errors
    /// Names the row and column (counted from 1) that break a rule. Cost: one pass.
    pub fn new(rows: usize, cols: usize, row_ptr: Vec<u32>, col_idx: Vec<u32>) -> Result<Self> {
        Self::checked(rows, cols, row_ptr.into(), col_idx.into())
    }

    /// As [`new`](Self::new), for entries that may be lent.
    pub(super) fn checked(
        rows: usize,
        cols: usize,
        row_ptr: Buffer<u32>,
        col_idx: Buffer<u32>,
    ) -> Result<Self> {
        check_size(rows, cols, col_idx.len())?;
        if row_ptr.len() != rows + 1 {
            return Err(Error::dimension(format!(
                "row pointer has {} entries, {} rows need {}",
                row_ptr.len(),
                rows,
                rows + 1
            )));
        }
        if row_ptr[0] != 0 || row_ptr[rows] as usize != col_idx.len() {
            return Err(Error::invalid_input(format!(
                "row pointer runs from {} to {}, expected 0 to {} (the number of nonzeros)",
                row_ptr[0],
                row_ptr[rows],
                col_idx.len()
            )));
        }
        if let Some(i) = (0..rows).find(|&i| row_ptr[i] > row_ptr[i + 1]) {
            return Err(Error::invalid_input(format!("row pointer decreases at row {}", i + 1)));
        }
        for i in 0..rows {
            let row = &col_idx[row_ptr[i] as usize..row_ptr[i + 1] as usize];
            // Valid rows pass without a branch for every entry.
            let ascends = row.windows(2).fold(true, |ok, w| ok & (w[0] < w[1]));
            if !ascends || row.last().is_some_and(|&j| j as usize >= cols) {
                check_row(i, row, cols)?;
            }
        }
        Ok(Self::from_buffers(rows, cols, row_ptr, col_idx))
    }

    /// From arrays that are valid by construction. The invariants of the kernels are checked all the same, in
    /// one pass that costs less than writing the arrays.
    pub(crate) fn from_parts(rows: usize, cols: usize, row_ptr: Vec<u32>, col_idx: Vec<u32>) -> Self {
        Self::from_buffers(rows, cols, row_ptr.into(), col_idx.into())
    }

    fn from_buffers(rows: usize, cols: usize, row_ptr: Buffer<u32>, col_idx: Buffer<u32>) -> Self {
        assert!(
            row_ptr.len() == rows + 1
                && row_ptr[0] == 0
                && row_ptr[rows] as usize == col_idx.len()
                && row_ptr.windows(2).all(|w| w[0] <= w[1])
                && (col_idx.is_empty() || col_idx.iter().fold(0, |m, &j| m.max(j)) < cols as u32),
            "a pattern whose arrays do not fit together"
        );
        Self {
            rows,
            cols,
            row_ptr,
            col_idx,
            transposition: OnceLock::new(),
            levels: Default::default(),
            splits: OnceLock::new(),
            ragged: OnceLock::new(),
        }
    }

    /// Whether row lengths are unpredictable: more than one in eight differs from the one before it.
    pub(crate) fn is_ragged(&self) -> bool {
        *self.ragged.get_or_init(|| {
            let change = |w: &&[u32]| w[2] - w[1] != w[1] - w[0];
            8 * self.row_ptr.windows(3).filter(change).count() > self.rows
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Number of stored entries.
    pub fn nnz(&self) -> usize {
        self.col_idx.len()
    }

    /// Start of every row in [`col_idx`](Self::col_idx), `rows + 1` entries.
    pub fn row_ptr(&self) -> &[u32] {
        &self.row_ptr
    }

    /// Column of every entry, ascending within a row.
    pub fn col_idx(&self) -> &[u32] {
        &self.col_idx
    }

    /// The entries of row `i` as a range of nonzero numbers.
    #[inline(always)]
    pub fn row(&self, i: usize) -> std::ops::Range<usize> {
        self.row_ptr[i] as usize..self.row_ptr[i + 1] as usize
    }

    /// Columns of row `i`.
    #[inline(always)]
    pub fn row_cols(&self, i: usize) -> &[u32] {
        &self.col_idx[self.row(i)]
    }

    /// Number of the entry (i, j), if it is stored. Cost: a binary search in the row.
    pub fn find(&self, i: usize, j: usize) -> Option<usize> {
        let range = self.row(i);
        let start = range.start;
        self.col_idx[range].binary_search(&(j as u32)).ok().map(|p| start + p)
    }

    /// Row and column of a nonzero number. Cost: a binary search in the row pointer.
    pub(crate) fn place(&self, p: usize) -> (usize, usize) {
        let i = self.row_ptr.partition_point(|&q| q as usize <= p) - 1;
        (i, self.col_idx[p] as usize)
    }

    /// The transposition, computed on first use and kept. Cost then: two passes.
    pub fn transposition(&self) -> &Transposition {
        self.transposition.get_or_init(|| super::transpose::transposition(self))
    }

    /// The levels of the part below or above the diagonal of a square pattern, computed on first use; `None`
    /// if they are too narrow to be useful.
    pub(crate) fn levels(&self, lower: bool) -> Option<&Levels> {
        self.levels[usize::from(lower)].get_or_init(|| Levels::new(self, lower)).as_ref()
    }

    /// For every row the number of its first entry on or right of the diagonal, or the end of the row;
    /// computed on first use and kept. Cost then: one pass.
    pub(crate) fn splits(&self) -> &[u32] {
        self.splits.get_or_init(|| {
            let split = |i: usize| {
                let below = self.row_cols(i).iter().take_while(|&&j| (j as usize) < i).count();
                self.row_ptr[i] + below as u32
            };
            (0..self.rows).map(split).collect()
        })
    }

    /// The transposition, if it has been computed.
    pub(crate) fn known_transposition(&self) -> Option<&Transposition> {
        self.transposition.get()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows
            && self.cols == other.cols
            && self.row_ptr == other.row_ptr
            && self.col_idx == other.col_idx
    }
}

impl Clone for Pattern {
    fn clone(&self) -> Self {
        Self::from_buffers(self.rows, self.cols, self.row_ptr.clone(), self.col_idx.clone())
    }
}

impl From<Pattern> for Raw {
    fn from(p: Pattern) -> Self {
        let (row_ptr, col_idx) = (p.row_ptr.into_vec(), p.col_idx.into_vec());
        Raw { rows: p.rows as u64, cols: p.cols as u64, row_ptr, col_idx }
    }
}

impl TryFrom<Raw> for Pattern {
    type Error = Error;

    fn try_from(raw: Raw) -> Result<Self> {
        let size = |n: u64| {
            usize::try_from(n)
                .ok()
                .filter(|&n| n < u32::MAX as usize)
                .ok_or_else(|| Error::invalid_input(format!("a dimension of {n} is too large")))
        };
        Pattern::new(size(raw.rows)?, size(raw.cols)?, raw.row_ptr, raw.col_idx)
    }
}

/// Dimensions and nonzeros must fit 32-bit indices.
pub(super) fn check_size(rows: usize, cols: usize, nnz: usize) -> Result<()> {
    let limit = u32::MAX as usize;
    if rows >= limit || cols >= limit || nnz >= limit {
        return Err(Error::dimension(format!(
            "a {rows} × {cols} matrix with {nnz} nonzeros exceeds the 32-bit index range ({limit})"
        )));
    }
    Ok(())
}

fn check_row(i: usize, row: &[u32], cols: usize) -> Result<()> {
    for (q, &j) in row.iter().enumerate() {
        if j as usize >= cols {
            return Err(Error::invalid_input(format!(
                "entry in row {}, column {} lies outside the {cols} columns",
                i + 1,
                j as usize + 1
            )));
        }
        if q > 0 && row[q - 1] >= j {
            let what = if row[q - 1] == j { "appears twice" } else { "is out of order" };
            return Err(Error::invalid_input(format!(
                "column {} {what} in row {}; columns must ascend within a row",
                j as usize + 1,
                i + 1
            )));
        }
    }
    Ok(())
}

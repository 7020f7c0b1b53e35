//! Graphs of strong connections: row-by-row, parallel assembly of patterns.

use crate::error::{Error, Result};
use crate::parallel;
use crate::sparse::{Csr, Pattern};

/// Rows per task.
const CHUNK: usize = 8192;

/// The connections of a strength matrix: its pattern without the diagonal and without
/// entries that are zero. Cost: one pass.
///
/// # Errors
/// A matrix that is not square.
pub fn strong_connections(strength: &Csr<f64>) -> Result<Pattern> {
    check_square(strength.pattern())?;
    select(strength.pattern(), |i, columns, kept| {
        let values = &strength.values()[strength.pattern().row(i)];
        let strong = columns.iter().zip(values).filter(|&(&j, &v)| j as usize != i && v != 0.0);
        kept.extend(strong.map(|(&j, _)| j));
    })
}

/// The part of a pattern whose row `i` consists of the columns that `choose(i, columns, kept)` appends to
/// `kept`: some of `columns`, in order. The same on any number of threads.
///
/// # Errors
/// More entries than 32-bit indices can number.
pub(in crate::setup) fn select(
    pattern: &Pattern,
    choose: impl Fn(usize, &[u32], &mut Vec<u32>) + Sync + Send,
) -> Result<Pattern> {
    let rows = pattern.rows();
    let parts: Vec<(Vec<u32>, Vec<u32>)> = parallel::map(0..rows.div_ceil(CHUNK), &|c| {
        let (from, to) = (c * CHUNK, rows.min((c + 1) * CHUNK));
        let most = (pattern.row_ptr()[to] - pattern.row_ptr()[from]) as usize;
        let (mut ends, mut kept) = (Vec::with_capacity(to - from), Vec::with_capacity(most));
        for i in from..to {
            choose(i, pattern.row_cols(i), &mut kept);
            ends.push(kept.len() as u32);
        }
        (ends, kept)
    });
    join(rows, pattern.cols(), &parts)
}

/// The joint pattern of consecutive blocks of rows, each the ends of its rows and their columns.
///
/// # Errors
/// More entries than 32-bit indices can number.
pub(in crate::setup) fn join(rows: usize, cols: usize, parts: &[(Vec<u32>, Vec<u32>)]) -> Result<Pattern> {
    let nnz: usize = parts.iter().map(|p| p.1.len()).sum();
    if nnz >= u32::MAX as usize {
        return Err(Error::dimension(format!("a graph with {nnz} connections exceeds 32-bit indices")));
    }
    let mut row_ptr = Vec::with_capacity(rows + 1);
    let mut col_idx = Vec::with_capacity(nnz);
    row_ptr.push(0u32);
    for (ends, columns) in parts {
        let start = col_idx.len() as u32;
        row_ptr.extend(ends.iter().map(|e| start + e));
        col_idx.extend_from_slice(columns);
    }
    Ok(Pattern::from_parts(rows, cols, row_ptr, col_idx))
}

/// Fails unless the pattern is square.
pub(in crate::setup) fn check_square(pattern: &Pattern) -> Result<()> {
    if pattern.rows() == pattern.cols() {
        return Ok(());
    }
    Err(Error::dimension(format!(
        "strength of connection needs a square matrix, got {} × {}",
        pattern.rows(),
        pattern.cols()
    )))
}

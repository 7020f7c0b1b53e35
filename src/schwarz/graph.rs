//! Undirected graph of a square pattern: that of A + Aᵀ without the diagonal.

use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// Neighbours of every row, ascending, without the row itself; if j is a neighbour of i, i is one of j.
#[derive(Debug)]
pub(super) struct Graph {
    /// Start of every row in `neighbours`, rows + 1 entries.
    pub starts: Vec<usize>,
    pub neighbours: Vec<u32>,
}

impl Graph {
    /// Cost: a merge of the pattern with its transposition.
    ///
    /// # Errors
    /// A pattern that is not square, or has no rows.
    pub fn new(pattern: &Pattern) -> Result<Self> {
        let n = pattern.rows();
        if n != pattern.cols() || n == 0 {
            return Err(Error::dimension(format!(
                "a decomposition into subdomains needs a square matrix with at least one row, got {n} × {}",
                pattern.cols()
            )));
        }
        let transposition = pattern.transposition();
        let mut starts = Vec::with_capacity(n + 1);
        let mut neighbours = Vec::with_capacity(pattern.nnz());
        starts.push(0);
        for i in 0..n {
            let mirrored = transposition.ptr[i] as usize..transposition.ptr[i + 1] as usize;
            let (mut right, mut left) = (pattern.row_cols(i), &transposition.row_idx[mirrored]);
            // Both lists ascend: the smaller head comes first, an equal one once.
            while let Some(&j) = right.first().into_iter().chain(left.first()).min() {
                right = &right[usize::from(right.first() == Some(&j))..];
                left = &left[usize::from(left.first() == Some(&j))..];
                if j as usize != i {
                    neighbours.push(j);
                }
            }
            starts.push(neighbours.len());
        }
        Ok(Self { starts, neighbours })
    }

    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    pub fn of(&self, i: usize) -> &[u32] {
        &self.neighbours[self.starts[i]..self.starts[i + 1]]
    }
}

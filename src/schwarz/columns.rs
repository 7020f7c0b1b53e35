//! Input and output of local solves: selected rows of a block.

use crate::sparse::Scalar;

/// Input and output of a solve: selected and weighted rows of a block as right-hand sides, and rows of
/// another block as solutions.
pub(super) struct Columns<'a, T> {
    /// Right-hand sides of k columns.
    pub from: &'a [T],
    /// The row of `from` for each row; all in order if absent.
    pub rows: Option<&'a [u32]>,
    /// The weight of each row; one if absent.
    pub weights: Option<&'a [T]>,
    /// Solutions of k columns.
    pub to: &'a mut [T],
    /// Number of columns.
    pub k: usize,
}

impl<'a, T: Scalar> Columns<'a, T> {
    /// One unweighted column.
    pub fn one(from: &'a [T], to: &'a mut [T]) -> Self {
        Self { from, rows: None, weights: None, to, k: 1 }
    }

    /// Part of row i of the right-hand sides, from column c on.
    #[inline(always)]
    pub fn read(&self, i: usize, c: usize, out: &mut [T]) {
        let start = self.rows.map_or(i, |rows| rows[i] as usize) * self.k + c;
        out.copy_from_slice(&self.from[start..start + out.len()]);
        if let Some(weights) = self.weights {
            out.iter_mut().for_each(|v| *v *= weights[i]);
        }
    }

    /// Part of row i of the solutions, from column c on.
    #[inline(always)]
    pub fn write(&mut self, i: usize, c: usize, x: &[T]) {
        let start = i * self.k + c;
        self.to[start..start + x.len()].copy_from_slice(x);
    }
}

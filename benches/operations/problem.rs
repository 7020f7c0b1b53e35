//! The model problem: the operands of all operations.

use std::sync::Arc;

use multigrad::error::Result;
use multigrad::gallery;
use multigrad::setup::Coarsening;
use multigrad::sparse::Csr;

/// The 5-point Poisson matrix of order m² and related operands.
pub struct Problem {
    /// Grid points in one direction.
    pub m: usize,
    /// The matrix.
    pub a: Csr<f64>,
    /// Points above each other in the grid, as the two ends of every entry of A.
    pub ends: [Arc<[u32]>; 2],
}

impl Problem {
    /// On m × m points.
    ///
    /// # Errors
    /// A grid of no points.
    pub fn new(m: usize) -> Result<Self> {
        let a = gallery::poisson_2d(m, m)?.matrix;
        let p = a.pattern();
        let rows = (0..a.rows()).flat_map(|i| p.row(i).map(move |_| i as u32)).collect();
        let ends = [rows, p.col_idx().into()];
        Ok(Self { m, a, ends })
    }

    /// Order of A.
    pub fn n(&self) -> usize {
        self.a.rows()
    }

    /// A matrix with the pattern of A and other values.
    pub fn beside(&self) -> Csr<f64> {
        self.a.map(|_, _, v| 0.75 * v)
    }

    /// Four diagonal neighbours, as in the rotated 5-point stencil.
    pub fn rotated(&self) -> Result<Csr<f64>> {
        let m = self.m as i64;
        let (mut ptr, mut columns, mut values) = (vec![0u32], Vec::new(), Vec::new());
        for (i, j) in (0..m).flat_map(|i| (0..m).map(move |j| (i, j))) {
            for (di, dj) in [(-1, -1), (-1, 1), (0, 0), (1, -1), (1, 1)] {
                let (k, l) = (i + di, j + dj);
                if (0..m).contains(&k) && (0..m).contains(&l) {
                    columns.push((k * m + l) as u32);
                    values.push(if di == 0 { 4.0 } else { -1.0 });
                }
            }
            ptr.push(columns.len() as u32);
        }
        Csr::from_csr(self.n(), self.n(), ptr, columns, values)
    }

    /// Restriction and prolongation of smoothed aggregation.
    ///
    /// # Errors
    /// None for this matrix.
    pub fn transfers(&self) -> Result<(Csr<f64>, Csr<f64>)> {
        let grids = Coarsening::default().coarsen(&self.a, None)?;
        let transfer = &grids.transfers[0];
        Ok((transfer.restriction.clone(), transfer.prolongation.clone()))
    }

    /// Irregular values between 0 and 1, n rows of k.
    pub fn block(&self, k: usize, seed: u64) -> Vec<f64> {
        wave(self.n() * k, seed)
    }
}

/// Irregular values between 0 and 1.
pub fn wave(length: usize, seed: u64) -> Vec<f64> {
    // Weyl's sequence, scrambled: the same on all machines.
    let scrambled = |q: usize| {
        let z = (q as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(seed << 32);
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (z ^ (z >> 31)) >> 11
    };
    (0..length).map(|q| scrambled(q) as f64 / (1u64 << 53) as f64).collect()
}

//! Random numbers and matrices, for unit tests and integration tests.

use super::{Csr, Scalar};

/// A small generator (SplitMix64), so that tests are reproducible.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in (−1, 1).
    pub fn value(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    pub fn vector<T: Scalar>(&mut self, n: usize) -> Vec<T> {
        (0..n).map(|_| T::from_f64(self.value())).collect()
    }

    /// About `per_row` entries a row, built from triplets out of order and with duplicates.
    pub fn matrix<T: Scalar>(&mut self, rows: usize, cols: usize, per_row: usize) -> Csr<T> {
        let count = if rows == 0 || cols == 0 { 0 } else { rows * per_row };
        let triplets: Vec<_> =
            (0..count).map(|_| (self.below(rows), self.below(cols), T::from_f64(self.value()))).collect();
        Csr::from_triplets(rows, cols, &triplets).unwrap()
    }

    /// Square, off-diagonal part small, diagonal between 1 and 3 and of both signs.
    pub fn dominant<T: Scalar>(&mut self, n: usize, per_row: usize) -> Csr<T> {
        let mut triplets = Vec::new();
        for _ in 0..n * per_row {
            let (i, j) = (self.below(n), self.below(n));
            if i != j {
                triplets.push((i, j, T::from_f64(self.value() / per_row as f64)));
            }
        }
        for i in (0..n).rev() {
            let d = 2.0 + self.value();
            triplets.push((i, i, T::from_f64(if i % 3 == 1 { -d } else { d })));
        }
        Csr::from_triplets(n, n, &triplets).unwrap()
    }
}

//! Fingerprints of matrices.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::{Csr, Scalar};

/// Identifies a matrix by its size and a 128-bit hash of its pattern and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    rows: u64,
    nnz: u64,
    hash: u128,
}

impl Fingerprint {
    /// Number of rows of the matrix.
    pub fn rows(&self) -> usize {
        self.rows as usize
    }

    /// Number of stored entries of the matrix.
    pub fn nnz(&self) -> usize {
        self.nnz as usize
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.hash)
    }
}

impl<T: Scalar> Csr<T> {
    /// The fingerprint of the matrix. Cost: one pass.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Xxh3::new();
        hash.update(&(self.rows() as u64).to_le_bytes());
        hash.update(&(self.cols() as u64).to_le_bytes());
        for list in [self.pattern().row_ptr(), self.pattern().col_idx()] {
            for &q in list {
                hash.update(&q.to_le_bytes());
            }
        }
        for v in self.values() {
            // −0 and 0 are the same matrix.
            hash.update(&(v.to_f64() + 0.0).to_le_bytes());
        }
        Fingerprint { rows: self.rows() as u64, nnz: self.nnz() as u64, hash: hash.digest128() }
    }
}

//! Products with dense matrices: `kernels/dense.cu`.

use super::arguments::{Address, arguments};
use super::{Cuda, Memory, OnDevice, THREADS};

/// Rows and columns of a tile of the block kernel, as in the kernel file.
const TILE: [usize; 2] = [32, 8];

arguments! {
    DenseProduct { matrix: Address, x: Address, y: Address, rows: u64, k: u32, row_tiles: u32 }
}

impl Cuda {
    /// y ← B x for a row-major n × n matrix and blocks of k columns.
    pub(crate) fn dense_product<T: OnDevice>(
        &self,
        matrix: &Memory<T>,
        n: usize,
        x: &Memory<T>,
        y: &mut Memory<T>,
        k: usize,
    ) {
        let lengths = matrix.len() == n * n && x.len() == n * k && y.len() == n * k;
        let tiles = n.div_ceil(TILE[0]);
        let (matrix, x, y) = (matrix.into(), x.into(), y.into());
        let arguments = DenseProduct { matrix, x, y, rows: n as u64, k: k as u32, row_tiles: tiles as u32 };
        if k == 1 {
            let warps = THREADS as usize / 32;
            self.launch::<T, _>("dense_vector", (n.div_ceil(warps), THREADS, 0), lengths, &arguments);
        } else {
            let blocks = tiles * k.div_ceil(TILE[1]);
            self.launch::<T, _>("dense_block", (blocks, THREADS, 0), lengths, &arguments);
        }
    }
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use super::super::trials::{Numbers, agrees};
    use super::*;

    fn check<T: OnDevice>(n: usize, k: usize) {
        let mut numbers = Numbers((n * 100 + k) as u64);
        let (b, x) = (numbers.vector::<T>(n * n), numbers.vector::<T>(n * k));
        let mut expected = vec![T::ZERO; n * k];
        for i in 0..n {
            for c in 0..k {
                let sum: f64 = (0..n).map(|j| b[i * n + j].to_f64() * x[j * k + c].to_f64()).sum();
                expected[i * k + c] = T::from_f64(sum);
            }
        }
        agrees(&expected, |cuda| {
            let mut y = cuda.undefined(n * k);
            cuda.dense_product(&cuda.upload(&b), n, &cuda.upload(&x), &mut y, k);
            cuda.download(&y).unwrap()
        });
    }

    #[test]
    fn dense_products_equal_plain_loops() {
        for n in [0, 1, 2, 31, 32, 70] {
            for k in [1, 2, 3, 8, 16, 33] {
                check::<f64>(n, k);
                if k == 1 || k == 3 {
                    check::<f32>(n, k);
                }
            }
        }
        check::<f64>(301, 1);
        check::<f32>(301, 1);
    }

    #[test]
    fn other_lengths_are_refused() {
        let cuda = Cuda::emulated(false);
        let (b, x) = (cuda.upload(&[1.0; 5]), cuda.upload(&[1.0; 2]));
        let mut y = cuda.upload(&[0.0; 2]);
        cuda.dense_product(&b, 2, &x, &mut y, 1);
        assert!(cuda.synchronise().is_err());
    }
}

//! Vectors and diagonals: `kernels/vectors.cu`.

use super::arguments::{Address, arguments};
use super::{Cuda, Memory, OnDevice};

arguments! {
    Combine { x: Address, y: Address, alpha: f64, beta: f64, count: u64 }
}

impl Cuda {
    /// y ← α x + β y. With β = 0, y is not read.
    pub(crate) fn combine<T: OnDevice>(&self, alpha: f64, x: &Memory<T>, beta: f64, y: &mut Memory<T>) {
        let count = y.len();
        let arguments = Combine { x: x.into(), y: (&*y).into(), alpha, beta, count: count as u64 };
        self.for_each::<T, _>("combine", count, x.len() == count, &arguments);
    }
}

#[cfg(all(test, feature = "emulator"))]
mod tests {
    use super::*;
    use crate::backend::{Backend, Reference};

    #[test]
    fn combine_equals_the_reference() {
        for descending in [false, true] {
            let cuda = Cuda::emulated(descending);
            let x: Vec<f64> = (0..777).map(f64::from).collect();
            let mut y: Vec<f64> = x.iter().map(|v| 1.0 - v * v).collect();
            let (dx, mut dy) = (cuda.upload(&x), cuda.upload(&y));
            cuda.combine(0.25, &dx, -3.0, &mut dy);
            Reference.combine(0.25, &x, -3.0, &mut y);
            assert_eq!(cuda.download(&dy).unwrap(), y);
        }
    }
}

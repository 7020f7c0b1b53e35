//! Support for tests of kernels: numbers, matrices of awkward shapes, and comparison with the reference.

use std::sync::Arc;

use super::{Cuda, DevicePattern, DeviceView, Memory, OnDevice};
use crate::sparse::{Csr, Pattern, Scalar};

#[path = "../../../tests/suite/common/generator.rs"]
mod generator;

pub(crate) use generator::Numbers;

impl Numbers {
    /// Awkward shapes: empty matrices, empty rows, a dense row, rows that end next to a block of threads.
    pub fn awkward<T: Scalar>(&mut self) -> Vec<(&'static str, Csr<T>)> {
        let n = 2_500;
        let mut spiked: Vec<(usize, usize, T)> =
            (0..n).map(|j| (7, j, T::from_f64(self.value() / 40.0))).collect();
        spiked.extend([(299, 0, T::ONE), (0, 299, -T::ONE), (n - 1, n - 1, T::ONE)]);
        vec![
            ("no rows", self.matrix(0, 3, 1)),
            ("no columns", self.matrix(3, 0, 1)),
            ("no entries", self.matrix(6, 4, 0)),
            ("one entry", Csr::from_triplets(1, 1, &[(0, 0, T::from_f64(-2.5))]).unwrap()),
            ("one row", self.matrix(1, 70, 40)),
            ("a dense row among empty ones", Csr::from_triplets(n, n, &spiked).unwrap()),
            ("tall", self.matrix(257, 11, 3)),
            ("long rows", self.matrix(67, 260, 90)),
            ("rows in several chunks", self.matrix(131, 140, 16)),
            ("square", self.dominant(385, 5)),
        ]
    }
}

/// Columns of blocks.
pub const COLUMNS: [usize; 7] = [1, 2, 3, 5, 8, 16, 33];

/// A matrix on a device.
pub struct OnCard<T> {
    pub pattern: Arc<DevicePattern>,
    pub host: Arc<Pattern>,
    pub values: Memory<T>,
}

impl<T: OnDevice> OnCard<T> {
    pub fn new(cuda: &Cuda, a: &Csr<T>) -> Self {
        let host = a.pattern().clone();
        Self { pattern: cuda.pattern(&host), values: cuda.upload(a.values()), host }
    }

    pub fn view(&self) -> DeviceView<'_, T> {
        DeviceView::new(&self.pattern, &self.values)
    }

    pub fn transposed(&self, cuda: &Cuda) -> DeviceView<'_, T> {
        self.view().transposed(self.pattern.transposition(cuda, &self.host))
    }
}

pub fn tolerance<T: Scalar>() -> f64 {
    if T::NAME == "f64" { 1e-13 } else { 3e-5 }
}

/// The emulated devices with values in T: sums in both precisions, threads in both orders.
pub fn devices<T: Scalar>() -> Vec<[Cuda; 2]> {
    let plain = [Cuda::emulated(false), Cuda::emulated(true)];
    let double = [plain[0].summing_in_double(), plain[1].summing_in_double()];
    if T::NAME == "f64" { vec![plain] } else { vec![plain, double] }
}

/// Runs `device` on a copy of `start` with threads in both orders, twice: the same bits, and the result of
/// `plain`.
pub fn judge<T: OnDevice>(
    what: &str,
    start: &[T],
    device: impl Fn(&Cuda, &mut Memory<T>),
    plain: impl Fn(&mut [T]),
) {
    let mut expected = start.to_vec();
    plain(&mut expected);
    let size = expected.iter().fold(1.0f64, |m, v| m.max(v.to_f64().abs()));
    for pair in devices::<T>() {
        let mut first: Option<Vec<u64>> = None;
        for cuda in [&pair[0], &pair[1], &pair[0]] {
            let mut memory = cuda.upload(start);
            device(cuda, &mut memory);
            let got = cuda.download(&memory).unwrap_or_else(|e| panic!("{what}: {e}"));
            for (q, (x, y)) in got.iter().zip(&expected).enumerate() {
                let (x, y) = (x.to_f64(), y.to_f64());
                assert!((x - y).abs() <= tolerance::<T>() * size, "{what}, value {q}: {x} against {y}");
            }
            let bits: Vec<u64> = got.iter().map(|v| v.to_f64().to_bits()).collect();
            assert_eq!(
                first.get_or_insert_with(|| bits.clone()),
                &bits,
                "{what}: bits depend on the order of threads"
            );
        }
    }
}

/// A buffer that must not be read.
pub fn hidden<T: Scalar>(len: usize) -> Vec<T> {
    vec![T::from_f64(f64::NAN); len]
}

/// Declares a test for f64 and one for f32 for every function.
macro_rules! in_both_precisions {
    ($($test:ident),* $(,)?) => {
        mod f64_values { $(#[test] fn $test() { super::$test::<f64>(); })* }
        mod f32_values { $(#[test] fn $test() { super::$test::<f32>(); })* }
    };
}
pub(crate) use in_both_precisions;

//! Numbers, matrices and comparisons for tests of kernels.

pub(crate) use super::judged::Numbers;
use super::{Cuda, OnDevice};
use crate::sparse::Csr;

impl Numbers {
    /// Square and nonsymmetric: a diagonal between 1 and 3, small off-diagonal entries, the last row and
    /// column full on request. `reach` bounds the distance of the others to the diagonal.
    pub fn banded<T: OnDevice>(&mut self, n: usize, per_row: usize, reach: usize, full: bool) -> Csr<T> {
        let mut entries = Vec::new();
        for i in 0..n {
            let d = 2.0 + self.value();
            entries.push((i, i, T::from_f64(if i % 3 == 1 { -d } else { d })));
            for _ in 0..self.below(2 * per_row + 1) {
                let j = (i + self.below(2 * reach + 1)).saturating_sub(reach).min(n - 1);
                if i != j {
                    entries.push((i, j, T::from_f64(self.value() / per_row as f64 / 2.0)));
                }
            }
            if full && i + 1 < n {
                entries.push((i, n - 1, T::from_f64(self.value() / n as f64)));
                entries.push((n - 1, i, T::from_f64(self.value() / n as f64)));
            }
        }
        Csr::from_triplets(n, n, &entries).unwrap()
    }
}

/// Runs on all emulated devices of this type, twice each: equal bits in any order of threads, and the
/// expected values up to rounding.
#[track_caller]
pub(crate) fn agrees<T: OnDevice>(expected: &[T], run: impl Fn(&Cuda) -> Vec<T>) {
    let single = size_of::<T>() == 4;
    let tolerance = if single { 3e-5 } else { 1e-13 };
    let size = expected.iter().fold(0.0f64, |m, v| m.max(v.to_f64().abs()));
    for mixed in [false, true].into_iter().take(1 + usize::from(single)) {
        let mut first: Option<Vec<u64>> = None;
        for descending in [false, true, false] {
            let cuda = Cuda::emulated(descending);
            let got = run(&if mixed { cuda.summing_in_double() } else { cuda });
            assert_eq!(got.len(), expected.len());
            for (q, (g, e)) in got.iter().zip(expected).enumerate() {
                let d = (g.to_f64() - e.to_f64()).abs();
                assert!(d <= tolerance * size, "value {q} of {}: {g:?}, expected {e:?}", got.len());
            }
            let bits: Vec<u64> = got.iter().map(|v| v.to_f64().to_bits()).collect();
            assert!(first.get_or_insert_with(|| bits.clone()) == &bits, "other bits in another order");
        }
    }
}

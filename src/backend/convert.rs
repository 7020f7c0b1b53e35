//! Conversion between the precisions of a host's vectors and of a hierarchy.

use super::Cpu;
use super::over_rows::over_rows;
use crate::parallel;
use crate::sparse::Scalar;

/// Values per block of a maximum computed by several threads.
const BLOCK: usize = 1 << 14;

impl Cpu {
    /// y ← α x, rounded to the precision of y.
    pub(crate) fn convert<T: Scalar, U: Scalar>(&self, x: &[T], alpha: f64, y: &mut [U]) {
        over_rows(y, 1, x.len(), |first, y| {
            let x = &x[first..first + y.len()];
            y.iter_mut().zip(x).for_each(|(y, x)| *y = U::from_f64(x.to_f64() * alpha));
        });
    }

    /// max |x(i)|; NaN or infinite if some x(i) is.
    pub(crate) fn largest(&self, x: &[f64]) -> f64 {
        let largest = |x: &[f64]| {
            let mut lanes = [0.0f64; 8];
            let (blocks, rest) = x.as_chunks::<8>();
            // The sum of zero multiples is zero unless a value is not finite.
            let mut poison = [0.0f64; 8];
            for block in blocks {
                for l in 0..8 {
                    let v = block[l].abs();
                    lanes[l] = if v > lanes[l] { v } else { lanes[l] };
                    poison[l] += 0.0 * v;
                }
            }
            let poison: f64 = poison.iter().sum::<f64>() + rest.iter().map(|v| 0.0 * v).sum::<f64>();
            lanes.iter().chain(rest).fold(0.0f64, |m, v| m.max(v.abs())) + poison
        };
        if x.len() < 4 * BLOCK || parallel::threads() == 1 {
            return largest(x);
        }
        let parts: Vec<f64> = parallel::map(x.chunks(BLOCK), &largest);
        parts.into_iter().fold(0.0, |m, v| if v > m || v.is_nan() { v } else { m })
    }
}

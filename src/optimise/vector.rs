//! Vector loops of [`Lbfgs`](super::Lbfgs): sums in double precision and in a fixed order.

use crate::simd::vectorised;
use crate::sparse::Scalar;

/// The number of interleaved partial sums: it fixes the order, independent of the width of the vector unit.
const LANES: usize = 8;

/// x·y.
pub(super) fn dot<T: Scalar>(x: &[T], y: &[T]) -> f64 {
    vectorised(
        #[inline(always)]
        || {
            let mut sums = [0.0; LANES];
            let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
            let rest: f64 =
                xs.remainder().iter().zip(ys.remainder()).map(|(x, y)| x.to_f64() * y.to_f64()).sum();
            for (x, y) in xs.zip(ys) {
                for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
                    *sum += x.to_f64() * y.to_f64();
                }
            }
            sums.iter().sum::<f64>() + rest
        },
    )
}

/// ‖x‖₂, correct also if the squares overflow or underflow; not finite if an entry is not.
pub(super) fn norm<T: Scalar>(x: &[T]) -> f64 {
    let square = dot(x, x);
    if (1e-280..1e300).contains(&square) {
        return square.sqrt();
    }
    let largest = largest(x);
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    // In two steps, because 1 / largest may overflow.
    let half = largest.sqrt();
    let sum: f64 = x.iter().map(|v| v.to_f64() / half / half).map(|v| v * v).sum();
    largest * sum.sqrt()
}

/// max |xᵢ|; NaN if an entry is NaN.
pub(super) fn largest<T: Scalar>(x: &[T]) -> f64 {
    x.iter().map(|v| v.to_f64().abs()).fold(0.0, |m: f64, v| if v.is_nan() || v > m { v } else { m })
}

/// y ← y + α x.
pub(super) fn axpy<T: Scalar>(alpha: f64, x: &[T], y: &mut [T]) {
    let alpha = T::from_f64(alpha);
    vectorised(
        #[inline(always)]
        || y.iter_mut().zip(x).for_each(|(y, &x)| *y += alpha * x),
    );
}

/// y ← α y.
pub(super) fn scale<T: Scalar>(alpha: f64, y: &mut [T]) {
    let alpha = T::from_f64(alpha);
    y.iter_mut().for_each(|y| *y *= alpha);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_norms() {
        let x: Vec<f64> = (1..=19).map(f64::from).collect();
        assert_eq!(dot(&x, &x), 2470.0);
        assert!((norm(&[3e200, 4e200]) / 5e200 - 1.0).abs() < 1e-15);
        assert!((norm(&[3e-200, 4e-200]) / 5e-200 - 1.0).abs() < 1e-15);
        assert_eq!(norm(&[3.0_f32, -4.0]), 5.0);
        assert!(norm(&[1.0, f64::NAN, 2.0]).is_nan());
        assert!(largest(&[1.0, f64::NAN, 2.0]).is_nan());
        assert_eq!(largest(&[1.0, -7.0, 2.0]), 7.0);
        assert_eq!(norm::<f64>(&[]), 0.0);
    }
}

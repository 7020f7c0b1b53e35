//! Clipping of gradients.

use super::vector::{norm, scale};
use crate::sparse::Scalar;

/// Shortens `gradient` to the norm ‖g‖₂ = `largest` if it is longer, and returns its former norm.
///
/// A gradient with an entry that is not finite stays unchanged (and the norm is not finite), so that the
/// optimiser can name the entry. A negative `largest` counts as zero.
///
/// ```
/// let mut g = [3.0, 4.0];
/// assert_eq!(multigrad::optimise::clip_norm(&mut g, 1.0), 5.0);
/// assert!((g[0] - 0.6_f64).abs() < 1e-15 && (g[1] - 0.8).abs() < 1e-15);
/// ```
pub fn clip_norm<T: Scalar>(gradient: &mut [T], largest: f64) -> f64 {
    let before = norm(gradient);
    if before.is_finite() && before > largest {
        scale(largest.max(0.0) / before, gradient);
    }
    before
}

/// Clamps every entry to [−`largest`, `largest`] and returns the number of entries outside; NaN stays, so
/// that the optimiser names it. A negative `largest` counts as zero.
///
/// ```
/// let mut g = [3.0, -0.5, -7.0];
/// assert_eq!(multigrad::optimise::clip_value(&mut g, 2.0), 2);
/// assert_eq!(g, [2.0, -0.5, -2.0]);
/// ```
pub fn clip_value<T: Scalar>(gradient: &mut [T], largest: f64) -> usize {
    let bound = T::from_f64(largest.max(0.0));
    let mut outside = 0;
    for g in gradient {
        if g.magnitude() > bound {
            *g = if *g > T::ZERO { bound } else { -bound };
            outside += 1;
        }
    }
    outside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_gradients_stay_and_long_ones_keep_their_direction() {
        let mut g = [0.3_f32, 0.4];
        assert!((clip_norm(&mut g, 1.0) - 0.5).abs() < 1e-7);
        assert_eq!(g, [0.3, 0.4]);
        let mut g = [3e200_f64, -4e200];
        assert!((clip_norm(&mut g, 10.0) / 5e200 - 1.0).abs() < 1e-15);
        assert!((g[0] - 6.0).abs() < 1e-14 && (g[1] + 8.0).abs() < 1e-14);
        let mut g = [3.0, -4.0];
        clip_norm(&mut g, -1.0);
        assert_eq!(norm(&g), 0.0);
    }

    #[test]
    fn what_is_not_finite_is_left_to_be_found() {
        let mut g = [1.0, f64::NAN, -8.0];
        assert!(clip_norm(&mut g, 1.0).is_nan());
        assert!(g[0] == 1.0 && g[1].is_nan());
        assert_eq!(clip_value(&mut g, 2.0), 1);
        assert!(g[1].is_nan() && g[2] == -2.0);
        let mut g = [f64::INFINITY, 1.0];
        assert_eq!(clip_norm(&mut g, 1.0), f64::INFINITY);
        assert_eq!(g[1], 1.0);
        assert_eq!(clip_value(&mut g, 3.0), 1);
        assert_eq!(g, [3.0, 1.0]);
    }
}

//! Extent of a domain, and its area of a figure.

use super::canvas::Area;

/// The least height or width of the picture of a thin domain; only then x and y differ in scale.
const THIN: f64 = 48.0;

/// The least and the greatest coordinate along an axis.
pub(super) fn bounds(points: &[[f64; 2]], axis: usize) -> (f64, f64) {
    points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), p| (lo.min(p[axis]), hi.max(p[axis])))
}

/// The length of a range.
pub(super) fn length((lo, hi): (f64, f64)) -> f64 {
    hi - lo
}

/// The range with margins at both ends, and never too narrow for its numbers.
pub(super) fn widened((lo, hi): (f64, f64), room: f64) -> (f64, f64) {
    let least = 1e-8 * lo.abs().max(hi.abs());
    let wish = if hi <= lo && room == 0.0 { 0.5 } else { room };
    let pad = wish.max((least - (hi - lo)) / 2.0);
    (lo - pad, hi + pad)
}

/// The midpoints of `count` equal steps.
pub(super) fn steps((lo, hi): (f64, f64), count: usize) -> Vec<f64> {
    let count = count.max(1);
    (0..count).map(|k| lo + (hi - lo) * (k as f64 + 0.5) / count as f64).collect()
}

/// The largest area with the shape of the domain, centred in the available space.
pub(super) fn fit(room: &Area, dx: f64, dy: f64) -> Area {
    let scale = (room.width() / dx).min(room.height() / dy);
    let (w, h) = ((dx * scale).max(THIN), (dy * scale).max(THIN));
    let (x0, y0) = (room.x0 + (room.width() - w) / 2.0, room.y0 + (room.height() - h) / 2.0);
    Area { x0, y0, x1: x0 + w, y1: y0 + h }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_equal_unless_the_domain_is_a_thread() {
        let room = Area { x0: 0.0, y0: 0.0, x1: 700.0, y1: 500.0 };
        let area = fit(&room, 3.0, 2.0);
        assert!((area.width() / area.height() - 1.5).abs() < 1e-12 && area.width() <= 700.0);
        assert_eq!(fit(&room, 1.0, 1e-9).height(), THIN);
    }

    #[test]
    fn ranges_are_never_empty() {
        assert_eq!(widened((2.0, 2.0), 0.0), (1.5, 2.5));
        assert_eq!(widened((0.0, 1.0), 0.0), (0.0, 1.0));
        let (lo, hi) = widened((1e9, 1e9), 0.0);
        assert!(hi - lo >= 9.0);
        assert_eq!(steps((0.0, 1.0), 2), [0.25, 0.75]);
    }
}

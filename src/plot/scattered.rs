//! Fields at scattered points: interpolation, and the boundary of the domain.

use super::canvas::Indexed;
use super::colormap;
use super::nearest::Tree;

/// The number of neighbours used for interpolation.
const NEIGHBOURS: usize = 9;
/// The neighbour whose distance is the local spacing of the points.
const SPACING: usize = 6;
/// Margin of the convex hull, in pixels of the figure.
const MARGIN: f64 = 2.0;

/// The field as a picture. Points and the coordinates of columns and rows are in pixels;
/// `places` are the positions of the values between 0 and 1.
///
/// Interpolation by Shepard's method with slopes (Renka): the planes that fit best around the nearest points,
/// blended by distance. Pixels outside the convex hull, or far from all points relative to the local spacing,
/// stay empty.
pub(super) fn picture(points: &[[f64; 2]], places: &[f64], x: &[f64], y: &[f64]) -> Indexed {
    let tree = Tree::new(points);
    let size = x.len().max(y.len()) as f64;
    let (mut reach, mut slopes) = (Vec::new(), Vec::new());
    let mut near = Vec::new();
    for (k, p) in points.iter().enumerate() {
        tree.nearest(*p, NEIGHBOURS, &mut near);
        // Duplicates carry no information about the spacing, and an isolated point should be visible.
        let spacing = near.get(SPACING).or(near.last()).map_or(0.0, |f| f.0.sqrt());
        reach.push(spacing.clamp(0.004 * size, 0.5 * size).powi(2));
        slopes.push(slope(k, points, places, &near));
    }
    let hull = hull(points);
    let mut pixels = Vec::with_capacity(x.len() * y.len());
    for &v in y {
        let (first, last) = chord(&hull, v);
        for &u in x {
            if u < first || u > last {
                pixels.push(colormap::OUTSIDE);
                continue;
            }
            tree.nearest([u, v], NEIGHBOURS, &mut near);
            pixels.push(match near.first() {
                Some(&(d, k)) if d <= reach[k] => {
                    colormap::index(blend([u, v], &near, points, places, &slopes))
                }
                _ => colormap::OUTSIDE,
            });
        }
    }
    Indexed { width: x.len(), height: y.len(), pixels }
}

/// The slope of the plane through a point that fits its neighbours best; 0 if it is undetermined.
fn slope(k: usize, points: &[[f64; 2]], places: &[f64], near: &[(f64, usize)]) -> [f64; 2] {
    let (mut xx, mut xy, mut yy, mut xf, mut yf) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for &(d, j) in near.iter().filter(|f| f.0 > 0.0) {
        let rise = places[j] - places[k];
        if rise.is_finite() {
            let (dx, dy) = (points[j][0] - points[k][0], points[j][1] - points[k][1]);
            xx += dx * dx / d;
            xy += dx * dy / d;
            yy += dy * dy / d;
            xf += dx * rise / d;
            yf += dy * rise / d;
        }
    }
    let det = xx * yy - xy * xy;
    if det > 0.02 * (xx + yy).powi(2) {
        [(yy * xf - xy * yf) / det, (xx * yf - xy * xf) / det]
    } else {
        [0.0; 2]
    }
}

/// The value at a point from its neighbours; NaN if the nearest has none.
fn blend(
    at: [f64; 2],
    near: &[(f64, usize)],
    points: &[[f64; 2]],
    places: &[f64],
    slopes: &[[f64; 2]],
) -> f64 {
    let (Some(first), Some(last)) = (near.first(), near.last()) else { return f64::NAN };
    if near.len() < NEIGHBOURS || first.0 <= 1e-12 * last.0 || !places[first.1].is_finite() {
        return places[first.1];
    }
    let radius = last.0.sqrt();
    let (mut sum, mut weights) = (0.0, 0.0);
    for &(d, k) in near.iter().filter(|f| places[f.1].is_finite()) {
        let d = d.sqrt();
        let weight = ((radius - d) / (radius * d)).powi(2);
        let [gx, gy] = slopes[k];
        sum += weight * (places[k] + gx * (at[0] - points[k][0]) + gy * (at[1] - points[k][1]));
        weights += weight;
    }
    if weights > 0.0 { sum / weights } else { places[first.1] }
}

/// Corners of the convex hull in turn (Andrew's monotone chain).
fn hull(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|p, q| p[0].total_cmp(&q[0]).then(p[1].total_cmp(&q[1])));
    sorted.dedup();
    let mut hull: Vec<[f64; 2]> = Vec::new();
    let forth_and_back = sorted.iter().chain(sorted.iter().rev().skip(1));
    let mut fixed = 1;
    for (i, &p) in forth_and_back.enumerate() {
        if i == sorted.len() {
            fixed = hull.len();
        }
        while hull.len() > fixed && side(hull[hull.len() - 2], hull[hull.len() - 1], p) <= 0.0 {
            hull.pop();
        }
        hull.push(p);
    }
    hull.pop();
    hull
}

/// Twice the area of a triangle, positive if it turns from x to y.
fn side(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// The range of columns of a row in or near the hull; all if the hull has no area.
fn chord(hull: &[[f64; 2]], y: f64) -> (f64, f64) {
    let (mut first, mut last) = (f64::NEG_INFINITY, f64::INFINITY);
    if hull.len() < 3 {
        return (first, last);
    }
    for (&a, &b) in hull.iter().zip(hull.iter().cycle().skip(1)) {
        let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
        let room = dx * (y - a[1]) + dy * a[0] + MARGIN * dx.hypot(dy);
        if dy > 0.0 {
            last = last.min(room / dy);
        } else if dy < 0.0 {
            first = first.max(room / dy);
        } else if room < 0.0 {
            last = f64::NEG_INFINITY;
        }
    }
    (first, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mesh() -> Vec<[f64; 2]> {
        let shift = |k: i32, n: i32| 0.9 * f64::from(k % n);
        (0..100)
            .map(|k| [f64::from(k % 10) * 20.0 + shift(k, 3), f64::from(k / 10) * 20.0 + shift(k, 7)])
            .collect()
    }

    #[test]
    fn values_hold_at_the_points_and_far_places_stay_empty() {
        let points = mesh();
        let mut places: Vec<f64> = (0..100).map(|k| f64::from(k) / 99.0).collect();
        places[55] = f64::NAN;
        let x: Vec<f64> = points.iter().map(|p| p[0]).chain([300.0]).collect();
        for (k, p) in points.iter().enumerate() {
            let picture = picture(&points, &places, &x, &[p[1]]);
            assert_eq!(picture.pixels[k], colormap::index(places[k]), "{k}");
            assert_eq!(picture.pixels[100], colormap::OUTSIDE);
        }
    }

    #[test]
    fn planes_are_exact_between_the_points() {
        let points = mesh();
        let plane = |x: f64, y: f64| 0.1 + 0.002 * x + 0.001 * y;
        let places: Vec<f64> = points.iter().map(|p| plane(p[0], p[1])).collect();
        let x: Vec<f64> = (20..160).map(f64::from).collect();
        let picture = picture(&points, &places, &x, &[77.5]);
        for (&u, &pixel) in x.iter().zip(&picture.pixels) {
            assert!(pixel.abs_diff(colormap::index(plane(u, 77.5))) <= 1);
        }
    }

    #[test]
    fn hulls_have_their_corners() {
        assert_eq!(hull(&mesh()).first(), Some(&[0.0, 0.0]));
        let square = [[0.0, 0.0], [10.0, 0.0], [5.0, 5.0], [10.0, 10.0], [0.0, 10.0], [0.0, 5.0]];
        assert_eq!(hull(&square), [[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]]);
        assert_eq!(chord(&hull(&square), 5.0), (-2.0, 12.0));
        let (first, last) = chord(&hull(&square), 12.5);
        assert!(first > last);
        assert!(hull(&[[1.0, 1.0]; 5]).len() < 3 && hull(&[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]).len() < 3);
    }

    #[test]
    fn one_point_and_duplicates_are_discs() {
        let x: Vec<f64> = (0..200).map(|k| f64::from(k) - 100.0).collect();
        for n in [1, 20] {
            let picture = picture(&vec![[0.0, 0.0]; n], &vec![0.5; n], &x, &x);
            let inked = picture.pixels.iter().filter(|&&p| p == colormap::index(0.5)).count();
            assert!((1..2000).contains(&inked), "{inked}");
        }
    }
}

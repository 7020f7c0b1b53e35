//! Preparation of curves for drawing: breaks, thinning, clipping, smoothing, marker positions.

use super::canvas::{Area, Point};

/// The number of steps from which a curve has a running mean.
const SMOOTHED: usize = 60;

/// The pieces of a curve inside an area.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Clipped {
    /// Polylines inside the area; a single point where a point is isolated.
    pub pieces: Vec<Vec<Point>>,
    /// The last point at which the curve leaves through the top.
    pub exit: Option<Point>,
}

/// Thins a curve without changing its picture: of the points in one column of width 1 the first, the extremes
/// and the last stay. NaN stays: it breaks the curve.
pub(super) fn thin(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut out: Vec<Point> = Vec::new();
    let mut column: Vec<Point> = Vec::new();
    for p in points {
        let same = column.first().is_some_and(|f| f.0.floor() == p.0.floor());
        if !same || p.1.is_nan() {
            flush(&mut column, &mut out);
        }
        if !p.1.is_nan() {
            column.push(p);
        } else if out.last().is_some_and(|l| !l.1.is_nan()) {
            out.push(p);
        }
    }
    flush(&mut column, &mut out);
    out
}

fn flush(column: &mut Vec<Point>, out: &mut Vec<Point>) {
    if column.len() <= 4 {
        out.append(column);
        return;
    }
    let by_height = |i: &usize, j: &usize| column[*i].1.total_cmp(&column[*j].1);
    let low = (0..column.len()).min_by(by_height).unwrap_or(0);
    let high = (0..column.len()).max_by(by_height).unwrap_or(0);
    let mut keep = [0, low, high, column.len() - 1];
    keep.sort_unstable();
    let mut last = None;
    for i in keep {
        if last != Some(i) {
            out.push(column[i]);
        }
        last = Some(i);
    }
    column.clear();
}

/// Cuts a curve to an area and breaks it at NaN.
pub(super) fn clip(points: &[Point], area: &Area) -> Clipped {
    let mut out = Clipped::default();
    let mut piece: Vec<Point> = Vec::new();
    let known = |p: Option<&Point>| p.copied().filter(|p| !p.0.is_nan() && !p.1.is_nan());
    for (i, &a) in points.iter().enumerate() {
        let Some(a) = known(Some(&a)) else { continue };
        let before = i.checked_sub(1).and_then(|k| known(points.get(k)));
        let after = known(points.get(i + 1));
        if before.is_none() && after.is_none() && area.contains(a) {
            out.pieces.push(vec![a]);
        }
        let Some(b) = after else { continue };
        if let Some((p, q)) = clip_segment(a, b, area) {
            if piece.last() != Some(&p) {
                finish(&mut piece, &mut out);
                piece.push(p);
            }
            piece.push(q);
            if q != b && b.1 < area.y0 {
                out.exit = Some(q);
            }
        }
        if known(points.get(i + 2)).is_none() {
            finish(&mut piece, &mut out);
        }
    }
    finish(&mut piece, &mut out);
    out
}

fn finish(piece: &mut Vec<Point>, out: &mut Clipped) {
    if !piece.is_empty() {
        out.pieces.push(std::mem::take(piece));
    }
}

/// Liang–Barsky: the part of a segment inside an area.
fn clip_segment(a: Point, b: Point, area: &Area) -> Option<(Point, Point)> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    let sides = [(-dx, a.0 - area.x0), (dx, area.x1 - a.0), (-dy, a.1 - area.y0), (dy, area.y1 - a.1)];
    for (speed, room) in sides {
        if speed == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if speed < 0.0 {
            enter = enter.max(room / speed);
        } else {
            leave = leave.min(room / speed);
        }
    }
    let at = |t: f64| (a.0 + t * dx, a.1 + t * dy);
    let p = if enter == 0.0 { a } else { at(enter) };
    let q = if leave == 1.0 { b } else { at(leave) };
    (enter <= leave).then_some((p, q))
}

/// The points of `places` that get a marker: all if they are at least `gap` apart, otherwise some at about
/// that distance, the first of them shifted by `shift` (0 to 1) of it; and always the last point, the end of
/// the curve.
pub(super) fn marked(places: &[Point], gap: f64, shift: f64) -> Vec<Point> {
    let mut out: Vec<Point> = Vec::new();
    let (Some(first), Some(&last)) = (places.first(), places.last()) else { return out };
    let pitch = (last.0 - first.0) / (places.len().max(2) - 1) as f64;
    let start = if pitch >= gap { f64::NEG_INFINITY } else { first.0 + shift * gap };
    for &p in places {
        if p.0 >= out.last().map_or(start, |l| l.0 + gap * 0.999) {
            out.push(p);
        }
    }
    if out.last() != Some(&last) {
        if out.len() > 1 && out.last().is_some_and(|l| last.0 - l.0 < gap * 0.5) {
            out.pop();
        }
        out.push(last);
    }
    out
}

/// The size of an odd window and the mean over it around each value, NaN near the ends; values that are not
/// finite are omitted. `None` for few values.
pub(super) fn running_mean(values: &[f64]) -> Option<(usize, Vec<f64>)> {
    if values.len() < SMOOTHED {
        return None;
    }
    let half = (values.len() / 40).clamp(3, 50);
    let window = 2 * half + 1;
    let mean = |k: usize| {
        if k < half || k + half >= values.len() {
            return f64::NAN;
        }
        let near = values[k - half..=k + half].iter().filter(|v| v.is_finite());
        // Shares of a window, since a sum of large values may overflow.
        let (count, sum) = near.fold((0.0, 0.0), |(n, s), v| (n + 1.0, s + v / window as f64));
        sum * (window as f64 / count)
    };
    Some((window, (0..values.len()).map(mean).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { x0: 0.0, y0: 0.0, x1: 100.0, y1: 50.0 };

    #[test]
    fn nan_breaks_and_lone_points_stay() {
        let p =
            [(0.0, 10.0), (1.0, 20.0), (2.0, f64::NAN), (3.0, 5.0), (4.0, f64::NAN), (5.0, 6.0), (6.0, 7.0)];
        let clipped = clip(&p, &AREA);
        assert_eq!(clipped.pieces, [vec![p[0], p[1]], vec![p[3]], vec![p[5], p[6]]]);
        assert_eq!(clipped.exit, None);
    }

    #[test]
    fn a_curve_that_leaves_is_cut_at_the_edge() {
        let clipped = clip(&[(10.0, 40.0), (20.0, -60.0), (30.0, -1e9), (40.0, 1e9)], &AREA);
        assert_eq!(clipped.pieces[0], [(10.0, 40.0), (14.0, 0.0)]);
        assert_eq!(clipped.exit, Some((14.0, 0.0)));
        assert!(clipped.pieces.iter().flatten().all(|&p| AREA.contains((p.0, p.1))));
    }

    #[test]
    fn thinning_keeps_the_extremes() {
        let n = 100_000;
        let y = |i: usize| if i == 34_567 { -7.0 } else { (i as f64).sin() };
        let thinned = thin((0..n).map(|i| (i as f64 * 0.007, y(i))));
        assert!(thinned.len() <= 4 * 701, "{}", thinned.len());
        assert!(thinned.iter().any(|p| p.1 == -7.0));
        assert!(thinned.windows(2).all(|w| w[0].0 < w[1].0));
    }

    #[test]
    fn markers_keep_their_distance_and_the_end() {
        let places: Vec<Point> = (0..1000).map(|i| (i as f64 * 0.5, 0.0)).collect();
        let at = marked(&places, 50.0, 0.5);
        assert!((9..=11).contains(&at.len()));
        assert_eq!((at[0].0, at.last().unwrap().0), (25.0, 499.5));
        assert_eq!(marked(&places[..1], 50.0, 0.5).len(), 1);
        assert!(marked(&[], 50.0, 0.5).is_empty());
    }

    #[test]
    fn the_mean_is_centred_and_skips_gaps() {
        let mut ramp: Vec<f64> = (0..100).map(f64::from).collect();
        let (window, mean) = running_mean(&ramp).unwrap();
        assert_eq!(window, 7);
        assert!(mean[3..97].iter().zip(&ramp[3..]).all(|(m, r)| (m - r).abs() < 1e-9));
        assert!(mean[..3].iter().chain(&mean[97..]).all(|m| m.is_nan()));
        ramp[50] = f64::NAN;
        let (_, mean) = running_mean(&ramp).unwrap();
        assert!((mean[50] - 50.0).abs() < 1e-9);
    }
}

//! Tensor grids: detection from points, and colours of cells.

use super::canvas::Indexed;
use super::colormap;

/// The number of lines in a direction from which values are interpolated between the points; below it each
/// cell has one colour.
const SMOOTH: usize = 8;
/// The least share of the crossings of grid lines that must have a point.
const FILLED: f64 = 0.6;

/// Values at crossings of grid lines.
pub(super) struct Grid {
    /// Positions of the grid lines along x and y, ascending.
    lines: [Vec<f64>; 2],
    /// The value at each crossing, x fastest; `None` without a point.
    values: Vec<Option<f64>>,
}

impl Grid {
    /// The grid that the points form, in any order; `None` if they do not. Some
    /// crossings may be empty, as in a domain with a hole.
    pub(super) fn find(points: &[[f64; 2]], values: &[f64]) -> Option<Self> {
        let lines = [0, 1].map(|axis| levels(points, axis));
        let (nx, ny) = (lines[0].len(), lines[1].len());
        let places = nx.checked_mul(ny).filter(|&n| n as f64 * FILLED <= points.len() as f64)?;
        let mut grid = Self { lines, values: vec![None; places] };
        for (point, &value) in points.iter().zip(values) {
            let slot = closest(&grid.lines[1], point[1]) * nx + closest(&grid.lines[0], point[0]);
            if grid.values[slot].replace(value).is_some() {
                return None;
            }
        }
        Some(grid)
    }

    /// Lower and upper end of the cells along an axis: half a cell beyond the points.
    /// A single line takes its width from the other axis.
    pub(super) fn extent(&self, axis: usize) -> (f64, f64) {
        let half = |axis: usize| {
            let line = &self.lines[axis];
            let last = line.len() - 1;
            (last > 0).then(|| ((line[1] - line[0]) / 2.0, (line[last] - line[last - 1]) / 2.0))
        };
        let (below, above) = half(axis).or_else(|| half(1 - axis)).unwrap_or((0.5, 0.5));
        let line = &self.lines[axis];
        (line[0] - below, line[line.len() - 1] + above)
    }

    /// The crossings along x and y.
    pub(super) fn shape(&self) -> [usize; 2] {
        [self.lines[0].len(), self.lines[1].len()]
    }

    /// The value at each crossing, x fastest; `None` without a point.
    pub(super) fn values(&self) -> &[Option<f64>] {
        &self.values
    }

    /// The ends of the cells along an axis, one more than there are lines: halfway between these.
    pub(super) fn ends(&self, axis: usize) -> Vec<f64> {
        let (first, last) = self.extent(axis);
        let middles = self.lines[axis].windows(2).map(|pair| pair[0] + (pair[1] - pair[0]) / 2.0);
        std::iter::once(first).chain(middles).chain([last]).collect()
    }

    /// The field as a picture; `place` gives the position of a value of the field
    /// between 0 and 1, `x` and `y` the coordinates of the picture's columns and rows.
    pub(super) fn picture(&self, x: &[f64], y: &[f64], place: impl Fn(f64) -> f64) -> Indexed {
        let smooth = self.lines.iter().all(|l| l.len() == 1 || l.len() >= SMOOTH);
        let columns: Vec<_> = x.iter().map(|&v| between(&self.lines[0], v)).collect();
        let mut pixels = Vec::with_capacity(x.len() * y.len());
        for &v in y {
            let (j, t) = between(&self.lines[1], v);
            for &(i, s) in &columns {
                pixels.push(self.color(i, s, j, t, smooth, &place));
            }
        }
        Indexed { width: x.len(), height: y.len(), pixels }
    }

    fn color(&self, i: usize, s: f64, j: usize, t: f64, smooth: bool, place: &impl Fn(f64) -> f64) -> u8 {
        let (nx, ny) = (self.lines[0].len(), self.lines[1].len());
        let at = |i: usize, j: usize| self.values[j.min(ny - 1) * nx + i.min(nx - 1)];
        let corners = (at(i, j), at(i + 1, j), at(i, j + 1), at(i + 1, j + 1));
        if let (true, (Some(a), Some(b), Some(c), Some(d))) = (smooth, corners) {
            let [a, b, c, d] = [a, b, c, d].map(place);
            let t = (1.0 - t) * ((1.0 - s) * a + s * b) + t * ((1.0 - s) * c + s * d);
            if t.is_finite() {
                return colormap::index(t);
            }
        }
        let nearest = at(i + usize::from(s > 0.5), j + usize::from(t > 0.5));
        nearest.map_or(colormap::OUTSIDE, |v| colormap::index(place(v)))
    }
}

/// The different values of a coordinate, ascending; those closer than rounding are one.
fn levels(points: &[[f64; 2]], axis: usize) -> Vec<f64> {
    let mut all: Vec<f64> = points.iter().map(|p| p[axis]).collect();
    all.sort_by(f64::total_cmp);
    let range = all.last().zip(all.first()).map_or(0.0, |(last, first)| last - first);
    all.dedup_by(|b, a| *b - *a <= 1e-7 * range);
    all
}

fn closest(lines: &[f64], v: f64) -> usize {
    let (i, t) = between(lines, v);
    i + usize::from(t > 0.5)
}

/// The line below a position and the fraction of the distance to the next one, 0 to 1; clamped at the ends.
fn between(lines: &[f64], v: f64) -> (usize, f64) {
    let above = lines.partition_point(|&l| l <= v);
    match (above.checked_sub(1), lines.get(above)) {
        (None, _) => (0, 0.0),
        (Some(i), None) => (i, 0.0),
        (Some(i), Some(next)) => (i, (v - lines[i]) / (next - lines[i])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(n: usize) -> (Vec<[f64; 2]>, Vec<f64>) {
        // Numbered in an irregular order.
        let order = (0..n * n).map(|k| k * 7 % (n * n));
        order.map(|k| ([(k % n) as f64 * 0.1, (k / n) as f64 * 0.3], k as f64)).unzip()
    }

    #[test]
    fn grids_are_found_in_any_order_and_with_holes() {
        let (points, values) = square(10);
        let grid = Grid::find(&points, &values).unwrap();
        assert_eq!(grid.values, (0..100).map(|k| Some(f64::from(k))).collect::<Vec<_>>());
        assert!(Grid::find(&points[..70], &values[..70]).is_some());
        assert!(Grid::find(&points[..40], &values[..40]).is_none());
        let twice: Vec<_> = points.iter().chain(&points).copied().collect();
        assert!(Grid::find(&twice, &[values.clone(), values].concat()).is_none());
        let diagonal: Vec<_> = (0..9).map(|k| [f64::from(k), f64::from(k)]).collect();
        assert!(Grid::find(&diagonal, &[0.0; 9]).is_none());
    }

    #[test]
    fn pictures_show_values_holes_and_missing_ones() {
        let (points, mut values) = square(4);
        values[0] = f64::NAN; // the point at (0, 0)
        let keep = points.len() - 1; // without the point number 9, at (0.1, 0.6)
        let grid = Grid::find(&points[..keep], &values[..keep]).unwrap();
        let picture = grid.picture(&[0.0, 0.1, 0.2, 0.3], &[0.0, 0.3, 0.6, 0.9], |v| v / 15.0);
        assert_eq!(picture.pixels[0], colormap::MISSING);
        assert_eq!(picture.pixels[9], colormap::OUTSIDE);
        assert_eq!(picture.pixels[15], colormap::index(1.0));
        let (low, high) = grid.extent(0);
        assert!((low + 0.05).abs() < 1e-12 && (high - 0.35).abs() < 1e-12);
    }
}

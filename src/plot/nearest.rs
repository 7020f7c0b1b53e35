//! Nearest points in the plane: a k-d tree.

/// Points, ordered so that each range is split by its median.
pub(super) struct Tree {
    /// Coordinates and number of each point.
    points: Vec<([f64; 2], usize)>,
}

/// Ranges of at most this many points are not split.
const LEAF: usize = 8;

impl Tree {
    /// Sorts the points, all finite, into a tree.
    pub(super) fn new(points: &[[f64; 2]]) -> Self {
        let mut points: Vec<_> = points.iter().copied().zip(0..).collect();
        split(&mut points, 0);
        Self { points }
    }

    /// Up to `count` nearest points as (squared distance, number), the nearest first;
    /// of equally near ones that with the lowest number.
    pub(super) fn nearest(&self, from: [f64; 2], count: usize, found: &mut Vec<(f64, usize)>) {
        found.clear();
        search(&self.points, 0, from, count, found);
    }
}

fn split(points: &mut [([f64; 2], usize)], axis: usize) {
    if points.len() > LEAF {
        let middle = points.len() / 2;
        let order = |p: &([f64; 2], usize), q: &([f64; 2], usize)| {
            p.0[axis].total_cmp(&q.0[axis]).then(p.1.cmp(&q.1))
        };
        points.select_nth_unstable_by(middle, order);
        let (left, right) = points.split_at_mut(middle);
        split(left, 1 - axis);
        split(&mut right[1..], 1 - axis);
    }
}

fn search(
    points: &[([f64; 2], usize)],
    axis: usize,
    from: [f64; 2],
    count: usize,
    found: &mut Vec<(f64, usize)>,
) {
    if points.len() <= LEAF {
        points.iter().for_each(|p| offer(p, from, count, found));
        return;
    }
    let middle = points.len() / 2;
    let offset = from[axis] - points[middle].0[axis];
    let (left, right) = (&points[..middle], &points[middle + 1..]);
    let (near, far) = if offset < 0.0 { (left, right) } else { (right, left) };
    search(near, 1 - axis, from, count, found);
    offer(&points[middle], from, count, found);
    if found.len() < count || found.last().is_some_and(|worst| offset * offset <= worst.0) {
        search(far, 1 - axis, from, count, found);
    }
}

fn offer(&(at, number): &([f64; 2], usize), from: [f64; 2], count: usize, found: &mut Vec<(f64, usize)>) {
    let distance = (at[0] - from[0]).powi(2) + (at[1] - from[1]).powi(2);
    let place = found.partition_point(|f| (f.0, f.1) < (distance, number));
    if place < count {
        found.insert(place, (distance, number));
        found.truncate(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_looking_at_every_point() {
        let random = |k: usize| (k as f64 * 12.9898).sin() * 43_758.545_3 % 1.0;
        let mut points: Vec<_> = (0..500).map(|k| [random(2 * k), random(2 * k + 1)]).collect();
        points.extend_from_within(..30);
        let tree = Tree::new(&points);
        let mut found = Vec::new();
        for k in 0..200 {
            let q = [random(3 * k + 7), random(5 * k + 1)];
            let mut all: Vec<_> =
                points.iter().map(|p| (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2)).zip(0..).collect();
            all.sort_by(|a: &(f64, usize), b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            tree.nearest(q, 9, &mut found);
            assert_eq!(found, all[..9]);
        }
        Tree::new(&points[..2]).nearest([0.0; 2], 9, &mut found);
        assert_eq!(found.len(), 2);
    }
}

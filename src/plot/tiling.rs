//! Tilings of the plane by labelled regions, and the outlines of regions.

use std::collections::{BTreeMap, HashMap};

use super::grid::Grid;

/// A closed line; the region is on its left.
pub(super) type Ring = Vec<[f64; 2]>;

/// A tile of a region: its label and its corners, anticlockwise.
type Tile = (u32, Vec<u32>);

/// The labelled items.
pub(super) enum Ground {
    /// The vertices of triangles. A triangle between two regions is cut straight, one between three into the
    /// parts nearest to its corners.
    Vertices { points: Vec<[f64; 2]>, triangles: Vec<[u32; 3]> },
    /// Triangles.
    Triangles { points: Vec<[f64; 2]>, triangles: Vec<[u32; 3]> },
    /// The cells of a grid: the place of every corner, x fastest, and the cell's number.
    Cells { places: Vec<[f64; 2]>, width: usize, cells: Vec<Option<u32>> },
    /// Points without connections.
    Points(Vec<[f64; 2]>),
}

impl Ground {
    /// Points that may form a grid.
    pub(super) fn of_points(points: &[[f64; 2]]) -> Self {
        let numbers: Vec<f64> = (0..points.len()).map(|i| i as f64).collect();
        let Some(grid) = Grid::find(points, &numbers) else { return Self::Points(points.to_vec()) };
        let (x, y) = (grid.ends(0), grid.ends(1));
        let places = y.iter().flat_map(|&y| x.iter().map(move |&x| [x, y])).collect();
        let cells = grid.values().iter().map(|value| value.map(|v| v as u32)).collect();
        Self::Cells { places, width: grid.shape()[0], cells }
    }

    /// Regions by label, each as the closed lines around it.
    pub(super) fn regions(&self, labels: &[u32]) -> BTreeMap<u32, Vec<Ring>> {
        let (places, tiles) = match self {
            Self::Vertices { points, triangles } => between_vertices(points, triangles, labels),
            Self::Triangles { points, triangles } => {
                let tile = |(t, label): (&[u32; 3], &u32)| (*label, t.to_vec());
                (points.clone(), triangles.iter().zip(labels).map(tile).collect())
            }
            Self::Cells { places, width, cells } => {
                let tile = |(at, cell): (usize, &Option<u32>)| {
                    let low = (at / width * (width + 1) + at % width) as u32;
                    let high = low + *width as u32 + 1;
                    Some((*labels.get((*cell)? as usize)?, vec![low, low + 1, high + 1, high]))
                };
                (places.clone(), cells.iter().enumerate().filter_map(tile).collect())
            }
            Self::Points(_) => return BTreeMap::new(),
        };
        let rings = |sides: Vec<[u32; 2]>| {
            let place = |ring: Vec<u32>| ring.into_iter().map(|v| places[v as usize]).collect();
            rings(sides).into_iter().map(place).collect()
        };
        outer_sides(&tiles).into_iter().map(|(label, sides)| (label, rings(sides))).collect()
    }

    /// Items that lie side by side, in groups; not for points.
    pub(super) fn neighbours(&self) -> Vec<Vec<u32>> {
        match self {
            Self::Vertices { triangles, .. } => triangles.iter().map(|t| t.to_vec()).collect(),
            // Around every point.
            Self::Triangles { points, triangles } => {
                let mut around = vec![Vec::new(); points.len()];
                for (t, triangle) in (0u32..).zip(triangles) {
                    triangle.iter().for_each(|&v| around[v as usize].push(t));
                }
                around
            }
            Self::Cells { width, cells, .. } => (0..cells.len())
                .map(|at| {
                    let right = (at % width + 1 < *width).then_some(1);
                    let steps = [Some(0), right, Some(*width), right.map(|r| r + width)];
                    steps.into_iter().flatten().filter_map(|s| *cells.get(at + s)?).collect()
                })
                .collect(),
            Self::Points(points) => near_points(points),
        }
    }
}

/// Tiles of vertices.
fn between_vertices(
    points: &[[f64; 2]],
    triangles: &[[u32; 3]],
    labels: &[u32],
) -> (Vec<[f64; 2]>, Vec<Tile>) {
    let mut places = points.to_vec();
    let mut tiles = Vec::with_capacity(triangles.len());
    let mut middles: HashMap<[u32; 2], u32> = HashMap::new();
    for &[a, b, c] in triangles {
        let mean =
            |of: &[u32]| [0, 1].map(|d| of.iter().map(|&v| points[v as usize][d] / of.len() as f64).sum());
        let mut middle = |p: u32, q: u32| {
            *middles.entry([p.min(q), p.max(q)]).or_insert_with(|| {
                places.push(mean(&[p, q]));
                places.len() as u32 - 1
            })
        };
        let of = |v: u32| labels[v as usize];
        // Turned so that the first corner is the odd one.
        let turned = [[a, b, c], [b, c, a], [c, a, b]].into_iter().find(|t| of(t[1]) == of(t[2]));
        match turned {
            Some([a, b, c]) if of(a) == of(b) => tiles.push((of(a), vec![a, b, c])),
            Some([a, b, c]) => {
                let (ab, ca) = (middle(a, b), middle(c, a));
                tiles.push((of(a), vec![a, ab, ca]));
                tiles.push((of(b), vec![ab, b, c, ca]));
            }
            None => {
                let [ab, bc, ca] = [middle(a, b), middle(b, c), middle(c, a)];
                let center = places.len() as u32;
                places.push(mean(&[a, b, c]));
                for (v, next, last) in [(a, ab, ca), (b, bc, ab), (c, ca, bc)] {
                    tiles.push((of(v), vec![v, next, center, last]));
                }
            }
        }
    }
    (places, tiles)
}

/// Sides with their region on the left and another one on the right.
fn outer_sides(tiles: &[Tile]) -> BTreeMap<u32, Vec<[u32; 2]>> {
    let mut sides = Vec::new();
    for (label, corners) in tiles {
        for (&p, &q) in corners.iter().zip(corners.iter().cycle().skip(1)) {
            sides.push((*label, p.min(q), p.max(q), p > q));
        }
    }
    sides.sort_unstable();
    let mut outer: BTreeMap<u32, Vec<[u32; 2]>> = BTreeMap::new();
    for same in sides.chunk_by(|s, t| (s.0, s.1, s.2) == (t.0, t.1, t.2)) {
        if let [(label, p, q, back)] = *same {
            outer.entry(label).or_default().push(if back { [q, p] } else { [p, q] });
        }
    }
    outer
}

/// Joins sides to closed lines.
fn rings(mut sides: Vec<[u32; 2]>) -> Vec<Vec<u32>> {
    sides.sort_unstable();
    let mut taken = vec![false; sides.len()];
    let mut rings = Vec::new();
    for first in 0..sides.len() {
        let mut ring = Vec::new();
        let mut side = Some(first).filter(|&s| !taken[s]);
        while let Some(s) = side {
            taken[s] = true;
            ring.push(sides[s][0]);
            let start = sides.partition_point(|t| t[0] < sides[s][1]);
            side = (start..sides.len()).take_while(|&t| sides[t][0] == sides[s][1]).find(|&t| !taken[t]);
        }
        if !ring.is_empty() {
            rings.push(ring);
        }
    }
    rings
}

/// Points in the same square of about four points.
fn near_points(points: &[[f64; 2]]) -> Vec<Vec<u32>> {
    let ends = [0, 1].map(|axis| super::extent::bounds(points, axis));
    let side = spacing(points) * 2.0;
    let mut squares: BTreeMap<[i64; 2], Vec<u32>> = BTreeMap::new();
    for (i, p) in (0u32..).zip(points) {
        let at = [0, 1].map(|d| ((p[d] - ends[d].0) / side) as i64);
        // Also with those in the squares to the left and below.
        for step in [[0, 0], [1, 0], [0, 1], [1, 1]] {
            squares.entry([at[0] + step[0], at[1] + step[1]]).or_default().push(i);
        }
    }
    squares.into_values().collect()
}

/// The area within a ring, negative around a hole.
pub(super) fn area(ring: &Ring) -> f64 {
    let Some(&[x, y]) = ring.first() else { return 0.0 };
    let cross = |p: &[f64; 2], q: &[f64; 2]| (p[0] - x) * (q[1] - y) - (p[1] - y) * (q[0] - x);
    ring.windows(2).map(|side| cross(&side[0], &side[1]) / 2.0).sum()
}

/// The edges of triangles, each once, in few lines from point to point.
pub(super) fn trails(triangles: &[[u32; 3]]) -> Vec<Vec<u32>> {
    let mut edges: Vec<[u32; 2]> = triangles
        .iter()
        .flat_map(|&[a, b, c]| [[a, b], [b, c], [c, a]])
        .map(|[p, q]| [p.min(q), p.max(q)])
        .collect();
    edges.sort_unstable();
    edges.dedup();
    let mut ways: Vec<(u32, u32, usize)> =
        edges.iter().enumerate().flat_map(|(e, &[p, q])| [(p, q, e), (q, p, e)]).collect();
    ways.sort_unstable();
    let mut taken = vec![false; edges.len()];
    let mut trails = Vec::new();
    for &(start, ..) in &ways {
        let mut trail = vec![start];
        let mut at = start;
        loop {
            let from = ways.partition_point(|way| way.0 < at);
            let next = ways[from..].iter().take_while(|way| way.0 == at).find(|way| !taken[way.2]);
            let Some(&(_, end, edge)) = next else { break };
            taken[edge] = true;
            trail.push(end);
            at = end;
        }
        if trail.len() > 1 {
            trails.push(trail);
        }
    }
    trails
}

/// The spacing of points if they formed a square grid.
pub(super) fn spacing(points: &[[f64; 2]]) -> f64 {
    let [dx, dy] = [0, 1].map(|axis| super::extent::length(super::extent::bounds(points, axis)));
    let n = points.len() as f64;
    let spacing = (dx / n.sqrt() * (dy / n.sqrt())).sqrt().max(dx.max(dy) / n);
    if spacing > 0.0 { spacing } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_a_grid_are_its_cells() {
        // A frame of label 1 around label 0, which has a missing cell.
        let points: Vec<[f64; 2]> =
            (0..25).filter(|k| *k != 12).map(|k| [f64::from(k % 5), f64::from(k / 5)]).collect();
        let labels: Vec<u32> =
            points.iter().map(|p| u32::from(p.iter().any(|&x| x == 0.0 || x == 4.0))).collect();
        let ground = Ground::of_points(&points);
        let regions = ground.regions(&labels);
        let mut areas = regions[&0].iter().map(area).collect::<Vec<_>>();
        areas.sort_by(f64::total_cmp);
        assert_eq!(areas, [-1.0, 9.0]);
        let mut areas = regions[&1].iter().map(area).collect::<Vec<_>>();
        areas.sort_by(f64::total_cmp);
        assert_eq!(areas, [-9.0, 25.0]);
        assert!(ground.neighbours().iter().any(|group| group.len() == 4));
    }

    #[test]
    fn trails_take_every_edge_once() {
        let triangles = [[0, 1, 2], [2, 1, 3], [2, 3, 4], [4, 3, 5]];
        let trails = trails(&triangles);
        let mut edges: Vec<[u32; 2]> = trails
            .iter()
            .flat_map(|trail| trail.windows(2).map(|e| [e[0].min(e[1]), e[0].max(e[1])]))
            .collect();
        edges.sort_unstable();
        let all = [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3], [2, 4], [3, 4], [3, 5], [4, 5]];
        assert_eq!(edges, all);
        assert!(trails.len() < 4, "{trails:?}");
    }

    #[test]
    fn triangles_are_cut_between_their_corners() {
        let (points, triangles) =
            (vec![[0.0, 0.0], [6.0, 0.0], [0.0, 6.0], [6.0, 6.0]], vec![[0, 1, 2], [3, 2, 1]]);
        let ground = Ground::Vertices { points: points.clone(), triangles: triangles.clone() };
        let total = |labels: &[u32], label: u32| ground.regions(labels)[&label].iter().map(area).sum::<f64>();
        // A third of the triangle where all three corners differ, a quarter where one does.
        assert!((total(&[0, 1, 2, 3], 0) - 6.0).abs() < 1e-12);
        assert!((total(&[0, 1, 2, 3], 1) - 12.0).abs() < 1e-12);
        assert!((total(&[0, 1, 1, 1], 0) - 4.5).abs() < 1e-12);
        assert!((total(&[0, 1, 1, 1], 1) - 31.5).abs() < 1e-12);
        assert_eq!(ground.regions(&[7; 4])[&7].len(), 1);
        let ground = Ground::Triangles { points, triangles };
        assert_eq!(ground.regions(&[4, 5])[&5].iter().map(area).sum::<f64>(), 18.0);
        assert_eq!(ground.neighbours()[1], [0, 1]);
    }
}

//! Estimate of the fill of a direct solver.

use crate::sparse::Pattern;

/// An estimate of the nonzeros of L and U: n log₂ n, as for a plane, and the square of the width of
/// the graph, which is what a solid costs, each times a factor that was measured.
///
/// The width is the mean size of the sets of points at equal distance from a point at the rim, as
/// a separator would have it. Cost: three passes over the pattern.
pub(crate) fn estimated_nonzeros(pattern: &Pattern) -> f64 {
    let n = pattern.rows();
    let mut levels = Levels { pattern, seen: vec![0; n], round: 0 };
    let mut width = 0.0f64;
    for start in 0..n {
        if levels.seen[start] == 0 {
            let (rim, _, _) = levels.from(start);
            let (_, rows, depth) = levels.from(rim);
            width = width.max(rows as f64 / depth as f64);
        }
    }
    let plane = PLANE * n as f64 * (n.max(2) as f64).log2();
    plane.max(SOLID * width * width).max(pattern.nnz() as f64).min((n as f64).powi(2))
}

/// Nonzeros over n log₂ n in a plane.
const PLANE: f64 = 8.0;
/// Nonzeros over the square of the width in a solid.
const SOLID: f64 = 300.0;

/// Breadth-first searches in the graph of A + Aᵀ.
struct Levels<'a> {
    pattern: &'a Pattern,
    /// The search that came here last.
    seen: Vec<u32>,
    round: u32,
}

impl Levels<'_> {
    /// A point farthest from `start`, the points that were reached, and the number of levels.
    fn from(&mut self, start: usize) -> (usize, usize, usize) {
        self.round += 1;
        let t = self.pattern.transposition();
        let (mut front, mut next) = (vec![start as u32], Vec::new());
        self.seen[start] = self.round;
        let (mut rows, mut depth, mut last) = (0, 0, start);
        while let Some(&point) = front.first() {
            (rows, depth, last) = (rows + front.len(), depth + 1, point as usize);
            for &i in &front {
                let i = i as usize;
                let column = &t.row_idx[t.ptr[i] as usize..t.ptr[i + 1] as usize];
                for &j in self.pattern.row_cols(i).iter().chain(column) {
                    if self.seen[j as usize] != self.round {
                        self.seen[j as usize] = self.round;
                        next.push(j);
                    }
                }
            }
            front.clear();
            std::mem::swap(&mut front, &mut next);
        }
        (last, rows, depth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;
    use crate::sparse::Csr;

    #[test]
    fn a_solid_costs_more_than_a_plane_and_a_line_little() {
        let plane = gallery::poisson_2d(100, 100).unwrap().matrix;
        let solid = gallery::poisson_3d(30, 30, 30).unwrap().matrix;
        let line = gallery::poisson_2d(1, 10_000).unwrap().matrix;
        let [plane, solid, line] = [plane, solid, line].map(|a| estimated_nonzeros(a.pattern()));
        assert!(solid > 20.0 * plane && plane >= line, "{solid} {plane} {line}");
        // Never more than a dense matrix, never less than A.
        let dense = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (0, 1, 1.0), (1, 0, 1.0), (1, 1, 3.0)]).unwrap();
        assert_eq!(estimated_nonzeros(dense.pattern()), 4.0);
        assert_eq!(estimated_nonzeros(Csr::<f64>::identity(0).pattern()), 0.0);
    }
}

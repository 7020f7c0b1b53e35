//! The order of Cuthill and McKee, of small bandwidth.

use std::collections::VecDeque;

use crate::sparse::Pattern;

/// Marks a row that was not reached.
const NONE: u32 = u32::MAX;

/// The reverse order of Cuthill and McKee (1969) of a symmetric pattern: breadth first from a row at the end of every
/// connected part, neighbours by ascending degree. Cost: some four passes over the pattern.
pub(super) fn cuthill_mckee(pattern: &Pattern) -> Vec<u32> {
    let n = pattern.rows();
    let degree = |i: u32| pattern.row_cols(i as usize).len();
    let mut by_degree: Vec<u32> = (0..n as u32).collect();
    by_degree.sort_by_key(|&i| degree(i));
    let mut search = Search { level: vec![NONE; n], reached: Vec::new() };
    let mut order = Vec::with_capacity(n);
    let mut numbered = vec![false; n];
    for start in by_degree {
        if numbered[start as usize] {
            continue;
        }
        // Two searches from the last level reach an end of the part.
        let start = (0..2).fold(start, |start, _| search.last(pattern, start));
        let first = order.len();
        numbered[start as usize] = true;
        order.push(start);
        let mut next = first;
        while next < order.len() {
            let from = order.len();
            for &j in pattern.row_cols(order[next] as usize) {
                if !std::mem::replace(&mut numbered[j as usize], true) {
                    order.push(j);
                }
            }
            order[from..].sort_by_key(|&j| (degree(j), j));
            next += 1;
        }
    }
    order.reverse();
    order
}

/// Breadth-first search.
struct Search {
    level: Vec<u32>,
    reached: Vec<u32>,
}

impl Search {
    /// The row of smallest degree in the last level from `start`.
    fn last(&mut self, pattern: &Pattern, start: u32) -> u32 {
        self.reached.drain(..).for_each(|i| self.level[i as usize] = NONE);
        self.level[start as usize] = 0;
        let mut queue = VecDeque::from([start]);
        while let Some(i) = queue.pop_front() {
            self.reached.push(i);
            for &j in pattern.row_cols(i as usize) {
                if self.level[j as usize] == NONE {
                    self.level[j as usize] = self.level[i as usize] + 1;
                    queue.push_back(j);
                }
            }
        }
        let deepest = self.reached.last().map_or(0, |&i| self.level[i as usize]);
        let last = self.reached.iter().rev().take_while(|&&i| self.level[i as usize] == deepest);
        last.copied().min_by_key(|&i| (pattern.row_cols(i as usize).len(), i)).unwrap_or(start)
    }
}

/// Mean distance from the diagonal, relative to n^⅔, below which rows are numbered well: a grid in space has 0.3.
const NEAR: f64 = 0.7;
/// In that order entries are about half of the breadth of a search from the diagonal. A mean distance of fewer breadths than
/// this cannot become five times smaller.
const WIDE: f64 = 2.0;
/// The order of small bandwidth is used where it brings the entries nearer to the diagonal by this factor. On real matrices
/// with smaller factors it took as many iterations, or more (`cargo bench --bench real`).
const NEARER: f64 = 5.0;

/// The order of small bandwidth for a matrix whose rows are numbered without regard to their neighbours: there
/// incomplete factors drop more, and products find their operands far apart. The `block()` unknowns of a node stay together.
/// `None` for other matrices. Cost: a pass over the pattern; some ten more where rows are numbered so.
pub(crate) fn order_of_scattered(pattern: &Pattern, block: impl FnOnce() -> usize) -> Option<Vec<u32>> {
    let n = pattern.rows();
    if n != pattern.cols() {
        return None;
    }
    let own: Vec<u32> = (0..n as u32).collect();
    let before = mean_distance(pattern, &own);
    let narrow = before / WIDE;
    if before < NEAR * (n as f64).powf(2.0 / 3.0) || breadth_up_to(pattern, narrow) as f64 > narrow {
        return None;
    }
    let order = in_blocks(cuthill_mckee(&*pattern.symmetrised()?), block());
    let mut place = own;
    order.iter().enumerate().for_each(|(k, &i)| place[i as usize] = k as u32);
    (before > NEARER * mean_distance(pattern, &place)).then_some(order)
}

/// The order of blocks by their first rows in this order, with the rows of a block in sequence.
fn in_blocks(order: Vec<u32>, block: usize) -> Vec<u32> {
    if block < 2 || !order.len().is_multiple_of(block) {
        return order;
    }
    let mut seen = vec![false; order.len() / block];
    let blocks = order.iter().map(|&i| i as usize / block);
    let first = blocks.filter(|&node| !std::mem::replace(&mut seen[node], true));
    first.flat_map(|node| (node * block..(node + 1) * block).map(|i| i as u32)).collect()
}

/// The most vertices at one distance from the first vertex of their part of the graph of A + Aᵀ: about 2√n in a plane, n^⅔
/// in space.
pub(crate) fn broadest_level(pattern: &Pattern) -> usize {
    breadth_up_to(pattern, f64::INFINITY)
}

/// The same, or the first number above `most` that is found.
fn breadth_up_to(pattern: &Pattern, most: f64) -> usize {
    let mut seen = vec![false; pattern.rows()];
    let transposed = (!pattern.is_symmetric()).then(|| pattern.transposed());
    let (mut front, mut next, mut broadest) = (Vec::new(), Vec::new(), 0);
    for start in 0..pattern.rows() as u32 {
        if !std::mem::replace(&mut seen[start as usize], true) {
            front.push(start);
        }
        while !front.is_empty() {
            broadest = broadest.max(front.len());
            if broadest as f64 > most {
                return broadest;
            }
            for &i in &front {
                let others = transposed.iter().flat_map(|t| t.row_cols(i as usize));
                for &j in pattern.row_cols(i as usize).iter().chain(others) {
                    if !std::mem::replace(&mut seen[j as usize], true) {
                        next.push(j);
                    }
                }
            }
            front.clear();
            std::mem::swap(&mut front, &mut next);
        }
    }
    broadest
}

/// The mean distance of entries from the diagonal, for rows at these places.
fn mean_distance(pattern: &Pattern, place: &[u32]) -> f64 {
    let row = |i: usize| {
        let distance = |&j: &u32| u64::from(place[i].abs_diff(place[j as usize]));
        pattern.row_cols(i).iter().map(distance).sum::<u64>()
    };
    (0..place.len()).map(row).sum::<u64>() as f64 / pattern.nnz().max(1) as f64
}

/// The entries between the first one of a row and the diagonal, in this order: a bound of the nonzeros of a Cholesky
/// factor.
pub(super) fn envelope(pattern: &Pattern, order: &[u32]) -> f64 {
    let mut place = vec![0u32; order.len()];
    order.iter().enumerate().for_each(|(k, &i)| place[i as usize] = k as u32);
    let first = |i: usize| pattern.row_cols(i).iter().map(|&j| place[j as usize]).min().unwrap_or(place[i]);
    (0..order.len()).map(|i| f64::from(place[i].saturating_sub(first(i)) + 1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;
    use crate::sparse::Csr;

    #[test]
    fn a_grid_is_numbered_along_its_shorter_side() {
        let (m, n) = (60, 7);
        let grid = gallery::poisson_2d(m, n).unwrap().matrix;
        // The rows of two grids, in turn.
        let entries: Vec<_> = (0..m * n)
            .flat_map(|i| grid.row(i).flat_map(move |(j, v)| [(2 * i, 2 * j, v), (2 * i + 1, 2 * j + 1, v)]))
            .collect();
        let a = Csr::from_triplets(2 * m * n, 2 * m * n, &entries).unwrap();
        let mut order = cuthill_mckee(a.pattern());
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(k, &i)| place[i as usize] = k);
        for i in 0..a.rows() {
            // A diagonal of a grid has at most as many points as its shorter side.
            assert!(a.row(i).all(|(j, _)| place[i].abs_diff(place[j]) <= n + 1));
        }
        assert!(envelope(a.pattern(), &order) <= ((n + 2) * a.rows()) as f64);
        // The rows of the two grids are near their neighbours, until they are shuffled.
        assert!(order_of_scattered(a.pattern(), || 1).is_none());
        let shuffled: Vec<u32> = (0..a.rows() as u32).map(|k| k * 271 % a.rows() as u32).collect();
        assert!(order_of_scattered(a.permuted(&shuffled).pattern(), || 1).is_some());
        let blocks = in_blocks(order.clone(), 3);
        assert!(
            blocks.chunks(3).all(|rows| rows[0] % 3 == 0 && rows[1] == rows[0] + 1 && rows[2] == rows[0] + 2)
        );
        order.sort_unstable();
        assert!(order.iter().enumerate().all(|(k, &i)| k == i as usize));
    }
}

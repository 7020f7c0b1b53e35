//! An order of elimination of small bandwidth, and its fill.

use std::collections::VecDeque;

use crate::backend::fill::symmetrised;
use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// Marks a row that is not numbered yet.
const NONE: u32 = u32::MAX;

/// The reverse order of Cuthill and McKee (1969) of A + Aᵀ, and the given order.
///
/// # Errors
/// Too many entries.
pub fn orders(pattern: &Pattern) -> Result<[Vec<u32>; 2]> {
    let graph = symmetrised(pattern).ok_or_else(|| Error::invalid_input("A + Aᵀ has too many entries"))?;
    Ok([cuthill_mckee(&graph), (0..pattern.rows() as u32).collect()])
}

/// The nonzeros of the Cholesky factor of a symmetric pattern in that order, from its elimination tree (Liu 1986).
/// Cost: proportional to the result.
pub fn cholesky_nonzeros(pattern: &Pattern) -> Option<f64> {
    let n = pattern.rows();
    let order = cuthill_mckee(pattern);
    let mut place = vec![0u32; n];
    order.iter().enumerate().for_each(|(k, &i)| place[i as usize] = k as u32);
    let (mut parent, mut seen) = (vec![NONE; n], vec![NONE; n]);
    let mut count = n;
    for (k, &row) in order.iter().enumerate() {
        let k = k as u32;
        seen[k as usize] = k;
        for &j in pattern.row_cols(row as usize) {
            let mut i = place[j as usize];
            while i < k && seen[i as usize] != k {
                seen[i as usize] = k;
                count += 1;
                if parent[i as usize] == NONE {
                    parent[i as usize] = k;
                }
                i = parent[i as usize];
            }
        }
    }
    Some(count as f64)
}

/// The reverse order of Cuthill and McKee of a symmetric pattern: breadth first from a row at the end of every
/// connected part, neighbours by ascending degree.
fn cuthill_mckee(pattern: &Pattern) -> Vec<u32> {
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
        let [mut order, plain] = orders(a.pattern()).unwrap();
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(k, &i)| place[i as usize] = k);
        for i in 0..a.rows() {
            // A diagonal of a grid has at most as many points as its shorter side.
            assert!(a.row(i).all(|(j, _)| place[i].abs_diff(place[j]) <= n + 1));
        }
        order.sort_unstable();
        assert_eq!(order, plain);
    }

    #[test]
    fn fill_is_counted() {
        let line = gallery::poisson_2d(1, 50).unwrap().matrix;
        assert_eq!(cholesky_nonzeros(line.pattern()), Some(99.0));
        let full: Vec<_> = (0..36).map(|q| (q / 6, q % 6, 1.0)).collect();
        let full = Csr::from_triplets(6, 6, &full).unwrap();
        assert_eq!(cholesky_nonzeros(full.pattern()), Some(21.0));
    }
}

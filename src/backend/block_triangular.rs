//! The block triangular form of a square pattern.

use crate::sparse::Pattern;

/// Marks a row that was not visited.
const NONE: u32 = u32::MAX;

/// The strongly connected components of the graph of a square pattern: in the order of their numbers the matrix is block lower
/// triangular (Tarjan 1972). Returns the number of each row, and the number of components. Cost: a pass over the pattern.
pub(super) fn strong_components(pattern: &Pattern) -> (Vec<u32>, usize) {
    let n = pattern.rows();
    // The number of a visit, and the least one that is reached from there among rows without a component.
    let (mut visit, mut least) = (vec![NONE; n], vec![NONE; n]);
    let (mut component, mut count) = (vec![NONE; n], 0);
    let (mut open, mut path): (Vec<u32>, Vec<(u32, usize)>) = (Vec::new(), Vec::new());
    let mut visits = 0;
    for root in 0..n as u32 {
        if visit[root as usize] != NONE {
            continue;
        }
        path.push((root, 0));
        while let Some((row, next)) = path.last_mut() {
            let i = *row as usize;
            if visit[i] == NONE {
                (visit[i], least[i]) = (visits, visits);
                visits += 1;
                open.push(*row);
            }
            if let Some(&j) = pattern.row_cols(i).get(*next) {
                *next += 1;
                if visit[j as usize] == NONE {
                    path.push((j, 0));
                } else if component[j as usize] == NONE {
                    least[i] = least[i].min(visit[j as usize]);
                }
                continue;
            }
            path.pop();
            if let Some((before, _)) = path.last() {
                least[*before as usize] = least[*before as usize].min(least[i]);
            }
            if least[i] == visit[i] {
                while let Some(j) = open.pop() {
                    component[j as usize] = count;
                    if j as usize == i {
                        break;
                    }
                }
                count += 1;
            }
        }
    }
    (component, count as usize)
}

/// The entries inside of the components.
pub(super) fn inside(pattern: &Pattern, component: &[u32]) -> Pattern {
    let (mut ptr, mut columns) = (vec![0u32], Vec::with_capacity(pattern.nnz()));
    for i in 0..pattern.rows() {
        columns.extend(pattern.row_cols(i).iter().filter(|&&j| component[j as usize] == component[i]));
        ptr.push(columns.len() as u32);
    }
    Pattern::from_parts(pattern.rows(), pattern.cols(), ptr, columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Csr;

    fn pattern(n: usize, entries: &[(usize, usize)]) -> Csr<f64> {
        let t: Vec<_> = entries.iter().map(|&(i, j)| (i, j, 1.0)).collect();
        Csr::from_triplets(n, n, &t).unwrap()
    }

    #[test]
    fn cycles_are_components_and_come_after_what_they_reach() {
        // 0 → 1 → 2 → 0, 2 → 3, 3 ↔ 4, 5 alone, 5 → 0.
        let a = pattern(6, &[(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 3), (5, 0), (5, 5)]);
        let (component, count) = strong_components(a.pattern());
        assert_eq!(count, 3);
        assert_eq!(component, [1, 1, 1, 0, 0, 2]);
        assert_eq!(inside(a.pattern(), &component).nnz(), 6);
    }

    #[test]
    fn no_entry_lies_above_the_blocks() {
        for seed in 0..20usize {
            let n = 60;
            let entries: Vec<_> =
                (0..110).map(|q| ((q * q + seed) % n, (q * 17 + 5 * seed * q) % n)).collect();
            let a = pattern(n, &entries);
            let (component, count) = strong_components(a.pattern());
            assert!(component.iter().all(|&c| (c as usize) < count));
            for i in 0..n {
                assert!(a.pattern().row_cols(i).iter().all(|&j| component[j as usize] <= component[i]));
            }
        }
    }
}

//! Principal submatrices on connected patches of rows.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::{Csr, Pattern, Scalar};

impl<T: Scalar> Csr<T> {
    /// Principal submatrices A(p, p) on `count` patches p of `rows` rows each. Entries that leave a patch are dropped, as
    /// for a Dirichlet condition on the rows around it. What is learned on patches carries over to the whole matrix as far
    /// as the reach of a smoother is concerned, at a cost that does not depend on its size.
    ///
    /// A patch grows breadth-first along the stored entries of its rows, from a row that `seed` and the number of
    /// the patch determine; where a component ends it continues at the next row. Its rows keep their order, which
    /// matters to incomplete factors. Patches may overlap. A matrix of at most `rows` rows is its own only patch.
    ///
    /// Cost: the entries of the patches, and a mark for every row of the matrix.
    ///
    /// # Panics
    /// A matrix that is not square.
    ///
    /// ```
    /// let a = multigrad::gallery::poisson_2d(50, 50)?.matrix;
    /// let patches = a.patches(2, 400, 1);
    /// assert!(patches.len() == 2 && patches.iter().all(|p| p.rows() == 400 && p.is_symmetric()));
    /// assert_eq!(a.patches(3, 2500, 1), [a]);
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn patches(&self, count: usize, rows: usize, seed: u64) -> Vec<Self> {
        assert_eq!(self.rows(), self.cols(), "only a square matrix has principal submatrices");
        if self.rows() <= rows {
            return vec![self.clone()];
        }
        let mut place = vec![0u32; self.rows()];
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut patch = |_| {
            let list = grow(self.pattern(), random.random_range(0..self.rows()), rows, &mut place);
            list.iter().zip(1..).for_each(|(&i, new)| place[i as usize] = new);
            let patch = self.principal(&list, &place);
            list.iter().for_each(|&i| place[i as usize] = 0);
            patch
        };
        (0..count).map(&mut patch).collect()
    }

    /// A(p, p) for ascending rows p, whose places are numbered from 1; 0 marks the other rows.
    fn principal(&self, list: &[u32], place: &[u32]) -> Self {
        let (mut ptr, mut columns, mut values) = (vec![0u32], Vec::new(), Vec::new());
        for &i in list {
            for (j, v) in self.row(i as usize).filter(|&(j, _)| place[j] > 0) {
                columns.push(place[j] - 1);
                values.push(v);
            }
            ptr.push(columns.len() as u32);
        }
        Self::from_parts(Pattern::from_parts(list.len(), list.len(), ptr, columns).into(), values)
    }
}

/// The `rows` rows nearest to `first`, ascending. Their marks are set.
fn grow(pattern: &Pattern, first: usize, rows: usize, mark: &mut [u32]) -> Vec<u32> {
    let n = pattern.rows();
    let mut list: Vec<u32> = Vec::with_capacity(rows);
    let (mut next, mut start) = (0, first);
    while list.len() < rows {
        if next == list.len() {
            start = (start..n).chain(0..start).find(|&i| mark[i] == 0).unwrap_or(first);
            mark[start] = 1;
            list.push(start as u32);
            continue;
        }
        for &j in pattern.row_cols(list[next] as usize) {
            if mark[j as usize] == 0 && list.len() < rows {
                mark[j as usize] = 1;
                list.push(j);
            }
        }
        next += 1;
    }
    list.sort_unstable();
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 5-point stencil.
    fn grid(width: usize, height: usize) -> Csr<f64> {
        let mut entries = Vec::new();
        for i in 0..width * height {
            entries.push((i, i, 4.0));
            if i % width > 0 {
                entries.extend([(i, i - 1, -1.0), (i - 1, i, -1.0)]);
            }
            if i >= width {
                entries.extend([(i, i - width, -1.0), (i - width, i, -1.0)]);
            }
        }
        Csr::from_triplets(width * height, width * height, &entries).unwrap()
    }

    #[test]
    fn a_patch_is_a_connected_principal_submatrix() {
        let a = grid(40, 30);
        let patches = a.patches(3, 100, 7);
        assert_eq!(patches.len(), 3);
        for patch in &patches {
            assert_eq!((patch.rows(), patch.pattern().components().len()), (100, 1));
            assert!(patch.diagonal().iter().all(|&d| d == 4.0) && patch.is_symmetric());
            // A compact patch of a grid keeps most of its couplings.
            assert!(patch.nnz() > 400, "{}", patch.nnz());
        }
        assert_eq!(patches, a.patches(3, 100, 7));
        assert_ne!(patches, a.patches(3, 100, 8));
    }

    #[test]
    fn rows_without_neighbours_do_not_stop_a_patch() {
        let a = Csr::diagonal_matrix(&(0..10).map(f64::from).collect::<Vec<_>>());
        let patch = &a.patches(1, 4, 3)[0];
        assert_eq!((patch.rows(), patch.nnz()), (4, 4));
        assert!(a.patches(0, 4, 3).is_empty());
    }
}

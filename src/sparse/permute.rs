//! Rows and columns in another order.

use std::sync::Arc;

use super::{Csr, Pattern, Scalar};

impl<T: Scalar> Csr<T> {
    /// P A Pᵀ for a square matrix: row and column k are those that had the number `order[k]`, a permutation. Cost: one
    /// pass, and a sort of every row.
    #[must_use]
    pub(crate) fn permuted(&self, order: &[u32]) -> Self {
        let mut place = vec![0u32; order.len()];
        order.iter().enumerate().for_each(|(k, &i)| place[i as usize] = k as u32);
        let mut ptr = Vec::with_capacity(order.len() + 1);
        ptr.push(0u32);
        let (mut columns, mut values) = (Vec::with_capacity(self.nnz()), Vec::with_capacity(self.nnz()));
        let mut row = Vec::new();
        for &i in order {
            row.clear();
            row.extend(self.row(i as usize).map(|(j, v)| (place[j], v)));
            row.sort_unstable_by_key(|entry| entry.0);
            columns.extend(row.iter().map(|entry| entry.0));
            values.extend(row.iter().map(|entry| entry.1));
            ptr.push(columns.len() as u32);
        }
        Self::from_parts(Arc::new(Pattern::from_parts(self.rows(), self.cols(), ptr, columns)), values)
    }
}

#[cfg(test)]
mod tests {
    use crate::sparse::Csr;

    #[test]
    fn entries_move_with_their_rows_and_columns() {
        let a = Csr::from_triplets(3, 3, &[(0, 0, 1.0), (0, 2, 2.0), (1, 1, 3.0), (2, 0, 4.0), (2, 1, 5.0)])
            .unwrap();
        let order = [2, 0, 1];
        let b = a.permuted(&order);
        assert_eq!(b.nnz(), a.nnz());
        for k in 0..3 {
            for l in 0..3 {
                assert_eq!(b.get(k, l), a.get(order[k] as usize, order[l] as usize));
            }
            assert!(b.row(k).zip(b.row(k).skip(1)).all(|(p, q)| p.0 < q.0));
        }
    }
}

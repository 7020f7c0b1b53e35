//! Distribution of the rows of all levels over ranks.

use crate::error::{Error, Result};
use crate::sparse::Csr;

/// The rows of one level, by rank.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rows {
    /// The rank of every row.
    pub rank: Vec<u32>,
    /// The rows by rank, ascending on each rank: the row that gets every new number.
    pub order: Vec<u32>,
    /// Number of rows of every rank.
    pub counts: Vec<u32>,
}

impl Rows {
    /// Every row belongs to the rank of its part.
    pub fn of_ranks(rank: Vec<u32>, ranks: usize) -> Self {
        let mut counts = vec![0; ranks];
        rank.iter().for_each(|&r| counts[r as usize] += 1);
        let mut order: Vec<u32> = (0..rank.len() as u32).collect();
        order.sort_by_key(|&i| rank[i as usize]);
        Self { rank, order, counts }
    }

    /// The first rows belong to the first rank, and so on.
    pub fn contiguous(counts: &[usize]) -> Self {
        let rank = counts.iter().enumerate().flat_map(|(r, &n)| std::iter::repeat_n(r as u32, n)).collect();
        Self::of_ranks(rank, counts.len())
    }

    /// The split that PETSc makes if nothing is said: equal numbers, the first ranks one row more.
    pub fn equal(rows: usize, ranks: usize) -> Self {
        let counts: Vec<usize> = (0..ranks).map(|r| rows / ranks + usize::from(r < rows % ranks)).collect();
        Self::contiguous(&counts)
    }

    /// Rows of the next coarser level: each goes where most of its column of P lies.
    pub fn coarser(&self, prolongation: &Csr<f64>) -> Self {
        let ranks = self.counts.len();
        let mut share = vec![0.0; prolongation.cols() * ranks];
        for i in 0..prolongation.rows() {
            for (j, v) in prolongation.row(i) {
                share[j * ranks + self.rank[i] as usize] += v.abs();
            }
        }
        let largest = |shares: &[f64]| {
            let mut best = 0;
            for (r, &share) in shares.iter().enumerate() {
                if share > shares[best] {
                    best = r;
                }
            }
            best as u32
        };
        Self::of_ranks(share.chunks_exact(ranks.max(1)).map(largest).collect(), ranks)
    }

    /// The new number of every row.
    pub fn numbers(&self) -> Vec<u32> {
        let mut number = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(new, &old)| number[old as usize] = new as u32);
        number
    }

    /// Whether rows keep their numbers.
    pub fn is_natural(&self) -> bool {
        self.rank.is_sorted()
    }
}

/// The matrix with rows and columns renumbered by rank.
pub(super) fn renumbered(a: &Csr<f64>, rows: &Rows, columns: &Rows) -> Result<Csr<f64>> {
    if rows.is_natural() && columns.is_natural() {
        return Ok(a.clone());
    }
    let number = columns.numbers();
    let (mut row_ptr, mut col_idx, mut values) = (vec![0u32], Vec::new(), Vec::new());
    let mut line = Vec::new();
    for &i in &rows.order {
        line.clear();
        line.extend(a.row(i as usize).map(|(j, v)| (number[j], v)));
        line.sort_unstable_by_key(|entry| entry.0);
        col_idx.extend(line.iter().map(|entry| entry.0));
        values.extend(line.iter().map(|entry| entry.1));
        row_ptr.push(col_idx.len() as u32);
    }
    Csr::from_csr(a.rows(), a.cols(), &row_ptr, &col_idx, values)
}

/// How the rows of the finest level lie on ranks.
#[derive(Debug, Clone, Default)]
pub(super) enum Partition {
    /// Any number of ranks, if the smoothers do not depend on it; else one rank.
    #[default]
    Any,
    /// Equal runs of rows, as PETSc splits them.
    Equal(usize),
    /// Runs of these lengths.
    Runs(Vec<usize>),
    /// The rank of every row, and the number of ranks.
    Ranks(Vec<u32>, usize),
}

impl Partition {
    /// The rows of the finest level; `None` for any number of ranks.
    pub fn rows(&self, rows: usize) -> Result<Option<Rows>> {
        let wrong = |message: String| Err(Error::invalid_input(message));
        Ok(Some(match self {
            Partition::Any => return Ok(None),
            Partition::Equal(0) => return wrong("0 ranks; a run has at least one".into()),
            Partition::Equal(ranks) => Rows::equal(rows, *ranks),
            Partition::Runs(counts) => {
                let sum: usize = counts.iter().sum();
                if sum != rows || counts.is_empty() {
                    return wrong(format!("the ranks have {sum} rows together, and the matrix has {rows}"));
                }
                Rows::contiguous(counts)
            }
            Partition::Ranks(rank, ranks) => {
                if rank.len() != rows {
                    return wrong(format!("ranks of {} rows for a matrix of {rows} rows", rank.len()));
                }
                if let Some(i) = rank.iter().position(|&r| r as usize >= *ranks) {
                    return wrong(format!(
                        "row {} belongs to rank {}, counted from 0; there are {ranks} ranks",
                        i + 1,
                        rank[i]
                    ));
                }
                Rows::of_ranks(rank.clone(), *ranks)
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_split_as_petsc_splits_them_and_coarse_rows_follow() {
        let rows = Rows::equal(7, 3);
        assert_eq!(rows.counts, [3, 2, 2]);
        assert!(rows.is_natural());
        let entries =
            [(0, 1, 1.0), (1, 1, 1.0), (2, 0, 0.6), (3, 0, 0.5), (4, 2, 1.0), (5, 2, 1.0), (6, 2, 1.0)];
        let p = Csr::from_triplets(7, 3, &entries).unwrap();
        let coarse = rows.coarser(&p);
        assert_eq!((&coarse.rank[..], &coarse.order[..]), (&[0, 0, 2][..], &[0, 1, 2][..]));
        assert_eq!(coarse.counts, [2, 0, 1]);
    }

    #[test]
    fn a_renumbered_matrix_is_the_same_operator() {
        let a = crate::gallery::poisson_2d(5, 4).unwrap().matrix;
        let rows = Rows::of_ranks((0..20).map(|i| (i * 7 % 3) as u32).collect(), 3);
        let b = renumbered(&a, &rows, &rows).unwrap();
        for (new, &old) in rows.order.iter().enumerate() {
            for (j, v) in b.row(new) {
                assert_eq!(a.get(old as usize, rows.order[j] as usize), v);
            }
        }
        assert_eq!(a.nnz(), b.nnz());
        let wrong = Partition::Ranks(vec![0; 20], 1).rows(21).unwrap_err();
        assert!(wrong.to_string().contains("20 rows"), "{wrong}");
    }
}

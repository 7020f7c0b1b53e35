//! Levels of a triangle: sets of rows that a substitution may compute in parallel.

use super::Pattern;

/// Fewest rows per level, on average, for which levels are worth their barriers.
const WIDE: usize = 2048;

/// Rows by levels: a row depends on rows of earlier levels only.
#[derive(Debug, Clone, Default)]
pub struct Levels {
    ptr: Vec<u32>,
    rows: Vec<u32>,
}

impl Levels {
    /// The levels of the part of a square pattern below or above its diagonal, or `None` if they hold fewer
    /// than 2048 rows on average. Cost: one pass over that part.
    pub(super) fn new(pattern: &Pattern, lower: bool) -> Option<Self> {
        let cols = |i: usize| pattern.row_cols(i);
        Self::build(pattern.rows(), cols, lower, |count, n| count * WIDE <= n)
    }

    /// The levels of the part below or above the diagonal of a square matrix given by its row pointer and
    /// columns, of any width.
    #[cfg(feature = "cuda")]
    pub fn of_any_width(ptr: &[u32], columns: &[u32], lower: bool) -> Self {
        let cols = |i: usize| &columns[ptr[i] as usize..ptr[i + 1] as usize];
        Self::build(ptr.len() - 1, cols, lower, |_, _| true).unwrap_or_default()
    }

    /// `None` as soon as `worth` is false for the number of levels so far and the number of rows.
    fn build<'a>(
        n: usize,
        cols: impl Fn(usize) -> &'a [u32],
        lower: bool,
        worth: impl Fn(usize, usize) -> bool,
    ) -> Option<Self> {
        let mut level = vec![0u32; n];
        let mut count = 0;
        for step in 0..n {
            let i = if lower { step } else { n - 1 - step };
            let mut own = 0;
            for &j in cols(i) {
                if j as usize != i && ((j as usize) < i) == lower {
                    own = own.max(level[j as usize] + 1);
                }
            }
            level[i] = own;
            count = count.max(own as usize + 1);
            if !worth(count, n) {
                return None;
            }
        }
        let mut ptr = vec![0u32; count + 1];
        for &l in &level {
            ptr[l as usize + 1] += 1;
        }
        for l in 0..count {
            ptr[l + 1] += ptr[l];
        }
        let (mut next, mut rows) = (ptr.clone(), vec![0u32; n]);
        for (i, &l) in level.iter().enumerate() {
            rows[next[l as usize] as usize] = i as u32;
            next[l as usize] += 1;
        }
        Some(Self { ptr, rows })
    }

    /// The rows of all levels, level after level.
    #[cfg(feature = "cuda")]
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The start of every level in [`rows`](Self::rows), and the end of the last.
    #[cfg(feature = "cuda")]
    pub fn starts(&self) -> &[u32] {
        &self.ptr
    }

    /// The rows of every level in turn, ascending.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.ptr.windows(2).map(|w| &self.rows[w[0] as usize..w[1] as usize])
    }

    /// The number of rows of the widest level.
    pub fn widest(&self) -> usize {
        self.iter().map(<[u32]>::len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Csr;

    #[test]
    #[cfg(feature = "cuda")]
    fn levels_of_a_chain_are_single_rows() {
        let chain: Vec<_> = (0..5).map(|i| (i, i + usize::from(i < 4), 1.0)).collect();
        let a = Csr::from_triplets(5, 5, &chain).unwrap();
        let levels = Levels::of_any_width(a.pattern().row_ptr(), a.pattern().col_idx(), false);
        assert_eq!((levels.rows(), levels.starts()), (&[4, 3, 2, 1, 0][..], &[0, 1, 2, 3, 4, 5][..]));
        assert_eq!(Levels::of_any_width(&[0], &[], true).starts(), [0]);
    }

    #[test]
    fn levels_are_used_where_they_are_wide() {
        let n = 3 * WIDE;
        // Row i depends on row i − WIDE.
        let entries: Vec<_> = (0..n).map(|i| (i, if i < WIDE { i } else { i - WIDE }, 1.0)).collect();
        let a = Csr::from_triplets(n, n, &entries).unwrap();
        let levels = Levels::new(a.pattern(), true).unwrap();
        assert_eq!(levels.widest(), WIDE);
        let starts: Vec<u32> = levels.iter().map(|rows| rows[0]).collect();
        assert_eq!(starts, [0, WIDE as u32, 2 * WIDE as u32]);
        let all = Levels::new(a.pattern(), false).unwrap();
        assert_eq!(all.widest(), n);
        let chain: Vec<_> = (0..n).map(|i| (i, i.saturating_sub(1), 1.0)).collect();
        assert!(Levels::new(Csr::from_triplets(n, n, &chain).unwrap().pattern(), true).is_none());
        assert!(Levels::new(Csr::<f64>::identity(0).pattern(), true).is_some());
    }
}

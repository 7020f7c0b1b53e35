//! Graphs of strong connections with both directions.

use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// Points that a point depends on and points that depend on it.
pub(super) struct Graph<'a> {
    depends: (&'a [u32], &'a [u32]),
    influences: (&'a [u32], &'a [u32]),
    symmetric: bool,
}

impl<'a> Graph<'a> {
    /// From a square pattern without diagonal. A symmetric one is its own transpose, which saves the
    /// transposition. Cost: one pass, or three.
    ///
    /// # Errors
    /// A pattern that is not square.
    pub(super) fn new(strong: &'a Pattern) -> Result<Self> {
        check(strong)?;
        let depends = (strong.row_ptr(), strong.col_idx());
        let symmetric = is_symmetric(strong);
        let influences = if symmetric {
            depends
        } else {
            let t = strong.transposition();
            (t.ptr.as_slice(), t.row_idx.as_slice())
        };
        Ok(Self { depends, influences, symmetric })
    }

    /// Number of points.
    pub(super) fn len(&self) -> usize {
        self.depends.0.len() - 1
    }

    /// Whether the graph is symmetric.
    pub(super) fn is_symmetric(&self) -> bool {
        self.symmetric
    }

    /// The points that `i` depends on strongly.
    #[inline(always)]
    pub(super) fn depends(&self, i: usize) -> &'a [u32] {
        row(self.depends, i)
    }

    /// The points that depend on `i` strongly.
    #[inline(always)]
    pub(super) fn influences(&self, i: usize) -> &'a [u32] {
        row(self.influences, i)
    }
}

#[inline(always)]
fn row<'a>((ptr, idx): (&'a [u32], &'a [u32]), i: usize) -> &'a [u32] {
    &idx[ptr[i] as usize..ptr[i + 1] as usize]
}

/// Fails unless the graph has as many rows as columns.
pub(super) fn check(strong: &Pattern) -> Result<()> {
    if strong.rows() == strong.cols() {
        return Ok(());
    }
    Err(Error::dimension(format!(
        "a splitting needs a square graph of strong connections, got {} × {}",
        strong.rows(),
        strong.cols()
    )))
}

/// Whether (j, i) is stored wherever (i, j) is. Reads the columns in the order in which a transposition would
/// write them and stops at the first difference, without building a transpose.
fn is_symmetric(strong: &Pattern) -> bool {
    let (ptr, columns) = (strong.row_ptr(), strong.col_idx());
    let mut next = ptr[..strong.rows()].to_vec();
    for i in 0..strong.rows() {
        for &j in strong.row_cols(i) {
            let slot = &mut next[j as usize];
            if *slot == ptr[j as usize + 1] || columns[*slot as usize] != i as u32 {
                return false;
            }
            *slot += 1;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(rows: &[&[u32]]) -> Pattern {
        let mut ptr = vec![0];
        rows.iter().for_each(|r| ptr.push(ptr.last().unwrap() + r.len() as u32));
        Pattern::new(rows.len(), rows.len(), ptr, rows.concat()).unwrap()
    }

    #[test]
    fn both_ways() {
        let one_way = pattern(&[&[1, 2], &[2], &[0]]);
        let g = Graph::new(&one_way).unwrap();
        assert!(!g.is_symmetric());
        assert_eq!((g.depends(0), g.influences(0), g.influences(2)), (&[1, 2][..], &[2][..], &[0, 1][..]));
        let chain = pattern(&[&[1], &[0, 2], &[1]]);
        let g = Graph::new(&chain).unwrap();
        assert!(g.is_symmetric());
        assert_eq!(g.influences(1), [0, 2]);
        assert!(Graph::new(&Pattern::new(1, 2, vec![0, 0], vec![]).unwrap()).is_err());
    }

    #[test]
    fn symmetry_is_that_of_the_pattern() {
        for rows in [
            [&[1u32, 2][..], &[0], &[0]],
            [&[1, 2], &[0], &[]],
            [&[1], &[0, 2], &[]],
            [&[], &[], &[]],
            [&[2], &[0], &[1]],
            [&[], &[0], &[0, 1]],
        ] {
            let p = pattern(&rows);
            assert_eq!(is_symmetric(&p), p.is_symmetric(), "{rows:?}");
        }
    }
}

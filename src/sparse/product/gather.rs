//! Gather form of a product: for every entry of the result, the list of its terms. For a device, where a
//! thread owns an entry and adds to no other.

use std::ops::Range;

use super::check_chain;
use super::plan::map_chunks;
use crate::error::{Error, Result};
use crate::sparse::Pattern;
use crate::sparse::rows::{Pool, concat};

/// For entry p of C = A B, the terms ptr(p) to ptr(p + 1): a value of A at `left` times one of B at `right`, in the
/// order in which [`ProductPlan`](super::ProductPlan) adds them.
#[derive(Debug)]
pub(crate) struct Gather {
    pub ptr: Vec<u32>,
    pub left: Vec<u32>,
    pub right: Vec<u32>,
}

/// Columns row by row, in any order.
#[derive(Clone, Copy)]
struct Rows<'a> {
    ptr: &'a [u32],
    columns: &'a [u32],
}

impl<'a> Rows<'a> {
    fn of(pattern: &'a Pattern) -> Self {
        Self { ptr: pattern.row_ptr(), columns: pattern.col_idx() }
    }

    fn len(&self) -> usize {
        self.ptr.len() - 1
    }

    fn row(&self, i: usize) -> Range<usize> {
        self.ptr[i] as usize..self.ptr[i + 1] as usize
    }
}

/// The place of a column that the row does not have.
const NOWHERE: u32 = u32::MAX;

impl Gather {
    /// For C = A B on these patterns. Cost: two passes over the terms, in parallel.
    ///
    /// # Errors
    /// Dimensions that do not chain, terms outside the pattern of C, or more terms than 32-bit numbers can
    /// count.
    #[cfg(test)]
    pub(crate) fn product(a: &Pattern, b: &Pattern, c: &Pattern) -> Result<Self> {
        check_chain(a, b)?;
        check_shape(a.rows(), b.cols(), c)?;
        gather(Rows::of(a), b, Rows::of(c))
    }

    /// For C = R A P: the terms of R A, whose entries are in order of appearance, and those of (R A) P, in
    /// the order in which [`GalerkinPlan`](super::GalerkinPlan) adds them.
    ///
    /// # Errors
    /// As [`product`](Self::product).
    pub(crate) fn galerkin(r: &Pattern, a: &Pattern, p: &Pattern, c: &Pattern) -> Result<[Self; 2]> {
        check_chain(r, a)?;
        check_chain(a, p)?;
        check_shape(r.rows(), p.cols(), c)?;
        let (ptr, columns) = appearing(r, a)?;
        let inner = Rows { ptr: &ptr, columns: &columns };
        Ok([gather(Rows::of(r), a, inner)?, gather(inner, p, Rows::of(c))?])
    }
}

fn check_shape(rows: usize, cols: usize, c: &Pattern) -> Result<()> {
    if (c.rows(), c.cols()) == (rows, cols) {
        return Ok(());
    }
    Err(Error::dimension(format!(
        "a product is {rows} × {cols}, but its pattern is {} × {}",
        c.rows(),
        c.cols()
    )))
}

/// Row pointer and columns of A B, the columns of a row in order of appearance.
fn appearing(a: &Pattern, b: &Pattern) -> Result<(Vec<u32>, Vec<u32>)> {
    let pool = Pool::new(|| vec![false; b.cols()]);
    let chunk = |range: Range<usize>| {
        pool.with(|seen| {
            let (mut lengths, mut columns) = (Vec::with_capacity(range.len()), Vec::new());
            for i in range {
                let start = columns.len();
                for &k in a.row_cols(i) {
                    for &j in b.row_cols(k as usize) {
                        if !std::mem::replace(&mut seen[j as usize], true) {
                            columns.push(j);
                        }
                    }
                }
                columns[start..].iter().for_each(|&j| seen[j as usize] = false);
                lengths.push(columns.len() - start);
            }
            (lengths, columns)
        })
    };
    let parts: Vec<(Vec<usize>, Vec<u32>)> = map_chunks(a.rows(), chunk);
    let (lengths, columns): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    Ok((pointer(lengths.into_iter().flatten())?, concat(columns)))
}

/// The bounds of consecutive pieces of these lengths.
fn pointer(lengths: impl Iterator<Item = usize>) -> Result<Vec<u32>> {
    let (mut ptr, mut end) = (vec![0], 0u64);
    for length in lengths {
        end += length as u64;
        let Ok(end) = u32::try_from(end) else {
            return Err(Error::unsuited(
                "a product has more than 4 294 967 295 terms; refresh this hierarchy on the CPU",
            ));
        };
        ptr.push(end);
    }
    Ok(ptr)
}

fn gather(a: Rows<'_>, b: &Pattern, c: Rows<'_>) -> Result<Gather> {
    let pool = Pool::new(|| (vec![NOWHERE; b.cols()], Vec::new()));
    let chunk = |range: Range<usize>| {
        pool.with(|(place, next)| {
            let entries = c.row(range.start).start..c.row(range.end - 1).end;
            let mut part =
                Part { lengths: vec![0; entries.len()], left: Vec::new(), right: Vec::new(), fits: true };
            for i in range {
                part.row((a, b, c), i, entries.start, (place, next));
            }
            part
        })
    };
    let mut parts: Vec<Part> = map_chunks(a.len(), chunk);
    if parts.iter().any(|part| !part.fits) {
        return Err(Error::dimension("a product has entries outside its pattern"));
    }
    let ptr = pointer(parts.iter().flat_map(|part| part.lengths.iter().copied()))?;
    let left = concat(parts.iter_mut().map(|part| std::mem::take(&mut part.left)).collect());
    let right = concat(parts.into_iter().map(|part| part.right).collect());
    Ok(Gather { ptr, left, right })
}

/// A chunk of rows of a gather.
struct Part {
    lengths: Vec<usize>,
    left: Vec<u32>,
    right: Vec<u32>,
    fits: bool,
}

impl Part {
    /// Row i, where the first entry of the chunk is entry `first` of C. `place` is `NOWHERE` everywhere before
    /// and after.
    fn row(
        &mut self,
        (a, b, c): (Rows<'_>, &Pattern, Rows<'_>),
        i: usize,
        first: usize,
        (place, next): (&mut [u32], &mut Vec<usize>),
    ) {
        let own = c.row(i);
        let columns = &c.columns[own.clone()];
        columns.iter().enumerate().for_each(|(q, &j)| place[j as usize] = q as u32);
        let lengths = &mut self.lengths[own.start - first..own.end - first];
        let mut total = 0;
        for p in a.row(i) {
            for &j in b.row_cols(a.columns[p] as usize) {
                match place[j as usize] {
                    NOWHERE => self.fits = false,
                    q => {
                        lengths[q as usize] += 1;
                        total += 1;
                    }
                }
            }
        }
        let start = self.left.len();
        next.clear();
        next.extend(lengths.iter().scan(start, |end, length| Some(std::mem::replace(end, *end + length))));
        self.left.resize(start + total, 0);
        self.right.resize(start + total, 0);
        for p in a.row(i) {
            let k = a.columns[p] as usize;
            for (q, &j) in b.row(k).zip(b.row_cols(k)) {
                if place[j as usize] != NOWHERE {
                    let at = &mut next[place[j as usize] as usize];
                    (self.left[*at], self.right[*at]) = (p as u32, q as u32);
                    *at += 1;
                }
            }
        }
        columns.iter().for_each(|&j| place[j as usize] = NOWHERE);
    }
}

#[cfg(test)]
#[path = "gather_tests.rs"]
mod tests;

//! Overlapping subdomains: their rows, owned rows and outer rings.

use super::graph::Graph;
use crate::error::{Error, Result};
use crate::parallel;
use crate::sparse::Pattern;

/// Subdomains that cover all rows, each row owned by one of them.
///
/// The rows of all subdomains lie below each other in one list; a *place* is a position in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    rows: usize,
    overlap: usize,
    /// First place of every subdomain, and the end of the last.
    starts: Vec<u32>,
    /// The row at every place.
    members: Vec<u32>,
    /// Whether the subdomain owns the row at every place.
    owned: Vec<bool>,
    /// The start of the outer ring of every subdomain.
    ring_starts: Vec<u32>,
    /// Rows of the outer rings, counted within the subdomain.
    ring: Vec<u32>,
    /// The start of the places of every row.
    holder_starts: Vec<u32>,
    /// The places of every row, ascending.
    holders: Vec<u32>,
    /// The place of every row in the subdomain that owns it.
    owners: Vec<u32>,
}

/// One subdomain.
#[derive(Debug, Clone, Copy)]
pub struct Subdomain<'a> {
    /// Its rows, with overlap, ascending.
    pub rows: &'a [u32],
    /// Whether it owns each row.
    pub owned: &'a [bool],
    /// Its outer ring: positions in `rows`, ascending, of the rows with a neighbour outside.
    pub ring: &'a [u32],
}

/// Rows and outer ring of one subdomain.
type Grown = (Vec<u32>, Vec<u32>);

impl Decomposition {
    /// Part `p` owns the rows i with `part[i]` = p, and overlaps the others by `overlap` rings of the graph
    /// of A + Aᵀ (0: no overlap). Its outer ring consists of the rows with a neighbour outside it.
    ///
    /// Cost: one pass over the graph for every ring, in parallel over parts, and a sort of the new rows.
    ///
    /// # Errors
    /// A pattern that is not square or has no rows; another number of rows than `part` has; a part number
    /// without rows below the largest; more than 2³² − 1 rows in all subdomains together.
    pub fn from_parts(pattern: &Pattern, part: &[u32], overlap: usize) -> Result<Self> {
        let graph = Graph::new(pattern)?;
        let own = rows_of_parts(graph.rows(), part)?;
        let grown: Vec<Grown> = parallel::map(own.into_iter(), &|rows| grow(&graph, rows, overlap));
        let total: usize = grown.iter().map(|(rows, _)| rows.len()).sum();
        if total >= u32::MAX as usize {
            return Err(Error::dimension(format!(
                "the subdomains have {total} rows together, more than 32 bits can number; take less overlap"
            )));
        }
        Ok(Self::assemble(graph.rows(), overlap, part, &grown))
    }

    fn assemble(n: usize, overlap: usize, part: &[u32], grown: &[Grown]) -> Self {
        let ends = |lengths: &mut dyn Iterator<Item = usize>| {
            let mut list = vec![0u32];
            list.extend(lengths.scan(0u32, |sum, length| {
                *sum += length as u32;
                Some(*sum)
            }));
            list
        };
        let starts = ends(&mut grown.iter().map(|(rows, _)| rows.len()));
        let ring_starts = ends(&mut grown.iter().map(|(_, ring)| ring.len()));
        let members: Vec<u32> = grown.iter().flat_map(|(rows, _)| rows.iter().copied()).collect();
        let ring = grown.iter().flat_map(|(_, ring)| ring.iter().copied()).collect();
        let mut copies = vec![0; n];
        members.iter().for_each(|&i| copies[i as usize] += 1);
        let holder_starts = ends(&mut copies.into_iter());
        let mut next = holder_starts[..n].to_vec();
        let (mut holders, mut owners) = (vec![0; members.len()], vec![0; n]);
        let mut owned = Vec::with_capacity(members.len());
        for (p, (rows, _)) in grown.iter().enumerate() {
            for &i in rows {
                let (place, row) = (owned.len() as u32, i as usize);
                holders[next[row] as usize] = place;
                next[row] += 1;
                let owns = part[row] as usize == p;
                if owns {
                    owners[row] = place;
                }
                owned.push(owns);
            }
        }
        Self { rows: n, overlap, starts, members, owned, ring_starts, ring, holder_starts, holders, owners }
    }

    /// Number of rows of the matrix.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of subdomains.
    pub fn parts(&self) -> usize {
        self.starts.len() - 1
    }

    /// Rings of overlap.
    pub fn overlap(&self) -> usize {
        self.overlap
    }

    /// Rows of all subdomains together, shared rows counted for each.
    pub fn places(&self) -> usize {
        self.members.len()
    }

    /// A subdomain, counted from 0; `None` beyond the last.
    pub fn part(&self, p: usize) -> Option<Subdomain<'_>> {
        let ring = *self.ring_starts.get(p)? as usize..*self.ring_starts.get(p + 1)? as usize;
        let range = self.range(p);
        Some(Subdomain {
            rows: &self.members[range.clone()],
            owned: &self.owned[range],
            ring: &self.ring[ring],
        })
    }

    /// All subdomains in order.
    pub fn iter(&self) -> impl Iterator<Item = Subdomain<'_>> + '_ {
        (0..self.parts()).filter_map(|p| self.part(p))
    }

    /// The number of subdomains that contain row `i`, counted from 0; 0 beyond the last row. A partition of
    /// unity gives each of them the inverse as weight.
    pub fn copies(&self, i: usize) -> usize {
        if i < self.rows { self.places_of(i).len() } else { 0 }
    }

    /// Places of a subdomain.
    pub(crate) fn range(&self, p: usize) -> std::ops::Range<usize> {
        self.starts[p] as usize..self.starts[p + 1] as usize
    }

    /// Places of a row, ascending.
    #[inline(always)]
    pub(crate) fn places_of(&self, i: usize) -> &[u32] {
        &self.holders[self.holder_starts[i] as usize..self.holder_starts[i + 1] as usize]
    }

    /// The place of every row in the subdomain that owns it.
    pub(crate) fn owners(&self) -> &[u32] {
        &self.owners
    }

    /// The row at every place.
    pub(crate) fn members(&self) -> &[u32] {
        &self.members
    }

    /// Whether the place is in the subdomain that owns the row.
    pub(super) fn owned(&self) -> &[bool] {
        &self.owned
    }

    /// The cumulative number of entries of the rings.
    pub(crate) fn ring_starts(&self) -> &[u32] {
        &self.ring_starts
    }
}

/// The rows of every part, ascending.
fn rows_of_parts(n: usize, part: &[u32]) -> Result<Vec<Vec<u32>>> {
    if part.len() != n {
        return Err(Error::dimension(format!("{} part numbers for a matrix of {n} rows", part.len())));
    }
    if let Some(i) = part.iter().position(|&p| p as usize >= n) {
        return Err(Error::invalid_input(format!(
            "row {} has part number {}, counted from 0; {n} rows fill at most {n} parts",
            i + 1,
            part[i]
        )));
    }
    let count = part.iter().max().map_or(0, |&p| p as usize + 1);
    let mut rows = vec![Vec::new(); count];
    part.iter().enumerate().for_each(|(i, &p)| rows[p as usize].push(i as u32));
    match rows.iter().position(Vec::is_empty) {
        Some(p) => Err(Error::invalid_input(format!(
            "part {} of {count} has no rows; number the parts without gaps",
            p + 1
        ))),
        None => Ok(rows),
    }
}

/// Adds rings to ascending rows, and finds the outer ring.
fn grow(graph: &Graph, mut rows: Vec<u32>, overlap: usize) -> Grown {
    // Only rows of the newest ring can have neighbours that are not yet inside.
    let mut front = rows.clone();
    for _ in 0..overlap {
        front = outside(graph, &rows, &front);
        if front.is_empty() {
            break;
        }
        rows.extend_from_slice(&front);
        rows.sort_unstable();
    }
    let open = |&i: &u32| graph.of(i as usize).iter().any(|j| rows.binary_search(j).is_err());
    let ring = (0..).zip(&rows).filter(|(_, i)| open(i)).map(|(local, _)| local).collect();
    (rows, ring)
}

/// The neighbours of `front` that are not in `rows`, ascending.
fn outside(graph: &Graph, rows: &[u32], front: &[u32]) -> Vec<u32> {
    let near = front.iter().flat_map(|&i| graph.of(i as usize)).copied();
    let mut list: Vec<u32> = near.filter(|j| rows.binary_search(j).is_err()).collect();
    list.sort_unstable();
    list.dedup();
    list
}

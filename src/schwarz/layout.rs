//! Layout of local matrices in A, and of their interface entries.

use std::ops::Range;
use std::sync::Arc;

use super::decomposition::{Decomposition, Subdomain};
use crate::error::{Error, Result};
use crate::parallel;
use crate::sparse::{Pattern, Scalar};

/// The patterns of Rᵢ A Rᵢᵀ for all subdomains, as places in the values of A, and the interface entries: the
/// entries of A whose row and column both lie in the outer ring of the subdomain.
///
/// Depends on the pattern of A only: a matrix with new values keeps it.
#[derive(Debug, Clone)]
pub struct Layout {
    decomposition: Decomposition,
    pattern: Arc<Pattern>,
    /// The start of the entries of every place (a row of a local matrix).
    row_starts: Vec<u32>,
    /// Column of every entry, counted within the subdomain, ascending within a row.
    columns: Vec<u32>,
    /// Its number in the values of A.
    sources: Vec<u32>,
    /// The start of the interface entries of every subdomain.
    interface_starts: Vec<u32>,
    /// Number of every interface entry among the entries of all local matrices.
    interface: Vec<u32>,
    /// Its row and column in the ring of its subdomain, as positions in [`Subdomain::ring`].
    ends: Vec<[u32; 2]>,
}

/// The local matrix of one subdomain.
#[derive(Default)]
struct Local {
    /// Entries of every row.
    lengths: Vec<u32>,
    columns: Vec<u32>,
    sources: Vec<u32>,
    /// Number of the entry in this local matrix.
    interface: Vec<u32>,
    ends: Vec<[u32; 2]>,
}

impl Local {
    fn new(pattern: &Pattern, subdomain: Subdomain<'_>) -> Self {
        let mut local = Self::default();
        for (row, &i) in (0..).zip(subdomain.rows) {
            let before = local.columns.len();
            let end = subdomain.ring.binary_search(&row).ok();
            for p in pattern.row(i as usize) {
                let Ok(column) = subdomain.rows.binary_search(&pattern.col_idx()[p]) else { continue };
                let other = end.and_then(|r| Some((r, subdomain.ring.binary_search(&(column as u32)).ok()?)));
                if let Some((r, c)) = other {
                    local.interface.push(local.columns.len() as u32);
                    local.ends.push([r as u32, c as u32]);
                }
                local.columns.push(column as u32);
                local.sources.push(p as u32);
            }
            local.lengths.push((local.columns.len() - before) as u32);
        }
        local
    }
}

impl Layout {
    /// The layout of the matrices with this pattern. Cost: one pass over the local patterns with a
    /// search for every entry, in parallel over subdomains.
    ///
    /// # Errors
    /// A pattern of another order than the decomposition; more entries in all local matrices than 32 bits
    /// can number.
    pub fn new(pattern: &Arc<Pattern>, decomposition: Decomposition) -> Result<Arc<Self>> {
        let n = decomposition.rows();
        if pattern.rows() != n || pattern.cols() != n {
            let shape = format!("{} × {}", pattern.rows(), pattern.cols());
            return Err(Error::dimension(format!("a decomposition of {n} rows for a matrix of {shape}")));
        }
        let parts: Vec<usize> = (0..decomposition.parts()).collect();
        let local = |&p: &usize| decomposition.part(p).map(|s| Local::new(pattern, s)).unwrap_or_default();
        let locals: Vec<Local> = parallel::map(parts.iter(), &local);
        let total: usize = locals.iter().map(|l| l.columns.len()).sum();
        if total >= u32::MAX as usize {
            return Err(Error::dimension(format!(
                "the local matrices have {total} entries together, more than 32 bits can number"
            )));
        }
        let (mut row_starts, mut interface_starts) = (vec![0], vec![0]);
        let (mut columns, mut sources) = (Vec::with_capacity(total), Vec::with_capacity(total));
        let (mut interface, mut ends) = (Vec::new(), Vec::new());
        for local in locals {
            let first = columns.len() as u32;
            let mut sum = first;
            row_starts.extend(local.lengths.iter().map(|length| {
                sum += length;
                sum
            }));
            columns.extend(local.columns);
            sources.extend(local.sources);
            interface.extend(local.interface.iter().map(|p| first + p));
            ends.extend(local.ends);
            interface_starts.push(interface.len() as u32);
        }
        let pattern = pattern.clone();
        let layout =
            Self { decomposition, pattern, row_starts, columns, sources, interface_starts, interface, ends };
        Ok(Arc::new(layout))
    }

    /// The subdomains.
    pub fn decomposition(&self) -> &Decomposition {
        &self.decomposition
    }

    /// The pattern of A.
    pub fn pattern(&self) -> &Arc<Pattern> {
        &self.pattern
    }

    /// Number of interface entries of all subdomains.
    pub fn interface_entries(&self) -> usize {
        self.interface.len()
    }

    /// The interface entries of subdomain `p`, counted from 0, as a range of all; empty beyond the last.
    pub fn interface_of(&self, p: usize) -> Range<usize> {
        match (self.interface_starts.get(p), self.interface_starts.get(p + 1)) {
            (Some(&start), Some(&end)) => start as usize..end as usize,
            _ => 0..0,
        }
    }

    /// Row and column of every interface entry of subdomain `p`, counted within the subdomain.
    pub fn interface_ends(&self, p: usize) -> Vec<[usize; 2]> {
        let ring = self.decomposition.part(p).map_or(&[][..], |s| s.ring);
        let local = |&[r, c]: &[u32; 2]| [ring[r as usize] as usize, ring[c as usize] as usize];
        self.ends[self.interface_of(p)].iter().map(local).collect()
    }

    /// The row of A of every interface entry.
    pub fn interface_rows(&self) -> impl Iterator<Item = usize> + '_ {
        let parts = self.decomposition.iter().enumerate();
        parts.flat_map(|(p, subdomain)| {
            let ends = self.ends[self.interface_of(p)].iter();
            ends.map(move |&[r, _]| subdomain.rows[subdomain.ring[r as usize] as usize] as usize)
        })
    }

    /// Number in the values of A of every interface entry.
    pub(crate) fn interface_sources(&self) -> impl Iterator<Item = usize> + '_ {
        self.interface.iter().map(|&q| self.sources[q as usize] as usize)
    }

    /// Row and column of every interface entry in the ring of its subdomain.
    pub(crate) fn ring_ends(&self) -> &[[u32; 2]] {
        &self.ends
    }

    /// The pattern of the local matrix of subdomain `p`.
    pub(super) fn local_pattern(&self, p: usize) -> Pattern {
        let starts = self.local_starts(p);
        let entries = starts[0] as usize..starts[starts.len() - 1] as usize;
        let n = starts.len() - 1;
        let row_ptr = starts.iter().map(|s| s - starts[0]).collect();
        Pattern::from_parts(n, n, row_ptr, self.columns[entries].to_vec())
    }

    /// The values of the local matrix of subdomain `p`: those of A, and the interface values added.
    pub(super) fn local_values<T: Scalar>(&self, p: usize, a: &[T], interface: &[T]) -> Vec<T> {
        let starts = self.local_starts(p);
        let first = starts[0] as usize;
        let mut values: Vec<T> = self.local_sources(p).iter().map(|&q| a[q as usize]).collect();
        let own = self.interface_of(p);
        for (&q, &v) in self.interface[own.clone()].iter().zip(&interface[own]) {
            values[q as usize - first] += v;
        }
        values
    }

    /// Columns of all rows of the local matrix of subdomain `p`.
    pub(crate) fn local_rows(&self, p: usize) -> impl Iterator<Item = &[u32]> + '_ {
        self.local_starts(p).windows(2).map(|w| &self.columns[w[0] as usize..w[1] as usize])
    }

    /// Numbers in the values of A of all entries of the local matrix of subdomain `p`, row by row.
    pub(crate) fn local_sources(&self, p: usize) -> &[u32] {
        let starts = self.local_starts(p);
        &self.sources[starts[0] as usize..starts[starts.len() - 1] as usize]
    }

    fn local_starts(&self, p: usize) -> &[u32] {
        let range = self.decomposition.range(p);
        &self.row_starts[range.start..=range.end]
    }
}

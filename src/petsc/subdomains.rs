//! A Schwarz method as a block-diagonal matrix between two transfers.

use crate::error::Result;
use crate::schwarz::{Subdomains, Variant};
use crate::sparse::Csr;

use super::layout::{Rows, renumbered};

/// M = S B⁻¹ G: G gathers the residuals of all subdomains, the blocks of B are their local matrices with interface
/// values added, and S adds their corrections.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gathered {
    /// G, places × rows.
    pub gather: Csr<f64>,
    /// B, places × places.
    pub local: Csr<f64>,
    /// S, rows × places.
    pub scatter: Csr<f64>,
    /// The rank of every place; subdomains stay together, where most of their rows lie.
    pub places: Rows,
}

impl Gathered {
    /// The same with rows and places in the order of their ranks.
    pub fn renumbered(&self, rows: &Rows) -> Result<Self> {
        Ok(Self {
            gather: renumbered(&self.gather, &self.places, rows)?,
            local: renumbered(&self.local, &self.places, &self.places)?,
            scatter: renumbered(&self.scatter, rows, &self.places)?,
            places: self.places.clone(),
        })
    }
}

/// The parts of the method on `a`; rows and places keep the numbers of the level.
///
/// # Errors
/// A method that does not fit the matrix.
pub(super) fn gathered(
    subdomains: &Subdomains,
    interface: &[f64],
    a: &Csr<f64>,
    rows: &Rows,
) -> Result<Gathered> {
    let layout = subdomains.layout(a.pattern())?;
    let decomposition = layout.decomposition();
    let places = decomposition.places();
    let (mut gather, mut scatter, mut local) = (Vec::new(), Vec::new(), Vec::new());
    let mut rank = Vec::with_capacity(places);
    for (p, subdomain) in decomposition.iter().enumerate() {
        let first = rank.len();
        let mut count = vec![0; rows.counts.len()];
        subdomain.rows.iter().for_each(|&i| count[rows.rank[i as usize] as usize] += 1);
        let most = count.iter().max().copied().unwrap_or_default();
        let home = count.iter().position(|&c| c == most).unwrap_or_default() as u32;
        for (q, (&i, &owned)) in subdomain.rows.iter().zip(subdomain.owned).enumerate() {
            let i = i as usize;
            let kept = if owned { 1.0 } else { 0.0 };
            let shared = 1.0 / (decomposition.copies(i) as f64).sqrt();
            let (before, after) = match subdomains.variant() {
                Variant::Restricted => (1.0, kept),
                Variant::Additive => (1.0, 1.0),
                Variant::Weighted => (shared, shared),
                Variant::Harmonic => (kept, 1.0),
            };
            if before != 0.0 {
                gather.push((first + q, i, before));
            }
            if after != 0.0 {
                scatter.push((i, first + q, after));
            }
            rank.push(home);
        }
        let mut sources = layout.local_sources(p).iter();
        for (q, columns) in layout.local_rows(p).enumerate() {
            for (&j, &source) in columns.iter().zip(&mut sources) {
                local.push((first + q, first + j as usize, a.values()[source as usize]));
            }
        }
        let ends = layout.interface_ends(p).into_iter().zip(layout.interface_of(p));
        local.extend(ends.map(|([r, c], e)| (first + r, first + c, interface[e])));
    }
    let (n, ranks) = (a.rows(), rows.counts.len());
    Ok(Gathered {
        gather: Csr::from_triplets(places, n, &gather)?,
        local: Csr::from_triplets(places, places, &local)?,
        scatter: Csr::from_triplets(n, places, &scatter)?,
        places: Rows::of_ranks(rank, ranks),
    })
}

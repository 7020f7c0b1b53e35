//! Stored subdomains: part numbers, from which the layout is built on first use.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::decomposition::Decomposition;
use super::layout::Layout;
use super::variant::Variant;
use crate::error::Result;
use crate::sparse::{Pattern, Scalar};

/// The part of every row, the rings of overlap and the variant: everything of a Schwarz method except its
/// values.
///
/// Part numbers are stored and not recomputed, since METIS may find others on another machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subdomains {
    part: Vec<u32>,
    overlap: usize,
    variant: Variant,
    /// The layout on the first pattern.
    #[serde(skip)]
    layout: OnceLock<Arc<Layout>>,
}

impl Subdomains {
    /// Part `p` owns the rows i with `part[i]` = p, and overlaps the others by `overlap` rings of `pattern`.
    ///
    /// # Errors
    /// As [`Decomposition::from_parts`] and [`Layout::new`].
    pub fn new(
        pattern: &Arc<Pattern>,
        part: Vec<u32>,
        overlap: usize,
        variant: Variant,
    ) -> Result<Arc<Self>> {
        let subdomains = Self { part, overlap, variant, layout: OnceLock::new() };
        subdomains.layout(pattern)?;
        Ok(Arc::new(subdomains))
    }

    /// The subdomains of a layout.
    pub(crate) fn of(layout: &Arc<Layout>, variant: Variant) -> Arc<Self> {
        let decomposition = layout.decomposition();
        let mut part = vec![0; decomposition.rows()];
        for (p, subdomain) in decomposition.iter().enumerate() {
            let rows = subdomain.rows.iter().zip(subdomain.owned);
            rows.filter(|(_, owned)| **owned).for_each(|(&i, _)| part[i as usize] = p as u32);
        }
        let overlap = decomposition.overlap();
        Arc::new(Self { part, overlap, variant, layout: OnceLock::from(layout.clone()) })
    }

    /// The same subdomains with another variant.
    #[must_use]
    pub fn with_variant(&self, variant: Variant) -> Arc<Self> {
        Arc::new(Self { variant, ..self.clone() })
    }

    /// Subdomains and interface values of Mᵀ, which belongs to Aᵀ. Values that do not fit become NaN.
    pub(crate) fn transposed<T: Scalar>(&self, interface: &[T]) -> (Arc<Self>, Vec<T>) {
        let variant = match self.variant {
            Variant::Restricted => Variant::Harmonic,
            Variant::Harmonic => Variant::Restricted,
            both => both,
        };
        let Some(layout) = self.layout.get().filter(|l| l.interface_entries() == interface.len()) else {
            return (self.with_variant(variant), vec![T::from_f64(f64::NAN); interface.len()]);
        };
        let mut flipped = Vec::with_capacity(interface.len());
        for p in 0..layout.decomposition().parts() {
            let own = layout.interface_of(p);
            let ends = layout.ring_ends()[own.clone()].iter();
            let mut entries: Vec<_> = ends.map(|&[r, c]| [c, r]).zip(&interface[own]).collect();
            entries.sort_unstable_by_key(|entry| entry.0);
            flipped.extend(entries.into_iter().map(|(_, &v)| v));
        }
        let mut subdomains = Self { variant, ..self.clone() };
        let pattern = layout.pattern().transposed();
        if pattern != *layout.pattern() {
            subdomains.layout = OnceLock::new();
            // Fails only where this layout would have failed too.
            let _ = subdomains.layout(&pattern);
        }
        (Arc::new(subdomains), flipped)
    }

    /// The part of every row.
    pub fn part(&self) -> &[u32] {
        &self.part
    }

    /// Number of parts.
    pub fn parts(&self) -> usize {
        self.part.iter().max().map_or(0, |&p| p as usize + 1)
    }

    /// Rings of overlap.
    pub fn overlap(&self) -> usize {
        self.overlap
    }

    /// The variant.
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// The layout of the local matrices in a matrix of this pattern. Cost: that of [`Layout::new`] for the
    /// first pattern, and for every later one that differs.
    ///
    /// # Errors
    /// A pattern of another order, and as [`new`](Self::new).
    pub fn layout(&self, pattern: &Arc<Pattern>) -> Result<Arc<Layout>> {
        let fits = |l: &&Arc<Layout>| Arc::ptr_eq(l.pattern(), pattern) || l.pattern() == pattern;
        if let Some(layout) = self.layout.get().filter(fits) {
            return Ok(layout.clone());
        }
        let layout = Layout::new(pattern, Decomposition::from_parts(pattern, &self.part, self.overlap)?)?;
        self.layout.get_or_init(|| layout.clone());
        Ok(layout)
    }
}

impl PartialEq for Subdomains {
    fn eq(&self, other: &Self) -> bool {
        (self.overlap, self.variant, &self.part) == (other.overlap, other.variant, &other.part)
    }
}

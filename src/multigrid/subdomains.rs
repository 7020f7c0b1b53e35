//! Schwarz methods as smoothers.

use std::fmt;
use std::sync::Arc;

use super::smoother::{Smoother, Sweep};
use crate::error::Result;
use crate::schwarz::{Coupling, Interface, Subdomains, Variant, greedy, partition};
use crate::sparse::{Csr, Storage};

/// Number of rows beyond which parts are grown greedily: METIS takes seconds for a million rows.
const GREEDY: usize = 400_000;

/// Size or number of the parts of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Parts {
    /// Parts of about this many rows each.
    Rows(usize),
    /// This many parts on the finest level; on coarser levels, parts with the same number of rows.
    Count(usize),
}

/// Subdomains of a level with classical interface conditions. The parts are computed by METIS (Karypis and Kumar,
/// 1998), and grown greedily beyond 400 000 rows.
///
/// Its text form is `schwarz(100,1,0.9,restricted)`: rows of a part (or their number, as in `81 parts`), rings of
/// overlap, the share α of a Robin condition (see [`Interface::optimised`]; the default 0 is Dirichlet's
/// condition), and the variant.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SchwarzOptions {
    /// Size or number of the parts.
    pub parts: Parts,
    /// Rings of overlap.
    pub overlap: usize,
    /// α of the Robin condition with [`Coupling::Largest`].
    pub share: f64,
    /// Combination of the local solutions.
    pub variant: Variant,
}

impl Default for SchwarzOptions {
    /// Parts of 100 rows, one ring of overlap, Dirichlet's condition, the restricted variant.
    fn default() -> Self {
        Self { parts: Parts::Rows(100), overlap: 1, share: 0.0, variant: Variant::Restricted }
    }
}

impl SchwarzOptions {
    /// The subdomains of a matrix.
    ///
    /// # Errors
    /// A matrix that is not square; more parts than rows.
    pub fn subdomains(&self, a: &Csr<f64>) -> Result<Arc<Subdomains>> {
        let n = a.rows();
        let count = match self.parts {
            Parts::Rows(rows) => n.div_ceil(rows.max(1)),
            Parts::Count(count) => count,
        };
        let part = if count == 1 {
            vec![0; n]
        } else if n > GREEDY {
            greedy(a.pattern(), n.div_ceil(count))?
        } else {
            partition(a.pattern(), count)?
        };
        Subdomains::new(a.pattern(), part, self.overlap, self.variant)
    }

    /// The options for a level below the finest, which has `rows` rows.
    #[must_use]
    pub(super) fn below(mut self, rows: usize) -> Self {
        if let Parts::Count(count) = self.parts {
            self.parts = Parts::Rows(rows.div_ceil(count.max(1)));
        }
        self
    }

    /// The sweep with the classical condition.
    ///
    /// # Errors
    /// As [`subdomains`](Self::subdomains) and [`Interface::optimised`].
    pub fn sweep(&self, a: &Csr<f64>) -> Result<Sweep> {
        let subdomains = self.subdomains(a)?;
        let interface = self.interface(a, &subdomains)?;
        Ok(Smoother::Schwarz { subdomains, interface: Storage::shared(interface) })
    }

    /// The values of the classical condition on these subdomains.
    ///
    /// # Errors
    /// As [`Interface::optimised`].
    pub fn interface(&self, a: &Csr<f64>, subdomains: &Subdomains) -> Result<Vec<f64>> {
        let layout = subdomains.layout(a.pattern())?;
        let interface = Interface::optimised(a, &layout, self.share, 0.0, Coupling::Largest)?;
        Ok(interface.values().to_vec())
    }

    /// The options with these parameters of their text form, or `None` if they are invalid.
    pub(super) fn with_parameters(mut self, parameters: &[&str]) -> Option<Self> {
        let positive = |text: &str| text.trim().parse::<usize>().ok().filter(|&n| n > 0);
        if parameters.is_empty() || parameters.len() > 4 {
            return None;
        }
        self.parts = match parameters[0].strip_suffix("parts") {
            Some(count) => Parts::Count(positive(count)?),
            None => Parts::Rows(positive(parameters[0])?),
        };
        if let Some(overlap) = parameters.get(1) {
            self.overlap = overlap.parse().ok()?;
        }
        if let Some(share) = parameters.get(2) {
            self.share = share.parse::<f64>().ok().filter(|v| v.is_finite())?;
        }
        if let Some(name) = parameters.get(3) {
            self.variant = name.parse().ok()?;
        }
        Some(self)
    }
}

impl fmt::Display for SchwarzOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts {
            Parts::Rows(rows) => write!(f, "({rows}")?,
            Parts::Count(count) => write!(f, "({count} parts")?,
        }
        write!(f, ",{}", self.overlap)?;
        if self.share != 0.0 || self.variant != Variant::Restricted {
            write!(f, ",{}", self.share)?;
        }
        if self.variant != Variant::Restricted {
            write!(f, ",{}", self.variant.name())?;
        }
        f.write_str(")")
    }
}

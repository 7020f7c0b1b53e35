//! Kinds of cycles.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Number and order of the visits of a cycle to the coarser levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CycleKind {
    /// An F-cycle on the coarser levels, followed by a V-cycle.
    F,
    /// One visit.
    #[default]
    V,
    /// Two visits.
    W,
    /// Two visits, each the preconditioner of one Krylov step on the coarser level (Notay and Vassilevski 2008).
    /// The Krylov method is GCR (generalised conjugate residuals), which also suits nonsymmetric matrices. The
    /// cycle is not linear: use it in FGMRES or flexible CG.
    K,
}

impl CycleKind {
    /// All kinds.
    pub const ALL: [CycleKind; 4] = [CycleKind::V, CycleKind::W, CycleKind::F, CycleKind::K];

    /// Whether a cycle is a linear operator.
    pub fn is_linear(self) -> bool {
        self != CycleKind::K
    }
}

impl fmt::Display for CycleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl FromStr for CycleKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|kind| kind.to_string().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            Error::invalid_input(format!("there is no cycle called '{text}'; choose one of V, W, F, K"))
        })
    }
}

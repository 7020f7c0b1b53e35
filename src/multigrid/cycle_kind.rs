//! Kinds of cycles.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How often and in which order a cycle visits the coarser levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CycleKind {
    /// An F-cycle below, then a V-cycle.
    F,
    /// Once.
    #[default]
    V,
    /// Twice.
    W,
    /// Twice, as a preconditioner of two steps of a Krylov method on every coarser level (Notay
    /// and Vassilevski 2008). The method is the one of generalised conjugate residuals, for
    /// symmetric matrices and others. Such a cycle is not linear: use it in FGMRES or flexible CG.
    K,
}

impl CycleKind {
    /// All of them.
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

//! What training minimises.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What training minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The asymptotic factor of the cycle: suits a cycle that is iterated by itself.
    #[default]
    Factor,
    /// The residual of a few steps of GMRES: suits FGMRES, BiCGStab and CG, which care for a few slow
    /// errors less than a plain cycle does. From a slow start the factor is minimised first, and from a
    /// start that leaves GMRES only rounding to minimise, to the end.
    Krylov,
    /// The factors of one to K cycles, weighted to the slowest column and number of cycles (Taghibakhshi et al.
    /// 2023): as the factor, with less weight on what is fast already.
    Slowest,
    /// Seconds per digit: the factor, where every way to learn that is tried is judged by the measured
    /// time of a cycle over the digits that it gains.
    Time,
}

impl Loss {
    /// All of them.
    pub const ALL: [Loss; 4] = [Loss::Factor, Loss::Krylov, Loss::Slowest, Loss::Time];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Loss::Factor => "factor",
            Loss::Krylov => "krylov",
            Loss::Slowest => "slowest",
            Loss::Time => "time",
        }
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Loss {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|l| l.name() == text).ok_or_else(|| {
            Error::invalid_input(format!("there is no loss '{text}'; choose factor, krylov, slowest or time"))
        })
    }
}

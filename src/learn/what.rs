//! What of a cycle is learned.

use serde::{Deserialize, Serialize};

use super::factor::asymptotic_factor;
use crate::error::{Error, Result};
use crate::multigrid::{Amg, Relaxation};

/// What of a cycle is learned, one before and one after the coarse-grid correction on every level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Learn {
    /// A sparse M on the pattern of A, x ← x + M (b − A x), from SPAI-1 on.
    #[default]
    Relaxation,
    /// L and U on the pattern of ILU(0), x ← x + U⁻¹ L⁻¹ (b − A x), from ILU(0) on.
    Factors,
}

/// Damping of ILU(0) that is tried for a start where it diverges faster than [`TAMEABLE`].
const DAMPING: [f64; 4] = [1.0, 0.7, 0.5, 0.3];
/// A divergence that training turns around: from damped factors it would have to grow them first.
const TAMEABLE: f64 = 4.0;
/// Cycles of the measurement that tells one damping from another.
const CYCLES: usize = 12;

impl Learn {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Learn::Relaxation => "relaxation",
            Learn::Factors => "factors",
        }
    }

    /// What is learned, in a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Learn::Relaxation => "learned M",
            Learn::Factors => "learned L and U",
        }
    }

    /// The hierarchy of `amg` with the smoothers that training starts from, and their name.
    ///
    /// # Errors
    /// A level on which they cannot be built.
    pub(super) fn start(self, amg: &Amg, sweeps: (usize, usize), seed: u64) -> Result<(Amg, Relaxation)> {
        if self == Learn::Relaxation {
            return Ok((amg.with_relaxation(Relaxation::Spai1, sweeps)?, Relaxation::Spai1));
        }
        let mut best: Option<(f64, Amg, Relaxation)> = None;
        for damping in DAMPING {
            let relaxation = Relaxation::Ilu0(damping);
            let candidate = amg.with_relaxation(relaxation, sweeps)?;
            let factor = asymptotic_factor(candidate.hierarchy(), seed, CYCLES).factor;
            if best.as_ref().is_none_or(|b| factor < b.0) {
                best = Some((factor, candidate, relaxation));
            }
            if factor < TAMEABLE {
                break;
            }
        }
        best.map(|(_, amg, relaxation)| (amg, relaxation))
            .ok_or_else(|| Error::unsuited("no damping of ILU(0) gives a start"))
    }
}

impl std::fmt::Display for Learn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Learn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Learn::Relaxation, Learn::Factors].into_iter().find(|l| l.name() == text).ok_or_else(|| {
            Error::invalid_input(format!("'{text}' cannot be learned; relaxation and factors can"))
        })
    }
}

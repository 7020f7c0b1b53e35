//! Iterative methods by name.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// An iterative method, identified by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Krylov {
    /// The stationary iteration: plain cycles.
    #[serde(rename = "cycles")]
    Richardson,
    /// Conjugate gradients.
    Cg,
    /// BiCGStab: two applications of the preconditioner per iteration.
    BiCgStab,
    /// Flexible GMRES.
    Fgmres,
}

impl Krylov {
    /// All methods.
    pub const ALL: [Krylov; 4] = [Krylov::Richardson, Krylov::Cg, Krylov::BiCgStab, Krylov::Fgmres];

    /// The name in its usual spelling.
    pub fn name(self) -> &'static str {
        match self {
            Krylov::Richardson => "plain cycles",
            Krylov::Cg => "CG",
            Krylov::BiCgStab => "BiCGStab",
            Krylov::Fgmres => "FGMRES",
        }
    }
}

impl fmt::Display for Krylov {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads [`Krylov::name`] and short names, in capital or small letters.
impl FromStr for Krylov {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "none" | "cycles" | "plain cycles" | "richardson" => Krylov::Richardson,
            "cg" => Krylov::Cg,
            "bicgstab" => Krylov::BiCgStab,
            "fgmres" => Krylov::Fgmres,
            _ => {
                let message =
                    format!("there is no method called '{text}'; choose one of none, cg, bicgstab, fgmres");
                return Err(Error::invalid_input(message));
            }
        })
    }
}

/// A method with its own options.
#[derive(Debug, Clone, Copy)]
pub(super) enum Method {
    Cg { symmetry_check: bool, flexible: bool },
    BiCgStab,
    Fgmres { restart: usize },
    Richardson { damping: f64 },
}

impl Method {
    /// The method without its options.
    pub fn krylov(self) -> Krylov {
        match self {
            Method::Cg { .. } => Krylov::Cg,
            Method::BiCgStab => Krylov::BiCgStab,
            Method::Fgmres { .. } => Krylov::Fgmres,
            Method::Richardson { .. } => Krylov::Richardson,
        }
    }
}

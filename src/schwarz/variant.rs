//! Variants of the additive Schwarz method.

use crate::error::{Error, Result};

/// How the subdomains read residuals and add up corrections where they overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Variant {
    /// Residuals with overlap, corrections of owned rows only (RAS; Cai and Sarkis, 1999).
    Restricted,
    /// Everything with overlap (AS; Dryja and Widlund, 1987). Symmetric if A and the Lᵢ are.
    Additive,
    /// The root of a partition of unity on both sides: 1/√c for a row that c subdomains hold. Symmetric if
    /// A and the Lᵢ are.
    Weighted,
    /// Residuals of owned rows only, corrections with overlap (ASH): the transpose of the restricted one
    /// for Aᵀ.
    Harmonic,
}

impl Variant {
    /// All of them.
    pub const ALL: [Variant; 4] =
        [Variant::Restricted, Variant::Additive, Variant::Weighted, Variant::Harmonic];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Restricted => "restricted",
            Variant::Additive => "additive",
            Variant::Weighted => "weighted",
            Variant::Harmonic => "harmonic",
        }
    }
}

impl std::str::FromStr for Variant {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid_input(format!("there is no Schwarz variant '{name}'; choose one of {names}"))
        })
    }
}

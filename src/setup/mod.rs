//! Setup: from a matrix to a hierarchy of coarser ones by smoothed aggregation.
//!
//! [`Coarsening::coarsen`] does it all. Its steps are public as well, each a function of
//! plain matrices: strength of connection ([`symmetric_strength`], [`evolution_strength`]),
//! aggregation ([`standard_aggregation`]), tentative prolongation ([`fit_candidates`]) and
//! prolongation smoothing ([`jacobi_prolongation`], [`energy_prolongation`]). The algorithms are
//! those of PyAMG 5.4 (MIT), against which they are tested; so are the defaults but for three: the
//! start vector of the spectral radius is fixed, evolution strength takes the infinity norm in its
//! place, and coarsening stops at 40 rows. The same matrix always gives the same hierarchy, on
//! any number of threads.
//!
//! * P. Vaněk, J. Mandel, M. Brezina: Algebraic multigrid by smoothed aggregation for second
//!   and fourth order elliptic problems. Computing 56 (1996) 179–196.
//! * L. Olson, J. Schroder, R. Tuminaro: A new perspective on strength measures in algebraic
//!   multigrid. Numer. Linear Algebra Appl. 17 (2010) 713–733.
//! * L. Olson, J. Schroder, R. Tuminaro: A general interpolation strategy for algebraic
//!   multigrid using energy minimization. SIAM J. Sci. Comput. 33 (2011) 966–991.

mod aggregation;
mod candidates;
mod coarsen;
mod energy;
mod evolution;
mod jacobi;
mod nodal;
pub mod relaxation;
mod spectral;
mod strength;
mod tentative;
mod vector;

pub use aggregation::{Aggregation, standard_aggregation};
pub use candidates::{check_candidates, default_candidates, relax_candidates};
pub use coarsen::{Grids, Transfer};
pub use energy::{energy_pattern, energy_prolongation};
pub use evolution::evolution_strength;
pub use jacobi::jacobi_prolongation;
pub use nodal::{Nodes, amalgamate, detect_block_size};
pub use spectral::{SpectralRadius, infinity_norm, inverse_diagonal, lambda_max, spectral_radius};
pub use strength::{absolute_sum, symmetric_strength};
pub use tentative::{Tentative, fit_candidates};

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Which smoothed-aggregation hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Variant {
    /// `sa`: symmetric strength, Jacobi-smoothed P, R = Pᵀ. For symmetric matrices; usable for
    /// mildly nonsymmetric ones.
    #[serde(rename = "sa")]
    Symmetric,
    /// `sasym`: P as above but built on S = (A + Aᵀ)/2, R = Pᵀ, coarse matrices PᵀAP from A
    /// itself. For nonsymmetric matrices with a definite symmetric part.
    #[serde(rename = "sasym")]
    SymmetricPart,
    /// `sat`: P Jacobi-smoothed on A and R on Aᵀ over the same aggregates, strength from
    /// |A| + |A|ᵀ.
    #[serde(rename = "sat")]
    TransposeSmoothed,
    /// `san`: evolution strength, energy-minimised P (GMRES on A) and R (GMRES on Aᵀ). For
    /// dominant advection. For block systems or several candidates the strength is the
    /// symmetric one of |A| + |A|ᵀ between nodes: the evolution measure is for one candidate.
    #[serde(rename = "san")]
    EnergyMinimised,
}

impl Variant {
    /// All of them.
    pub const ALL: [Variant; 4] =
        [Variant::Symmetric, Variant::SymmetricPart, Variant::TransposeSmoothed, Variant::EnergyMinimised];

    /// The short name.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Symmetric => "sa",
            Variant::SymmetricPart => "sasym",
            Variant::TransposeSmoothed => "sat",
            Variant::EnergyMinimised => "san",
        }
    }

    /// Whether R is not simply Pᵀ, so that Aᵀ has candidates of its own.
    pub fn is_two_sided(self) -> bool {
        matches!(self, Variant::TransposeSmoothed | Variant::EnergyMinimised)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Variant {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name).ok_or_else(|| {
            Error::invalid_input(format!(
                "there is no hierarchy called '{name}'; choose sa, sasym, sat or san"
            ))
        })
    }
}

/// How to coarsen. `Coarsening::default()` suits symmetric problems; for others change
/// [`variant`](Self::variant).
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Coarsening {
    /// Which hierarchy; `sa` by default.
    pub variant: Variant,
    /// Threshold θ of [`symmetric_strength`]; 0 by default, where every entry is strong.
    pub theta: f64,
    /// Most levels, the coarsest included; 20 by default.
    pub max_levels: usize,
    /// Coarsening stops at this many rows; 40 by default.
    pub max_coarse: usize,
    /// Unknowns per node on the finest level; detected ([`detect_block_size`]) if absent.
    pub block_size: Option<usize>,
    /// Symmetric Gauss–Seidel sweeps on the candidates of the finest level; 4 by default.
    pub candidate_sweeps: usize,
    /// Weight ω of [`jacobi_prolongation`]; 4/3 by default.
    pub jacobi_omega: f64,
    /// Estimate of ρ(D⁻¹A) in [`jacobi_prolongation`]; Arnoldi by default.
    pub jacobi_radius: SpectralRadius,
    /// Drop tolerance ε of [`evolution_strength`]; 4 by default.
    pub epsilon: f64,
    /// Estimate of ρ(D⁻¹A) in [`evolution_strength`]; the infinity norm by default.
    pub evolution_radius: SpectralRadius,
    /// GMRES steps of [`energy_prolongation`]; 4 by default.
    pub energy_iterations: usize,
}

impl Default for Coarsening {
    fn default() -> Self {
        Self {
            variant: Variant::Symmetric,
            theta: 0.0,
            max_levels: 20,
            max_coarse: 40,
            block_size: None,
            candidate_sweeps: 4,
            jacobi_omega: 4.0 / 3.0,
            jacobi_radius: SpectralRadius::Arnoldi,
            epsilon: 4.0,
            evolution_radius: SpectralRadius::InfinityNorm,
            energy_iterations: 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_round() {
        for v in Variant::ALL {
            assert_eq!(v.to_string().parse::<Variant>().unwrap(), v);
            assert_eq!(serde_json::to_string(&v).unwrap(), format!("\"{v}\""));
        }
        assert!("amg".parse::<Variant>().unwrap_err().to_string().contains("sasym"));
    }
}

//! Coarsening by aggregation: its parameters.

mod adaptive;
mod candidates;
mod coarsen;
mod energy;
mod filtered;
mod jacobi;
mod pairwise;
mod parts;
mod root_node;
mod standard;
mod tentative;

pub use adaptive::adaptive_candidates;
pub use candidates::{check_candidates, default_candidates, relax_candidates};
pub use energy::{energy_pattern, energy_prolongation, symmetric_energy_prolongation};
pub use filtered::filtered_matrix;
pub use jacobi::jacobi_prolongation;
pub use pairwise::pairwise_aggregation;
pub use root_node::{RootNode, root_node_prolongation, root_node_tentative};
pub use standard::{Aggregation, standard_aggregation};
pub use tentative::{Tentative, fit_candidates};

use std::fmt;
use std::str::FromStr;

use super::SpectralRadius;
use crate::error::{Error, Result};

/// Variants of smoothed aggregation.
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

    /// Whether R differs from Pᵀ, so that Aᵀ needs separate candidates.
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

/// The grouping of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregates {
    /// [`standard_aggregation`]: a root and its neighbours.
    Standard,
    /// [`pairwise_aggregation`]: pairs, pairs of pairs and so on. For graph Laplacians.
    Pairwise,
    /// Parts of about this many nodes by METIS: the coarse space of two-level Schwarz methods.
    Parts(usize),
}

/// The smoothing of the tentative prolongation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Smoothing {
    /// None: plain aggregation, with the sparsest coarse matrices. Its V-cycle slows down with the number of
    /// levels; use it inside a Krylov method or with a K-cycle.
    None,
    /// One damped Jacobi step: [`jacobi_prolongation`].
    Jacobi,
    /// [`symmetric_energy_prolongation`] for `sa` and `sasym`, [`energy_prolongation`] for
    /// the two-sided variants.
    Energy,
    /// As `Energy`, with the identity in the rows of the roots: [`root_node_prolongation`].
    RootNode,
}

/// Parameters of coarsening. `Coarsening::default()` suits symmetric problems; for others change
/// [`variant`](Self::variant).
///
/// For the defaults of PyAMG, set `theta` to 0, `candidate_sweeps` to `Some(4)` and `jacobi_radius` to
/// [`SpectralRadius::Arnoldi`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Coarsening {
    /// The variant; `sa` by default.
    pub variant: Variant,
    /// The grouping of nodes; standard aggregates by default.
    pub aggregates: Aggregates,
    /// Passes of [`pairwise_aggregation`], each of which doubles the size of the aggregates;
    /// 2 by default.
    pub pairwise_passes: usize,
    /// The smoothing of the prolongation; by default energy minimisation for `san` and Jacobi for the others.
    pub smoothing: Option<Smoothing>,
    /// Threshold θ of [`symmetric_strength`](super::symmetric_strength) on the finest level;
    /// 0.08 by default. With 0 every entry is strong.
    pub theta: f64,
    /// Factor of `theta` from a level to the next coarser one; 0.5 by default, since coarse
    /// matrices have more and smaller entries.
    pub theta_decay: f64,
    /// Whether Jacobi smoothing uses the [`filtered_matrix`]; yes by default. Otherwise weak entries make
    /// coarse matrices dense and interpolate across weak connections.
    pub filter: bool,
    /// The largest number of levels, the coarsest included; 20 by default.
    pub max_levels: usize,
    /// Coarsening stops at this many rows; 40 by default.
    pub max_coarse: usize,
    /// Unknowns per node on the finest level; detected
    /// ([`detect_block_size`](super::detect_block_size)) if absent.
    pub block_size: Option<usize>,
    /// Symmetric Gauss–Seidel sweeps on the candidates of the finest level. By default 4 for two-sided
    /// variants, for energy minimisation, and for candidates with A B ≉ 0 in more than a tenth of the rows;
    /// otherwise none, because they would not change convergence.
    pub candidate_sweeps: Option<usize>,
    /// Weight ω of [`jacobi_prolongation`]; 4/3 by default.
    pub jacobi_omega: f64,
    /// Steps of that smoothing, 1 by default. More steps suit aggregates of many rings, whose prolongation
    /// one step hardly changes; each widens the support of a coarse unknown by a ring.
    pub jacobi_steps: usize,
    /// Estimate of ρ(D⁻¹A) in [`jacobi_prolongation`]; by a sample of the rows by default.
    pub jacobi_radius: SpectralRadius,
    /// Drop tolerance ε of [`evolution_strength`](super::evolution_strength); 4 by default.
    pub epsilon: f64,
    /// Estimate of ρ(D⁻¹A) in [`evolution_strength`](super::evolution_strength); the infinity
    /// norm by default.
    pub evolution_radius: SpectralRadius,
    /// Krylov steps of energy minimisation; 4 by default.
    pub energy_iterations: usize,
}

/// The default with this variant. For the nonsymmetric ones coarsening ends at 800 rows: Galerkin matrices of
/// a flow on a few dozen unknowns no longer approximate it, and smoothing there diverges (SUPG on 700², ε =
/// 0.005, ILU(0) and BiCGStab: 5 iterations down to 800 rows, 209 down to 40).
impl From<Variant> for Coarsening {
    fn from(variant: Variant) -> Self {
        let fine = Self::default();
        let max_coarse = if variant == Variant::Symmetric { fine.max_coarse } else { 800 };
        Self { variant, max_coarse, ..fine }
    }
}

impl Default for Coarsening {
    fn default() -> Self {
        Self {
            variant: Variant::Symmetric,
            aggregates: Aggregates::Standard,
            pairwise_passes: 2,
            smoothing: None,
            theta: 0.08,
            theta_decay: 0.5,
            filter: true,
            max_levels: 20,
            max_coarse: 40,
            block_size: None,
            candidate_sweeps: None,
            jacobi_omega: 4.0 / 3.0,
            jacobi_steps: 1,
            jacobi_radius: SpectralRadius::Sampled,
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

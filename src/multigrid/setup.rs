//! Setups by name.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::setup::classical::{Classical, Interpolation};
use crate::setup::{Aggregates, Coarsening, Grids, SaddlePoint, SchurComplement, Smoothing, Variant};
use crate::sparse::{Csr, DenseMatrix};

/// Construction of the hierarchy.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Setup {
    /// Aggregation of unknowns.
    Aggregation(Coarsening),
    /// Splitting into coarse and fine points.
    Classical(Classical),
    /// A block triangular approximation of a saddle-point matrix, and aggregation of its unknowns.
    SaddlePoint(SaddlePoint),
    /// No coarser levels: the smoother of the only level is the preconditioner.
    OneLevel,
    /// One level, with equations and unknowns in an order of large pivots, which ILUT with pivoting finds (ILUTP, Saad 1994).
    Pivoted,
    /// No levels: a sparse factorisation of the matrix itself, L B Lᵀ if it is symmetric, otherwise LU.
    Direct,
}

/// Rows of an aggregate in the coarse space of a two-level method.
const PART: usize = 25;
/// Rings by which the supports of the aggregates overlap.
const RINGS: usize = 5;

impl Setup {
    /// The names that [`Setup::from_str`] accepts, with their meaning.
    pub const NAMES: [(&'static str, &'static str); 16] = [
        ("sa", "smoothed aggregation"),
        ("sasym", "smoothed aggregation built on (A+Aᵀ)/2"),
        ("sat", "smoothed aggregation, R smoothed on Aᵀ"),
        ("san", "energy-minimised aggregation for dominant advection"),
        ("plain", "plain aggregation"),
        ("pairwise", "plain aggregation of pairs of pairs, for graphs"),
        ("root-node", "root-node aggregation, energy-minimised"),
        ("classical", "HMIS splitting, extended+i interpolation"),
        ("ruge-stueben", "Ruge–Stüben splitting, classical interpolation"),
        ("air", "approximate ideal restriction, for advection"),
        ("two-level", "one coarse level, aggregates of 25 rows by METIS"),
        ("saddle-point", "block triangular with a diagonal Schur complement"),
        ("saddle-point-product", "block triangular with the Schur complement by diag A"),
        ("none", "one level"),
        ("pivoted", "one level in an order of large pivots, found by ILUT"),
        ("direct", "sparse factorisation"),
    ];

    /// The name without parameters.
    pub fn name(&self) -> &'static str {
        match self {
            Setup::Aggregation(c) => match (c.smoothing, c.aggregates) {
                (_, Aggregates::Parts(_)) => "two-level",
                (Some(Smoothing::None), Aggregates::Pairwise) => "pairwise",
                (Some(Smoothing::None), Aggregates::Standard) => "plain",
                (Some(Smoothing::RootNode), _) => "root-node",
                _ => c.variant.name(),
            },
            Setup::Classical(c) if c.restriction.air_distance().is_some() => "air",
            Setup::Classical(c) if c.interpolation == Interpolation::Extended => "classical",
            Setup::Classical(_) => "ruge-stueben",
            Setup::SaddlePoint(s) if s.schur == SchurComplement::Product => "saddle-point-product",
            Setup::SaddlePoint(_) => "saddle-point",
            Setup::OneLevel => "none",
            Setup::Pivoted => "pivoted",
            Setup::Direct => "direct",
        }
    }

    /// Whether the hierarchy of a symmetric matrix has R = Pᵀ.
    pub fn keeps_symmetry(&self) -> bool {
        match self {
            Setup::Aggregation(c) => !c.variant.is_two_sided(),
            Setup::Classical(c) => c.restriction.air_distance().is_none(),
            Setup::SaddlePoint(_) | Setup::Pivoted => false,
            Setup::OneLevel | Setup::Direct => true,
        }
    }

    /// Number of rows at which coarsening stops.
    pub fn max_coarse(&self) -> usize {
        match self {
            Setup::Aggregation(c) => c.max_coarse,
            Setup::Classical(c) => c.max_coarse,
            Setup::SaddlePoint(s) => s.coarsening.max_coarse,
            Setup::OneLevel | Setup::Pivoted => 0,
            Setup::Direct => usize::MAX,
        }
    }

    /// Whether the smoother of the only level is the preconditioner.
    pub fn has_one_level(&self) -> bool {
        matches!(self, Setup::OneLevel | Setup::Pivoted)
    }

    /// Whether the finest level is an approximation of the matrix.
    pub(crate) fn approximates(&self) -> bool {
        matches!(self, Setup::SaddlePoint(_))
    }

    /// The matrix of the finest level for the matrix `a`: `a` itself, unless the setup approximates it.
    ///
    /// # Errors
    /// As [`SaddlePoint::approximation`].
    pub(crate) fn finest<'a>(&self, a: &'a Csr<f64>) -> Result<Cow<'a, Csr<f64>>> {
        match self {
            Setup::SaddlePoint(s) => s.approximation(a).map(Cow::Owned),
            _ => Ok(Cow::Borrowed(a)),
        }
    }

    /// The levels of `a` (n × n) for near-nullspace candidates (n × k; constants by default). Classical setups do
    /// not use other candidates.
    ///
    /// # Errors
    /// As [`Coarsening::coarsen`] and [`Classical::coarsen`]; candidates for a setup that does not use them.
    pub fn coarsen(&self, a: &Csr<f64>, near_nullspace: Option<&DenseMatrix>) -> Result<Grids> {
        match self {
            Setup::Aggregation(c) => c.coarsen(a, near_nullspace),
            Setup::SaddlePoint(s) => s.coarsen(a, near_nullspace),
            _ if near_nullspace.is_some() => Err(Error::unsuited(format!(
                "the setup '{}' does not use near-nullspace candidates; choose sa or another aggregation",
                self.name()
            ))),
            Setup::Classical(c) => c.coarsen(a),
            Setup::OneLevel | Setup::Pivoted => one_level(a),
            Setup::Direct => Ok(Grids { transfers: Vec::new(), coarsest: a.clone() }),
        }
    }
}

/// A hierarchy whose coarser level has no unknowns.
fn one_level(a: &Csr<f64>) -> Result<Grids> {
    let transfer = crate::setup::Transfer {
        a: a.clone(),
        prolongation: Csr::from_triplets(a.rows(), 0, &[])?,
        restriction: Csr::from_triplets(0, a.rows(), &[])?,
    };
    Ok(Grids { transfers: vec![transfer], coarsest: Csr::identity(0) })
}

impl From<Coarsening> for Setup {
    fn from(coarsening: Coarsening) -> Self {
        Setup::Aggregation(coarsening)
    }
}

impl From<Classical> for Setup {
    fn from(classical: Classical) -> Self {
        Setup::Classical(classical)
    }
}

impl From<SaddlePoint> for Setup {
    fn from(saddle_point: SaddlePoint) -> Self {
        Setup::SaddlePoint(saddle_point)
    }
}

impl From<Variant> for Setup {
    fn from(variant: Variant) -> Self {
        Setup::Aggregation(variant.into())
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        let text = Self::NAMES.iter().find(|(n, _)| *n == name).map_or("", |(_, text)| text);
        write!(f, "{name} ({text})")
    }
}

impl FromStr for Setup {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let smoothed = |smoothing| Coarsening { smoothing: Some(smoothing), ..Coarsening::default() };
        Ok(match name {
            "plain" => smoothed(Smoothing::None).into(),
            "pairwise" => Coarsening { aggregates: Aggregates::Pairwise, ..smoothed(Smoothing::None) }.into(),
            "root-node" => smoothed(Smoothing::RootNode).into(),
            "classical" => Classical::default().into(),
            "ruge-stueben" => Classical::ruge_stueben().into(),
            "air" => Classical::air().into(),
            "two-level" => Coarsening {
                aggregates: Aggregates::Parts(PART),
                max_levels: 2,
                theta: 0.0,
                jacobi_steps: RINGS,
                ..smoothed(Smoothing::Jacobi)
            }
            .into(),
            "saddle-point" => SaddlePoint::default().into(),
            "saddle-point-product" => {
                SaddlePoint { schur: SchurComplement::Product, ..SaddlePoint::default() }.into()
            }
            "none" => Setup::OneLevel,
            "pivoted" => Setup::Pivoted,
            "direct" => Setup::Direct,
            _ => match name.parse::<Variant>() {
                Ok(variant) => variant.into(),
                Err(_) => {
                    let names: Vec<&str> = Self::NAMES.iter().map(|(n, _)| *n).collect();
                    let message = format!(
                        "there is no hierarchy called '{name}'; choose one of auto, {}",
                        names.join(", ")
                    );
                    return Err(Error::invalid_input(message));
                }
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_round() {
        for (name, text) in Setup::NAMES {
            let setup: Setup = name.parse().unwrap();
            assert_eq!(setup.name(), name);
            assert_eq!(setup.to_string(), format!("{name} ({text})"));
        }
        assert!("amg".parse::<Setup>().unwrap_err().to_string().contains("root-node"));
    }
}

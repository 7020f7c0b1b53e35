//! Choice of the restriction.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// Kinds of restriction. Written `transpose`, `transposed-problem`, `air-1`, `air-2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Restriction {
    /// `transpose`: the prolongation, transposed.
    #[serde(rename = "transpose")]
    Transpose,
    /// `transposed-problem`: the transposed interpolation of Aᵀ, by its own strong connections and the same
    /// coarse points. For nonsymmetric matrices.
    #[serde(rename = "transposed-problem")]
    TransposedProblem,
    /// `air-1`: approximate ideal restriction from the fine points that a coarse point depends
    /// on. With one-point interpolation; for transport.
    #[serde(rename = "air-1")]
    AirDistanceOne,
    /// `air-2`: the same from those at distance two as well; larger coarse matrices.
    #[serde(rename = "air-2")]
    AirDistanceTwo,
}

impl Restriction {
    /// All of them.
    pub const ALL: [Restriction; 4] = [
        Restriction::Transpose,
        Restriction::TransposedProblem,
        Restriction::AirDistanceOne,
        Restriction::AirDistanceTwo,
    ];

    /// The short name.
    pub fn name(self) -> &'static str {
        match self {
            Restriction::Transpose => "transpose",
            Restriction::TransposedProblem => "transposed-problem",
            Restriction::AirDistanceOne => "air-1",
            Restriction::AirDistanceTwo => "air-2",
        }
    }

    /// The distance of the stencils of approximate ideal restriction, if it is one.
    pub fn air_distance(self) -> Option<usize> {
        match self {
            Restriction::AirDistanceOne => Some(1),
            Restriction::AirDistanceTwo => Some(2),
            _ => None,
        }
    }
}

impl fmt::Display for Restriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Restriction {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name).ok_or_else(|| {
            Error::invalid_input(format!(
                "there is no restriction called '{name}'; choose transpose, transposed-problem, air-1 or air-2"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::classical::{Classical, SplittingKind};

    #[test]
    fn names_go_round() {
        for r in Restriction::ALL {
            assert_eq!(r.to_string().parse::<Restriction>().unwrap(), r);
            assert_eq!(serde_json::to_string(&r).unwrap(), format!("\"{r}\""));
        }
        for k in SplittingKind::ALL {
            assert_eq!(k.to_string().parse::<SplittingKind>().unwrap(), k);
            assert_eq!(serde_json::to_string(&k).unwrap(), format!("\"{k}\""));
        }
        assert!("air".parse::<Restriction>().unwrap_err().to_string().contains("air-1"));
        assert!("rs".parse::<SplittingKind>().unwrap_err().to_string().contains("ruge-stueben"));
        assert_eq!(Restriction::ALL.map(Restriction::air_distance), [None, None, Some(1), Some(2)]);
    }

    #[test]
    fn configurations_go_round() {
        for c in [Classical::default(), Classical::air()] {
            let text = serde_json::to_string(&c).unwrap();
            assert_eq!(serde_json::from_str::<Classical>(&text).unwrap(), c);
        }
        let given: Classical = serde_json::from_str(r#"{"splitting":"pmis","max_coarse":9}"#).unwrap();
        let expected = Classical { splitting: SplittingKind::Pmis, max_coarse: 9, ..Classical::default() };
        assert_eq!(given, expected);
        assert!(serde_json::from_str::<Classical>(r#"{"theta":1}"#).is_err());
    }
}

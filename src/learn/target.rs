//! What of a cycle is learned.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What of the smoothers is learned, one of its own for every sweep of every level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LearnedSmoother {
    /// A sparse M on the pattern of A, x ← x + M (b − A x), from SPAI-1 on.
    Relaxation,
    /// The same on the pattern of A², from the sparse approximate inverse on that pattern on.
    WideRelaxation,
    /// L and U on the pattern of ILU(0), x ← x + U⁻¹ L⁻¹ (b − A x), from ILU(0) on.
    Factors,
    /// The same, applied by a few Jacobi sweeps on the triangular systems and trained as such, from
    /// ILU(0) on: no row waits for another, as a device with many threads has it.
    IterativeFactors,
    /// Interface values of a Schwarz method on the finest levels, from the best Robin condition of a few on,
    /// and M on the levels below.
    Schwarz,
    /// The coefficients of every step of a polynomial in D⁻¹A, from those of Chebyshev on.
    Chebyshev,
    /// A weight, x ← x + ω B (b − A x) with B that of Jacobi or of ILU(0).
    Damping,
}

/// What of a cycle is learned: at most one kind of smoother, and the values of P and R beside it or
/// alone. The matrices of the coarser levels stay as they were set up.
///
/// Its text form is a list, as in `factors` or `relaxation,interpolation`.
///
/// ```
/// use multigrad::learn::Learn;
/// let learn: Learn = "factors,interpolation".parse()?;
/// assert_eq!(learn, Learn::Factors.and(Learn::Interpolation)?);
/// assert!("factors,chebyshev".parse::<Learn>().is_err()); // a sweep is of one kind
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Learn {
    smoother: Option<LearnedSmoother>,
    interpolation: bool,
    restriction: bool,
}

/// What can be learned and its name.
const NAMES: [(&str, Learn); 9] = [
    ("relaxation", Learn::Relaxation),
    ("wide-relaxation", Learn::WideRelaxation),
    ("factors", Learn::Factors),
    ("iterative-factors", Learn::IterativeFactors),
    ("schwarz", Learn::Schwarz),
    ("chebyshev", Learn::Chebyshev),
    ("damping", Learn::Damping),
    ("interpolation", Learn::Interpolation),
    ("restriction", Learn::Restriction),
];

#[allow(non_upper_case_globals, reason = "they read as the variants of an enumeration")]
impl Learn {
    /// [`LearnedSmoother::Relaxation`] alone.
    pub const Relaxation: Learn = Learn::smoothers(LearnedSmoother::Relaxation);
    /// [`LearnedSmoother::WideRelaxation`] alone.
    pub const WideRelaxation: Learn = Learn::smoothers(LearnedSmoother::WideRelaxation);
    /// [`LearnedSmoother::Factors`] alone.
    pub const Factors: Learn = Learn::smoothers(LearnedSmoother::Factors);
    /// [`LearnedSmoother::IterativeFactors`] alone.
    pub const IterativeFactors: Learn = Learn::smoothers(LearnedSmoother::IterativeFactors);
    /// [`LearnedSmoother::Schwarz`] alone.
    pub const Schwarz: Learn = Learn::smoothers(LearnedSmoother::Schwarz);
    /// [`LearnedSmoother::Chebyshev`] alone.
    pub const Chebyshev: Learn = Learn::smoothers(LearnedSmoother::Chebyshev);
    /// [`LearnedSmoother::Damping`] alone.
    pub const Damping: Learn = Learn::smoothers(LearnedSmoother::Damping);
    /// The values of every P, on its pattern.
    pub const Interpolation: Learn = Learn { smoother: None, interpolation: true, restriction: false };
    /// The values of every R, on its pattern.
    pub const Restriction: Learn = Learn { smoother: None, interpolation: false, restriction: true };
}

impl Learn {
    const fn smoothers(kind: LearnedSmoother) -> Self {
        Learn { smoother: Some(kind), interpolation: false, restriction: false }
    }

    /// Both together.
    ///
    /// # Errors
    /// Two kinds of smoothers.
    pub fn and(self, other: Learn) -> Result<Self> {
        if let (Some(one), Some(two)) = (self.smoother, other.smoother)
            && one != two
        {
            return Err(Error::invalid_input(format!(
                "{} and {} are both smoothers, and a sweep is of one kind; learn one of them",
                Learn::smoothers(one),
                Learn::smoothers(two)
            )));
        }
        Ok(Learn {
            smoother: self.smoother.or(other.smoother),
            interpolation: self.interpolation || other.interpolation,
            restriction: self.restriction || other.restriction,
        })
    }

    /// The same with this kind of smoother.
    pub(super) fn with(self, smoother: LearnedSmoother) -> Self {
        Learn { smoother: Some(smoother), ..self }
    }

    /// What of the smoothers is learned; without it, they stay as they are.
    pub fn smoother(self) -> Option<LearnedSmoother> {
        self.smoother
    }

    /// Whether the smoothers are incomplete factors, applied one way or the other.
    pub(super) fn factors(self) -> bool {
        matches!(self.smoother, Some(LearnedSmoother::Factors | LearnedSmoother::IterativeFactors))
    }

    /// Whether the values of P are learned.
    pub fn interpolation(self) -> bool {
        self.interpolation
    }

    /// Whether the values of R are learned.
    pub fn restriction(self) -> bool {
        self.restriction
    }

    /// The list on the command line.
    pub fn name(self) -> String {
        let holds = |part: Learn| {
            part.smoother.is_some() && part.smoother == self.smoother
                || part.interpolation && self.interpolation
                || part.restriction && self.restriction
        };
        let names: Vec<&str> = NAMES.iter().filter(|n| holds(n.1)).map(|n| n.0).collect();
        names.join(",")
    }

    /// What is learned, in a sentence.
    pub fn noun(self) -> String {
        let smoother = self.smoother.map(|kind| match kind {
            LearnedSmoother::Relaxation => "M",
            LearnedSmoother::WideRelaxation => "wide M",
            LearnedSmoother::Factors => "L and U",
            LearnedSmoother::IterativeFactors => "iterative L and U",
            LearnedSmoother::Schwarz => "interface conditions",
            LearnedSmoother::Chebyshev => "coefficients",
            LearnedSmoother::Damping => "damping",
        });
        let transfers = [self.interpolation.then_some("P"), self.restriction.then_some("R")];
        let parts: Vec<&str> = smoother.into_iter().chain(transfers.into_iter().flatten()).collect();
        format!("learned {}", parts.join(", "))
    }
}

impl Default for Learn {
    fn default() -> Self {
        Learn::Relaxation
    }
}

impl std::fmt::Display for Learn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl From<Learn> for String {
    fn from(learn: Learn) -> Self {
        learn.name()
    }
}

impl TryFrom<String> for Learn {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl std::str::FromStr for Learn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let part = |name: &str| {
            let found = NAMES.iter().find(|n| n.0 == name.trim()).map(|n| n.1);
            found.ok_or_else(|| {
                let names = NAMES.map(|n| n.0);
                Error::invalid_input(format!(
                    "'{}' cannot be learned; one of {} can, and interpolation and restriction beside it or alone, separated by commas",
                    name.trim(),
                    names[..7].join(", ")
                ))
            })
        };
        let mut parts = text.split(',').map(part);
        let first = parts.next().unwrap_or_else(|| part(""))?;
        parts.try_fold(first, |all, one| all.and(one?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_go_round() {
        for text in [
            "relaxation",
            "wide-relaxation",
            "factors",
            "iterative-factors",
            "schwarz",
            "schwarz,interpolation",
            "chebyshev",
            "damping",
            "interpolation",
            "restriction",
            "factors,interpolation",
            "chebyshev,interpolation,restriction",
            "interpolation,restriction",
        ] {
            let learn: Learn = text.parse().unwrap();
            assert_eq!(learn.to_string(), text);
            let json = serde_json::to_string(&learn).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Learn>(&json).unwrap(), learn);
        }
        // Any order, spaces, and a name twice.
        let learn: Learn = "restriction, factors,factors".parse().unwrap();
        assert_eq!(learn.to_string(), "factors,restriction");
        assert_eq!(
            (learn.noun(), Learn::default().noun()),
            ("learned L and U, R".into(), "learned M".into())
        );
    }

    #[test]
    fn lists_that_make_no_sense_are_errors() {
        for text in ["", "multipliers", "factors,", "factors,x", "Factors"] {
            let error = text.parse::<Learn>().unwrap_err().to_string();
            for (name, _) in NAMES {
                assert!(error.contains(name), "{text}: {error}");
            }
        }
        let error = "damping,interpolation,factors".parse::<Learn>().unwrap_err().to_string();
        assert!(error.contains("damping and factors are both smoothers"), "{error}");
    }
}

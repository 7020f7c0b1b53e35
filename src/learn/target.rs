//! Targets: the parts of a cycle that are learned.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The learned part of a smoother, separate for every sweep of every level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LearnedSmoother {
    /// A sparse M on the pattern of A, x ← x + M (b − A x). Start: SPAI-1.
    Relaxation,
    /// A sparse M on the pattern of A². Start: the sparse approximate inverse on that pattern.
    WideRelaxation,
    /// L and U on the pattern of ILU(0), x ← x + U⁻¹ L⁻¹ (b − A x). Start: ILU(0).
    Ilu,
    /// Up to 24 scale factors of ILU(0): on L, U, pivots, the dropped fill on pivots, and weak entries of L and
    /// of U; before and after the coarse-grid correction; on the finest and the other levels. They are learned on
    /// small patches of the matrix. Start: the best τ.
    Scalars,
    /// L and U, applied and trained with a few Jacobi sweeps on the triangular systems in place of the
    /// substitutions, so that all rows are independent. Start: ILU(0).
    IterativeIlu,
    /// Interface values of a Schwarz method on the finest levels, and M on the levels below. Start: the best of
    /// a few Robin conditions.
    Schwarz,
    /// The coefficients of every step of a polynomial in D⁻¹A. Start: those of Chebyshev.
    Chebyshev,
    /// A weight ω, x ← x + ω B (b − A x) with B of Jacobi or of ILU(0).
    Damping,
}

/// The learned parts of a cycle: at most one kind of smoother, and the values of P and R beside it or
/// alone. The matrices of the coarser levels stay as they were set up.
///
/// Its text form is a list, as in `ilu` or `relaxation,interpolation`.
///
/// ```
/// use multigrad::learn::Target;
/// let target: Target = "ilu,interpolation".parse()?;
/// assert_eq!(target, Target::Ilu.and(Target::Interpolation)?);
/// assert!("ilu,chebyshev".parse::<Target>().is_err()); // a sweep is of one kind
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Target {
    smoother: Option<LearnedSmoother>,
    interpolation: bool,
    restriction: bool,
}

/// All targets with their names.
const NAMES: [(&str, Target); 10] = [
    ("relaxation", Target::Relaxation),
    ("wide-relaxation", Target::WideRelaxation),
    ("ilu", Target::Ilu),
    ("scalars", Target::Scalars),
    ("iterative-ilu", Target::IterativeIlu),
    ("schwarz", Target::Schwarz),
    ("chebyshev", Target::Chebyshev),
    ("damping", Target::Damping),
    ("interpolation", Target::Interpolation),
    ("restriction", Target::Restriction),
];

/// Former names, which are still read.
const FORMER_NAMES: [(&str, Target); 2] =
    [("factors", Target::Ilu), ("iterative-factors", Target::IterativeIlu)];

#[allow(non_upper_case_globals, reason = "they read as the variants of an enumeration")]
impl Target {
    /// [`LearnedSmoother::Relaxation`] alone.
    pub const Relaxation: Target = Target::smoothers(LearnedSmoother::Relaxation);
    /// [`LearnedSmoother::WideRelaxation`] alone.
    pub const WideRelaxation: Target = Target::smoothers(LearnedSmoother::WideRelaxation);
    /// [`LearnedSmoother::Ilu`] alone.
    pub const Ilu: Target = Target::smoothers(LearnedSmoother::Ilu);
    /// [`LearnedSmoother::Scalars`] alone.
    pub const Scalars: Target = Target::smoothers(LearnedSmoother::Scalars);
    /// [`LearnedSmoother::IterativeIlu`] alone.
    pub const IterativeIlu: Target = Target::smoothers(LearnedSmoother::IterativeIlu);
    /// [`LearnedSmoother::Schwarz`] alone.
    pub const Schwarz: Target = Target::smoothers(LearnedSmoother::Schwarz);
    /// [`LearnedSmoother::Chebyshev`] alone.
    pub const Chebyshev: Target = Target::smoothers(LearnedSmoother::Chebyshev);
    /// [`LearnedSmoother::Damping`] alone.
    pub const Damping: Target = Target::smoothers(LearnedSmoother::Damping);
    /// The values of every P, on its pattern.
    pub const Interpolation: Target = Target { smoother: None, interpolation: true, restriction: false };
    /// The values of every R, on its pattern.
    pub const Restriction: Target = Target { smoother: None, interpolation: false, restriction: true };
}

impl Target {
    const fn smoothers(kind: LearnedSmoother) -> Self {
        Target { smoother: Some(kind), interpolation: false, restriction: false }
    }

    /// The union of two targets.
    ///
    /// # Errors
    /// Two kinds of smoothers.
    pub fn and(self, other: Target) -> Result<Self> {
        if let (Some(one), Some(two)) = (self.smoother, other.smoother)
            && one != two
        {
            return Err(Error::invalid_input(format!(
                "{} and {} are both smoothers, and a sweep is of one kind; learn one of them",
                Target::smoothers(one),
                Target::smoothers(two)
            )));
        }
        Ok(Target {
            smoother: self.smoother.or(other.smoother),
            interpolation: self.interpolation || other.interpolation,
            restriction: self.restriction || other.restriction,
        })
    }

    /// The target with this kind of smoother.
    pub(super) fn with(self, smoother: LearnedSmoother) -> Self {
        Target { smoother: Some(smoother), ..self }
    }

    /// The learned part of the smoothers; without it, they stay as they are.
    pub fn smoother(self) -> Option<LearnedSmoother> {
        self.smoother
    }

    /// Whether the smoothers are incomplete factorisations, with substitutions or Jacobi sweeps.
    pub(super) fn is_ilu(self) -> bool {
        matches!(self.smoother, Some(LearnedSmoother::Ilu | LearnedSmoother::IterativeIlu))
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
        let holds = |part: Target| {
            part.smoother.is_some() && part.smoother == self.smoother
                || part.interpolation && self.interpolation
                || part.restriction && self.restriction
        };
        let names: Vec<&str> = NAMES.iter().filter(|n| holds(n.1)).map(|n| n.0).collect();
        names.join(",")
    }

    /// A noun for the learned parts, as in "learned L and U, P".
    pub fn noun(self) -> String {
        let smoother = self.smoother.map(|kind| match kind {
            LearnedSmoother::Relaxation => "M",
            LearnedSmoother::WideRelaxation => "wide M",
            LearnedSmoother::Ilu => "L and U",
            LearnedSmoother::Scalars => "scalars of L and U",
            LearnedSmoother::IterativeIlu => "iterative L and U",
            LearnedSmoother::Schwarz => "interface conditions",
            LearnedSmoother::Chebyshev => "coefficients",
            LearnedSmoother::Damping => "damping",
        });
        let transfers = [self.interpolation.then_some("P"), self.restriction.then_some("R")];
        let parts: Vec<&str> = smoother.into_iter().chain(transfers.into_iter().flatten()).collect();
        format!("learned {}", parts.join(", "))
    }
}

impl Default for Target {
    fn default() -> Self {
        Target::Relaxation
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl From<Target> for String {
    fn from(learn: Target) -> Self {
        learn.name()
    }
}

impl TryFrom<String> for Target {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl std::str::FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let part = |name: &str| {
            let found = NAMES.iter().chain(&FORMER_NAMES).find(|n| n.0 == name.trim()).map(|n| n.1);
            found.ok_or_else(|| {
                let names = NAMES.map(|n| n.0);
                Error::invalid_input(format!(
                    "'{}' cannot be learned; one of {} can, and interpolation and restriction beside it or alone, separated by commas",
                    name.trim(),
                    names[..8].join(", ")
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
            "ilu",
            "scalars",
            "iterative-ilu",
            "schwarz",
            "schwarz,interpolation",
            "chebyshev",
            "damping",
            "interpolation",
            "restriction",
            "ilu,interpolation",
            "chebyshev,interpolation,restriction",
            "interpolation,restriction",
        ] {
            let learn: Target = text.parse().unwrap();
            assert_eq!(learn.to_string(), text);
            let json = serde_json::to_string(&learn).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Target>(&json).unwrap(), learn);
        }
        // Any order, spaces, and a name twice, once by its former name.
        let learn: Target = "restriction, ilu,factors".parse().unwrap();
        assert_eq!(learn.to_string(), "ilu,restriction");
        assert_eq!(
            (learn.noun(), Target::default().noun()),
            ("learned L and U, R".into(), "learned M".into())
        );
    }

    #[test]
    fn lists_that_make_no_sense_are_errors() {
        for text in ["", "multipliers", "ilu,", "ilu,x", "Ilu"] {
            let error = text.parse::<Target>().unwrap_err().to_string();
            for (name, _) in NAMES {
                assert!(error.contains(name), "{text}: {error}");
            }
        }
        let error = "damping,interpolation,ilu".parse::<Target>().unwrap_err().to_string();
        assert!(error.contains("damping and ilu are both smoothers"), "{error}");
    }
}

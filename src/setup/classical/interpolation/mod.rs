//! Interpolation of classical algebraic multigrid: from a splitting to a prolongation.
//!
//! All formulas take the n × n matrix A, the strong connections and the splitting, and give the
//! n × n_c prolongation P: the row of a coarse point is a unit vector, that of a fine point i
//! has the weights w_ij over some coarse points j near i. Below, C_i and F_i are the coarse and
//! fine points that strongly influence i, and Ĉ_i is C_i with the C_k of all k in F_i.
//!
//! | name | function | interpolates from | cost of a row |
//! |---|---|---|---|
//! | `direct` | [`direct_interpolation`] | C_i, by the signs of the couplings | one pass over row i |
//! | `classical` | [`modified_interpolation`] | C_i, through common coarse neighbours | rows of F_i, twice |
//! | `standard` | [`standard_interpolation`] | Ĉ_i, strong fine neighbours eliminated | rows of F_i |
//! | `extended` | [`extended_interpolation`] | Ĉ_i, with the way back to i ("extended+i") | rows of F_i, twice |
//! | `one-point` | [`one_point_interpolation`] | the strongest of C_i, weight 1 | one pass over row i |
//!
//! [`multipass_interpolation`] is for aggressive coarsening, where many fine points have no
//! coarse neighbour; [`truncate`] shortens the rows of any of them.
//!
//! **Breakdowns.** A fine point without coarse points to interpolate from gets an empty row: the smoother
//! must solve it. If a denominator vanishes (below 10⁻¹³ of its terms) or a weight overflows, the row becomes
//! an average: weights proportional to the sizes of the numerators, sum 1. So every weight is finite.
//!
//! All run in parallel over the rows, with the same bits on any number of threads.
//!
//! * J. Ruge, K. Stüben: Algebraic multigrid. In: Multigrid Methods (ed. S. McCormick), SIAM 1987.
//! * K. Stüben: Algebraic multigrid (AMG): an introduction with applications. GMD Report 70, 1999.
//! * H. De Sterck, U. M. Yang, J. Heys: Reducing complexity in parallel algebraic multigrid
//!   preconditioners. SIAM J. Matrix Anal. Appl. 27 (2006) 1019–1039.
//! * H. De Sterck, R. Falgout, J. Nolting, U. M. Yang: Distance-two interpolation for parallel
//!   algebraic multigrid. Numer. Linear Algebra Appl. 15 (2008) 115–139.

mod direct;
mod extended;
mod input;
mod modified;
mod multipass;
mod near;
mod one_point;
mod rows;
mod standard;
mod truncate;

pub use direct::direct_interpolation;
pub use extended::extended_interpolation;
pub use modified::modified_interpolation;
pub use multipass::multipass_interpolation;
pub use one_point::one_point_interpolation;
pub use standard::standard_interpolation;
pub use truncate::truncate;

pub(super) use input::Input;

use std::fmt;
use std::str::FromStr;

use super::splitting::Splitting;
use crate::error::{Error, Result};
use crate::sparse::{Csr, Pattern};

/// Formulas for the weights of the fine points.
///
/// Reads from and prints as `direct`, `classical`, `standard`, `extended`, `one-point`.
///
/// ```
/// use multigrad::setup::classical::Interpolation;
/// let kind: Interpolation = "one-point".parse()?;
/// assert_eq!(kind, Interpolation::OnePoint);
/// assert_eq!(Interpolation::Modified.to_string(), "classical");
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Interpolation {
    /// [`direct_interpolation`]: cheap, for splittings where every strong connection between
    /// fine points is covered.
    #[serde(rename = "direct")]
    Direct,
    /// [`modified_interpolation`]: the classical choice after a Ruge–Stüben splitting.
    #[serde(rename = "classical")]
    Modified,
    /// [`standard_interpolation`]: distance two, by elimination.
    #[serde(rename = "standard")]
    Standard,
    /// [`extended_interpolation`]: distance two, for sparse splittings such as PMIS.
    #[serde(rename = "extended")]
    Extended,
    /// [`one_point_interpolation`]: for transport problems, with
    /// [`air_restriction`](super::air_restriction).
    #[serde(rename = "one-point")]
    OnePoint,
}

impl Interpolation {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Direct, Self::Modified, Self::Standard, Self::Extended, Self::OnePoint];

    /// The short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Modified => "classical",
            Self::Standard => "standard",
            Self::Extended => "extended",
            Self::OnePoint => "one-point",
        }
    }

    /// The n × n_c prolongation by this formula; `strong` holds in row i the off-diagonal
    /// columns of A that strongly influence i.
    ///
    /// # Errors
    /// Shapes that do not fit, a zero on the diagonal, a value that is not finite, a strong
    /// connection that A does not have; the row is named.
    pub fn build(self, a: &Csr<f64>, strong: &Pattern, splitting: &Splitting) -> Result<Csr<f64>> {
        match self {
            Self::Direct => direct_interpolation(a, strong, splitting),
            Self::Modified => modified_interpolation(a, strong, splitting),
            Self::Standard => standard_interpolation(a, strong, splitting),
            Self::Extended => extended_interpolation(a, strong, splitting),
            Self::OnePoint => one_point_interpolation(a, strong, splitting),
        }
    }
}

impl fmt::Display for Interpolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Interpolation {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            Error::invalid_input(format!(
                "there is no interpolation called '{name}'; choose direct, classical, standard, extended or one-point"
            ))
        })
    }
}

#[cfg(test)]
mod tests;

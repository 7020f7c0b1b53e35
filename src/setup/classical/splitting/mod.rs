//! Splittings of the unknowns into coarse points, which the next level keeps, and fine points, which are
//! interpolated.
//!
//! All of them work on the graph of strong connections ([`Strength`](crate::setup::Strength)): row i lists
//! the points that i depends on. Points without any strong connection become fine points without
//! interpolation. The same matrix gives the same splitting, on any number of threads.

mod aggressive;
mod first_pass;
mod graph;
mod hmis;
mod pmis;
mod second_pass;

pub use aggressive::{Aggressive, aggressive, path_graph};
pub use first_pass::first_pass;
pub use hmis::hmis;
pub use pmis::pmis;
pub use second_pass::second_pass;

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::sparse::Pattern;

/// Number of a point that is not coarse.
const FINE: u32 = u32::MAX;

/// Coarse and fine points.
///
/// ```
/// use multigrad::setup::classical::Splitting;
/// let s = Splitting::new(&[true, false, true]);
/// assert_eq!((s.rows(), s.count()), (3, 2));
/// assert_eq!((s.index(1), s.index(2)), (None, Some(1)));
/// assert_eq!(s.coarse(), [0, 2]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splitting {
    /// Number of every point among the coarse ones, or [`FINE`].
    index: Vec<u32>,
    count: usize,
}

impl Splitting {
    /// From a mark for every point, true for coarse ones, which are numbered in order.
    pub fn new(coarse: &[bool]) -> Self {
        let mut count = 0;
        let mut number = |coarse: bool| {
            if !coarse {
                return FINE;
            }
            count += 1;
            count - 1
        };
        let index = coarse.iter().map(|&c| number(c)).collect();
        Self { index, count: count as usize }
    }

    /// Number of points.
    pub fn rows(&self) -> usize {
        self.index.len()
    }

    /// Number of coarse points.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether point `i` is coarse.
    #[inline(always)]
    pub fn is_coarse(&self, i: usize) -> bool {
        self.index[i] != FINE
    }

    /// The number of point `i` among the coarse ones, if it is one.
    #[inline(always)]
    pub fn index(&self, i: usize) -> Option<usize> {
        Some(self.index[i]).filter(|&c| c != FINE).map(|c| c as usize)
    }

    /// The coarse points, ascending.
    pub fn coarse(&self) -> Vec<usize> {
        (0..self.rows()).filter(|&i| self.is_coarse(i)).collect()
    }
}

/// Splitting algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplittingKind {
    /// `ruge-stueben`: [`first_pass`], then [`second_pass`]. The most coarse points; required by modified
    /// interpolation.
    RugeStueben,
    /// `first-pass`: [`first_pass`] alone.
    FirstPass,
    /// `pmis`: [`pmis`]. The fewest coarse points, parallel; for extended interpolation.
    Pmis,
    /// `hmis`: [`hmis`]. Nearly as regular as `first-pass`, parallel in blocks of rows.
    Hmis,
}

impl SplittingKind {
    /// All of them.
    pub const ALL: [SplittingKind; 4] =
        [SplittingKind::RugeStueben, SplittingKind::FirstPass, SplittingKind::Pmis, SplittingKind::Hmis];

    /// The short name.
    pub fn name(self) -> &'static str {
        match self {
            SplittingKind::RugeStueben => "ruge-stueben",
            SplittingKind::FirstPass => "first-pass",
            SplittingKind::Pmis => "pmis",
            SplittingKind::Hmis => "hmis",
        }
    }

    /// The splitting of the points of a graph of strong connections, n × n.
    ///
    /// # Errors
    /// A graph that is not square.
    pub fn split(self, strong: &Pattern) -> Result<Splitting> {
        match self {
            SplittingKind::RugeStueben => second_pass(strong, &first_pass(strong)?),
            SplittingKind::FirstPass => first_pass(strong),
            SplittingKind::Pmis => pmis(strong),
            SplittingKind::Hmis => hmis(strong),
        }
    }
}

impl fmt::Display for SplittingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SplittingKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name).ok_or_else(|| {
            Error::invalid_input(format!(
                "there is no splitting called '{name}'; choose ruge-stueben, first-pass, pmis or hmis"
            ))
        })
    }
}

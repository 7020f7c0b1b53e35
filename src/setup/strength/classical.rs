//! The classical measure of strength, relative to the largest entry of the row.

use std::fmt;
use std::str::FromStr;

use super::graph::{check_square, select};
use crate::error::{Error, Result};
use crate::sparse::{Csr, Pattern};

/// The entries that can be strong in [`classical_strength`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrengthMeasure {
    /// `negative`: those of the sign opposite to the diagonal, the couplings of an M-matrix; others are never
    /// strong. The measure of Ruge and Stüben (1987) and of hypre; PyAMG's norm 'min' for a positive
    /// diagonal.
    Negative,
    /// `absolute`: all, by size. PyAMG's norm 'abs'.
    Absolute,
}

impl StrengthMeasure {
    /// All of them.
    pub const ALL: [StrengthMeasure; 2] = [StrengthMeasure::Negative, StrengthMeasure::Absolute];

    /// The short name.
    pub fn name(self) -> &'static str {
        match self {
            StrengthMeasure::Negative => "negative",
            StrengthMeasure::Absolute => "absolute",
        }
    }
}

impl fmt::Display for StrengthMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for StrengthMeasure {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|m| m.name() == name).ok_or_else(|| {
            Error::invalid_input(format!(
                "there is no strength measure called '{name}'; choose negative or absolute"
            ))
        })
    }
}

/// The strong connections of Ruge and Stüben (1987), n × n without diagonal: row i lists the
/// points j on which i depends strongly.
///
/// With `Negative`, −aᵢⱼ sign(aᵢᵢ) ≥ θ maxₖ(−aᵢₖ sign(aᵢᵢ)) and aᵢⱼ of the opposite sign; with
/// `Absolute`, |aᵢⱼ| ≥ θ maxₖ |aᵢₖ|; always k ≠ i and aᵢⱼ ≠ 0. A zero on the diagonal counts as
/// positive. Usual thresholds are θ = 0.25 in the plane and 0.5 in space. Cost: two passes over
/// every row, parallel over rows.
///
/// # Errors
/// A matrix that is not square; θ outside 0 ..= 1.
///
/// ```
/// use multigrad::setup::{StrengthMeasure, classical_strength};
/// use multigrad::sparse::Csr;
///
/// let row = [(0, 0, 4.0), (0, 1, -2.0), (0, 2, -0.4), (0, 3, 1.0)];
/// let a = Csr::from_triplets(4, 4, &row)?;
/// assert_eq!(classical_strength(&a, 0.25, StrengthMeasure::Negative)?.row_cols(0), [1]);
/// assert_eq!(classical_strength(&a, 0.25, StrengthMeasure::Absolute)?.row_cols(0), [1, 3]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn classical_strength(a: &Csr<f64>, theta: f64, measure: StrengthMeasure) -> Result<Pattern> {
    check_square(a.pattern())?;
    if !(0.0..=1.0).contains(&theta) {
        return Err(Error::invalid_input(format!(
            "the strength threshold theta is {theta}; choose one from 0 to 1, such as 0.25"
        )));
    }
    select(a.pattern(), |i, columns, kept| {
        let values = &a.values()[a.pattern().row(i)];
        match measure {
            StrengthMeasure::Absolute => keep_large(i, columns, values, theta, f64::abs, kept),
            StrengthMeasure::Negative => {
                let own = columns.iter().zip(values).find(|&(&j, _)| j as usize == i);
                let sign = if own.is_some_and(|(_, &v)| v < 0.0) { 1.0 } else { -1.0 };
                keep_large(i, columns, values, theta, |v| sign * v, kept);
            }
        }
    })
}

/// Appends the columns whose `size` is positive and at least θ times the largest of the row.
#[inline(always)]
fn keep_large(
    i: usize,
    columns: &[u32],
    values: &[f64],
    theta: f64,
    size: impl Fn(f64) -> f64,
    kept: &mut Vec<u32>,
) {
    let mut largest = 0.0;
    for (&j, &v) in columns.iter().zip(values) {
        let s = size(v);
        if j as usize != i && s > largest {
            largest = s;
        }
    }
    let threshold = theta * largest;
    for (&j, &v) in columns.iter().zip(values) {
        let s = size(v);
        if j as usize != i && s > 0.0 && s >= threshold {
            kept.push(j);
        }
    }
}

/// The connections `strong` of `a` without those of rows that are dominated by their diagonal: |Σⱼ aᵢⱼ| >
/// `max_row_sum` |aᵢᵢ|. Relaxation alone solves such equations, as those of a strong reaction or of a short
/// time step, and they become fine points. This is hypre's max_row_sum, there 0.9. Cost: one pass.
///
/// # Errors
/// Shapes that differ; a bound that is not positive and finite.
pub fn drop_dominant_rows(a: &Csr<f64>, strong: &Pattern, max_row_sum: f64) -> Result<Pattern> {
    if (a.rows(), a.cols()) != (strong.rows(), strong.cols()) {
        return Err(Error::dimension(format!(
            "strong connections between {} points for a matrix of {} rows",
            strong.rows(),
            a.rows()
        )));
    }
    if !(max_row_sum > 0.0 && max_row_sum.is_finite()) {
        return Err(Error::invalid_input(format!(
            "the bound max_row_sum is {max_row_sum}; choose a positive one, such as 0.9"
        )));
    }
    select(strong, |i, columns, kept| {
        let (mut sum, mut own) = (0.0, 0.0);
        for (j, v) in a.row(i) {
            sum += v;
            own += if j == i { v } else { 0.0 };
        }
        if f64::abs(sum) <= max_row_sum * f64::abs(own) {
            kept.extend_from_slice(columns);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(p: &Pattern) -> Vec<Vec<u32>> {
        (0..p.rows()).map(|i| p.row_cols(i).to_vec()).collect()
    }

    #[test]
    fn signs_and_thresholds() {
        // Row 1 is a mirror of row 0 in sign; row 2 has positive couplings only, row 3 none.
        let entries = [
            (0, 0, 4.0),
            (0, 1, -2.0),
            (0, 2, -0.5),
            (0, 3, 1.0),
            (1, 0, 2.0),
            (1, 1, -4.0),
            (1, 2, 0.49),
            (1, 3, -1.0),
            (2, 1, 1.0),
            (2, 2, 1.0),
            (2, 3, 0.0),
            (3, 3, 1.0),
        ];
        let a = Csr::from_triplets(4, 4, &entries).unwrap();
        let of = |theta, measure| rows(&classical_strength(&a, theta, measure).unwrap());
        let negative = StrengthMeasure::Negative;
        // Equality with the threshold is strong.
        assert_eq!(of(0.25, negative), [vec![1, 2], vec![0], vec![], vec![]]);
        assert_eq!(of(0.0, negative), [vec![1, 2], vec![0, 2], vec![], vec![]]);
        assert_eq!(of(0.5, StrengthMeasure::Absolute), [vec![1, 3], vec![0, 3], vec![1], vec![]]);
        for theta in [-0.1, 1.1, f64::NAN] {
            assert!(classical_strength(&a, theta, negative).unwrap_err().is_invalid_input());
        }
    }

    #[test]
    fn rows_under_their_diagonal_have_no_connections() {
        let entries = [(0, 0, 2.0), (0, 1, -1.0), (1, 0, -0.1), (1, 1, 2.0)];
        let a = Csr::from_triplets(2, 2, &entries).unwrap();
        let strong = classical_strength(&a, 0.25, StrengthMeasure::Negative).unwrap();
        assert_eq!(rows(&drop_dominant_rows(&a, &strong, 0.9).unwrap()), [vec![1], vec![]]);
        assert_eq!(drop_dominant_rows(&a, &strong, 0.95).unwrap(), strong);
        assert!(drop_dominant_rows(&a, &strong, 0.0).unwrap_err().is_invalid_input());
        assert!(drop_dominant_rows(&Csr::identity(3), &strong, 0.9).unwrap_err().is_dimension());
    }

    #[test]
    fn names_go_round() {
        for m in StrengthMeasure::ALL {
            assert_eq!(m.to_string().parse::<StrengthMeasure>().unwrap(), m);
            assert_eq!(serde_json::to_string(&m).unwrap(), format!("\"{m}\""));
        }
        assert!("abs".parse::<StrengthMeasure>().unwrap_err().is_invalid_input());
    }
}

//! Choice of the measure of strength.

use super::{
    StrengthMeasure, algebraic_distance_strength, classical_strength, distance_strength, strong_connections,
    symmetric_strength,
};
use crate::error::Result;
use crate::setup::evolution::evolution_strength;
use crate::setup::spectral::{infinity_norm, inverse_diagonal};
use crate::sparse::{Csr, DenseMatrix, Pattern};

/// A measure of strength and its parameters.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Strength {
    /// [`classical_strength`]: relative to the largest entry of the row.
    Classical {
        /// Threshold from 0 to 1; 0.25 is usual.
        theta: f64,
        /// The signs that count.
        measure: StrengthMeasure,
    },
    /// [`symmetric_strength`]: relative to both diagonals.
    Symmetric {
        /// Threshold; 0 makes every entry strong.
        theta: f64,
    },
    /// [`evolution_strength`], for the constant vector and with the infinity norm of D⁻¹A as its spectral
    /// radius.
    Evolution {
        /// Drop tolerance; 4 is usual.
        epsilon: f64,
    },
    /// [`distance_strength`]: by distance between points.
    Distance {
        /// Ratio of distances; 2 is usual.
        theta: f64,
        /// Coordinates of the unknowns of the finest level, n × d.
        #[serde(with = "rows_of_numbers")]
        coordinates: DenseMatrix,
    },
    /// [`algebraic_distance_strength`]: by the similarity of neighbours after relaxation.
    Algebraic {
        /// Drop tolerance; 2 is usual.
        epsilon: f64,
    },
}

impl Default for Strength {
    /// Classical, θ = 0.25, entries of the sign opposite to the diagonal.
    fn default() -> Self {
        Strength::Classical { theta: 0.25, measure: StrengthMeasure::Negative }
    }
}

impl Strength {
    /// The strong connections of `a`, n × n without diagonal: row i lists the points that i
    /// depends on. `coordinates` in the measure must be those of the unknowns of `a`.
    ///
    /// # Errors
    /// Those of the measure.
    pub fn connections(&self, a: &Csr<f64>) -> Result<Pattern> {
        match self {
            Strength::Classical { theta, measure } => classical_strength(a, *theta, *measure),
            Strength::Symmetric { theta } => strong_connections(&symmetric_strength(a, *theta)?),
            Strength::Evolution { epsilon } => {
                let rho = infinity_norm(a, &inverse_diagonal(a)?)?;
                let strength = evolution_strength(a, &vec![1.0; a.rows()], rho, *epsilon)?;
                // The symmetrised measure may link unknowns that A links one way only.
                strong_connections(&strength.filter(|i, j, _| a.pattern().find(i, j).is_some()))
            }
            Strength::Distance { theta, coordinates } => distance_strength(a, coordinates, *theta),
            Strength::Algebraic { epsilon } => algebraic_distance_strength(a, *epsilon),
        }
    }

    /// The measure for the next level, whose unknowns are these of the present one.
    #[must_use]
    pub(in crate::setup) fn on(&self, points: impl FnOnce() -> Vec<usize>) -> Self {
        match self {
            Strength::Distance { theta, coordinates } => {
                Strength::Distance { theta: *theta, coordinates: coordinates.select_rows(&points()) }
            }
            other => other.clone(),
        }
    }
}

/// A table of numbers as a list of rows.
mod rows_of_numbers {
    use crate::sparse::DenseMatrix;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(table: &DenseMatrix, to: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<Vec<f64>> = table.row_iter().map(<[f64]>::to_vec).collect();
        rows.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DenseMatrix, D::Error> {
        let rows = Vec::<Vec<f64>>::deserialize(from)?;
        let columns = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|r| r.len() != columns) {
            return Err(D::Error::custom("rows of coordinates differ in length"));
        }
        DenseMatrix::new(rows.len(), columns, rows.concat()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;

    #[test]
    fn every_measure_gives_a_graph_without_diagonal() {
        let problem = gallery::poisson_2d(9, 7).unwrap();
        let a = &problem.matrix;
        let kinds = [
            Strength::default(),
            Strength::Symmetric { theta: 0.0 },
            Strength::Evolution { epsilon: 4.0 },
            Strength::Distance { theta: 2.0, coordinates: problem.coordinates.clone() },
            Strength::Algebraic { epsilon: 2.0 },
        ];
        for kind in kinds {
            let strong = kind.connections(a).unwrap();
            for i in 0..a.rows() {
                assert!(strong.row_cols(i).iter().all(|&j| j as usize != i && a.get(i, j as usize) != 0.0));
                assert!(strong.row_cols(i).is_sorted());
            }
            // All couplings are equal; only relaxed random vectors tell them apart.
            if !matches!(kind, Strength::Algebraic { .. } | Strength::Evolution { .. }) {
                assert_eq!(strong.nnz(), a.nnz() - a.rows(), "{kind:?}");
            }
            assert!(strong.nnz() > a.rows());
            let text = serde_json::to_string(&kind).unwrap();
            assert_eq!(serde_json::from_str::<Strength>(&text).unwrap(), kind);
        }
        let ragged = r#"{"distance":{"theta":2.0,"coordinates":[[1.0],[1.0,2.0]]}}"#;
        assert!(serde_json::from_str::<Strength>(ragged).unwrap_err().to_string().contains("differ"));
    }

    #[test]
    fn coordinates_follow_the_coarse_points() {
        let coordinates = DenseMatrix::from_fn(4, 2, |i, d| (10 * i + d) as f64);
        let Strength::Distance { coordinates, .. } =
            (Strength::Distance { theta: 2.0, coordinates }).on(|| vec![1, 3])
        else {
            panic!("another measure")
        };
        assert_eq!(coordinates.row(1), [30.0, 31.0]);
    }
}

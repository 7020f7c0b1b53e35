//! Strength by distance between points.

use super::graph::{check_square, select};
use crate::error::{Error, Result};
use crate::sparse::{Csr, DenseMatrix, Pattern};

/// The least distance between points; smaller ones count as this.
const NEAREST: f64 = 1e-6;

/// The strong connections by Euclidean distance, n × n without diagonal: neighbour j of point i
/// is strong unless it is at least θ times as far away as the nearest neighbour of i.
///
/// `coordinates` is n × d, in any unit in which points are more than 10⁻⁶ apart. A neighbour is a stored
/// entry that is not zero. θ > 1; PyAMG's measure of that name takes 2. Suited to stretched grids whose
/// couplings do not reflect the distances. Cost: two passes, parallel over rows.
///
/// # Errors
/// A matrix that is not square, coordinates that do not fit or are not finite, θ of one or less.
pub fn distance_strength(a: &Csr<f64>, coordinates: &DenseMatrix, theta: f64) -> Result<Pattern> {
    check_square(a.pattern())?;
    check_coordinates(coordinates, a.rows())?;
    if theta.is_nan() || theta <= 1.0 {
        return Err(Error::invalid_input(format!(
            "the distance ratio theta is {theta}; choose one above 1, such as 2"
        )));
    }
    nearest(a, theta, |i, j| {
        let squares = coordinates.row(i).iter().zip(coordinates.row(j)).map(|(x, y)| (x - y) * (x - y));
        squares.sum::<f64>().sqrt().max(NEAREST)
    })
}

/// The neighbours whose distance is below θ times the smallest of the row.
pub(super) fn nearest(
    a: &Csr<f64>,
    theta: f64,
    distance: impl Fn(usize, usize) -> f64 + Sync + Send,
) -> Result<Pattern> {
    select(a.pattern(), |i, columns, kept| {
        let values = &a.values()[a.pattern().row(i)];
        let neighbours = columns
            .iter()
            .zip(values)
            .filter(|&(&j, &v)| j as usize != i && v != 0.0)
            .map(|(&j, _)| (j, distance(i, j as usize)));
        let bound = theta * neighbours.clone().fold(f64::INFINITY, |m, (_, d)| m.min(d));
        kept.extend(neighbours.filter(|&(_, d)| d < bound).map(|(j, _)| j));
    })
}

/// Fails unless there is a row of finite coordinates for every unknown.
pub(in crate::setup) fn check_coordinates(coordinates: &DenseMatrix, rows: usize) -> Result<()> {
    if coordinates.rows() != rows || coordinates.cols() == 0 {
        return Err(Error::dimension(format!(
            "coordinates of {} × {} for {rows} unknowns; give one row per unknown",
            coordinates.rows(),
            coordinates.cols()
        )));
    }
    match coordinates.values().iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(place) => Err(Error::invalid_input(format!(
            "coordinate {} of unknown {} is {}; coordinates must be finite",
            place % coordinates.cols() + 1,
            place / coordinates.cols() + 1,
            coordinates.values()[place]
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_neighbours_are_weak() {
        // Points 0, 1, 2, 4 on a line; every point is coupled to every other.
        let entries: Vec<_> = (0..16).map(|p| (p / 4, p % 4, if p == 1 { 0.0 } else { 1.0 })).collect();
        let a = Csr::from_triplets(4, 4, &entries).unwrap();
        let x = DenseMatrix::new(4, 1, vec![0.0, 1.0, 2.0, 4.0]).unwrap();
        let rows = |theta: f64| -> Vec<Vec<u32>> {
            let p = distance_strength(&a, &x, theta).unwrap();
            (0..4).map(|i| p.row_cols(i).to_vec()).collect()
        };
        // The coupling (0, 1) is a stored zero; a distance equal to the bound is weak.
        assert_eq!(rows(2.0), [vec![2], vec![0, 2], vec![1], vec![1, 2]]);
        assert_eq!(rows(f64::INFINITY), [vec![2, 3], vec![0, 2, 3], vec![0, 1, 3], vec![0, 1, 2]]);
        assert!(distance_strength(&a, &x, 1.0).unwrap_err().is_invalid_input());
        assert!(distance_strength(&a, &DenseMatrix::ones(3, 2), 2.0).unwrap_err().is_dimension());
        let bad = DenseMatrix::filled(4, 2, f64::NAN);
        assert!(distance_strength(&a, &bad, 2.0).unwrap_err().to_string().contains("unknown 1"));
    }
}

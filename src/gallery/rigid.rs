//! Rigid-body modes: displacements without elastic energy.

use crate::error::{Error, Result};
use crate::sparse::DenseMatrix;

/// The rigid-body modes of a body in the plane (3 columns) or in space (6 columns), for
/// unknowns that are the displacements of each node, interleaved: x, y\[, z\] of the first
/// node, then of the second.
///
/// `coordinates` has one row per *unknown*, n × d with the node's row d times in turn, as in
/// [`Problem::coordinates`](super::Problem::coordinates). The result is n × k: translations along x, y\[,
/// z\], then the rotation (−y, x), in space those about x: (0, −z, y), about y: (z, 0, −x) and about z: (−y,
/// x, 0). Rotations are about the mean of the nodes and scaled by the largest distance along an axis from it,
/// so that all columns are of size 1. Cost: one pass.
///
/// # Errors
/// Coordinates that do not have 2 or 3 columns, are not finite, or have a number of rows that d does not
/// divide; rows of one node that differ (for example, one row per node); nodes that all lie in one point or,
/// in space, on a line along an axis, for which a rotation vanishes.
///
/// ```
/// use multigrad::gallery::rigid_body_modes;
/// use multigrad::sparse::DenseMatrix;
/// // Two nodes at (0, 0) and (2, 0).
/// let modes = rigid_body_modes(&DenseMatrix::from([[0.0, 0.0], [0.0, 0.0], [2.0, 0.0], [2.0, 0.0]]))?;
/// assert_eq!(modes.column(0).collect::<Vec<_>>(), [1.0, 0.0, 1.0, 0.0]);
/// assert_eq!(modes.column(2).collect::<Vec<_>>(), [0.0, -1.0, 0.0, 1.0]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn rigid_body_modes(coordinates: &DenseMatrix) -> Result<DenseMatrix> {
    let (n, d) = coordinates.shape();
    if !matches!(d, 2 | 3) || n == 0 || n % d != 0 {
        return Err(Error::dimension(format!(
            "rigid-body modes need coordinates of 2 or 3 columns with one row per unknown, 2 or 3 for each \
             node; got {n} × {d}"
        )));
    }
    for (i, row) in coordinates.row_iter().enumerate() {
        if let Some(c) = row.iter().position(|v| !v.is_finite()) {
            return Err(Error::invalid_input(format!(
                "the coordinate in row {}, column {} is {}; coordinates must be finite",
                i + 1,
                c + 1,
                row[c]
            )));
        }
        if row != coordinates.row(i - i % d) {
            return Err(Error::invalid_input(format!(
                "rows {} and {} of the coordinates differ, but belong to the {d} unknowns of one node; \
                 give one row per unknown, with the node repeated",
                i - i % d + 1,
                i + 1
            )));
        }
    }
    let nodes = (n / d) as f64;
    let middle: Vec<f64> =
        (0..d).map(|c| coordinates.column(c).step_by(d).map(|v| v / nodes).sum()).collect();
    let away = |place: &[f64], c: usize| place[c] - middle[c];
    let size = coordinates.row_iter().fold(0.0f64, |m, p| (0..d).fold(m, |m, c| m.max(away(p, c).abs())));
    // The rotation of axes a and b turns a towards b; in space by ascending third axis.
    let rotations: &[(usize, usize)] = if d == 2 { &[(0, 1)] } else { &[(1, 2), (2, 0), (0, 1)] };
    let mut modes = DenseMatrix::zeros(n, d + rotations.len());
    for (i, place) in coordinates.row_iter().enumerate() {
        let component = i % d;
        modes[[i, component]] = 1.0;
        for (r, &(a, b)) in rotations.iter().enumerate() {
            modes[[i, d + r]] = match component {
                c if c == a => -away(place, b) / size,
                c if c == b => away(place, a) / size,
                _ => 0.0,
            };
        }
    }
    // `size` is 0 if all nodes coincide: NaN then.
    let moves = |r: usize| modes.column(d + r).any(|v| v.abs() > 1e-12);
    if (0..rotations.len()).all(moves) {
        return Ok(modes);
    }
    Err(Error::invalid_input(
        "a rotation leaves all nodes where they are, because they lie in one point or on a line along an \
         axis; leave out the rigid-body modes",
    ))
}

#[cfg(test)]
mod tests {
    use crate::sparse::DenseMatrix;

    use super::*;

    #[test]
    fn rotations_in_space_by_hand() -> Result<()> {
        // Nodes (1, 0, 0), (−1, 0, 0), (0, 2, 0), (0, −2, 0), (0, 0, 4), (0, 0, −4): mean 0.
        let mut coordinates = DenseMatrix::zeros(18, 3);
        for node in 0..6 {
            let value = [1.0, -1.0, 2.0, -2.0, 4.0, -4.0][node];
            (0..3).for_each(|c| coordinates[[3 * node + c, node / 2]] = value);
        }
        let modes = rigid_body_modes(&coordinates)?;
        assert_eq!(modes.shape(), (18, 6));
        // ω × p / 4 for ω along x, y and z.
        let at = |node: usize, r: usize| [0, 1, 2].map(|c| modes[[3 * node + c, 3 + r]] + 0.0);
        assert_eq!([at(0, 0), at(0, 1), at(0, 2)], [[0.0; 3], [0.0, 0.0, -0.25], [0.0, 0.25, 0.0]]);
        assert_eq!([at(2, 0), at(2, 1), at(2, 2)], [[0.0, 0.0, 0.5], [0.0; 3], [-0.5, 0.0, 0.0]]);
        assert_eq!([at(4, 0), at(4, 1), at(4, 2)], [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0; 3]]);
        Ok(())
    }

    #[test]
    fn what_is_wrong_with_coordinates_is_named() {
        let message = |c: DenseMatrix| rigid_body_modes(&c).unwrap_err().to_string();
        // One row per node instead of one per unknown.
        assert!(message(DenseMatrix::from([[0.0, 0.0], [1.0, 0.0]])).contains("rows 1 and 2"));
        assert!(message(DenseMatrix::from([[0.0, 0.0], [0.0, f64::NAN]])).contains("row 2, column 2"));
        assert!(message(DenseMatrix::from([[1.0, 2.0], [1.0, 2.0]])).contains("one point"));
        assert!(message(DenseMatrix::zeros(3, 2)).contains("3 × 2"));
        assert!(message(DenseMatrix::zeros(0, 2)).contains("0 × 2"));
        assert!(message(DenseMatrix::zeros(4, 1)).contains("4 × 1"));
        // On the x axis, where the rotation about it vanishes.
        let line = DenseMatrix::from_fn(6, 3, |i, c| if c == 0 { (i / 3) as f64 } else { 0.0 });
        assert!(message(line).contains("line along an axis"));
    }
}

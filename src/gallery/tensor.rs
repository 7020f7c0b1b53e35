//! Poisson problems on tensor grids: boundary layers, and Neumann boundaries.

use super::cells::{Cells, Sides};
use super::{Problem, check_shape};
use crate::error::{Error, Result};

/// The largest ratio of cell widths.
const LARGEST_RATIO: f64 = 1e12;

/// −Δu = 1 on the unit square, u = 0 on the boundary, on cells that get thinner towards all
/// four sides: finite volumes with 5 points.
///
/// `nx` × `ny` rectangles. In either direction the widths are proportional to q^m, m the number
/// of cells between this one and the nearer side, with q such that the widest cell is `ratio`
/// times as wide as the thinnest one; so with nx = ny cells reach the aspect ratio `ratio`,
/// lying along two sides and standing along the other two. A direction of fewer than 3
/// cells has equal widths. Row of cell p: −A/d for each neighbour q, A the length of their
/// common side and d the distance of their middles; the diagonal is minus the sum, with d half
/// a width at the boundary; right-hand side the area of the cell. Symmetric positive definite
/// M-matrix, exact for linear u. Cost: one pass, 5·nx·ny entries.
///
/// # Errors
/// No unknowns, more entries than 32-bit indices can count, a ratio below 1, above 10¹² or not
/// finite, or one above 1 with fewer than 3 cells in both directions.
///
/// ```
/// let problem = multigrad::gallery::stretched_grid_2d(5, 5, 4.0)?;
/// // Widths 1, 2, 4, 2, 1, divided by their sum.
/// assert!((problem.coordinates[[1, 0]] - 0.2).abs() < 1e-15);
/// assert!((problem.rhs[2] - 0.04).abs() < 1e-15);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn stretched_grid_2d(nx: usize, ny: usize, ratio: f64) -> Result<Problem> {
    let name = format!("stretched grid {nx} × {ny}, ratio {ratio}");
    let place = |e: Error| e.at(&name);
    if !(1.0..=LARGEST_RATIO).contains(&ratio) {
        return Err(Error::invalid_input(format!(
            "the ratio of the widest to the thinnest cell must be between 1 and {LARGEST_RATIO:e}, got {ratio}"
        )));
    }
    check_shape(&[nx, ny], 5, "cells").map_err(place)?;
    if ratio > 1.0 && nx.max(ny) < 3 {
        return Err(place(Error::invalid_input(
            "a grid with fewer than 3 cells in both directions cannot be stretched; \
             take more cells or a ratio of 1",
        )));
    }
    let cells = Cells::rectangles(widths(nx, ratio), widths(ny, ratio));
    let matrix = cells.matrix(Sides::Dirichlet, |_| 1.0).map_err(place)?;
    Ok(Problem::scalar(matrix, cells.load(), cells.coordinates(), name))
}

/// `n` widths that sum to 1 and grow from both ends to the middle by the factor `ratio`.
fn widths(n: usize, ratio: f64) -> Vec<f64> {
    let steps = (n - 1) / 2;
    let width = |i: usize| match i.min(n - 1 - i) {
        0 => 1.0,
        inwards => ratio.powf(inwards as f64 / steps as f64),
    };
    let total: f64 = (0..n).map(width).sum();
    (0..n).map(|i| width(i) / total).collect()
}

/// −Δu = f in the plane without flow through any side: the singular Poisson problem, by finite volumes with 5
/// points.
///
/// `nx` × `ny` square cells of side h = 1/max(nx, ny), one unknown in the middle of each. Row:
/// −1 for each neighbour and their number on the diagonal, so all row sums are exactly 0:
/// symmetric positive semidefinite, with the constants as nullspace. A source in the first
/// cell and a sink in the last: right-hand side 1, 0, …, 0, −1, whose sum is exactly 0, so that
/// there are solutions, one up to a constant. Cost: one pass, 5·nx·ny entries.
///
/// # Errors
/// Fewer than 2 cells, or more entries than 32-bit indices can count.
///
/// ```
/// let problem = multigrad::gallery::neumann_2d(3, 1)?;
/// assert_eq!(problem.matrix.values(), [1.0, -1.0, -1.0, 2.0, -1.0, -1.0, 1.0]);
/// assert_eq!(problem.rhs, [1.0, 0.0, -1.0]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn neumann_2d(nx: usize, ny: usize) -> Result<Problem> {
    let name = format!("Neumann {nx} × {ny}");
    let place = |e: Error| e.at(&name);
    let cells = Cells::uniform(&[nx, ny]).map_err(place)?;
    let n = cells.len();
    if n < 2 {
        return Err(place(Error::invalid_input("a single closed cell has the matrix 0; ask for at least 2")));
    }
    let matrix = cells.matrix(Sides::Neumann, |_| 1.0).map_err(place)?;
    let mut rhs = vec![0.0; n];
    rhs[0] = 1.0;
    rhs[n - 1] = -1.0;
    Ok(Problem::scalar(matrix, rhs, cells.coordinates(), name))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, eigenvalues, is_positive_definite};
    use super::*;

    #[test]
    fn cells_reach_the_ratio_in_both_directions() -> Result<()> {
        for n in [3, 4, 16, 33] {
            let w = widths(n, 1000.0);
            assert!((w.iter().sum::<f64>() - 1.0).abs() < 1e-13);
            let (thin, wide) = w.iter().fold((f64::MAX, 0.0f64), |(a, b), &w| (a.min(w), b.max(w)));
            assert!((wide / thin - 1000.0).abs() < 1e-9);
            assert!(w.iter().eq(w.iter().rev()), "{w:?}");
        }
        let problem = stretched_grid_2d(33, 33, 1000.0)?;
        check(&problem);
        let a = &problem.matrix;
        assert_eq!(a.asymmetry(), 0.0);
        assert!(is_positive_definite(a));
        // Couplings of equal neighbours are the square of the aspect: in the middle of the lower
        // side strong across, in the middle of the left side strong along.
        let (bottom, left) = (16, 16 * 33);
        assert!(a.get(bottom, bottom + 33) / a.get(bottom, bottom + 1) > 1e5);
        assert!(a.get(left, left + 1) / a.get(left, left + 33) > 1e5);
        assert!((problem.rhs.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        Ok(())
    }

    #[test]
    fn no_stretching_gives_equal_cells() -> Result<()> {
        let a = stretched_grid_2d(4, 4, 1.0)?.matrix;
        let row: Vec<_> = a.row(5).collect();
        let expected = [(1, -1.0), (4, -1.0), (5, 4.0), (6, -1.0), (9, -1.0)];
        assert!(row.iter().zip(expected).all(|(r, e)| r.0 == e.0 && (r.1 - e.1).abs() < 1e-14), "{row:?}");
        Ok(())
    }

    #[test]
    fn neumann_is_singular_with_constants_only() -> Result<()> {
        let problem = neumann_2d(6, 5)?;
        check(&problem);
        let a = &problem.matrix;
        for i in 0..a.rows() {
            assert_eq!(a.row(i).map(|(_, v)| v).sum::<f64>(), 0.0);
        }
        assert_eq!(problem.rhs.iter().sum::<f64>(), 0.0);
        let spectrum = eigenvalues(a);
        assert!(spectrum[0].abs() < 1e-13);
        // The next one is 4 sin²(π/(2·6)).
        let next = 4.0 * (std::f64::consts::PI / 12.0).sin().powi(2);
        assert!((spectrum[1] - next).abs() < 1e-13);
        Ok(())
    }

    #[test]
    fn parameters_that_make_no_sense_are_errors() {
        for bad in [0.5, 0.0, -1.0, 1e13, f64::NAN, f64::INFINITY] {
            assert!(stretched_grid_2d(8, 8, bad).is_err_and(|e| e.is_invalid_input()));
        }
        assert!(stretched_grid_2d(2, 2, 10.0).is_err_and(|e| e.is_invalid_input()));
        assert!(stretched_grid_2d(2, 2, 1.0).is_ok());
        assert!(stretched_grid_2d(0, 3, 10.0).is_err_and(|e| e.is_invalid_input()));
        assert!(stretched_grid_2d(1 << 16, 1 << 16, 10.0).is_err_and(|e| e.is_dimension()));
        assert!(neumann_2d(1, 1).is_err_and(|e| e.is_invalid_input()));
        assert!(neumann_2d(0, 7).is_err_and(|e| e.is_invalid_input()));
        assert!(neumann_2d(usize::MAX, 2).is_err_and(|e| e.is_dimension()));
    }
}

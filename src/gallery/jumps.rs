//! Diffusion with coefficients that jump from block to block.

use std::fmt;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::cells::{Cells, Sides};
use super::{Problem, check_positive};
use crate::error::{Error, Result};

/// Contrasts outside 10^∓250 would make sums of couplings overflow.
const LARGEST_CONTRAST: f64 = 1e250;

/// The pattern of large coefficients. The number is the side of a block in cells; blocks at the far sides are
/// cut off if it does not divide the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Jumps {
    /// Every second block, like the black squares of a chess board: blocks of equal coefficient meet only in
    /// corners and edges. The seed is not used.
    Checkerboard(usize),
    /// Each block with probability ½, drawn with the seed. `Random(1)` draws every cell.
    Random(usize),
}

impl fmt::Display for Jumps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkerboard(block) => write!(f, "checkerboard of {block}"),
            Self::Random(block) => write!(f, "random blocks of {block}"),
        }
    }
}

/// −∇·(κ∇u) = 1 in the plane with u = 0 on the boundary, κ = `contrast` in some blocks and 1
/// in the others, by finite volumes with 5 points.
///
/// `nx` × `ny` square cells of side h = 1/max(nx, ny), one unknown in the middle of each. Row
/// of cell p: −2κ_pκ_q/(κ_p + κ_q) for each neighbour q, the harmonic mean, which is the exact
/// flow between two materials; the diagonal is minus their sum plus 2κ_p for every side on the
/// boundary; right-hand side h². Symmetric positive definite M-matrix with a condition number
/// near contrast/h². Cost: one pass, 5·nx·ny entries.
///
/// # Errors
/// No unknowns, more entries than 32-bit indices can count, a contrast that is not positive or
/// is not between 10⁻²⁵⁰ and 10²⁵⁰, or blocks of 0 cells.
///
/// ```
/// use multigrad::gallery::{Jumps, jumping_coefficients_2d};
/// let a = jumping_coefficients_2d(2, 2, 3.0, Jumps::Checkerboard(1), 0)?.matrix;
/// // 2·1·3/(1 + 3) = 1.5 between neighbours, 2 to each of the two outer sides where κ = 1.
/// assert_eq!(a.row(1).collect::<Vec<_>>(), [(0, -1.5), (1, 15.0), (3, -1.5)]);
/// assert_eq!(a.get(0, 0), 7.0);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn jumping_coefficients_2d(
    nx: usize,
    ny: usize,
    contrast: f64,
    jumps: Jumps,
    seed: u64,
) -> Result<Problem> {
    jumping(&[nx, ny], contrast, jumps, seed, format!("jumping coefficients {nx} × {ny}"))
}

/// −∇·(κ∇u) = 1 in space with u = 0 on the boundary, κ = `contrast` in some blocks and 1 in
/// the others, by finite volumes with 7 points.
///
/// `nx` × `ny` × `nz` cubes; see [`jumping_coefficients_2d`]. Cost: one pass, 7·nx·ny·nz
/// entries.
///
/// # Errors
/// As for [`jumping_coefficients_2d`].
///
/// ```
/// use multigrad::gallery::{Jumps, jumping_coefficients_3d};
/// let problem = jumping_coefficients_3d(6, 6, 6, 1e6, Jumps::Random(2), 1)?;
/// assert!(problem.matrix.is_symmetric());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn jumping_coefficients_3d(
    nx: usize,
    ny: usize,
    nz: usize,
    contrast: f64,
    jumps: Jumps,
    seed: u64,
) -> Result<Problem> {
    jumping(&[nx, ny, nz], contrast, jumps, seed, format!("jumping coefficients {nx} × {ny} × {nz}"))
}

fn jumping(shape: &[usize], contrast: f64, jumps: Jumps, seed: u64, name: String) -> Result<Problem> {
    let name = format!("{name}, contrast {contrast:e}, {jumps}");
    let place = |e: Error| e.at(&name);
    check_positive("the contrast of the coefficients", contrast)?;
    if !(1.0 / LARGEST_CONTRAST..=LARGEST_CONTRAST).contains(&contrast) {
        return Err(Error::invalid_input(format!(
            "a contrast of {contrast:e} exceeds the range of double precision; stay within \
             {:e} and {LARGEST_CONTRAST:e}",
            1.0 / LARGEST_CONTRAST
        )));
    }
    let (Jumps::Checkerboard(block) | Jumps::Random(block)) = jumps;
    if block == 0 {
        return Err(place(Error::invalid_input("blocks of 0 cells; give a side of at least 1")));
    }
    let cells = Cells::uniform(shape).map_err(place)?;
    let [bx, by, bz] = cells.shape().map(|n| n.div_ceil(block));
    let large: Vec<bool> = match jumps {
        Jumps::Checkerboard(_) => {
            (0..bx * by * bz).map(|b| (b % bx + b / bx % by + b / bx / by) % 2 == 1).collect()
        }
        Jumps::Random(_) => {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            (0..bx * by * bz).map(|_| rng.random::<bool>()).collect()
        }
    };
    let kappa = |row: usize| {
        let [i, j, k] = cells.index(row).map(|q| q / block);
        if large[i + bx * (j + by * k)] { contrast } else { 1.0 }
    };
    let matrix = cells.matrix(Sides::Dirichlet, kappa).map_err(place)?;
    Ok(Problem::scalar(matrix, cells.load(), cells.coordinates(), name))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check, is_positive_definite, same};
    use super::*;

    #[test]
    fn rows_hold_harmonic_means_and_sum_to_the_flow_through_the_boundary() -> Result<()> {
        let problem = jumping_coefficients_2d(12, 9, 1e6, Jumps::Random(2), 3)?;
        check(&problem);
        let a = &problem.matrix;
        assert_eq!(a.asymmetry(), 0.0);
        let mean = 2.0 * 1e6 / (1.0 + 1e6);
        let (mut mixed, mut large, mut small) = (0, 0, 0);
        for i in 0..a.rows() {
            for (j, v) in a.row(i).filter(|&(j, _)| j != i) {
                let near = |w: f64| (v / w + 1.0).abs() < 1e-12;
                mixed += usize::from(near(mean));
                large += usize::from(near(1e6));
                small += usize::from(near(1.0));
                assert!(near(mean) || near(1e6) || near(1.0), "row {i}, column {j}: {v}");
            }
            let inside = (1..11).contains(&(i % 12)) && (1..8).contains(&(i / 12));
            let sum: f64 = a.row(i).map(|(_, v)| v).sum();
            assert_eq!(sum.abs() < 1e-9 * a.get(i, i), inside, "row {i} sums to {sum}");
        }
        assert!(mixed > 20 && large > 20 && small > 20, "{mixed}, {large}, {small}");
        Ok(())
    }

    #[test]
    fn without_contrast_it_is_the_laplacian_and_with_it_stays_definite() -> Result<()> {
        let plain = jumping_coefficients_3d(3, 4, 2, 1.0, Jumps::Random(1), 5)?;
        let row: Vec<_> = plain.matrix.row(4).collect();
        assert_eq!(row, [(1, -1.0), (3, -1.0), (4, 7.0), (5, -1.0), (7, -1.0), (16, -1.0)]);
        for jumps in [Jumps::Checkerboard(1), Jumps::Checkerboard(3), Jumps::Random(2)] {
            for contrast in [1e-8, 1e6, 1e9] {
                let problem = jumping_coefficients_3d(5, 4, 6, contrast, jumps, 7)?;
                check(&problem);
                assert!(is_positive_definite(&problem.matrix), "{}", problem.name);
            }
        }
        // Nothing overflows at the far ends.
        for contrast in [1e-250, 1e250] {
            let a = jumping_coefficients_3d(4, 4, 4, contrast, Jumps::Checkerboard(2), 0)?.matrix;
            assert!(a.values().iter().all(|&v| v != 0.0 && v.is_finite()));
        }
        Ok(())
    }

    #[test]
    fn the_seed_decides() -> Result<()> {
        let at = |seed| jumping_coefficients_2d(20, 20, 1e3, Jumps::Random(2), seed);
        assert!(same(&at(1)?, &at(1)?));
        assert!(!same(&at(1)?, &at(2)?));
        Ok(())
    }

    #[test]
    fn parameters_that_make_no_sense_are_errors() {
        let of = |n, contrast, block| jumping_coefficients_2d(n, n, contrast, Jumps::Random(block), 0);
        assert!(of(0, 10.0, 1).is_err_and(|e| e.is_invalid_input()));
        assert!(of(4, 10.0, 0).is_err_and(|e| e.is_invalid_input()));
        assert!(of(1 << 20, 10.0, 1).is_err_and(|e| e.is_dimension()));
        assert!(of(usize::MAX, 10.0, 1).is_err_and(|e| e.is_dimension()));
        for bad in [0.0, -2.0, f64::NAN, f64::INFINITY, 1e300, 1e-300] {
            assert!(of(4, bad, 1).is_err_and(|e| e.is_invalid_input()));
        }
    }
}

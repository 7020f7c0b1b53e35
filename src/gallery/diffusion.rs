//! Constant symmetric stencils: Poisson, anisotropic diffusion and Helmholtz.

use super::grid::{FIVE_POINT, Grid, NINE_POINT, Offset, SEVEN_POINT};
use super::{Problem, check_positive};
use crate::error::{Error, Result};

/// −Δu = 1 in the plane with u = 0 on the boundary, by the 5-point stencil.
///
/// `nx` × `ny` unknowns; row: 4 on the diagonal, −1 for each neighbour (not divided by h²),
/// right-hand side h². Both directions have the spacing h = 1/(max(nx, ny) + 1): the domain
/// is the unit square if `nx = ny`, else a rectangle in it. The matrix is symmetric positive
/// definite with eigenvalues 4 sin²(πk/(2nx+2)) + 4 sin²(πl/(2ny+2)), and u is accurate to
/// O(h²). Cost: one pass, 5·nx·ny entries.
///
/// # Errors
/// No unknowns, or more entries than 32-bit indices can count.
///
/// ```
/// let a = multigrad::gallery::poisson_2d(2, 2)?.matrix;
/// let mut y = [0.0; 4];
/// a.spmv(&[1.0, 0.0, 0.0, 0.0], &mut y)?;
/// assert_eq!(y, [4.0, -1.0, -1.0, 0.0]);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn poisson_2d(nx: usize, ny: usize) -> Result<Problem> {
    constant_stencil(&[nx, ny], FIVE_POINT, [-1.0, -1.0, 4.0, -1.0, -1.0], format!("Poisson {nx} × {ny}"))
}

/// −Δu = 1 in space with u = 0 on the boundary, by the 7-point stencil.
///
/// `nx` × `ny` × `nz` unknowns; row: 6 on the diagonal, −1 for each neighbour, right-hand
/// side h² with h = 1/(max(nx, ny, nz) + 1); see [`poisson_2d`]. Cost: one pass,
/// 7·nx·ny·nz entries.
///
/// # Errors
/// No unknowns, or more entries than 32-bit indices can count.
///
/// ```
/// let problem = multigrad::gallery::poisson_3d(4, 3, 2)?;
/// assert_eq!(problem.coordinates.shape(), (24, 3));
/// assert!(problem.matrix.is_symmetric());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn poisson_3d(nx: usize, ny: usize, nz: usize) -> Result<Problem> {
    constant_stencil(
        &[nx, ny, nz],
        SEVEN_POINT,
        [-1.0, -1.0, -1.0, 6.0, -1.0, -1.0, -1.0],
        format!("Poisson {nx} × {ny} × {nz}"),
    )
}

/// Anisotropic diffusion along one direction: −∇·(K∇u) = 1 on the unit square, u = 0 on the boundary, by
/// bilinear elements (Q1) on `n` × `n` unknowns.
///
/// K = Qᵀ diag(1, ε) Q with Q = [[c, s], [−s, c]], c = cos θ, s = sin θ: diffusion 1 along
/// (c, s) and ε across it. With K = [[a, g], [g, b]] the 3 × 3 stencil, x to the right and y
/// upwards, is
///
/// ```text
///       ⎡ −a−b+3g   2a−4b   −a−b−3g ⎤
/// 1/6 · ⎢  2b−4a    8a+8b    2b−4a  ⎥
///       ⎣ −a−b−3g   2a−4b   −a−b+3g ⎦
/// ```
///
/// All nine entries are stored, zeros included. The right-hand side is h², with h = 1/(n + 1). This is
/// `diffusion_stencil_2d(epsilon, theta, type='FE')` of PyAMG (Bell, Olson, Schroder, *JOSS* 7(72), 4142,
/// 2022), whose first, slow axis is x: its matrix is this one with the two grid directions exchanged in the
/// numbering. Cost: one pass, 9 n² entries.
///
/// # Errors
/// No unknowns, more entries than 32-bit indices can count, ε not positive and finite, or θ
/// not finite.
///
/// ```
/// let problem = multigrad::gallery::rotated_anisotropic(16, 1e-3, std::f64::consts::FRAC_PI_6)?;
/// assert!(problem.matrix.is_symmetric());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn rotated_anisotropic(n: usize, epsilon: f64, theta: f64) -> Result<Problem> {
    check_positive("the anisotropy ε", epsilon)?;
    if !theta.is_finite() {
        return Err(Error::invalid_input(format!("the angle θ must be finite (radians), got {theta}")));
    }
    let (s, c) = theta.sin_cos();
    let (a, b, g) = (c * c + epsilon * s * s, s * s + epsilon * c * c, (1.0 - epsilon) * c * s);
    let along = (-a - b - 3.0 * g) / 6.0;
    let across = (-a - b + 3.0 * g) / 6.0;
    let (x, y) = ((2.0 * b - 4.0 * a) / 6.0, (2.0 * a - 4.0 * b) / 6.0);
    let centre = (8.0 * a + 8.0 * b) / 6.0;
    constant_stencil(
        &[n, n],
        NINE_POINT,
        [along, y, across, x, centre, x, across, y, along],
        format!("rotated anisotropic {n} × {n}, ε = {epsilon}, θ = {theta:.4}"),
    )
}

/// Anisotropic diffusion along the axes: −εₓ∂ₓₓu − ε_y∂_yyu − ε_z∂_zzu = 1 on the unit cube, u = 0 on the
/// boundary, by the 7-point stencil on `n` × `n` × `n` unknowns.
///
/// Row: 2(εₓ + ε_y + ε_z) on the diagonal, −εₓ for both neighbours along x, likewise y and z;
/// right-hand side h², h = 1/(n + 1). Symmetric positive definite. Two large values couple
/// planes, one couples lines. Cost: one pass, 7 n³ entries.
///
/// # Errors
/// No unknowns, more entries than 32-bit indices can count, an ε not positive and finite.
///
/// ```
/// let problem = multigrad::gallery::anisotropic_3d(4, 1.0, 0.5, 0.125)?;
/// assert_eq!(problem.matrix.get(0, 0), 3.25);
/// assert_eq!(problem.matrix.get(0, 16), -0.125);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn anisotropic_3d(n: usize, epsilon_x: f64, epsilon_y: f64, epsilon_z: f64) -> Result<Problem> {
    for (axis, epsilon) in [("x", epsilon_x), ("y", epsilon_y), ("z", epsilon_z)] {
        check_positive(&format!("the diffusion along {axis}"), epsilon)?;
    }
    let centre = 2.0 * (epsilon_x + epsilon_y + epsilon_z);
    constant_stencil(
        &[n, n, n],
        SEVEN_POINT,
        [-epsilon_z, -epsilon_y, -epsilon_x, centre, -epsilon_x, -epsilon_y, -epsilon_z],
        format!("anisotropic {n} × {n} × {n}, ε = ({epsilon_x}, {epsilon_y}, {epsilon_z})"),
    )
}

/// −Δu − k²u = 1 on the unit square, u = 0 on the boundary, by the 5-point stencil on
/// `n` × `n` unknowns.
///
/// Row: 4 − k²h² on the diagonal, −1 for each neighbour; right-hand side h², h = 1/(n + 1). Eigenvalues 4
/// sin²(πp h/2) + 4 sin²(πq h/2) − k²h² for p, q = 1…n: indefinite from about k = √2 π = 4.44 on, singular if
/// k² is an eigenvalue of the Laplacian. The wavelength 2π/k is resolved if k h is below about 0.6 (ten
/// points). Cost: one pass, 5 n² entries.
///
/// # Errors
/// No unknowns, more entries than 32-bit indices can count, k not positive and finite.
///
/// ```
/// let problem = multigrad::gallery::helmholtz_2d(9, 10.0)?;
/// assert!((problem.matrix.get(0, 0) - 3.0).abs() < 1e-14);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn helmholtz_2d(n: usize, k: f64) -> Result<Problem> {
    check_positive("the wave number k", k)?;
    let scaled = k / (n as f64 + 1.0);
    constant_stencil(
        &[n, n],
        FIVE_POINT,
        [-1.0, -1.0, 4.0 - scaled * scaled, -1.0, -1.0],
        format!("Helmholtz {n} × {n}, k = {k}"),
    )
}

/// A constant stencil with u = 0 on the boundary and the right-hand side h² everywhere.
fn constant_stencil<const K: usize>(
    points: &[usize],
    offsets: [Offset; K],
    stencil: [f64; K],
    name: String,
) -> Result<Problem> {
    let place = |e: Error| e.at(&name);
    let grid = Grid::new(points, offsets, 0.0, 1.0).map_err(place)?;
    let mut rhs = vec![grid.spacing().powi(2); grid.len()];
    let matrix = grid.assemble(|_, _| stencil, |_| 0.0, &mut rhs).map_err(place)?;
    Ok(Problem::scalar(matrix, rhs, grid.coordinates(), name))
}

#[cfg(test)]
mod tests {
    use super::super::testing::eigenvalues;
    use super::*;

    #[test]
    fn helmholtz_has_the_eigenvalues_of_the_formula() -> Result<()> {
        let (n, k) = (7usize, 12.0);
        let h = 1.0 / (n as f64 + 1.0);
        let wave = |p: usize| 4.0 * (std::f64::consts::FRAC_PI_2 * p as f64 * h).sin().powi(2);
        let mut expected: Vec<f64> =
            (1..=n).flat_map(|p| (1..=n).map(move |q| wave(p) + wave(q) - k * k * h * h)).collect();
        expected.sort_by(f64::total_cmp);
        let found = eigenvalues(&helmholtz_2d(n, k)?.matrix);
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        // p² + q² up to 10, and (1, 4) and (4, 1), whose discrete values are below k².
        assert_eq!(found.iter().filter(|&&v| v < 0.0).count(), 10);
        Ok(())
    }

    #[test]
    fn diffusion_along_the_axes_couples_the_right_neighbours() -> Result<()> {
        let a = anisotropic_3d(3, 2.0, 3.0, 5.0)?.matrix;
        // The middle one of 27 points.
        let row: Vec<_> = a.row(13).collect();
        let expected = [(4, -5.0), (10, -3.0), (12, -2.0), (13, 20.0), (14, -2.0), (16, -3.0), (22, -5.0)];
        assert_eq!(row, expected);
        assert!(eigenvalues(&a)[0] > 0.0);
        Ok(())
    }

    #[test]
    fn parameters_that_make_no_sense_are_errors() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(helmholtz_2d(4, bad).is_err());
            assert!(anisotropic_3d(4, 1.0, 1.0, bad).is_err());
        }
        assert!(helmholtz_2d(0, 1.0).is_err_and(|e| e.is_invalid_input()));
        assert!(anisotropic_3d(100_000, 1.0, 1.0, 1.0).is_err_and(|e| e.is_dimension()));
        // k² overflows: refused, not stored.
        assert!(helmholtz_2d(4, 1e200).is_err());
    }
}

//! Recirculating flow and rotated anisotropy in three dimensions.

use std::f64::consts::PI;

use super::grid::{Grid, Offset, SEVEN_POINT};
use super::{Problem, check_positive};
use crate::error::{Error, Result};

/// The 3 × 3 × 3 neighbourhood, by ascending number.
const TWENTY_SEVEN_POINT: [Offset; 27] = {
    let mut all = [[0; 3]; 27];
    let mut q = 0;
    while q < 27 {
        all[q] = [q as isize % 3 - 1, q as isize / 3 % 3 - 1, q as isize / 9 - 1];
        q += 1;
    }
    all
};

/// The recirculating flow −εΔu + w·∇u = 0 on \[−1, 1\]³ with
/// w = (2y(1 − x²), −2x(1 − y²), 0)·(1 − z²): the eddy of
/// [`recirculating_flow`](super::recirculating_flow), which fades towards z = ±1.
///
/// `n` × `n` × `n` unknowns with spacing h = 2/(n + 1), first-order upwind differences multiplied by h²:
/// west entry −ε − h max(w₁, 0), east −ε + h min(w₁, 0), likewise the other two directions; the diagonal
/// is minus their sum. u = 1 on the side x = 1 and 0 on the others. An M-matrix, not symmetric. Cost:
/// one pass, 7 n³ entries.
///
/// # Errors
/// No unknowns, more entries than 32-bit indices can count, or ε not positive and finite.
///
/// ```
/// let problem = multigrad::gallery::recirculating_flow_3d(6, 0.01)?;
/// assert_eq!(problem.matrix.rows(), 216);
/// assert!(!problem.matrix.is_symmetric());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn recirculating_flow_3d(n: usize, epsilon: f64) -> Result<Problem> {
    check_positive("the diffusion ε of the recirculating flow", epsilon)?;
    let name = format!("recirculating flow {n} × {n} × {n}, upwind, ε = {epsilon}");
    let place = |e: Error| e.at(&name);
    let grid = Grid::new(&[n, n, n], SEVEN_POINT, -1.0, 2.0).map_err(place)?;
    let h = grid.spacing();
    let coefficients = |_: usize, [x, y, z]: [f64; 3]| {
        let fade = h * (1.0 - z * z);
        let (u, v) = (2.0 * fade * y * (1.0 - x * x), -2.0 * fade * x * (1.0 - y * y));
        let (west, east) = (-epsilon - u.max(0.0), -epsilon + u.min(0.0));
        let (south, north) = (-epsilon - v.max(0.0), -epsilon + v.min(0.0));
        let centre = 2.0 * epsilon - west - east - south - north;
        [-epsilon, south, west, centre, east, north, -epsilon]
    };
    let mut rhs = vec![0.0; grid.len()];
    let boundary = |[x, _, _]: [f64; 3]| if x >= 1.0 { 1.0 } else { 0.0 };
    let matrix = grid.assemble(coefficients, boundary, &mut rhs).map_err(place)?;
    Ok(Problem::scalar(matrix, rhs, grid.coordinates(), name))
}

/// Diffusion along one rotated direction: −∇·(D∇u) = 1 on the unit cube, u = 0 on the boundary, with
/// D = ε I + (1 − ε) d dᵀ, d = (sin φ cos θ, sin φ sin θ, cos φ); trilinear elements on `n` × `n` × `n`
/// unknowns.
///
/// The entry for a step (i, j, k) is ∫ ∇φ₀·D∇φ over one cell's volume, divided by h: with
/// s = (−1, 2, −1), m = (1, 4, 1)/6, it is
/// D₁₁ s(i)m(j)m(k) + … − D₁₂ ij m(k)/2 − D₁₃ ik m(j)/2 − D₂₃ jk m(i)/2.
/// For φ = π/2 and no z it is the stencil of [`rotated_anisotropic`](super::rotated_anisotropic). The
/// right-hand side is h², h = 1/(n + 1). Symmetric positive definite. Cost: one pass, 27 n³ entries.
///
/// # Errors
/// No unknowns, more entries than 32-bit indices can count, ε not positive and finite, or an angle that
/// is not finite.
///
/// ```
/// let problem = multigrad::gallery::rotated_anisotropic_3d(4, 0.01, 0.5, 1.0)?;
/// assert!(problem.matrix.asymmetry() < 1e-15);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn rotated_anisotropic_3d(n: usize, epsilon: f64, theta: f64, phi: f64) -> Result<Problem> {
    check_positive("the anisotropy ε", epsilon)?;
    if !theta.is_finite() || !phi.is_finite() {
        let message = format!("the angles θ and φ must be finite (radians), got {theta} and {phi}");
        return Err(Error::invalid_input(message));
    }
    let name = format!("rotated anisotropic {n} × {n} × {n}, ε = {epsilon}, θ = {theta:.4}, φ = {phi:.4}");
    let direction = [phi.sin() * theta.cos(), phi.sin() * theta.sin(), phi.cos()];
    let tensor = |p: usize, q: usize| {
        f64::from(u8::from(p == q)) * epsilon + (1.0 - epsilon) * direction[p] * direction[q]
    };
    let stencil = TWENTY_SEVEN_POINT.map(|offset| {
        let step = offset.map(|o| o as f64);
        let stiffness = |d: usize| if offset[d] == 0 { 2.0 } else { -1.0 };
        let mass = |d: usize| if offset[d] == 0 { 4.0 / 6.0 } else { 1.0 / 6.0 };
        [(0, 1, 2), (1, 2, 0), (2, 0, 1)].into_iter().fold(0.0, |sum, (p, q, r)| {
            let straight = tensor(p, p) * stiffness(p) * mass(q) * mass(r);
            sum + straight - tensor(p, q) * step[p] * step[q] / 2.0 * mass(r)
        })
    });
    let place = |e: Error| e.at(&name);
    let grid = Grid::new(&[n, n, n], TWENTY_SEVEN_POINT, 0.0, 1.0).map_err(place)?;
    let mut rhs = vec![grid.spacing().powi(2); grid.len()];
    let matrix = grid.assemble(|_, _| stencil, |_| 0.0, &mut rhs).map_err(place)?;
    Ok(Problem::scalar(matrix, rhs, grid.coordinates(), name))
}

/// The directions of [`named`](super::named): θ = π/6, φ = π/4.
pub(super) const ANGLES: (f64, f64) = (PI / 6.0, PI / 4.0);

#[cfg(test)]
mod tests {
    use super::super::testing::{apply, check, is_positive_definite};
    use super::*;
    use crate::gallery::{FlowScheme, recirculating_flow, rotated_anisotropic};

    /// In the middle plane, the rows without z are those of the flow in the plane, plus 2ε.
    #[test]
    fn the_middle_plane_is_the_flow_in_the_plane() -> Result<()> {
        let (n, epsilon) = (5, 0.02);
        let (space, plane) =
            (recirculating_flow_3d(n, epsilon)?, recirculating_flow(n, epsilon, FlowScheme::Upwind)?);
        check(&space);
        let first = n * n * (n / 2);
        for i in 0..n * n {
            for (j, v) in plane.matrix.row(i) {
                let more = if i == j { 2.0 * epsilon } else { 0.0 };
                assert!((space.matrix.get(first + i, first + j) - v - more).abs() < 1e-15);
            }
            assert!((space.rhs[first + i] - plane.rhs[i]).abs() < 1e-15);
        }
        // Constants are in the kernel up to the boundary.
        let ones = apply(&space.matrix, &vec![1.0; n * n * n]);
        assert!(ones[first + n * (n / 2) + n / 2].abs() < 1e-15);
        Ok(())
    }

    #[test]
    fn trilinear_elements_apply_the_operator_to_quadratics() -> Result<()> {
        let (n, epsilon, theta, phi) = (3usize, 0.1, 0.7, 1.1);
        let problem = rotated_anisotropic_3d(n, epsilon, theta, phi)?;
        check(&problem);
        assert!(problem.matrix.asymmetry() < 1e-15);
        let lower = problem.matrix.map(|i, j, v| if i > j { problem.matrix.get(j, i) } else { v });
        assert!(is_positive_definite(&lower));
        let d = [phi.sin() * theta.cos(), phi.sin() * theta.sin(), phi.cos()];
        let h = 1.0 / (n as f64 + 1.0);
        for (p, q) in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)] {
            // u = (x_p − ½)(x_q − ½) does not vanish on the boundary, so only the centre, whose neighbours
            // are all inside, has a row with the whole stencil.
            let at = problem.coordinates.row_iter();
            let u: Vec<f64> = at.map(|x| (x[p] - 0.5) * (x[q] - 0.5)).collect();
            let y = apply(&problem.matrix, &u)[n * n * n / 2];
            let tensor = if p == q { epsilon } else { 0.0 } + (1.0 - epsilon) * d[p] * d[q];
            // −∇·D∇u = −2 D_pq, for p ≠ q from both orders.
            let exact = -2.0 * tensor * h * h;
            assert!((y - exact).abs() < 1e-14, "{p} {q}: {y} {exact}");
        }
        Ok(())
    }

    /// Summed over z, the stencil for a direction in the plane is that of the plane.
    #[test]
    fn a_direction_in_the_plane_is_that_of_the_plane() -> Result<()> {
        let (space, plane) =
            (rotated_anisotropic_3d(3, 0.01, 0.4, PI / 2.0)?, rotated_anisotropic(3, 0.01, 0.4)?);
        for j in 0..9 {
            let sum: f64 = (0..3).map(|k| space.matrix.get(13, 9 * k + j)).sum();
            assert!((sum - plane.matrix.get(4, j)).abs() < 1e-14, "{j}");
        }
        Ok(())
    }

    #[test]
    fn parameters_out_of_range_are_errors() {
        assert!(recirculating_flow_3d(0, 0.1).is_err());
        assert!(recirculating_flow_3d(3, -1.0).is_err());
        assert!(rotated_anisotropic_3d(4_000, 0.1, 0.0, 0.0).is_err());
        assert!(rotated_anisotropic_3d(3, 0.0, 0.0, 0.0).is_err());
        assert!(rotated_anisotropic_3d(3, 0.1, f64::NAN, 0.0).is_err());
    }
}

//! −εΔu + w·∇u = f with u = g on the boundary: upwind differences and bilinear elements.

use super::grid::Grid;
use crate::error::Result;
use crate::sparse::Csr;

/// A point or a velocity in the plane.
pub(super) type Plane = [f64; 2];

/// The data of −εΔu + w·∇u = f, u = g on the boundary.
pub(super) struct Equation<W, F, G> {
    pub(super) epsilon: f64,
    /// w(x, y).
    pub(super) velocity: W,
    /// f(x, y).
    pub(super) source: F,
    /// g(x, y).
    pub(super) boundary: G,
}

impl<W: Fn(Plane) -> Plane, F: Fn(Plane) -> f64, G: Fn(Plane) -> f64> Equation<W, F, G> {
    /// First-order upwind differences times h². The matrix is an M-matrix. O(h) accurate.
    pub(super) fn upwind(&self, grid: &Grid<5>) -> Result<(Csr<f64>, Vec<f64>)> {
        let h = grid.spacing();
        let points = grid.coordinates();
        let mut rhs: Vec<f64> = points.row_iter().map(|p| h * h * (self.source)([p[0], p[1]])).collect();
        let coefficients = |_: usize, [x, y, _]: [f64; 3]| {
            let [wx, wy] = (self.velocity)([x, y]).map(|w| h * w);
            let west = -self.epsilon - wx.max(0.0);
            let east = -self.epsilon + wx.min(0.0);
            let south = -self.epsilon - wy.max(0.0);
            let north = -self.epsilon + wy.min(0.0);
            [south, west, -(south + west + east + north), east, north]
        };
        let matrix = grid.assemble(coefficients, |[x, y, _]| (self.boundary)([x, y]), &mut rhs)?;
        Ok((matrix, rhs))
    }

    /// Bilinear elements on a square `grid` of `n` × `n` unknowns, 2 × 2 Gauss points: ∫ ε∇u·∇v + (w·∇u) v +
    /// τ (w·∇u)(w·∇v) = ∫ f (v + τ w·∇v), with τ = `tau(w, h, ε)` of the velocity at the centre of each
    /// element. Inside a square Δu vanishes for bilinear u, so the residual in the stabilising term is
    /// complete. τ = 0 is the Galerkin method.
    pub(super) fn finite_elements(
        &self,
        grid: &Grid<9>,
        n: usize,
        tau: impl Fn(Plane, f64, f64) -> f64,
    ) -> Result<(Csr<f64>, Vec<f64>)> {
        let h = grid.spacing();
        let shapes = gauss_points(h);
        let mut coefficients = vec![[0.0; 9]; grid.len()];
        let mut rhs = vec![0.0; grid.len()];
        for ey in 0..=n {
            for ex in 0..=n {
                let corner = [grid.line(ex), grid.line(ey)];
                let (stiffness, load) = self.element(corner, h, &shapes, &tau);
                for (p, (values, load)) in stiffness.iter().zip(load).enumerate() {
                    // Corner p of the element lies on lines (ex + p % 2, ey + p / 2); lines 0 and n + 1 are
                    // the boundary, which has no rows.
                    let (i, j) = ((ex + p % 2).wrapping_sub(1), (ey + p / 2).wrapping_sub(1));
                    if i >= n || j >= n {
                        continue;
                    }
                    let row = j * n + i;
                    rhs[row] += load;
                    for (q, value) in values.iter().enumerate() {
                        // The place of corner q in the 3 × 3 neighbourhood of corner p.
                        let slot = (q / 2 + 1 - p / 2) * 3 + q % 2 + 1 - p % 2;
                        coefficients[row][slot] += value;
                    }
                }
            }
        }
        let boundary = |[x, y, _]: [f64; 3]| (self.boundary)([x, y]);
        let matrix = grid.assemble(|row, _| coefficients[row], boundary, &mut rhs)?;
        Ok((matrix, rhs))
    }

    /// Matrix and load of the element with the given lower left corner. Corners are
    /// numbered (0,0), (1,0), (0,1), (1,1).
    fn element(
        &self,
        corner: Plane,
        h: f64,
        shapes: &[GaussPoint; 4],
        tau: impl Fn(Plane, f64, f64) -> f64,
    ) -> ([[f64; 4]; 4], [f64; 4]) {
        let tau = tau((self.velocity)(corner.map(|x| x + h / 2.0)), h, self.epsilon);
        let mut stiffness = [[0.0; 4]; 4];
        let mut load = [0.0; 4];
        for shape in shapes {
            let place = [corner[0] + h * shape.at[0], corner[1] + h * shape.at[1]];
            let [wx, wy] = (self.velocity)(place);
            let weight = h * h / 4.0;
            let source = weight * (self.source)(place);
            let along: [f64; 4] = std::array::from_fn(|q| wx * shape.dx[q] + wy * shape.dy[q]);
            for p in 0..4 {
                let test = shape.value[p] + tau * along[p];
                load[p] += source * test;
                for q in 0..4 {
                    let diffusion = shape.dx[p] * shape.dx[q] + shape.dy[p] * shape.dy[q];
                    stiffness[p][q] += weight * (self.epsilon * diffusion + along[q] * test);
                }
            }
        }
        (stiffness, load)
    }
}

/// The four bilinear functions and their gradients at one quadrature point.
struct GaussPoint {
    /// Place in the unit square.
    at: Plane,
    value: [f64; 4],
    dx: [f64; 4],
    dy: [f64; 4],
}

/// The 2 × 2 Gauss points of a square of side `h`, exact for cubics in each direction.
fn gauss_points(h: f64) -> [GaussPoint; 4] {
    let nodes = [0.5 - 0.5 / 3f64.sqrt(), 0.5 + 0.5 / 3f64.sqrt()];
    std::array::from_fn(|g| {
        let [x, y] = [nodes[g % 2], nodes[g / 2]];
        let (linear_x, linear_y) = ([1.0 - x, x], [1.0 - y, y]);
        let slope = [-1.0 / h, 1.0 / h];
        GaussPoint {
            at: [x, y],
            value: std::array::from_fn(|q| linear_x[q % 2] * linear_y[q / 2]),
            dx: std::array::from_fn(|q| slope[q % 2] * linear_y[q / 2]),
            dy: std::array::from_fn(|q| linear_x[q % 2] * slope[q / 2]),
        }
    })
}

/// τ = h_s/(2|w|)·(1 − 1/Pe) for Pe = |w| h_s/(2ε) > 1, else 0, with h_s = h |w|/max(|w₁|, |w₂|)
/// the length of the element along the stream (Elman, Silvester & Wathen, section 6.3.2, as in
/// IFISS).
pub(super) fn supg_tau([w1, w2]: Plane, h: f64, epsilon: f64) -> f64 {
    let speed = w1.hypot(w2);
    let along = h * speed / w1.abs().max(w2.abs());
    let peclet = speed * along / (2.0 * epsilon);
    // False as well for NaN, where w vanishes.
    if peclet > 1.0 { along / (2.0 * speed) * (1.0 - 1.0 / peclet) } else { 0.0 }
}

#[cfg(test)]
#[path = "convection_tests.rs"]
mod tests;

//! The recirculating flow: convection–diffusion in a closed vortex.

use std::fmt;
use std::str::FromStr;

use super::convection::{Equation, Plane, supg_tau};
use super::grid::{FIVE_POINT, Grid, NINE_POINT};
use super::{Problem, check_positive};
use crate::error::{Error, Result};

/// The usual diffusion ε of [`recirculating_flow`].
pub const FLOW_EPSILON: f64 = 0.005;

/// Discretisations of the convection in [`recirculating_flow`].
///
/// Reads from and prints as `upwind`, `supg`, `galerkin`.
///
/// ```
/// use multigrad::gallery::FlowScheme;
/// let scheme: FlowScheme = "supg".parse()?;
/// assert_eq!(scheme, FlowScheme::Supg);
/// assert_eq!(scheme.to_string(), "supg");
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlowScheme {
    /// First-order upwind finite differences, 5 points: an M-matrix, accurate to O(h).
    Upwind,
    /// Bilinear elements, streamline-upwind Petrov–Galerkin, 9 points.
    Supg,
    /// Plain bilinear elements, 9 points: oscillates where |w| h/(2ε) is above 1.
    Galerkin,
}

impl FlowScheme {
    /// All schemes.
    pub const ALL: [Self; 3] = [Self::Upwind, Self::Supg, Self::Galerkin];
}

impl fmt::Display for FlowScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Upwind => "upwind",
            Self::Supg => "supg",
            Self::Galerkin => "galerkin",
        })
    }
}

impl FromStr for FlowScheme {
    type Err = Error;

    /// Upper or lower case.
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.to_string().eq_ignore_ascii_case(text)).ok_or_else(|| {
            Error::invalid_input(format!(
                "'{text}' is not a scheme for the flow; choose upwind, supg or galerkin"
            ))
        })
    }
}

/// The recirculating flow −εΔu + w·∇u = 0 on \[−1, 1\]², w = (2y(1 − x²), −2x(1 − y²)).
///
/// `n` × `n` unknowns with spacing h = 2/(n + 1); `epsilon` is usually [`FLOW_EPSILON`]. u = 1 on the side x
/// = 1 and u = 0 on the other three. The corners (1, −1) and (1, 1) belong to the side x = 1 and have the
/// value 1, so that along y = ±1 the boundary function rises from 0 to 1 within the last cell; the 5-point
/// scheme does not use the corners. This is the "double glazing" problem, example 6.1.4 of Elman, Silvester &
/// Wathen, *Finite Elements and Fast Iterative Solvers* (2nd ed., 2014).
///
/// * [`Upwind`](FlowScheme::Upwind): differences multiplied by h², so that all three schemes
///   have entries of the same size. West entry −ε − h max(w₁, 0), east −ε + h min(w₁, 0),
///   likewise south and north with w₂; the diagonal is minus their sum.
/// * [`Galerkin`](FlowScheme::Galerkin): ∫ ε∇u·∇v + (w·∇u) v with 2 × 2 Gauss points, which
///   integrate this w exactly: the part of the convection is skew-symmetric.
/// * [`Supg`](FlowScheme::Supg): adds ∫ τ (w·∇u)(w·∇v) with, on each element,
///   τ = h_s/(2|w|)·(1 − 1/Pe) where Pe = |w| h_s/(2ε) > 1 and 0 elsewhere, w taken in its
///   middle, h_s = h |w|/max(|w₁|, |w₂|) (Elman, Silvester & Wathen).
///
/// Cost: one pass over elements or points, at most 9 n² entries and as many during assembly.
///
/// # Errors
/// No unknowns, more entries than 32-bit indices can count, or ε not positive and finite.
///
/// ```
/// use multigrad::gallery::{FLOW_EPSILON, FlowScheme, recirculating_flow};
/// let problem = recirculating_flow(32, FLOW_EPSILON, FlowScheme::Upwind)?;
/// assert_eq!(problem.matrix.rows(), 32 * 32);
/// assert!(!problem.matrix.is_symmetric());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn recirculating_flow(n: usize, epsilon: f64, scheme: FlowScheme) -> Result<Problem> {
    check_positive("the diffusion ε of the recirculating flow", epsilon)?;
    let name = format!("recirculating flow {n} × {n}, {scheme}, ε = {epsilon}");
    let equation = Equation {
        epsilon,
        velocity,
        source: |_| 0.0,
        boundary: |[x, _]: Plane| if x >= 1.0 { 1.0 } else { 0.0 },
    };
    let assemble = || match scheme {
        FlowScheme::Upwind => {
            let grid = Grid::new(&[n, n], FIVE_POINT, -1.0, 2.0)?;
            Ok((equation.upwind(&grid)?, grid.coordinates()))
        }
        FlowScheme::Supg | FlowScheme::Galerkin => {
            let grid = Grid::new(&[n, n], NINE_POINT, -1.0, 2.0)?;
            let tau = if scheme == FlowScheme::Supg { supg_tau } else { |_, _, _| 0.0 };
            Ok((equation.finite_elements(&grid, n, tau)?, grid.coordinates()))
        }
    };
    let ((matrix, rhs), coordinates) = assemble().map_err(|e: Error| e.at(&name))?;
    Ok(Problem::scalar(matrix, rhs, coordinates, name))
}

/// w = (2y(1 − x²), −2x(1 − y²)): divergence-free, tangential on the boundary.
pub(super) fn velocity([x, y]: Plane) -> Plane {
    [2.0 * y * (1.0 - x * x), -2.0 * x * (1.0 - y * y)]
}

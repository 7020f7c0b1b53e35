//! Model problems: a matrix, a right-hand side and the coordinates of the unknowns.
//!
//! All of them live on uniform grids with Dirichlet boundaries. Unknowns are the interior
//! grid points, numbered with x fastest; boundary values are moved to the right-hand side.
//!
//! | problem | matrix | symmetric |
//! |---|---|---|
//! | [`poisson_2d`], [`poisson_3d`] | 5-point and 7-point Laplacian | yes |
//! | [`rotated_anisotropic`] | bilinear elements, diffusion along one rotated direction | yes |
//! | [`recirculating_flow`] | convection–diffusion: upwind, SUPG or plain Galerkin | no |
//!
//! ```
//! use multigrad::gallery;
//! let problem = gallery::poisson_2d(3, 2)?;
//! assert_eq!((problem.matrix.rows(), problem.matrix.nnz()), (6, 20));
//! assert_eq!(problem.coordinates.row(1).to_vec(), [0.5, 0.25]);
//! # Ok::<(), multigrad::error::Error>(())
//! ```

mod convection;
mod diffusion;
mod flow;
mod grid;

pub use diffusion::{poisson_2d, poisson_3d, rotated_anisotropic};
pub use flow::{FLOW_EPSILON, FlowScheme, recirculating_flow};

use crate::error::{Error, Result};
use crate::sparse::Csr;

/// A linear system with the places of its unknowns.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The n × n matrix.
    pub matrix: Csr<f64>,
    /// The right-hand side, n values.
    pub rhs: Vec<f64>,
    /// Coordinates of the unknowns, n × d with d = 2 or 3.
    pub coordinates: ndarray::Array2<f64>,
    /// What it is, for tables and pictures.
    pub name: String,
}

/// Fails unless `value` is a positive finite number; `what` names it in the error.
fn check_positive(what: &str, value: f64) -> Result<()> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(Error::invalid_input(format!("{what} must be a positive finite number, got {value}")))
}

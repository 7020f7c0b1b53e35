//! Model problems: a matrix, a right-hand side and the coordinates of the unknowns.
//!
//! Boundary values are moved to the right-hand side unless stated otherwise. "Places" are the numbered
//! objects, x fastest: the interior points of a uniform grid, the cells of a tensor grid, the nodes of
//! elements, the vertices of a mesh or graph.
//!
//! | problem | matrix | symmetric | places |
//! |---|---|---|---|
//! | [`poisson_2d`], [`poisson_3d`] | 5-point and 7-point Laplacian | yes | points |
//! | [`rotated_anisotropic`] | bilinear elements, diffusion along one rotated direction | yes | points |
//! | [`anisotropic_3d`] | 7-point, separate diffusion coefficients along the axes | yes | points |
//! | [`helmholtz_2d`] | 5-point Laplacian minus k²: indefinite | yes | points |
//! | [`recirculating_flow`] | convection–diffusion: upwind, SUPG or plain Galerkin | no | points |
//! | [`recirculating_flow_3d`] | the same eddy in a cube, upwind | no | points |
//! | [`rotated_anisotropic_3d`] | trilinear elements, diffusion along one rotated direction | yes | points |
//! | [`jumping_coefficients_2d`], [`jumping_coefficients_3d`] | diffusion with jumps of any size | yes | cells |
//! | [`stretched_grid_2d`] | Laplacian on cells that are thin along all sides | yes | cells |
//! | [`neumann_2d`] | Laplacian without Dirichlet boundary: singular | yes | cells |
//! | [`elasticity_2d`], [`elasticity_3d`] | linear elasticity, bilinear and trilinear elements | yes | nodes |
//! | [`unstructured_3d`] | Laplacian on tetrahedra, numbered at random | yes | vertices |
//! | [`random_diffusion_2d`], [`TriangleMesh::diffusion`] | diffusion and reaction on triangles | yes | vertices |
//! | [`stokes_2d`] | Stokes flow on a staggered grid: indefinite, singular | yes | faces and cells |
//! | [`mixed_diffusion_2d`] | diffusion in mixed form: indefinite | yes | faces and cells |
//! | [`power_law_laplacian`] | Laplacian of a graph with hubs: singular, or grounded | yes | vertices |
//!
//! [`with_identity_rows`] and [`disjoint_union`] derive new problems from these; [`named`] finds problems by
//! name.
//!
//! ```
//! use multigrad::gallery;
//! let problem = gallery::poisson_2d(3, 2)?;
//! assert_eq!((problem.matrix.rows(), problem.matrix.nnz()), (6, 20));
//! assert_eq!(problem.coordinates.row(1), [0.5, 0.25]);
//! # Ok::<(), multigrad::error::Error>(())
//! ```

mod cells;
mod convection;
mod diffusion;
mod elasticity;
mod flow;
mod graph;
mod grid;
mod jumps;
mod named;
mod rigid;
mod saddle_point;
mod space;
mod tensor;
#[cfg(test)]
mod testing;
mod tetrahedra;
mod transform;
mod triangles;

pub use diffusion::{anisotropic_3d, helmholtz_2d, poisson_2d, poisson_3d, rotated_anisotropic};
pub use elasticity::{elasticity_2d, elasticity_3d};
pub use flow::{FLOW_EPSILON, FlowScheme, recirculating_flow};
pub use graph::{GraphOptions, power_law_laplacian};
pub use jumps::{Jumps, jumping_coefficients_2d, jumping_coefficients_3d};
pub use named::{NAMES, named};
pub use rigid::rigid_body_modes;
pub use saddle_point::{mixed_diffusion_2d, stokes_2d};
pub use space::{recirculating_flow_3d, rotated_anisotropic_3d};
pub use tensor::{neumann_2d, stretched_grid_2d};
pub use tetrahedra::unstructured_3d;
pub use transform::{Elimination, disjoint_union, with_identity_rows};
pub use triangles::TriangleMesh;
#[cfg(feature = "mesh")]
pub use triangles::{random_diffusion_2d, random_triangle_mesh};

use crate::error::{Error, Result};
use crate::sparse::{Csr, DenseMatrix};

/// A linear system with the coordinates of its unknowns.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The n × n matrix.
    pub matrix: Csr<f64>,
    /// The right-hand side, n values.
    pub rhs: Vec<f64>,
    /// Coordinates of the unknowns, n × d with d = 2 or 3, or 0 for a graph without coordinates. If a node
    /// has several unknowns, each has a row, with the same values.
    pub coordinates: DenseMatrix,
    /// Near-nullspace vectors, n × k, if they are known and not simply the constant vector: the rigid-body
    /// modes of elasticity.
    pub near_nullspace: Option<DenseMatrix>,
    /// Its name, for tables and pictures.
    pub name: String,
}

impl Problem {
    /// A problem whose near-nullspace is the constant vector, or unknown.
    fn scalar(matrix: Csr<f64>, rhs: Vec<f64>, coordinates: DenseMatrix, name: String) -> Self {
        Self { matrix, rhs, coordinates, near_nullspace: None, name }
    }

    /// Fails unless the matrix is square and all other parts have as many rows; the fields are public.
    fn check(&self) -> Result<()> {
        let n = self.matrix.rows();
        let modes = self.near_nullspace.as_ref().map_or(n, DenseMatrix::rows);
        if [self.matrix.cols(), self.rhs.len(), self.coordinates.rows(), modes].iter().all(|&m| m == n) {
            return Ok(());
        }
        Err(Error::dimension(format!(
            "{}: a {n} × {} matrix with {} values on the right-hand side, {} rows of coordinates and {modes} \
             of the near-nullspace; all must be the same",
            self.name,
            self.matrix.cols(),
            self.rhs.len(),
            self.coordinates.rows()
        )))
    }
}

/// Fails unless `value` is a positive finite number; `what` is its name in the error.
fn check_positive(what: &str, value: f64) -> Result<()> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(Error::invalid_input(format!("{what} must be a positive finite number, got {value}")))
}

/// The product of `shape`, the number of places, after checking that every side is positive and that
/// `entries` for each place fit 32-bit indices. `what` is the name of the places in errors.
fn check_shape(shape: &[usize], entries: usize, what: &str) -> Result<usize> {
    let text = || shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × ");
    if shape.contains(&0) {
        return Err(Error::invalid_input(format!(
            "{} {what} have no unknowns; ask for at least 1 in every direction",
            text()
        )));
    }
    shape
        .iter()
        .try_fold(1usize, |product, &side| product.checked_mul(side))
        .filter(|places| places.checked_mul(entries).is_some_and(|n| n < u32::MAX as usize))
        .ok_or_else(|| {
            Error::dimension(format!(
                "{} {what} with {entries} entries each exceed the 32-bit index range ({}); take fewer",
                text(),
                u32::MAX
            ))
        })
}

//! Problems of the benchmark programs, by name.

use multigrad::error::{Error, Result};
use multigrad::gallery::{self, FLOW_EPSILON, FlowScheme};
use multigrad::sparse::{Csr, matrix_market};

/// The matrix called `name`.
///
/// `poisson2d-1000` is the 5-point Laplacian on 1000² points, `poisson3d-100` the 7-point one on
/// 100³; `supg-256` and `upwind-256` are the recirculating flow with ε = 0.005 on 256² points;
/// any other name is the path of a Matrix Market file.
///
/// # Errors
/// An unknown name, a file that cannot be read.
pub fn matrix(name: &str) -> Result<Csr<f64>> {
    let Some((kind, size)) = name.rsplit_once('-').and_then(|(k, n)| Some((k, n.parse().ok()?))) else {
        return matrix_market::read_matrix(name);
    };
    let problem = match kind {
        "poisson2d" => gallery::poisson_2d(size, size),
        "poisson3d" => gallery::poisson_3d(size, size, size),
        "supg" => gallery::recirculating_flow(size, FLOW_EPSILON, FlowScheme::Supg),
        "upwind" => gallery::recirculating_flow(size, FLOW_EPSILON, FlowScheme::Upwind),
        _ => Err(Error::invalid_input(format!(
            "'{name}' is not a problem; take poisson2d-N, poisson3d-N, supg-N, upwind-N or a .mtx file"
        ))),
    }?;
    Ok(problem.matrix)
}

/// A copy of the matrix with new arrays, without cached data of its pattern.
///
/// # Errors
/// None for a matrix that exists.
pub fn fresh(a: &Csr<f64>) -> Result<Csr<f64>> {
    let p = a.pattern();
    Csr::from_csr(a.rows(), a.cols(), p.row_ptr(), p.col_idx(), a.values())
}

//! Model problems.

use multigrad::gallery::{self, Problem};
use pyo3::prelude::*;

use crate::arrays::{array, array_2d, dense};
use crate::errors::raise;
use crate::matrix::Matrix;
use crate::worker::{limits, run};

/// Matrix, right-hand side, coordinates and near-nullspace.
type Parts<'py> = (Matrix, Bound<'py, PyAny>, Bound<'py, PyAny>, Option<Bound<'py, PyAny>>);

fn parts(py: Python<'_>, problem: Problem) -> PyResult<Parts<'_>> {
    let near_nullspace = problem.near_nullspace.map(|modes| array_2d(py, &modes)).transpose()?;
    let (b, coordinates) = (array(py, &problem.rhs)?, array_2d(py, &problem.coordinates)?);
    Ok((Matrix::of(problem.matrix), b, coordinates, near_nullspace))
}

/// The problem with this name.
#[pyfunction]
pub fn problem(py: Python<'_>, name: String, n: usize, seed: u64) -> PyResult<Parts<'_>> {
    parts(py, run(py, limits(None, None), move |_| gallery::named(&name, n, seed))?)
}

/// Poisson's equation on a grid of two or three dimensions.
#[pyfunction]
pub fn poisson(py: Python<'_>, grid: Vec<usize>) -> PyResult<Parts<'_>> {
    let problem = run(py, limits(None, None), move |_| match grid[..] {
        [nx, ny] => gallery::poisson_2d(nx, ny),
        [nx, ny, nz] => gallery::poisson_3d(nx, ny, nz),
        _ => Err(multigrad::Error::invalid_input("the grid needs two or three dimensions")),
    })?;
    parts(py, problem)
}

/// Rigid-body modes of nodes at these coordinates.
#[pyfunction]
pub fn rigid_body_modes<'py>(
    py: Python<'py>,
    coordinates: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let coordinates = dense(coordinates)?;
    array_2d(py, &gallery::rigid_body_modes(&coordinates).map_err(raise)?)
}

//! The extension module `multigrad._multigrad`: matrices, solvers and training, on the arrays of NumPy.
//!
//! The package `multigrad` in the folder of the same name is the public interface; it checks and converts arguments.

mod arrays;
mod errors;
mod gallery;
mod learned;
mod lent;
mod matrix;
mod outcome;
mod report;
mod solver;
mod training;
mod worker;

use pyo3::prelude::*;

#[pymodule]
fn _multigrad(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("Error", py.get_type::<errors::Error>())?;
    module.add("LimitExceeded", py.get_type::<errors::LimitExceeded>())?;
    module.add_class::<matrix::Matrix>()?;
    module.add_class::<solver::Core>()?;
    module.add_class::<learned::LearnedCore>()?;
    module.add_function(wrap_pyfunction!(matrix::is_canonical, module)?)?;
    module.add_function(wrap_pyfunction!(gallery::problem, module)?)?;
    module.add_function(wrap_pyfunction!(gallery::poisson, module)?)?;
    module.add_function(wrap_pyfunction!(gallery::rigid_body_modes, module)?)?;
    module.add_function(wrap_pyfunction!(report::report, module)?)?;
    module.add("problem_names", multigrad::gallery::NAMES.to_vec())?;
    module.add("setup_names", multigrad::Setup::NAMES.map(|(name, _)| name).to_vec())?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))
}

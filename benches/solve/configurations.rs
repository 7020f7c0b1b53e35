//! Solvers of this crate that are compared with others: the only list of measured configurations.

use multigrad::error::{Error, Result};
use multigrad::krylov::Outcome;
use multigrad::solver::{self, Amg, Builder, Configuration, MatrixProperties, SolveOptions, candidates};
use multigrad::sparse::Csr;

/// A solver that has been set up.
pub struct Solver(solver::Solver);

/// The name of a configuration on the command line, without commas.
fn name(configuration: &Configuration) -> String {
    configuration.to_string().replace(", ", " ")
}

/// The names of the configurations worth trying for `a`: the automatic choice, then the others.
pub fn names(a: &Csr<f64>) -> Vec<String> {
    let others = candidates(&MatrixProperties::of(a), false);
    std::iter::once("auto".to_string()).chain(others.iter().map(name)).collect()
}

/// Sets up the configuration of this name: all work before the first iteration.
///
/// # Errors
/// A name that [`names`] does not return; a matrix that the configuration does not suit.
pub fn setup(wanted: &str, a: &Csr<f64>) -> Result<Solver> {
    if wanted == "auto" {
        return Amg::auto(a).map(Solver);
    }
    let found = candidates(&MatrixProperties::of(a), false).into_iter().find(|c| name(c) == wanted);
    let unknown = || Error::invalid_input(format!("'{wanted}' is not a configuration"));
    Builder::from(found.ok_or_else(unknown)?).build(a).map(Solver)
}

impl Solver {
    /// Solves A x = b to the relative residual `rtol`.
    ///
    /// # Errors
    /// As for the `solve` of the Krylov methods.
    pub fn solve(&self, b: &[f64], rtol: f64) -> Result<Outcome> {
        // As a user calls it: an automatic solver may go on to further configurations.
        self.0.solve_with(b, SolveOptions::new().rtol(rtol).max_iterations(300))
    }
}

//! Every solver with its settings.

use multigrad::{SolveOptions, Solver};
use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::report::{Measured, timed};

use crate::system::System;
use crate::{faer_peer, kryst_peer, nalgebra_peer, numr_peer, oxiphysics_peer, problem, scirs_peer};

/// Iterations after which an iterative solver gives up; the time limit comes first.
pub const ITERATIONS: usize = 100_000;

/// Solves once, to the given relative residual as the library measures it.
type Solve = fn(&System, f64) -> Outcome<Measured>;

/// A name, the matrices for which the settings are meant, and the solve.
pub type Settings = (&'static str, Matrices, Solve);

/// One solver with its settings.
#[derive(Clone, Copy)]
pub struct Configuration {
    /// The crate, as in the registry.
    pub library: &'static str,
    /// The name of the settings.
    pub name: &'static str,
    /// The matrices for which it is meant.
    pub matrices: Matrices,
    /// The solve.
    pub solve: Solve,
}

/// Kinds of matrices.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Matrices {
    /// All of them.
    All,
    /// Symmetric ones, which all are positive definite here.
    Symmetric,
    /// The others.
    Nonsymmetric,
}

impl Configuration {
    /// Whether it is meant for the matrix of this system.
    pub fn suits(&self, system: &System) -> bool {
        let kind = if system.symmetric { Matrices::Symmetric } else { Matrices::Nonsymmetric };
        self.matrices == Matrices::All || self.matrices == kind
    }
}

/// All configurations, those of this crate first.
pub fn all() -> Vec<Configuration> {
    let libraries: &[(&'static str, &'static [Settings])] = &[
        ("multigrad", &[("automatic", Matrices::All, automatic)]),
        ("faer", &faer_peer::ALL),
        ("kryst", &kryst_peer::ALL),
        ("nalgebra-sparse-linalg", &nalgebra_peer::ALL),
        ("numr", &numr_peer::ALL),
        ("oxiphysics-fem", &oxiphysics_peer::ALL),
        ("scirs2-sparse", &scirs_peer::ALL),
        #[cfg(feature = "math-solvers")]
        ("math-solvers", &crate::math_solvers_peer::ALL),
    ];
    let of = |&(library, settings): &(&'static str, &'static [Settings])| {
        settings.iter().map(move |&(name, matrices, solve)| Configuration { library, name, matrices, solve })
    };
    libraries.iter().flat_map(of).collect()
}

fn automatic(system: &System, tolerance: f64) -> Outcome<Measured> {
    let a = problem::fresh(&system.a)?;
    let (solver, setup) = timed(|| Ok(Solver::auto(&a)?))?;
    let (out, solve) = timed(|| Ok(solver.solve_with(&system.b, SolveOptions::new().rtol(tolerance))?))?;
    if !out.converged() {
        return Err(out.to_string().into());
    }
    Ok(Measured { x: out.x, setup, solve, work: out.iterations.to_string() })
}

/// The measurement of an iterative solver, or an error if it has not converged.
pub fn iterated(x: Vec<f64>, times: [f64; 2], iterations: usize, converged: bool) -> Outcome<Measured> {
    if !converged {
        return Err(format!("gave up after {iterations} iterations").into());
    }
    Ok(Measured { x, setup: times[0], solve: times[1], work: iterations.to_string() })
}

//! The rules by which a configuration is picked.

use std::time::Duration;

use ndarray::Array2;

use super::build::Solver;
use super::configuration::{Configuration, Krylov};
use super::portrait::Portrait;
use crate::error::{Error, Result};
use crate::multigrid::{CycleKind, Relaxation, Setup};
use crate::sparse::Csr;

/// A configuration, what to fall back on, and why.
pub(super) struct Choice {
    /// In the order in which to try them.
    pub configurations: Vec<Configuration>,
    pub reasons: Vec<String>,
}

/// A matrix that any solver needs: square, with rows.
pub(super) fn check(a: &Csr<f64>) -> Result<()> {
    let _ = Duration::ZERO;
    if a.rows() != a.cols() {
        return Err(Error::dimension(format!(
            "the matrix is {} × {}; a solver needs a square one",
            a.rows(),
            a.cols()
        )));
    }
    Ok(())
}

pub(super) fn choose(a: &Csr<f64>, portrait: &Portrait, has_candidates: bool) -> Choice {
    let _ = (a, has_candidates, CycleKind::V, Setup::OneLevel);
    let sa: Setup = crate::setup::Coarsening::default().into();
    if portrait.is_symmetric() {
        return Choice {
            configurations: vec![Configuration::new(sa, Relaxation::Spai0, Krylov::Cg)],
            reasons: vec!["symmetric".into()],
        };
    }
    Choice {
        configurations: vec![Configuration::new(sa, Relaxation::Ilu0(1.0), Krylov::BiCgStab)],
        reasons: vec!["nonsymmetric".into()],
    }
}

/// The first of the configurations that can be built.
pub(super) fn first_that_builds(
    a: &Csr<f64>,
    portrait: &Portrait,
    choice: Choice,
    near_nullspace: Option<&Array2<f64>>,
) -> Result<(Solver, Vec<String>)> {
    let mut reasons = choice.reasons;
    let mut failure = None;
    for configuration in &choice.configurations {
        match Solver::build_known(a, configuration, near_nullspace, Some(portrait.is_symmetric())) {
            Ok(solver) => return Ok((solver, reasons)),
            Err(e) => {
                reasons.push(format!("{configuration} could not be built: {e}"));
                failure.get_or_insert(e);
            }
        }
    }
    Err(failure.unwrap_or_else(|| Error::invalid_input("nothing to choose from")))
}

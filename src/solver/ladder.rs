//! The configurations to which an automatic solver turns, with the cost of the direct one.

use std::sync::OnceLock;

use super::configuration::Configuration;
use crate::backend::{broadest_level, predicted_nonzeros, surely_fits};
use crate::error::{Error, Result};
use crate::krylov::DIRECT_LIMIT;
use crate::multigrid::Setup;
use crate::sparse::{Csr, DenseMatrix};

/// Budget in iterations above which a direct solve comes after all iterations.
pub(super) const EXPENSIVE: f64 = 600.0;

/// Entries of symmetric factors relative to those of L and U.
const SYMMETRIC: f64 = 0.5;

/// The configurations after that of a solver.
///
/// The first configuration has a budget of iterations: twice the modelled cost of a direct solve, if one fits. The
/// model counts entries, not seconds, so that the answer does not depend on the load of the machine.
#[derive(Debug)]
pub(super) struct Ladder {
    pub configurations: Vec<Configuration>,
    pub near_nullspace: Option<DenseMatrix>,
    pub symmetric: bool,
    /// Iterations per eight digits beyond which the first solver is left.
    pub patience: Option<usize>,
    fill: OnceLock<f64>,
}

impl Ladder {
    pub fn new(
        configurations: Vec<Configuration>,
        near_nullspace: Option<DenseMatrix>,
        symmetric: bool,
    ) -> Self {
        Self { configurations, near_nullspace, symmetric, patience: None, fill: OnceLock::new() }
    }

    /// The ladder that leaves the first solver once it takes more than this number of iterations for eight digits.
    pub fn patient(mut self, patience: Option<usize>) -> Self {
        self.patience = patience;
        self
    }

    /// The configurations, the direct solver last if it costs more than a few hundred iterations.
    pub fn by_cost(&self, a: &Csr<f64>, limit: usize) -> Vec<&Configuration> {
        let mut list: Vec<&Configuration> = self.configurations.iter().collect();
        if self.fill(a) > limit as f64 || self.budget(a) > EXPENSIVE {
            list.sort_by_key(|c| c.setup == Setup::Direct);
        }
        list
    }

    /// Predicted entries of the factors of A by a direct solver.
    pub fn fill(&self, a: &Csr<f64>) -> f64 {
        *self.fill.get_or_init(|| predicted_nonzeros(a.pattern()).unwrap_or(f64::INFINITY))
    }

    /// Iterations of twice the cost of a direct solve; the factors of a symmetric matrix take a quarter of the multiplications.
    pub fn budget(&self, a: &Csr<f64>) -> f64 {
        budget(a, if self.symmetric { SYMMETRIC } else { 1.0 } * self.fill(a))
    }

    /// The ladder for new values of the matrix.
    pub fn fresh(&self, symmetric: bool) -> Self {
        Self::new(self.configurations.clone(), self.near_nullspace.clone(), symmetric).patient(self.patience)
    }
}

/// The budget as [`Ladder::budget`], for a matrix whose fill is not known.
pub(super) fn direct_budget(a: &Csr<f64>, symmetric: bool) -> f64 {
    Ladder::new(Vec::new(), None, symmetric).budget(a)
}

/// Iterations of twice the cost of a direct solve with `z` nonzeros in its factors: z²/n multiplications of
/// dense blocks and z accesses, against about four passes over A an iteration.
pub(super) fn budget(a: &Csr<f64>, z: f64) -> f64 {
    let direct = 0.1 * z * z / a.rows().max(1) as f64 + 10.0 * z;
    2.0 * direct / (3.0 * a.nnz().max(1) as f64)
}

/// The cost of sparse factors and of a solve with them for a planar graph, in iterations of a cycle with its products,
/// about four passes over A: nested dissection fills about 4 n log₂ n entries (Lipton, Rose and Tarjan 1979; the factor
/// is that of nine-point stencils). `None` for graphs that are not planar by their breadth, and where the factors
/// exceed `limit` entries. Cost: a pass over the pattern.
pub(crate) fn planar_direct_cost(a: &Csr<f64>, symmetric: bool, limit: usize) -> Option<(f64, f64)> {
    let n = a.rows().max(2) as f64;
    if broadest_level(a.pattern()) as f64 > 4.0 * n.sqrt() {
        return None;
    }
    let z = 4.0 * n * n.log2();
    let build = budget(a, z) / if symmetric { 2.0 } else { 1.0 };
    (z <= limit as f64).then_some((build, z / (1.5 * a.nnz().max(1) as f64)))
}

/// Refuses a direct solver whose factors, of `z` entries, would be larger than the limit.
pub(super) fn check_fill(z: f64, limit: usize) -> Result<()> {
    if z <= limit as f64 {
        return Ok(());
    }
    Err(Error::unsuited(format!(
        "the factors would have some {z:.0e} entries, and {:.0e} are allowed (direct_limit)",
        limit as f64
    )))
}

/// Refuses factors that are larger than the limit of an automatic choice.
pub(super) fn check_factors(a: &Csr<f64>) -> Result<()> {
    match surely_fits(a.pattern(), DIRECT_LIMIT) {
        true => Ok(()),
        false => check_fill(predicted_nonzeros(a.pattern()).unwrap_or(f64::INFINITY), DIRECT_LIMIT),
    }
}

//! The configurations to which an automatic solver turns, with the cost of the direct one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::configuration::Configuration;
use crate::backend::{broadest_level, predicted_nonzeros, surely_fits};
use crate::error::{Error, Result};
use crate::krylov::DIRECT_LIMIT;
use crate::multigrid::Setup;
use crate::sparse::{Csr, DenseMatrix};

/// Budget in iterations above which a direct solve waits until it is spent.
pub(super) const EXPENSIVE: f64 = 1500.0;
/// Budget in iterations above which other configurations may take less time than a direct solve.
pub(super) const COSTLY: f64 = 300.0;
/// Iterations that are not worth the prediction of a direct solver.
pub(super) const FREE: f64 = 60.0;
/// Iterations that the construction of a hierarchy takes.
pub(super) const SETUP: f64 = 20.0;

/// Nanoseconds of sparse factors for each of their `z` entries, and for each of z²/n multiplications of dense blocks; twice as
/// many for LU. Measured on forty matrices of 2000 to 60 000 rows, within a factor of two for most.
const FACTORS: (f64, f64) = (10.0, 0.01);
/// Nanoseconds of an iteration for each entry of the matrix: BiCGStab with V(1,1), or CG with a stronger cycle.
const ITERATION: f64 = 4.5;

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
    /// Whether CG with the diagonal is tried before the first solver, which answers right-hand sides that it does not suit.
    diagonal: AtomicBool,
    fill: OnceLock<f64>,
}

impl Ladder {
    pub fn new(
        configurations: Vec<Configuration>,
        near_nullspace: Option<DenseMatrix>,
        symmetric: bool,
    ) -> Self {
        let (diagonal, fill) = (AtomicBool::new(false), OnceLock::new());
        Self { configurations, near_nullspace, symmetric, patience: None, diagonal, fill }
    }

    /// The ladder that leaves the first solver once it takes more than this number of iterations for eight digits.
    pub fn patient(mut self, patience: Option<usize>) -> Self {
        self.patience = patience;
        self
    }

    /// The ladder that tries CG with the diagonal first, or not.
    pub fn diagonal_first(self, first: bool) -> Self {
        self.diagonal.store(first, Relaxed);
        self
    }

    /// Whether CG with the diagonal comes first.
    pub fn tries_diagonal(&self) -> bool {
        self.diagonal.load(Relaxed)
    }

    /// Leaves out the diagonal from now on.
    pub fn leave_diagonal(&self) {
        self.diagonal.store(false, Relaxed);
    }

    /// Takes the configuration that follows after `spent` iterations: the first one, but a direct solver, where it fits, once its
    /// budget is spent, or before ILUT with pivoting, whose factors are as dear. A direct solver that comes first waits if it does not
    /// fit or is expensive. Its fill is predicted only where it matters.
    pub fn next<'a>(
        &self,
        rest: &mut Vec<&'a Configuration>,
        a: &Csr<f64>,
        spent: f64,
        limit: usize,
    ) -> Option<&'a Configuration> {
        let Some(direct) = rest.iter().position(|c| c.setup == Setup::Direct) else {
            return (!rest.is_empty()).then(|| rest.remove(0));
        };
        let other = usize::from(direct == 0);
        let Some(next) = rest.get(other) else { return Some(rest.remove(direct)) };
        let is_pivoted = next.setup == Setup::Pivoted;
        let fits = (other == 1 || is_pivoted || spent > FREE) && self.fill(a) <= limit as f64;
        let is_due = || {
            let budget = self.budget(a);
            is_pivoted || spent >= budget || (other == 1 && budget <= EXPENSIVE)
        };
        Some(rest.remove(if fits && is_due() { direct } else { other }))
    }

    /// Whether a direct solver is refused for the predicted size of its factors.
    pub fn is_refused(&self, a: &Csr<f64>, limit: usize) -> bool {
        self.configurations.iter().any(|c| c.setup == Setup::Direct) && self.fill(a) > limit as f64
    }

    /// Predicted entries of the factors of A by a direct solver.
    pub fn fill(&self, a: &Csr<f64>) -> f64 {
        *self.fill.get_or_init(|| predicted_nonzeros(a.pattern()).unwrap_or(f64::INFINITY))
    }

    /// Iterations of twice the cost of a direct solve.
    pub fn budget(&self, a: &Csr<f64>) -> f64 {
        budget(a, self.fill(a), self.symmetric)
    }

    /// The ladder for new values of the matrix.
    pub fn fresh(&self, symmetric: bool) -> Self {
        let next = Self::new(self.configurations.clone(), self.near_nullspace.clone(), symmetric);
        next.patient(self.patience).diagonal_first(self.tries_diagonal())
    }
}

/// The budget as [`Ladder::budget`], for a matrix whose fill is not known.
pub(super) fn direct_budget(a: &Csr<f64>, symmetric: bool) -> f64 {
    Ladder::new(Vec::new(), None, symmetric).budget(a)
}

/// Iterations of twice the cost of a direct solve with `z` nonzeros in its factors.
fn budget(a: &Csr<f64>, z: f64, symmetric: bool) -> f64 {
    let factors = FACTORS.0 * z + FACTORS.1 * z * z / a.rows().max(1) as f64;
    let solve = if symmetric { factors } else { 2.0 * factors };
    2.0 * solve / (ITERATION * a.nnz().max(1) as f64)
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
    let build = budget(a, z, symmetric);
    (z <= limit as f64).then_some((build, z / (1.5 * a.nnz().max(1) as f64)))
}

/// Refuses a direct solver whose factors, of `z` entries, would be larger than the limit.
pub(super) fn check_fill(z: f64, limit: usize) -> Result<()> {
    if z <= limit as f64 {
        return Ok(());
    }
    Err(Error::unsuited(format!(
        "the factors would have some {z:.2e} entries, and {:.2e} are allowed (direct_limit)",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gallery;
    use crate::krylov::Krylov;
    use crate::multigrid::Relaxation;

    fn names(ladder: &Ladder, a: &Csr<f64>, spent: f64, limit: usize) -> Vec<&'static str> {
        let mut rest: Vec<_> = ladder.configurations.iter().collect();
        std::iter::from_fn(|| ladder.next(&mut rest, a, spent, limit).map(|c| c.setup.name())).collect()
    }

    #[test]
    fn a_direct_solver_follows_once_its_cost_is_spent() {
        let of = |setup| Configuration::new(setup, Relaxation::GaussSeidel, Krylov::Fgmres);
        let list = |setups: &[Setup]| setups.iter().cloned().map(of).collect();
        let sa: Setup = "sa".parse().unwrap();
        let first = list(&[Setup::Direct, sa.clone(), Setup::Pivoted]);
        let last = list(&[sa.clone(), Setup::OneLevel, Setup::Pivoted, Setup::Direct]);
        let [first, last] = [first, last].map(|list| Ladder::new(list, None, true));
        let plane = gallery::poisson_2d(60, 60).unwrap().matrix;
        assert!(first.budget(&plane) < EXPENSIVE);
        assert_eq!(names(&first, &plane, 0.0, usize::MAX), ["direct", "sa", "pivoted"]);
        // Factors that do not fit wait for all others.
        assert_eq!(names(&first, &plane, 1e9, 1), ["sa", "pivoted", "direct"]);
        assert_eq!(names(&last, &plane, 0.0, usize::MAX), ["sa", "none", "direct", "pivoted"]);
        assert_eq!(names(&last, &plane, 0.0, 1), ["sa", "none", "pivoted", "direct"]);
        assert_eq!(names(&last, &plane, 1e9, usize::MAX), ["direct", "sa", "none", "pivoted"]);
        assert!(last.is_refused(&plane, 1) && !last.is_refused(&plane, usize::MAX));
    }

    #[test]
    fn factors_of_a_solid_cost_more_iterations_than_those_of_a_plane() {
        let [plane, solid] =
            [gallery::poisson_2d(100, 100), gallery::poisson_3d(22, 22, 22)].map(|p| p.unwrap().matrix);
        assert!(direct_budget(&solid, true) > 4.0 * direct_budget(&plane, true));
        assert_eq!(direct_budget(&plane, false), 2.0 * direct_budget(&plane, true));
    }
}

//! Refresh of a solver: new matrix values on the same pattern.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use super::threads;
use super::value::{Solver, in_precision};
use crate::error::{Error, Result};
#[cfg(feature = "cuda")]
use crate::krylov::DeviceSystem;
use crate::multigrid::{Cycle, CyclePreconditioner, Refresh, other_pattern};
use crate::operator::Preconditioner;
use crate::sparse::Csr;

/// Refreshes of an automatic solver after which its first configuration is tried again, if another one solved before.
const KEPT: usize = 15;

impl Solver {
    /// Replaces the matrix by one with new values on the same pattern, as in time stepping or Newton's method. The
    /// transfers between levels are kept; their products and the smoothers are recomputed without symbolic work.
    /// The first call plans the products and costs about as much as a setup; later calls cost a quarter of it
    /// (`cargo bench --bench cycle`). The transfers still belong to the first matrix: build a new solver once
    /// convergence deteriorates.
    ///
    /// An automatic solver that had to leave its first configuration begins the next solves with the one that answered, which
    /// is refreshed too, and tries the first one again after sixteen refreshes.
    ///
    /// # Errors
    /// Another pattern; learned smoothers, which belong to their matrix; an error of the smoother for the new
    /// values. After an error the solver is unchanged and still belongs to its previous matrix.
    ///
    /// ```
    /// use multigrad::{Amg, gallery};
    /// let problem = gallery::poisson_2d(30, 30)?;
    /// let mut solver = Amg::auto(&problem.matrix)?;
    /// // A step of implicit Euler: the same pattern, another diagonal.
    /// let heat = problem.matrix.map(|i, j, v| if i == j { v + 0.1 } else { v });
    /// solver.refresh(&heat)?;
    /// assert!(solver.solve(&problem.rhs)?.converged());
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn refresh(&mut self, a: &Csr<f64>) -> Result<()> {
        threads::for_loops(self.entries_on_the_host(), || self.refresh_now(a))
    }

    fn refresh_now(&mut self, a: &Csr<f64>) -> Result<()> {
        let clock = Instant::now();
        let Some(relaxation) = self.relaxation else {
            return Err(Error::unsuited(format!(
                "the smoothers ({}) were made for one matrix and cannot be computed for new values; carry them over by learn::TrackedSolver, or begin with classical smoothers in learn::LearnedSolver",
                self.smoother()
            )));
        };
        let transform = match &self.transform {
            None => None,
            Some(own) => {
                if a.pattern() != self.a.pattern() {
                    return Err(other_pattern(a.pattern(), self.a.pattern()));
                }
                Some(Arc::new(own.renewed(a).ok_or_else(|| {
                    Error::unsuited("the new values need another elimination or scaling than the old ones; build a new solver")
                })?))
            }
        };
        let user = a;
        let a = transform.as_ref().map_or(a, |t| &t.matrix);
        a.find_runs();
        if self.refresh.is_none() {
            self.refresh = Some(in_precision!(&self.cycle, c => Refresh::new(c.hierarchy()))?);
        }
        let Some(plan) = &self.refresh else { return Ok(()) };
        let finest = self.setup.finest(a)?;
        let hierarchy =
            in_precision!(&self.cycle, c => plan.apply(c.hierarchy(), &finest, relaxation, self.sweeps))?;
        let matrix_symmetric = a.is_symmetric();
        let symmetric = Some(self.is_symmetric() && matrix_symmetric);
        let cycle = match &self.cycle {
            Cycle::Double(_) => Cycle::Double(CyclePreconditioner::trusted(hierarchy, symmetric)?),
            Cycle::Single(_) => {
                Cycle::Single(CyclePreconditioner::trusted(hierarchy.into_precision()?, symmetric)?)
            }
        };
        #[cfg(feature = "cuda")]
        if let Some(device) = &self.device {
            self.device = Some(DeviceSystem::new(&device.cuda, a)?.preconditioner(&cycle)?);
        }
        self.cycle = cycle;
        self.widened = OnceLock::new();
        self.symmetric_matrix = matrix_symmetric.into();
        self.a = user.clone();
        self.transform = transform.clone();
        self.ladder = self.ladder.as_ref().map(|ladder| ladder.fresh(matrix_symmetric));
        self.answered = Mutex::new(self.refreshed_answer(user));
        self.null_space = OnceLock::new();
        self.factor = None;
        self.setup_seconds = clock.elapsed().as_secs_f64();
        Ok(())
    }

    /// The solver of the further configuration that solved last, refreshed: close matrices need the same method.
    fn refreshed_answer(&mut self, a: &Csr<f64>) -> Option<Arc<Self>> {
        let answered = self.answered.get_mut().unwrap_or_else(PoisonError::into_inner).take()?;
        let mut solver = Arc::into_inner(answered)?;
        solver.refreshes += 1;
        (solver.refreshes <= KEPT && solver.refresh_now(a).is_ok()).then(|| Arc::new(solver))
    }
}

//! A solver for a sequence of matrices with the same pattern.

use std::cell::Cell;

use multigrad::{Csr, Outcome, Result, SolveOptions, Solver};

/// The automatic solver of the present matrix. A new matrix refreshes it, without symbolic work. The choice of the
/// method and the transfers between levels stay those of the matrix for which the solver was built, so it is built
/// anew where the number of iterations has more than doubled, as for time steps that grow.
#[derive(Debug)]
pub struct Sequence {
    solver: Solver,
    /// Iterations of the first solve after the build, and of the last solve.
    iterations: Cell<Option<(usize, usize)>>,
    builds: usize,
    refreshes: usize,
}

/// Iterations that a doubling may not consist of alone.
const FEW: usize = 4;

impl Sequence {
    /// Builds the solver of the first matrix.
    ///
    /// # Errors
    /// As [`Solver::auto`].
    pub fn new(a: &Csr<f64>) -> Result<Self> {
        Ok(Self { solver: Solver::auto(a)?, iterations: Cell::new(None), builds: 1, refreshes: 0 })
    }

    /// Replaces the matrix.
    ///
    /// # Errors
    /// As [`Solver::auto`].
    pub fn update(&mut self, a: &Csr<f64>) -> Result<()> {
        let slow = self.iterations.get().is_some_and(|(first, last)| last > 2 * first + FEW);
        // An error of the refresh: the values need another elimination or scaling of the matrix.
        if !slow && self.solver.refresh(a).is_ok() {
            self.refreshes += 1;
            return Ok(());
        }
        self.solver = Solver::auto(a)?;
        self.iterations.set(None);
        self.builds += 1;
        Ok(())
    }

    /// Solves with the present matrix.
    ///
    /// # Errors
    /// As [`Solver::solve_with`].
    pub fn solve(&self, b: &[f64], options: SolveOptions<'_>) -> Result<Outcome> {
        let out = self.solver.solve_with(b, options)?;
        let first = self.iterations.get().map_or(out.iterations, |(first, _)| first);
        self.iterations.set(Some((first, out.iterations)));
        Ok(out)
    }

    /// Solves with the transpose of the present matrix.
    ///
    /// # Errors
    /// As [`Solver::solve_transposed_with`].
    pub fn solve_transposed(&self, b: &[f64], options: SolveOptions<'_>) -> Result<Outcome> {
        self.solver.solve_transposed_with(b, options)
    }

    /// The solver.
    pub fn solver(&self) -> &Solver {
        &self.solver
    }

    /// Number of solvers built, and number of refreshes.
    pub fn setups(&self) -> (usize, usize) {
        (self.builds, self.refreshes)
    }
}

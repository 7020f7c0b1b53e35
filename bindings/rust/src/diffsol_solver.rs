//! A linear solver for the implicit methods of `diffsol`.

use diffsol::{FaerContext, FaerSparseMat, FaerVec, LaError, LaLinearOp, Matrix, MatrixCommon, Vector};
use diffsol_la::error::LinearSolverError;
use multigrad::{Csr, Outcome, Result, SolveOptions};

use crate::sequence::Sequence;

/// Relative residual of a linear solve by default. Newton's method corrects what remains.
const TOLERANCE: f64 = 1e-6;

/// The automatic multigrid solver as a linear solver of `diffsol`, for its sparse matrices of `f64`.
///
/// The first linearisation builds the solver. Every later one copies the new values into the same pattern and refreshes
/// the solver without symbolic work, or builds it anew where it has become slow ([`Sequence`]). `diffsol` may combine several systems into a batch; this adapter takes one.
///
/// ```text
/// let mut bdf = problem.bdf::<Multigrid>()?;
/// ```
#[derive(Debug)]
pub struct Multigrid {
    tolerance: f64,
    system: Option<System>,
    /// The error of the last setup, which the trait cannot return.
    failure: Option<String>,
}

/// The matrix of `diffsol`, stored by columns, and the solver for the same matrix by rows.
#[derive(Debug)]
struct System {
    by_columns: FaerSparseMat<f64>,
    by_rows: Csr<f64>,
    /// For every entry by rows, its position by columns.
    position: Vec<usize>,
    solver: Option<Sequence>,
}

impl Default for Multigrid {
    fn default() -> Self {
        Self::with_tolerance(TOLERANCE)
    }
}

impl Multigrid {
    /// Solves to this relative residual.
    pub fn with_tolerance(tolerance: f64) -> Self {
        Self { tolerance, system: None, failure: None }
    }

    /// Number of solvers built, and number of refreshes with new values.
    pub fn setups(&self) -> (usize, usize) {
        let sequence = self.system.as_ref().and_then(|system| system.solver.as_ref());
        sequence.map_or((0, 0), Sequence::setups)
    }

    /// Builds or refreshes the solver for the values that `by_columns` has now.
    fn set_up(&mut self) -> Result<()> {
        let Some(system) = &mut self.system else { return Ok(()) };
        let by_columns = system.by_columns.inner()[0].val();
        let values: Vec<f64> = system.position.iter().map(|&p| by_columns[p]).collect();
        system.by_rows = system.by_rows.with_values(values)?;
        match &mut system.solver {
            Some(sequence) => sequence.update(&system.by_rows),
            none => {
                *none = Some(Sequence::new(&system.by_rows)?);
                Ok(())
            }
        }
    }

    /// Replaces the vector by a solution.
    fn solve(
        &self,
        x: &mut FaerVec<f64>,
        solve: impl FnOnce(&Sequence, &[f64], SolveOptions<'_>) -> Result<Outcome>,
    ) -> std::result::Result<(), LaError> {
        if let Some(failure) = &self.failure {
            return Err(other(failure));
        }
        let Some(solver) = self.system.as_ref().and_then(|system| system.solver.as_ref()) else {
            return Err(LinearSolverError::LinearSolverNotSetup.into());
        };
        let b = x.clone_as_vec();
        let out = solve(solver, &b, SolveOptions::new().rtol(self.tolerance)).map_err(other)?;
        if !out.converged() {
            return Err(other(format!("the linear system of {} unknowns was not solved: {out}", b.len())));
        }
        x.inner_mut().col_mut(0).iter_mut().zip(out.x).for_each(|(old, new)| *old = new);
        Ok(())
    }
}

fn other(message: impl ToString) -> LaError {
    LinearSolverError::Other(message.to_string()).into()
}

/// The pattern by rows and, for every entry, its position by columns.
fn by_rows(by_columns: &FaerSparseMat<f64>) -> Result<(Csr<f64>, Vec<usize>)> {
    let pattern = by_columns.inner()[0].symbolic();
    let positions: Vec<f64> = (0..pattern.row_idx().len()).map(|p| p as f64).collect();
    let transpose =
        Csr::from_csr(pattern.ncols(), pattern.nrows(), pattern.col_ptr(), pattern.row_idx(), positions)?;
    let by_rows = transpose.transpose();
    let position = by_rows.values().iter().map(|&p| p as usize).collect();
    Ok((by_rows, position))
}

impl diffsol_la::LinearSolver<FaerSparseMat<f64>> for Multigrid {
    fn set_sparsity<C>(&mut self, op: &C)
    where
        C: LaLinearOp<T = f64, V = FaerVec<f64>, M = FaerSparseMat<f64>, C = FaerContext>,
    {
        let by_columns =
            FaerSparseMat::new_from_sparsity(op.nrows(), op.ncols(), op.sparsity(), *op.context());
        (self.system, self.failure) = match by_rows(&by_columns) {
            Ok((by_rows, position)) => (Some(System { by_columns, by_rows, position, solver: None }), None),
            Err(error) => (None, Some(error.to_string())),
        };
    }

    fn set_linearisation<C>(&mut self, op: &C)
    where
        C: LaLinearOp<T = f64, V = FaerVec<f64>, M = FaerSparseMat<f64>, C = FaerContext>,
    {
        if let Some(system) = &mut self.system {
            op.matrix_inplace(&mut system.by_columns);
            self.failure = self.set_up().err().map(|error| error.to_string());
        }
    }

    fn solve_in_place(&self, x: &mut FaerVec<f64>) -> std::result::Result<(), LaError> {
        self.solve(x, |solver, b, options| solver.solve(b, options))
    }

    fn solve_transpose_in_place(&self, x: &mut FaerVec<f64>) -> std::result::Result<(), LaError> {
        self.solve(x, |solver, b, options| solver.solve_transposed(b, options))
    }
}

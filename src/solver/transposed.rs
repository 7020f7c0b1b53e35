//! Solves with the transposed matrix.

use super::value::Solver;
use crate::backend::Cpu;
use crate::error::Result;
use crate::krylov::{Krylov, Outcome, SolveOptions, System};
use crate::operator::{LinearOperator, Preconditioner, check_lengths};
use crate::sparse::Csr;

/// Aᵀ, by a gather through the transposition of the pattern.
struct Transposed<'a>(&'a Csr<f64>);

impl LinearOperator for Transposed<'_> {
    fn rows(&self) -> usize {
        self.0.rows()
    }

    fn apply(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        check_lengths(self.0.rows(), x, y)?;
        Cpu.spmv_transposed(1.0, self.0.into(), x, 0.0, y, 1);
        Ok(())
    }
}

/// Bᵀ.
struct Flipped<'a>(&'a Solver);

impl Preconditioner for Flipped<'_> {
    fn rows(&self) -> usize {
        Preconditioner::rows(self.0)
    }

    fn is_symmetric(&self) -> bool {
        self.0.is_symmetric()
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.0.apply_transposed(r, z)
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.0.apply(r, z)
    }
}

impl Solver {
    /// Solves Aᵀ x = b, by the method of [`solve_with`](Self::solve_with) with the transposed cycle as its
    /// preconditioner: P and Rᵀ change places, and so do the sweeps before and after the correction. Needs no
    /// second setup; the first call for a nonsymmetric A compiles the transposed cycle.
    ///
    /// # Errors
    /// As [`solve_with`](Self::solve_with); a K-cycle of a nonsymmetric matrix, which has no transpose.
    ///
    /// ```
    /// use multigrad::{Amg, SolveOptions, gallery};
    /// let flow = gallery::recirculating_flow(16, 0.01, gallery::FlowScheme::Upwind)?;
    /// let solver = Amg::auto(&flow.matrix)?;
    /// let out = solver.solve_transposed_with(&flow.rhs, SolveOptions::new().rtol(1e-10))?;
    /// let mut product = vec![0.0; flow.rhs.len()];
    /// flow.matrix.transpose().spmv(&out.x, &mut product)?;
    /// assert!(out.converged());
    /// assert!(product.iter().zip(&flow.rhs).all(|(p, b)| (p - b).abs() < 1e-6));
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn solve_transposed_with(&self, b: &[f64], options: SolveOptions<'_>) -> Result<Outcome> {
        let keeps = self.transform.as_ref().is_none_or(|t| t.is_symmetric());
        if self.has_symmetric_matrix() && keeps {
            return self.solve_with(b, options);
        }
        // The configuration that solves A is the one for its transpose.
        let answered = self.answered();
        let solver = answered.as_deref().unwrap_or(self);
        solver.solve_transposed_for(&self.a, b, options)
    }

    /// Solves Bᵀ x = b for another matrix B of the same size, with the transposed cycle of this solver.
    pub(super) fn solve_transposed_for(
        &self,
        other: &Csr<f64>,
        b: &[f64],
        mut options: SolveOptions<'_>,
    ) -> Result<Outcome> {
        if self.transform.as_ref().is_some_and(|t| !t.is_symmetric()) {
            // The cycle may be symmetric, its transform is not.
            options.krylov = options.krylov.filter(|k| *k != Krylov::Cg).or(Some(Krylov::Fgmres));
        }
        let (operator, flipped) = (Transposed(other), Flipped(self));
        self.attempt(System::Host(&operator, Some(&flipped)), b, options)
    }
}

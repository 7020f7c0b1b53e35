//! Estimates of the condition number and of the error of a solution.

use std::fmt;

use super::norm_estimate::one_norm;
use super::value::Solver;
use crate::error::{Error, Result};
use crate::krylov::{SolveOptions, largest};
use crate::operator::check_lengths;

/// Largest relative residual of an inner solve.
const ACCURACY: f64 = 1e-6;

/// Estimate of the condition number of a matrix ([`Solver::condition`]).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Condition {
    /// κ₁ = ‖A‖₁ ‖A⁻¹‖₁: a change of A or b by the relative size ε in norm changes x by up to κ₁ ε.
    pub number: f64,
    /// ‖A‖₁, the largest absolute sum of a column.
    pub norm: f64,
    /// The estimate of ‖A⁻¹‖₁, a lower bound that is seldom below a third of it.
    pub inverse_norm: f64,
    /// Number of solves with A and Aᵀ.
    pub solves: usize,
}

/// Estimate of the error of a solution ([`Solver::forward_error`]).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ForwardError {
    /// Bound of ‖x − A⁻¹ b‖∞ / ‖x‖∞, up to the factor three or so of the estimate.
    pub bound: f64,
    /// ‖|A⁻¹| |A| |x|‖∞ / ‖x‖∞: a change of every entry of A by the relative size ε changes x by up to this number
    /// times ε. Unlike κ₁ it does not depend on the scaling of the rows.
    pub condition: f64,
    /// Number of solves with A and Aᵀ.
    pub solves: usize,
}

impl Solver {
    /// Estimates the condition number κ₁ = ‖A‖₁ ‖A⁻¹‖₁ by solves with A and Aᵀ (Hager 1984; Higham 1988).
    ///
    /// Cost: about five solves, at most eleven.
    ///
    /// # Errors
    /// A singular matrix whose null vector is constant on a component, known or due to scaling; an inner solve that did
    /// not converge, with its number and residual: its estimate would mean nothing.
    ///
    /// ```
    /// use multigrad::{Csr, Solver};
    /// let a = Csr::diagonal_matrix(&[1.0, 1e3, 1e6]);
    /// let condition = Solver::auto(&a)?.condition()?;
    /// assert!((condition.number / 1e6 - 1.0).abs() < 1e-6);
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn condition(&self) -> Result<Condition> {
        self.refuse_singular()?;
        let mut sums = vec![0.0; self.a.cols()];
        for (&j, v) in self.a.pattern().col_idx().iter().zip(self.a.values()) {
            sums[j as usize] += v.abs();
        }
        let norm = largest(&sums);
        let mut inner = Inner::new(self);
        let inverse_norm = one_norm(self.a.rows(), &mut |x, transposed| inner.solve(x, transposed))?;
        Ok(Condition { number: norm * inverse_norm, norm, inverse_norm, solves: inner.solves })
    }

    /// Estimates the error of an approximate solution x of A x = b in the largest norm, with rounding of the residual,
    /// and the componentwise condition number (Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, chapters
    /// 7 and 15):
    ///
    /// ```text
    /// ‖x − A⁻¹ b‖∞ / ‖x‖∞ ≤ ‖|A⁻¹| (|b − A x| + γ (|A| |x| + |b|))‖∞ / ‖x‖∞
    /// ```
    ///
    /// with γ = (m + 1) 2⁻⁵², m entries in the longest row. Cost: about ten solves, at most 22.
    ///
    /// # Errors
    /// Vectors of another length, values that are not finite, x = 0; otherwise as [`condition`](Self::condition).
    ///
    /// ```
    /// use multigrad::{Solver, SolveOptions, gallery};
    /// let problem = gallery::poisson_2d(20, 20)?;
    /// let solver = Solver::auto(&problem.matrix)?;
    /// let rough = solver.solve_with(&problem.rhs, SolveOptions::new().rtol(1e-4))?;
    /// let error = solver.forward_error(&rough.x, &problem.rhs)?;
    /// assert!(error.bound > 1e-8 && error.bound < 1e-1);
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn forward_error(&self, x: &[f64], b: &[f64]) -> Result<ForwardError> {
        check_lengths(self.a.rows(), x, b)?;
        let length = largest(x);
        if !(length > 0.0 && length.is_finite() && b.iter().all(|v| v.is_finite())) {
            return Err(Error::invalid_input(
                "the relative error of x is not defined: x is zero, or x or b have values that are not finite",
            ));
        }
        self.refuse_singular()?;
        let longest = (0..self.a.rows()).map(|i| self.a.pattern().row(i).len()).max().unwrap_or(0);
        let gamma = (longest + 1) as f64 * f64::EPSILON;
        let (mut terms, mut errors) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        for i in 0..self.a.rows() {
            let mut r = b[i];
            for (j, v) in self.a.row(i) {
                r -= v * x[j];
                terms[i] += (v * x[j]).abs();
            }
            errors[i] = r.abs() + gamma * (terms[i] + b[i].abs());
        }
        let mut inner = Inner::new(self);
        let condition = inner.weighted(&terms)? / length;
        let bound = inner.weighted(&errors)? / length;
        Ok(ForwardError { bound, condition, solves: inner.solves })
    }

    fn refuse_singular(&self) -> Result<()> {
        match self.null_vectors(true).count() {
            0 => Ok(()),
            n => Err(Error::singular(format!(
                "the matrix is singular (Aᵀ has {n} null vectors, such as constants of components): its condition number is infinite"
            ))),
        }
    }
}

/// Solves for an estimate.
struct Inner<'a> {
    solver: &'a Solver,
    /// Sparse factors for solves with Aᵀ that do not converge by the solver itself.
    factored: Option<Solver>,
    solves: usize,
}

impl<'a> Inner<'a> {
    fn new(solver: &'a Solver) -> Self {
        Self { solver, factored: None, solves: 0 }
    }

    /// ‖|A⁻¹| f‖∞ = ‖F A⁻ᵀ‖₁ for a nonnegative vector f with F = diag(f).
    fn weighted(&mut self, f: &[f64]) -> Result<f64> {
        let scaled = |x: &[f64]| x.iter().zip(f).map(|(x, f)| x * f).collect::<Vec<f64>>();
        one_norm(f.len(), &mut |x, transposed| match transposed {
            false => Ok(scaled(&self.solve(x, true)?)),
            true => self.solve(&scaled(x), false),
        })
    }

    /// A⁻¹ b or A⁻ᵀ b.
    fn solve(&mut self, b: &[f64], transposed: bool) -> Result<Vec<f64>> {
        self.solves += 1;
        let options = SolveOptions::new;
        let mut out = match transposed {
            false => self.solver.solve_with(b, options())?,
            true => self.solver.solve_transposed_with(b, options())?,
        };
        if transposed && !out.converged() && out.relative_residual() > ACCURACY {
            self.factored = self.factored.take().or_else(|| self.solver.factored());
            if let Some(solver) = &self.factored {
                out = solver.solve_transposed_for(self.solver.matrix(), b, options())?;
            }
        }
        // The estimate remains a lower bound, for a vector that differs from b by this much.
        if out.converged() || out.relative_residual() <= ACCURACY {
            return Ok(out.x);
        }
        Err(Error::unsuited(format!(
            "there is no estimate: inner solve {} ({}): {} at a relative residual of {:.1e}; the matrix may be singular to working precision",
            self.solves,
            if transposed { "with Aᵀ" } else { "with A" },
            out.status,
            out.relative_residual()
        )))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "condition number (1-norm) about {:.1e}, by {} solves", self.number, self.solves)?;
        if self.number * f64::EPSILON >= 1.0 { write!(f, ": singular to working precision") } else { Ok(()) }
    }
}

impl fmt::Display for ForwardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "error of x at most about {:.1e} of its largest value; componentwise condition number {:.1e}, by {} solves",
            self.bound, self.condition, self.solves
        )
    }
}

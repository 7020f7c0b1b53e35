//! Result of a solve: iterate, status and residual history.

use std::fmt;

use serde::{Serialize, Serializer};

use super::method::Krylov;

/// The result of an iteration, converged or not. `serde` writes it without x, and with `converged` and
/// `relative_residual`.
///
/// ```
/// use multigrad::krylov::{Cg, Status};
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 2, &[(0, 0, 1.0), (1, 1, -1.0)])?;
/// let out = Cg::new().solve(&a, &[1.0, 2.0])?;
/// assert!(!out.converged());
/// assert!(matches!(out.status, Status::Breakdown(_)));
/// println!("{out}"); // says what to try instead
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The last iterate. It is useless after [`Status::Diverged`].
    pub x: Vec<f64>,
    /// Reason for which the iteration ended.
    pub status: Status,
    /// Number of iterations.
    pub iterations: usize,
    /// ‖b − A x‖₂ / ‖b‖₂ at the start and after every iteration (`iterations + 1` entries). The first and the last
    /// entry are computed from x, the others come from the recurrence of the method. A value that is not finite is stored
    /// as infinity. For b = 0 the history is `[0.0]`.
    pub residual_history: Vec<f64>,
    /// Number of applications of the preconditioner: the fair measure of cost between methods.
    pub preconditioner_applications: usize,
    /// One sentence of advice if the iteration did not converge.
    pub advice: Option<String>,
    /// The method; `None` for a direct solve.
    pub krylov: Option<Krylov>,
    /// The componentwise backward error max |b − A x|ᵢ / (|A| |x| + |b|)ᵢ of x (Oettli and Prager 1964), computed by
    /// solves of a [`Solver`](crate::Solver). If the denominator of a row is below 10⁻⁵ of ‖Aᵢ‖₁ ‖x‖∞, this product is
    /// added to it; where it is smaller for the unknowns as the solver scales them, that one counts.
    pub backward_error: Option<f64>,
    /// The configuration that found x, in one line, if it is not the first one of an automatic solver.
    pub solver: Option<String>,
    /// The part of b that a least-squares solve removed ([`SolveOptions::least_squares`](crate::SolveOptions::least_squares));
    /// residuals then belong to the rest.
    pub removed: Option<Removed>,
    /// Earlier attempts with the reason for leaving each, one sentence each.
    pub attempts: Vec<String>,
    /// ‖Δx‖∞ / ‖x‖∞ for the last step of CG or BiCGStab on the host, otherwise 0.
    pub(crate) last_step: f64,
}

/// The part of a right-hand side outside the range of a singular matrix.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Removed {
    /// ‖b − p‖₂, where p is the orthogonal projection of b onto the range of A. It equals the least ‖b − A x‖₂.
    pub norm: f64,
    /// The same relative to ‖b‖₂.
    pub relative: f64,
    /// Number of null vectors of Aᵀ to which p is orthogonal.
    pub null_vectors: usize,
    /// The conditions that b violates, one sentence for each connected component.
    pub parts: Vec<String>,
}

/// Reason for which an iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// ‖b − A x‖₂ ≤ max(rtol ‖b‖₂, atol), for the residual computed from x. From a [`Solver`](crate::Solver) also a
    /// solution whose [`backward_error`](Outcome::backward_error) is at the limit of rounding, 10⁻¹³, while its
    /// residual is at most 10³ times the tolerance.
    Converged,
    /// A limit of iterations, time or memory is reached, or the iteration was given up as too slow.
    MaxIterations,
    /// The residual stopped decreasing above the tolerance. From a [`Solver`](crate::Solver) also: the residual is small,
    /// but the backward error, or the residual in the scaling of the user, is too large.
    Stagnated,
    /// The residual grew beyond 10⁶ times its initial norm, or is not finite.
    Diverged,
    /// The method cannot continue.
    Breakdown(Breakdown),
}

/// Cause of a breakdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Breakdown {
    /// CG met a direction p with pᵀ A p ≤ 0: A is not positive definite.
    IndefiniteMatrix,
    /// CG met a residual r with rᵀ B r ≤ 0: B is not positive definite.
    IndefinitePreconditioner,
    /// The matrix (or the preconditioner) is singular, and the space of the method contains no solution.
    SingularMatrix,
    /// BiCGStab: the residual is orthogonal to the shadow residual, ρ = r̂ᵀ r = 0.
    RhoZero,
    /// BiCGStab: r̂ᵀ A B p = 0, so that no step length exists.
    PivotZero,
    /// BiCGStab: the stabilising step is zero, ω = 0, as for a skew-symmetric matrix.
    OmegaZero,
}

impl Outcome {
    /// Whether the status is [`Status::Converged`].
    pub fn converged(&self) -> bool {
        self.status == Status::Converged
    }

    /// ‖b − A x‖₂ / ‖b‖₂ of the returned x.
    pub fn relative_residual(&self) -> f64 {
        self.residual_history.last().copied().unwrap_or(f64::INFINITY)
    }

    /// Geometric mean of the reduction of the residual per iteration over the last half of the history:
    /// (h\[m\] / h\[m/2\])^(1 / (m − m/2)) for m iterations. `None` if there was no iteration.
    pub fn convergence_factor(&self) -> Option<f64> {
        let last = self.residual_history.len().checked_sub(1).filter(|&m| m > 0)?;
        let half = last / 2;
        let reduction = self.residual_history[last] / self.residual_history[half];
        (!reduction.is_nan()).then(|| reduction.powf(1.0 / (last - half) as f64))
    }
}

/// What `serde` writes of an outcome.
#[derive(Serialize)]
struct Fields<'a> {
    converged: bool,
    status: String,
    iterations: usize,
    krylov: Option<Krylov>,
    preconditioner_applications: usize,
    relative_residual: f64,
    backward_error: Option<f64>,
    residual_history: &'a [f64],
    solved_by: Option<&'a str>,
    attempts: &'a [String],
    removed: Option<&'a Removed>,
    advice: Option<&'a str>,
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = Fields {
            converged: self.converged(),
            status: self.status.to_string(),
            iterations: self.iterations,
            krylov: self.krylov,
            preconditioner_applications: self.preconditioner_applications,
            relative_residual: self.relative_residual(),
            backward_error: self.backward_error,
            residual_history: &self.residual_history,
            solved_by: self.solver.as_deref(),
            attempts: &self.attempts,
            removed: self.removed.as_ref(),
            advice: self.advice.as_deref(),
        };
        fields.serialize(serializer)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.iterations == 1 { "" } else { "s" };
        write!(
            f,
            "{} after {} iteration{plural}, relative residual {:.2e}",
            self.status,
            self.iterations,
            self.relative_residual()
        )?;
        if let Some(factor) = self.convergence_factor() {
            write!(f, ", convergence factor {factor:.3}")?;
        }
        match &self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Converged => f.write_str("converged"),
            Status::MaxIterations => f.write_str("not converged"),
            Status::Stagnated => f.write_str("stagnated"),
            Status::Diverged => f.write_str("diverged"),
            Status::Breakdown(reason) => write!(f, "broke down ({reason})"),
        }
    }
}

impl fmt::Display for Breakdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Breakdown::IndefiniteMatrix => "the matrix is not positive definite",
            Breakdown::IndefinitePreconditioner => "the preconditioner is not positive definite",
            Breakdown::SingularMatrix => "the matrix or the preconditioner is singular",
            Breakdown::RhoZero => "rho = 0",
            Breakdown::PivotZero => "zero pivot",
            Breakdown::OmegaZero => "omega = 0",
        })
    }
}

//! Advice for an iteration that did not converge.

use super::method::Method;
use super::outcome::{Breakdown, Outcome, Status};

/// Iterations of a method that suits the system after which its residual may still exceed the first one.
const FEW: usize = 10;

/// Circumstances of a solve that the outcome does not contain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation {
    pub method: Method,
    pub preconditioned: bool,
    /// Whether all values of all iterations were finite.
    pub finite: bool,
    pub rtol: f64,
}

/// One sentence for an outcome that did not converge; `None` for one that converged.
pub(super) fn advice(out: &Outcome, situation: Situation) -> Option<String> {
    Some(match out.status {
        Status::Converged => return None,
        Status::MaxIterations => max_iterations(out, situation),
        Status::Stagnated => stagnated(out, situation.method),
        Status::Diverged => diverged(situation),
        Status::Breakdown(reason) => breakdown(reason).into(),
    })
}

fn max_iterations(out: &Outcome, situation: Situation) -> String {
    if out.iterations == 0 {
        return "no iteration was allowed; raise max_iterations".into();
    }
    let remedy = match (situation.preconditioned, situation.method) {
        (_, Method::Richardson { .. }) => {
            "use the same cycle as the preconditioner of FGMRES (or of CG, if matrix and cycle are symmetric)"
        }
        (false, _) => "use a preconditioner",
        (true, Method::Fgmres { .. }) => "use a stronger preconditioner or a larger restart",
        (true, _) => "use a stronger preconditioner",
    };
    let more = out
        .convergence_factor()
        .filter(|&f| f > 0.0 && f < 1.0)
        .map(|f| ((situation.rtol / out.relative_residual()).ln() / f.ln()).ceil().max(1.0));
    match more {
        _ if out.relative_residual() > out.residual_history[0] && out.iterations < FEW => {
            "too few iterations to judge the method; allow more iterations (max_iterations)".into()
        }
        _ if out.relative_residual() > out.residual_history[0] => {
            "the residual has grown: the method does not suit this system, or the matrix is singular and b outside its range; use FGMRES".into()
        }
        Some(more) if more < 1e6 => {
            format!("at this rate about {more:.0} more iterations are needed; raise max_iterations, or {remedy}")
        }
        _ => format!("the residual decreases too slowly; {remedy}"),
    }
}

fn stagnated(out: &Outcome, method: Method) -> String {
    if out.relative_residual() < 1e-10 {
        return "rounding keeps the residual above the tolerance; ask for a larger rtol".into();
    }
    match method {
        Method::Fgmres { restart } => format!(
            "a restart every {restart} iterations discards the Krylov space; raise the restart or use a stronger preconditioner (or the matrix is singular and b outside its range)"
        ),
        Method::Richardson { .. } => "the cycle leaves some error components untouched; use it as the preconditioner of FGMRES (or the matrix is singular and b outside its range)".into(),
        Method::Cg { .. } | Method::BiCgStab => "the residual of the recurrence has drifted from the true residual, as happens for very ill-conditioned or singular systems; use a stronger preconditioner or FGMRES".into(),
    }
}

fn diverged(situation: Situation) -> String {
    if !situation.finite {
        return "the residual is not finite; check what the operator and the preconditioner return, and the scale of the matrix".into();
    }
    match situation.method {
        Method::Richardson { .. } => "the spectral radius of I − B A exceeds one; use the cycle as the preconditioner of a Krylov method, or damp it".into(),
        Method::Cg { .. } => "the matrix or the preconditioner is not symmetric positive definite, or the matrix is singular and b outside its range; use FGMRES".into(),
        Method::Fgmres { .. } => "the residual grows by more than rounding; check the scale of the operator and the preconditioner, or use a stronger preconditioner".into(),
        Method::BiCgStab => "use FGMRES, whose residual cannot grow, or a stronger preconditioner".into(),
    }
}

fn breakdown(reason: Breakdown) -> &'static str {
    match reason {
        Breakdown::IndefiniteMatrix => {
            "CG met a direction of zero or negative curvature, so the matrix is not positive definite; use FGMRES or BiCGStab (or change the sign of a negative definite system)"
        }
        Breakdown::IndefinitePreconditioner => {
            "the preconditioner is not positive definite; use a symmetric positive definite one, or FGMRES or BiCGStab"
        }
        Breakdown::SingularMatrix => {
            "the matrix (or the preconditioner) is singular and the system seems to have no solution; check that b is in its range, for a pure Neumann problem that b sums to zero"
        }
        Breakdown::RhoZero | Breakdown::PivotZero | Breakdown::OmegaZero => {
            "BiCGStab cannot continue, which is common for matrices that are nearly skew-symmetric; use FGMRES"
        }
    }
}

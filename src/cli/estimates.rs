//! What a solve tells beside x: the part of b outside the range, condition number and error.

use serde_json::{Value, json};

use super::output::say;
use crate::krylov::{Outcome, Removed};
use crate::solver::Solver;

/// Prints the part of b that a least-squares solve removed; the same for JSON.
pub fn removed(removed: &Removed) -> Value {
    say(format_args!("removed from b: {:.3e}, {:.1e} of its norm", removed.norm, removed.relative));
    removed.parts.iter().for_each(|part| say(format_args!("  {part}")));
    json!({
        "norm": removed.norm,
        "relative": removed.relative,
        "null_vectors": removed.null_vectors,
        "parts": removed.parts,
    })
}

/// Prints the estimates of condition and error, or why there are none; the same for JSON.
pub fn condition(solver: &Solver, out: &Outcome, b: &[f64]) -> Value {
    if !out.converged() {
        let reason = "there is no estimate: the solve did not converge";
        say(format_args!("condition number: {reason}"));
        return json!({ "number": null, "reason": reason });
    }
    let mut value = match solver.condition() {
        Ok(condition) => {
            say(condition);
            json!({ "number": finite(condition.number), "norm": finite(condition.norm),
                "inverse_norm": finite(condition.inverse_norm), "solves": condition.solves })
        }
        Err(e) => {
            say(format_args!("condition number: {e}"));
            return json!({ "number": null, "reason": e.to_string() });
        }
    };
    match solver.forward_error(&out.x, b) {
        Ok(error) => {
            say(error);
            value["componentwise"] = finite(error.condition);
            value["forward_error"] = finite(error.bound);
            value["forward_error_solves"] = json!(error.solves);
        }
        Err(e) => {
            say(format_args!("error of x: {e}"));
            value["reason"] = json!(e.to_string());
        }
    }
    value
}

/// A number, or null for an infinite value, which JSON does not support.
pub fn finite(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

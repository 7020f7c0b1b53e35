//! What a solve tells beside x: the part of b outside the range, condition number and error.

use serde_json::{Value, json};

use super::output::say;
use crate::krylov::{Outcome, Removed};
use crate::solver::Solver;

/// Prints the part of b that a least-squares solve removed.
pub fn say_removed(removed: &Removed) {
    say(format_args!("removed from b: {:.3e}, {:.1e} of its norm", removed.norm, removed.relative));
    removed.parts.iter().for_each(|part| say(format_args!("  {part}")));
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
            // JSON has null in place of infinite values.
            json!({ "number": condition.number, "norm": condition.norm,
                "inverse_norm": condition.inverse_norm, "solves": condition.solves })
        }
        Err(e) => {
            say(format_args!("condition number: {e}"));
            return json!({ "number": null, "reason": e.to_string() });
        }
    };
    match solver.forward_error(&out.x, b) {
        Ok(error) => {
            say(error);
            value["componentwise"] = json!(error.condition);
            value["forward_error"] = json!(error.bound);
            value["forward_error_solves"] = json!(error.solves);
        }
        Err(e) => {
            say(format_args!("error of x: {e}"));
            value["reason"] = json!(e.to_string());
        }
    }
    value
}

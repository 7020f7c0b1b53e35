//! Tables and pieces of JSON shared by several commands.

use std::io::Write;

use serde::Serialize;
use serde_json::{Value, json};

use crate::engine::Host;
use crate::error::{Error, Result};
use crate::krylov::{Outcome, Status};
use crate::learn::{Baseline, CostReport};
use crate::multigrid::{Cycle, Hierarchy};
use crate::solver::Solver;
use crate::sparse::Scalar;

/// Prints a line to standard output. A closed pipe, as in `multigrad … | head -1`, is ignored, so that results are
/// still written to files.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints a line to standard error.
pub fn complain(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A status with its iteration count, such as "converged after 8 iterations".
pub fn ending(out: &Outcome) -> String {
    let plural = if out.iterations == 1 { "" } else { "s" };
    // The advice contains the reason of a breakdown.
    let status = match out.status {
        Status::Breakdown(_) => "broke down".to_string(),
        status => status.to_string(),
    };
    format!("{status} after {} iteration{plural}", out.iterations)
}

/// One object per level.
pub fn level_table<T: Scalar>(h: &Hierarchy<Host<T>>) -> Value {
    let row = |n: usize, nnz: usize| json!({ "unknowns": n, "nonzeros": nnz });
    let levels = h.levels.iter().map(|l| row(l.a.pattern.rows(), l.a.pattern.nnz()));
    levels.chain([row(h.coarsest_rows, h.coarsest.matrix().nnz())]).collect()
}

/// One object per level of a solver in either precision.
pub fn solver_levels(solver: &Solver) -> Value {
    match solver.cycle() {
        Cycle::Double(c) => level_table(c.hierarchy()),
        Cycle::Single(c) => level_table(c.hierarchy()),
    }
}

/// The fields of a result together with further ones.
///
/// # Errors
/// None in practice.
pub fn object(result: &impl Serialize, further: Value) -> Result<Value> {
    let encode = |e: serde_json::Error| Error::format(format!("cannot encode the results: {e}"));
    let mut value = serde_json::to_value(result).map_err(encode)?;
    if let (Value::Object(fields), Value::Object(further)) = (&mut value, further) {
        fields.extend(further);
    }
    Ok(value)
}

/// An account with the derived quantities as JSON.
pub fn account_json(account: &CostReport) -> Result<Value> {
    let derived = json!({
        "fastest_iterative": account.fastest_iterative().map(|e| &e.configuration),
        "payback": account.break_even(),
        "payback_direct": account.break_even_direct(),
        "verdict": account.verdict(),
    });
    object(account, derived)
}

/// Prints the learned solver among the classical smoothers, best first.
pub fn print_baselines(learned: (&str, f64), baselines: &[Baseline]) {
    let mut rows: Vec<(&str, f64)> = baselines.iter().map(|b| (b.smoother.as_str(), b.factor)).collect();
    rows.push(learned);
    rows.sort_by(|a, b| a.1.total_cmp(&b.1));
    say("smoother                    factor per cycle   cycles per 8 digits");
    for (name, factor) in rows {
        let cycles = match factor {
            f if f <= 0.0 => "1".to_string(),
            f if (f - 1.0).abs() < 1e-4 => "stalls".to_string(),
            f if f < 1.0 => format!("{:.0}", (1e-8f64.ln() / f.ln()).ceil()),
            _ => "diverges".to_string(),
        };
        let factor = if factor < 1e3 { format!("{factor:.4}") } else { format!("{factor:.1e}") };
        say(format_args!("{name:<26}  {factor:>16}   {cycles:>19}"));
    }
}

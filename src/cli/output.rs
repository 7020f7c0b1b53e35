//! Pieces of JSON and tables that commands share.

use serde_json::{Value, json};

use crate::engine::Host;
use crate::learn::Baseline;
use crate::multigrid::Hierarchy;
use crate::sparse::Scalar;

/// One object per level.
pub fn level_table<T: Scalar>(h: &Hierarchy<Host<T>>) -> Value {
    let row = |n: usize, nnz: usize| json!({ "unknowns": n, "nonzeros": nnz });
    let levels = h.levels.iter().map(|l| row(l.a.pattern.rows(), l.a.pattern.nnz()));
    levels.chain([row(h.coarsest_rows, h.coarsest.matrix().nnz())]).collect()
}

/// The learned solver among the classical smoothers, best first.
pub fn print_baselines(learned: (&str, f64), baselines: &[Baseline]) {
    let mut rows: Vec<(&str, f64)> = baselines.iter().map(|b| (b.smoother.as_str(), b.factor)).collect();
    rows.push(learned);
    rows.sort_by(|a, b| a.1.total_cmp(&b.1));
    println!("smoother                    factor per cycle   cycles to 1e-8");
    for (name, factor) in rows {
        let cycles = match factor {
            f if f <= 0.0 => "1".to_string(),
            f if f < 1.0 => format!("{:.0}", (1e-8f64.ln() / f.ln()).ceil()),
            _ => "diverges".to_string(),
        };
        let factor = if factor < 1e3 { format!("{factor:.4}") } else { format!("{factor:.1e}") };
        println!("{name:<26}  {factor:>16}   {cycles:>14}");
    }
}

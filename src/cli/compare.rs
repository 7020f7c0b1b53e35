//! `multigrad compare`.

use super::Verdict;
use super::arguments::Compare;
use super::common::{read_square, right_hand_side, write_json};
use super::output::{complain, object, say};
use super::paths::{check_outputs, stem};
use super::progress::CompareBar;
use super::setup_options::read_candidates;
use crate::error::Result;
use crate::solver::{Compared, Comparison, ComparisonReport, MatrixProperties};
use crate::sparse::write_atomic;

pub fn run(options: &Compare) -> Result<Verdict> {
    check_outputs(
        [Some(options.matrix.as_path()), options.rhs.as_deref(), options.near_nullspace.as_deref()],
        [options.json.as_deref(), options.csv.as_deref()],
    )?;
    let mut file = read_square(&options.matrix)?;
    let b = right_hand_side(options.rhs.as_deref(), &mut file)?;
    let (a, notices) = (file.matrix, file.notices);
    let modes = read_candidates(options.near_nullspace.as_deref(), &a)?;
    let properties = MatrixProperties::of(&a);
    say(format_args!("{properties}\n"));
    let bar = CompareBar::new();
    let comparison = Comparison::new()
        .rtol(options.rtol)
        .max_iterations(options.max_iterations)
        .repeats(options.repeat)
        .time_limit(options.time_limit.unwrap_or(f64::INFINITY))
        .memory_limit(options.memory_limit)
        .near_nullspace(modes);
    let report = comparison.run(&a, &b, &mut |done, all, name| bar.show_of(done, all, name))?;
    drop(bar);
    let ComparisonReport { rows, failures, .. } = &report;
    print(rows);
    failures.iter().for_each(|f| complain(format_args!("not measured: {f}")));
    if let Some(path) = &options.json {
        let further = serde_json::json!({
            "matrix": stem(&options.matrix), "rows": a.rows(), "nonzeros": a.nnz(), "rtol": options.rtol,
            "notices": notices,
        });
        write_json(path, &object(&report, further)?)?;
    }
    if let Some(path) = &options.csv {
        write_atomic(path, |file| {
            writeln!(
                file,
                "configuration,automatic,setup_seconds,solve_seconds,total_seconds,iterations,converged,relative_residual,operator_complexity,levels,bytes_per_unknown"
            )?;
            rows.iter().try_for_each(|r| {
                writeln!(
                    file,
                    "\"{}\",{},{},{},{},{},{},{:e},{},{},{}",
                    r.configuration,
                    r.automatic,
                    r.setup_seconds,
                    r.solve_seconds,
                    r.total_seconds,
                    r.iterations,
                    r.converged,
                    r.relative_residual,
                    r.operator_complexity,
                    r.levels,
                    r.bytes_per_unknown
                )
            })?;
            Ok(())
        })?;
    }
    Ok(if rows.iter().any(|r| r.converged) { Verdict::Done } else { Verdict::NotConverged })
}

fn print(rows: &[Compared]) {
    say("   setup    solve    total   iterations   complexity   levels   bytes per unknown   configuration");
    for r in rows {
        let iterations = if r.converged { r.iterations.to_string() } else { format!("{} ✗", r.iterations) };
        say(format_args!(
            "{:>8.4} {:>8.4} {:>8.4} {iterations:>12} {:>12.2} {:>8} {:>19.0}   {}{}",
            r.setup_seconds,
            r.solve_seconds,
            r.total_seconds,
            r.operator_complexity,
            r.levels,
            r.bytes_per_unknown,
            r.configuration,
            if r.automatic { "  ← auto" } else { "" }
        ));
    }
    if rows.iter().any(|r| !r.converged) {
        say("✗: not converged");
    }
}

//! `multigrad info`.

use serde_json::json;

use super::Verdict;
use super::arguments::Info;
use super::common::{choice, read_square, write_json};
use super::output::{object, say, solver_levels};
use super::paths::check_outputs;
use crate::error::Result;
use crate::solver::MatrixProperties;
use crate::sparse::MatrixFile;

pub fn run(options: &Info) -> Result<Verdict> {
    let inputs = [Some(options.matrix.as_path()), options.hierarchy.near_nullspace.as_deref()];
    check_outputs(inputs, [options.json.as_deref()])?;
    let MatrixFile { matrix: a, notices, .. } = read_square(&options.matrix)?;
    let properties = MatrixProperties::of(&a);
    say(format_args!("{properties}\nfingerprint              {}", a.fingerprint()));
    let candidates = options.hierarchy.candidates(&a, &options.matrix)?;
    let choice = choice(&a, &options.hierarchy, None, candidates.as_ref())?;
    let solver = choice.build(&a, candidates.as_ref()).map_err(|e| e.at(options.matrix.display()))?;
    let seconds = solver.setup_seconds();
    say(format_args!(
        "\n{solver}\nsetup {seconds:.3} s, {:.0} bytes per unknown",
        bytes_per_unknown(&solver, a.rows())
    ));
    if let Some(path) = &options.json {
        let bytes = bytes_per_unknown(&solver, a.rows());
        let further = json!({
            "symmetric": properties.is_symmetric(),
            "fingerprint": a.fingerprint().to_string(),
            "configuration": solver.summary(),
            "reasons": solver.reasons(),
            "levels": solver.levels(),
            "level_table": solver_levels(&solver),
            "operator_complexity": solver.operator_complexity(),
            "grid_complexity": solver.grid_complexity(),
            "bytes_per_unknown": bytes,
            "setup_seconds": seconds,
            "notices": notices,
        });
        write_json(path, &object(&properties, further)?)?;
    }
    Ok(Verdict::Done)
}

fn bytes_per_unknown(solver: &crate::solver::Solver, rows: usize) -> f64 {
    solver.bytes() as f64 / rows.max(1) as f64
}

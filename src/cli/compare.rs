//! `multigrad compare`.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::Verdict;
use super::arguments::Compare;
use super::common::{read_square, right_hand_side, write_json};
use super::output::{complain, say};
use super::paths::{check_outputs, stem};
use super::progress::CompareBar;
use super::setup_options::read_candidates;
use crate::error::Result;
use crate::limits::Limits;
use crate::solver::{
    Amg, Builder, Configuration, MatrixProperties, Protocol, SolveOptions, Solver, candidates, fastest_setup,
};
use crate::sparse::{Csr, write_atomic};

/// One configuration on one matrix.
#[derive(Debug, Serialize)]
struct Row {
    configuration: String,
    /// Whether `--hierarchy auto` selects this configuration.
    automatic: bool,
    setup_seconds: f64,
    solve_seconds: f64,
    total_seconds: f64,
    iterations: usize,
    converged: bool,
    status: String,
    relative_residual: f64,
    operator_complexity: f64,
    levels: usize,
    bytes_per_unknown: f64,
}

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
    let budget = Budget::new(options);
    let auto = || Amg::auto_with(&a, modes.as_ref());
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    let mut picked = None;
    match measure(options, &a, &b, (&budget, budget.share(1)), &auto) {
        Ok((row, configuration)) => {
            picked = configuration;
            rows.push(Row { automatic: true, ..row });
        }
        Err(e) if e.is_limit() => failures.push(format!("the automatic choice: {e}")),
        Err(e) => return Err(e),
    }
    let others = candidates(&properties, modes.is_some());
    let configurations: Vec<_> = others.into_iter().filter(|c| Some(c) != picked.as_ref()).collect();
    let bar = CompareBar::new(configurations.len() + 1);
    for (done, configuration) in configurations.iter().enumerate() {
        if budget.is_spent() {
            failures.push(format!("{configuration}: left out, no time is left of {} s", budget.seconds));
            continue;
        }
        bar.show(&configuration.to_string());
        let builder = Builder::from(configuration.clone()).near_nullspace(modes.clone());
        let share = budget.share(configurations.len() - done);
        match measure(options, &a, &b, (&budget, share), &|| builder.build(&a)) {
            Ok((row, _)) => rows.push(row),
            Err(e) => failures.push(format!("{configuration}: {e}")),
        }
    }
    drop(bar);
    rows.sort_by(|p, q| q.converged.cmp(&p.converged).then(p.total_seconds.total_cmp(&q.total_seconds)));
    print(&rows);
    failures.iter().for_each(|f| complain(format_args!("not measured: {f}")));
    if let Some(path) = &options.json {
        let value = serde_json::json!({
            "matrix": stem(&options.matrix), "rows": a.rows(), "nonzeros": a.nnz(), "rtol": options.rtol,
            "configurations": rows, "not_built": failures, "notices": notices,
        });
        write_json(path, &value)?;
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

/// The limits of all measurements.
struct Budget {
    clock: Instant,
    /// The time limit, or infinity.
    seconds: f64,
    memory: Option<u64>,
}

impl Budget {
    fn new(options: &Compare) -> Self {
        let seconds = options.time_limit.unwrap_or(f64::INFINITY);
        Self { clock: Instant::now(), seconds, memory: options.memory_limit }
    }

    /// Seconds that the next of so many solvers may take: three times the mean of what is left, and at most half of it.
    fn share(&self, solvers: usize) -> f64 {
        let left = (self.seconds - self.clock.elapsed().as_secs_f64()).max(0.0);
        left * (3.0 / solvers.max(1) as f64).min(0.5)
    }

    /// Whether less than a hundredth of the time is left.
    fn is_spent(&self) -> bool {
        self.clock.elapsed().as_secs_f64() > 0.99 * self.seconds
    }

    /// The limits of a solver that may take this time.
    fn limits(&self, seconds: f64) -> Limits {
        let time = Duration::try_from_secs_f64(seconds).ok();
        let limits = time.map_or(Limits::new(), |time| Limits::new().time(time));
        self.memory.map_or(limits, |bytes| limits.memory(bytes))
    }
}

/// Measures the fastest of several setups and the fastest of several solves, within the share of the budget.
fn measure(
    options: &Compare,
    a: &Csr<f64>,
    b: &[f64],
    (budget, share): (&Budget, f64),
    build: &dyn Fn() -> Result<Solver>,
) -> Result<(Row, Option<Configuration>)> {
    let clock = Instant::now();
    budget.limits(share).within(|| {
        let (solver, setup_seconds) = fastest_setup(options.repeat, 0.5 * share, build)?;
        let left = share - clock.elapsed().as_secs_f64();
        let row = solves(options, a, b, left, &solver, setup_seconds)?;
        Ok((row, solver.configuration()))
    })
}

/// Measures the fastest of several solves, which may take this number of seconds together.
fn solves(
    options: &Compare,
    a: &Csr<f64>,
    b: &[f64],
    seconds: f64,
    solver: &Solver,
    setup_seconds: f64,
) -> Result<Row> {
    let right_hand_sides = [b.to_vec()];
    let protocol = Protocol {
        repeats: options.repeat,
        give_up: 0.5 * seconds,
        // A slow solve is not repeated: the time of all must fit.
        warm_up: seconds.is_finite(),
        repeat_below: 0.5 * seconds / (options.repeat + 1) as f64,
        ..Protocol::new(a, &right_hand_sides, options.rtol)
    };
    let m = protocol.measure(&mut |a, b, on_iteration| {
        let own = SolveOptions::new().rtol(options.rtol).max_iterations(options.max_iterations);
        solver.solve_for(a, b, own.on_iteration(on_iteration))
    })?;
    Ok(Row {
        configuration: solver.summary(),
        automatic: false,
        setup_seconds,
        solve_seconds: m.solve_seconds,
        total_seconds: setup_seconds + m.solve_seconds,
        iterations: m.iterations,
        converged: m.converged,
        status: m.status,
        relative_residual: m.relative_residual.unwrap_or(f64::INFINITY),
        operator_complexity: solver.operator_complexity(),
        levels: solver.levels(),
        bytes_per_unknown: solver.bytes() as f64 / a.rows().max(1) as f64,
    })
}

fn print(rows: &[Row]) {
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

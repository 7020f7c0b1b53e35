//! `multigrad train --solves`.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Verdict;
use super::arguments::Train;
use super::common::{read_square, write_json};
use super::output::{account_json, complain, say};
use super::paths::stem;
use super::progress::CompareBar;
use super::train::{Left, measured, save};
use crate::error::{Error, Result};
use crate::learn::{CostReport, Learned, SolvesReport, Trainer};
use crate::plot::GrowthPlot;
use crate::report::{Line, break_even};
use crate::solver::Amg;
use crate::sparse::MatrixFile;

/// Trains the automatic solver for `solves` solves and saves what is best for them.
pub fn run(options: &Train, solves: usize) -> Result<Verdict> {
    let MatrixFile { matrix: a, notices, .. } = read_square(&options.matrix)?;
    let start = Instant::now();
    let limits = Left { start, time: options.time_limit, memory: options.memory_limit };
    let modes = options.hierarchy.candidates(&a, &options.matrix)?;
    let mut solver = limits.all().within(|| Amg::auto_with(&a, modes.as_ref()))?;
    let setup_seconds = start.elapsed().as_secs_f64();
    let mut trainer = Trainer::new().seed(options.seed);
    if let Some(left) = limits.seconds() {
        trainer = trainer.time_limit(Duration::from_secs_f64(left.max(0.001)));
    }
    let bar = CompareBar::new();
    let fit = || trainer.for_solves(solves).fit_observed(&mut solver, &mut |name| bar.show_of(0, 0, name));
    let report = limits.memory().within(fit)?;
    drop(bar);
    save(options, &solver)?;
    say(format_args!("{solver}\n\n{report}\nsaved to {}", options.output.display()));
    let mut account = None;
    if options.account && limits.seconds().is_none_or(|left| left > 0.0) {
        let learned = Learned {
            amg: &solver,
            name: &report.attempts[report.kept].name,
            accepted: report.replaced(),
            setup_seconds,
            training_seconds: report.seconds,
        };
        account = Some(limits.memory().within(|| measured(options, &a, &learned, &limits))?);
    }
    if let Some(path) = &options.plot {
        let title = format!("total time on {}", stem(&options.matrix));
        match picture(&title, &report, account.as_ref(), setup_seconds) {
            Some(plot) => plot.write(path)?,
            None => complain(format_args!(
                "no picture in {}: no solve was measured for so few solves",
                path.display()
            )),
        }
    }
    if let Some(path) = &options.json {
        let encode = |e: serde_json::Error| Error::format(format!("cannot encode the report: {e}"));
        let mut value = serde_json::to_value(&report).map_err(encode)?;
        value["matrix"] = json!(stem(&options.matrix));
        value["notices"] = json!(notices);
        value["setup_seconds"] = json!(setup_seconds);
        value["solver"] = json!(solver.summary());
        value["account"] = account.as_ref().map_or(Ok(json!(null)), account_json)?;
        write_json(path, &value)?;
    }
    Ok(Verdict::Done)
}

/// Total time against the number of solves.
fn picture(
    title: &str,
    report: &SolvesReport,
    account: Option<&CostReport>,
    setup_seconds: f64,
) -> Option<GrowthPlot> {
    let line = |name: String, before: f64, solve: f64| Line { name, before, solve };
    let kept = &report.attempts[report.kept];
    let mut lines: Vec<Line> = Vec::new();
    match account {
        Some(account) => {
            if let Some(best) = account.fastest_iterative() {
                let name = format!("classical: {}", best.configuration);
                lines.push(line(name, best.setup_seconds, best.solve_seconds));
            }
            if let Some(direct) = &account.direct {
                lines.push(line("direct".into(), direct.setup_seconds, direct.solve_seconds));
            }
            let name = format!("kept: {}", kept.name);
            lines.push(line(name, account.learned_fixed_seconds(), account.learned.solve_seconds));
        }
        None => {
            let given = &report.attempts[0];
            lines.push(line(format!("classical: {}", given.name), setup_seconds, given.solve_seconds?));
            if report.replaced() {
                lines.push(line(kept.name.clone(), setup_seconds + report.seconds, kept.solve_seconds?));
            }
        }
    }
    break_even(title, &lines, report.solves)
}

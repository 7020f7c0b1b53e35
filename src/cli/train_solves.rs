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
use crate::solver::Amg;
use crate::sparse::MatrixFile;

/// Numbers of solves in a picture, per decade.
const PER_DECADE: usize = 4;

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
    let bar = CompareBar::new(0);
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

/// Total time against the number of solves: straight lines, whose crossings the legend names.
fn picture(
    title: &str,
    report: &SolvesReport,
    account: Option<&CostReport>,
    setup_seconds: f64,
) -> Option<GrowthPlot> {
    // Name, seconds before the first solve, and seconds of a solve.
    let mut lines: Vec<(String, f64, f64)> = Vec::new();
    match account {
        Some(account) => {
            if let Some(best) = account.fastest_iterative() {
                lines.push((
                    format!("classical: {}", best.configuration),
                    best.setup_seconds,
                    best.solve_seconds,
                ));
            }
            if let Some(direct) = &account.direct {
                lines.push(("direct".into(), direct.setup_seconds, direct.solve_seconds));
            }
            let learned = &account.learned;
            lines.push((
                format!("kept: {}", report.attempts[report.kept].name),
                account.learned_fixed_seconds(),
                learned.solve_seconds,
            ));
        }
        None => {
            let given = &report.attempts[0];
            lines.push((format!("classical: {}", given.name), setup_seconds, given.solve_seconds?));
            if report.replaced() {
                let kept = &report.attempts[report.kept];
                lines.push((kept.name.clone(), setup_seconds + report.seconds, kept.solve_seconds?));
            }
        }
    }
    let (_, fixed, each) = lines.last().cloned()?;
    let decades = (report.solves.max(10) as f64).log10().ceil() as usize;
    let numbers: Vec<f64> =
        (0..=decades * PER_DECADE).map(|q| 10f64.powf(q as f64 / PER_DECADE as f64)).collect();
    let mut plot = GrowthPlot::new(title).x_label("solves").y_label("seconds, setup and training included");
    let last = lines.len() - 1;
    for (number, (name, before, solve)) in lines.into_iter().enumerate() {
        let crossing = (fixed - before) / (solve - each);
        let shown = (1.0..=10f64.powf(decades as f64)).contains(&crossing);
        let name = match number < last && shown {
            true => format!("{name} (slower from {:.0} solves on)", crossing.ceil()),
            false => name,
        };
        let points: Vec<(f64, f64)> = numbers.iter().map(|&n| (n, before + n * solve)).collect();
        plot = plot.series(name, &points);
    }
    Some(plot)
}

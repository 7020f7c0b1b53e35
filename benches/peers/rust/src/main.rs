//! `multigrad` beside the other sparse solvers of the registry: every configuration in a child process with a limit of
//! time and memory, one thread, a right-hand side of ones, a relative residual of 1e-8 computed here.
//!
//! The options are those of `options.rs`; the method is described in `README.md` one folder up.
#![allow(missing_docs)]

mod configurations;
mod faer_peer;
mod kryst_peer;
#[cfg(feature = "math-solvers")]
mod math_solvers_peer;
mod nalgebra_peer;
mod numr_peer;
mod options;
mod oxiphysics_peer;
#[path = "../../../common/problem.rs"]
mod problem;
mod scirs_peer;
mod system;
mod table;

use std::time::{Duration, Instant};

use multigrad_in_other_crates::Outcome;
use multigrad_in_other_crates::limited::{Ended, measure, reply, request};
use multigrad_in_other_crates::report::{self, Measured};
use rustix::process::{Resource, Rlimit, setrlimit};

use configurations::{Configuration, all};
use options::Options;
use system::System;
use table::{Line, Result, Table};

/// Bytes of memory of a child process.
const MEMORY: u64 = 9_000_000_000;
/// Seconds after which a child process does not repeat its measurement, as a fraction of the limit.
const ENOUGH: f64 = 0.25;
/// Runs of one configuration.
const RUNS: usize = 3;
/// Relative residual that every solver has to reach.
const TOLERANCE: f64 = 1e-8;
/// A residual may miss the tolerance by this factor.
const SLACK: f64 = 1.01;
/// The smallest tolerance that a solver gets to reach the residual.
const SMALLEST: f64 = 1e-13;

fn main() -> Outcome {
    if let Some((arguments, file)) = request() {
        let [problem, solver, limit] = &arguments[..] else {
            return Err("three arguments are needed".into());
        };
        // One line on the standard error tells why a solver failed.
        std::panic::set_hook(Box::new(|panic| {
            eprintln!("{}", panic.to_string().lines().skip(1).collect::<Vec<_>>().join(" "));
        }));
        match child(problem, solver, limit.parse()?) {
            Ok(measured) => return reply(&file, &measured),
            Err(error) => eprintln!("{}", error.to_string().replace('\n', " ")),
        }
        std::process::exit(1);
    }
    let options = Options::read()?;
    if let Some(folder) = options.csv.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut table = Table::default();
    for name in &options.problems {
        let system = System::new(name)?;
        for configuration in all().iter().filter(|c| c.suits(&system) && options.wanted(c)) {
            let result = match table.prediction(configuration, name, system.n()) {
                Some(seconds) if seconds > options.limit => Result::Predicted,
                _ => run(configuration, name, &system, options.limit)?,
            };
            let line =
                Line { problem: name.clone(), unknowns: system.n(), configuration: *configuration, result };
            println!("{}", line.text(options.limit));
            table.lines.push(line);
        }
        // After every problem, so that an interrupted run leaves what it has.
        std::fs::write(&options.csv, table.csv(options.limit))?;
    }
    println!("\n{}", table.markdown(&options.problems, options.limit));
    println!("{}\nwritten to {}", table::versions(), options.csv.display());
    Ok(())
}

/// Measures a configuration in a child process.
fn run(configuration: &Configuration, problem: &str, system: &System, limit: f64) -> Outcome<Result> {
    let name = format!("{}: {}", configuration.library, configuration.name);
    let arguments = [problem, &name, &limit.to_string()];
    Ok(match measure(&arguments, Duration::from_secs_f64(limit))? {
        Ended::Stopped => Result::Stopped,
        Ended::Failed(message)
            if ["memory allocation", "OutOfMemory"].iter().any(|w| message.contains(w)) =>
        {
            Result::Failed("out of memory".into())
        }
        Ended::Failed(message) => Result::Failed(message),
        Ended::Finished(measured) => match system.residual(&measured.x)? {
            residual if residual <= SLACK * TOLERANCE => Result::Solved { measured, residual },
            residual => Result::Failed(format!("residual {residual:.0e}")),
        },
    })
}

/// Measures the configuration of this name, in this process: medians of up to three runs.
fn child(problem: &str, name: &str, limit: f64) -> Outcome<Measured> {
    let bytes = Some(MEMORY);
    setrlimit(Resource::As, Rlimit { current: bytes, maximum: bytes })?;
    report::one_thread()?;
    let configuration = all().into_iter().find(|c| name == format!("{}: {}", c.library, c.name));
    let configuration = configuration.ok_or_else(|| format!("no solver is called {name:?}"))?;
    let system = System::new(problem)?;
    let clock = Instant::now();
    let (first, tolerance) = sufficient(&configuration, &system)?;
    let mut runs = vec![first];
    while runs.len() < RUNS && clock.elapsed().as_secs_f64() < ENOUGH * limit {
        runs.push((configuration.solve)(&system, tolerance)?);
    }
    let setup = report::median(runs.iter().map(|m| m.setup).collect());
    let solve = report::median(runs.iter().map(|m| m.solve).collect());
    runs.pop().map(|last| Measured { setup, solve, ..last }).ok_or_else(|| "no measurement".into())
}

/// The first run that reaches the residual, with its tolerance: a solver that stops on another norm gets smaller
/// tolerances until it does.
fn sufficient(configuration: &Configuration, system: &System) -> Outcome<(Measured, f64)> {
    let mut tolerance = TOLERANCE;
    loop {
        let measured = (configuration.solve)(system, tolerance)?;
        let residual = system.residual(&measured.x)?;
        if residual <= SLACK * TOLERANCE {
            return Ok((measured, tolerance));
        }
        tolerance /= 10.0;
        if tolerance < SMALLEST || !residual.is_finite() {
            return Err(format!("residual {residual:.0e}").into());
        }
    }
}

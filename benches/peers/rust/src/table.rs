//! Results as lines, as a table and as comma-separated values.

use multigrad_in_other_crates::report::Measured;

use crate::configurations::Configuration;

/// How a measurement ended.
pub enum Result {
    /// With a solution.
    Solved {
        /// The solution and its times.
        measured: Measured,
        /// Its relative residual.
        residual: f64,
    },
    /// The solver failed, with this message.
    Failed(String),
    /// The solver was stopped at the limit.
    Stopped,
    /// Not run: in proportion to its unknowns, a smaller problem of this kind took longer than the limit.
    Predicted,
}

/// One configuration on one problem.
pub struct Line {
    /// The name of the problem.
    pub problem: String,
    /// Its number of unknowns.
    pub unknowns: usize,
    /// The configuration.
    pub configuration: Configuration,
    /// How it ended.
    pub result: Result,
}

impl Line {
    /// The result in a few characters: setup and solve in seconds, and iterations.
    fn cell(&self, limit: f64) -> String {
        match &self.result {
            Result::Solved { measured, .. } => {
                let work = measured.work.split(' ').next().unwrap_or_default();
                let work = if work == "direct" { String::new() } else { format!(" ({work})") };
                format!("{} + {}{work}", digits(measured.setup), digits(measured.solve))
            }
            Result::Failed(message) => message.chars().take(60).collect(),
            Result::Stopped => format!("> {limit}"),
            Result::Predicted => format!("> {limit}*"),
        }
    }

    /// One line of text.
    pub fn text(&self, limit: f64) -> String {
        let Configuration { library, name, .. } = self.configuration;
        format!("{:15} {library:23} {name:26} {}", self.problem, self.cell(limit))
    }
}

/// Three significant digits of a number of seconds, four decimals at most.
fn digits(seconds: f64) -> String {
    let decimals = if seconds < 0.1 { 4 } else { (2 - seconds.log10().floor() as i32).max(0) as usize };
    if seconds == 0.0 { "0".into() } else { format!("{seconds:.decimals$}") }
}

/// All results so far.
#[derive(Default)]
pub struct Table {
    /// In the order in which they were measured.
    pub lines: Vec<Line>,
}

impl Table {
    /// A lower bound of the seconds that the configuration needs, from smaller problems of the same kind: no solver here
    /// grows more slowly than its matrix. A solver that was stopped has an infinite bound.
    pub fn prediction(&self, configuration: &Configuration, problem: &str, unknowns: usize) -> Option<f64> {
        let kind = |name: &str| name.rsplit_once('-').map(|(kind, _)| kind.to_string());
        let same = |line: &&Line| {
            let c = line.configuration;
            (c.library, c.name) == (configuration.library, configuration.name)
                && kind(problem).is_some_and(|k| kind(&line.problem) == Some(k))
                && line.unknowns < unknowns
        };
        let seconds = |line: &Line| match &line.result {
            Result::Solved { measured, .. } => {
                (measured.setup + measured.solve) * (unknowns as f64 / line.unknowns as f64)
            }
            Result::Failed(_) => 0.0,
            Result::Stopped | Result::Predicted => f64::INFINITY,
        };
        self.lines.iter().filter(same).map(seconds).reduce(f64::max)
    }

    /// A row for each configuration, a column for each problem.
    pub fn markdown(&self, problems: &[String], limit: f64) -> String {
        let mut text = format!("| crate | configuration | {} |\n|---|---|", problems.join(" | "));
        text += &"---|".repeat(problems.len());
        let mut rows: Vec<(&str, &str)> = Vec::new();
        for line in &self.lines {
            let row = (line.configuration.library, line.configuration.name);
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        rows.sort_by_key(|row| self.lines.iter().position(|line| line.configuration.library == row.0));
        for (library, name) in rows {
            let cell = |problem: &String| {
                let here = |line: &&Line| {
                    (line.configuration.library, line.configuration.name) == (library, name)
                        && line.problem == *problem
                };
                self.lines.iter().find(here).map_or(String::new(), |line| line.cell(limit))
            };
            let cells: Vec<String> = problems.iter().map(cell).collect();
            text += &format!("\n| {library} | {name} | {} |", cells.join(" | "));
        }
        text
    }

    /// One line for each measurement, with a heading.
    pub fn csv(&self, limit: f64) -> String {
        let mut text =
            String::from("problem,unknowns,crate,configuration,setup,solve,iterations,residual,status\n");
        for line in &self.lines {
            let Configuration { library, name, .. } = line.configuration;
            text += &format!("{},{},{library},\"{name}\",", line.problem, line.unknowns);
            text += &match &line.result {
                Result::Solved { measured: Measured { setup, solve, work, .. }, residual } => {
                    format!("{setup},{solve},{work},{residual:e},solved\n")
                }
                _ => format!(",,,,\"{}\"\n", line.cell(limit).replace('"', "'")),
            };
        }
        text
    }
}

/// The versions of the crates, from the lock file.
pub fn versions() -> String {
    let lock = include_str!("../Cargo.lock");
    let version = |library: &&str| {
        let rest = lock.split_once(&format!("name = \"{library}\"\nversion = \""))?.1;
        Some(format!("{library} {}", rest.split('"').next()?))
    };
    let libraries = [
        "faer",
        "kryst",
        "math-solvers",
        "nalgebra-sparse-linalg",
        "numr",
        "oxiphysics-fem",
        "scirs2-sparse",
    ];
    libraries.iter().filter_map(version).collect::<Vec<_>>().join(", ")
}

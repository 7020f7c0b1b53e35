//! `multigrad report`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use serde_json::json;

use super::Verdict;
use super::common::{read_square, right_hand_side, write_json};
use super::output::{complain, object, say};
use super::paths::{check_outputs, stem};
use super::progress::CompareBar;
use super::setup_options::read_candidates;
use super::values::{bytes, positive_count, seconds};
use crate::error::Result;
use crate::report::Report;
use crate::sparse::{MatrixFile, is_stream};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("results").args(["output", "json"]).multiple(true).required(true)))]
pub struct Options {
    /// Matrix A (Matrix Market, Harwell-Boeing, Rutherford-Boeing, SciPy's .npz, MATLAB's .mat or PETSc's binary format; gzip'ed or not)
    pub matrix: PathBuf,
    /// Output file: a self-contained HTML page
    #[arg(short, long, value_name = "REPORT.html")]
    pub output: Option<PathBuf>,
    /// Writes everything that the page shows as JSON; /dev/stdout is standard output, on which nothing else is then printed
    #[arg(long, value_name = "REPORT.json")]
    pub json: Option<PathBuf>,
    /// Right-hand side b (a format of A, or NumPy's .npy) [default: that in the file of A, or all ones]
    #[arg(long, value_name = "B.mtx")]
    pub rhs: Option<PathBuf>,
    /// Near-nullspace vectors such as rigid-body modes (one column per vector)
    #[arg(long, value_name = "MODES.mtx")]
    pub near_nullspace: Option<PathBuf>,
    /// Coordinates, one row per unknown; with two columns the slowest error is drawn on the mesh
    #[arg(long, value_name = "XY.mtx")]
    pub coordinates: Option<PathBuf>,
    /// Also train for this number of solves, and plot total times against the number of solves
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, value_parser = positive_count)]
    pub solves: Option<usize>,
    /// Also run the default training (see `train`), and plot loss and convergence factor
    #[arg(long)]
    pub train: bool,
    /// Time limit of the comparison with other configurations, and of each training, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0, allow_negative_numbers = true, value_parser = seconds)]
    pub time_limit: f64,
    /// Memory limit of the program in bytes, with suffix K, M, G or T for powers of 1024, such as 500M (on Linux)
    /// [default: none]
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true, value_parser = bytes)]
    pub memory_limit: Option<u64>,
    /// Seed of the random vectors
    #[arg(long, default_value_t = 1, allow_negative_numbers = true)]
    pub seed: u64,
}

pub fn run(options: &Options) -> Result<Verdict> {
    let inputs = [&options.rhs, &options.near_nullspace, &options.coordinates];
    check_outputs(
        inputs.into_iter().map(Option::as_deref).chain([Some(options.matrix.as_path())]),
        [options.output.as_deref(), options.json.as_deref()],
    )?;
    let mut file = read_square(&options.matrix)?;
    let b = right_hand_side(options.rhs.as_deref(), &mut file)?;
    let (a, notices) = (file.matrix, file.notices);
    let mut report = Report::new(stem(&options.matrix))
        .near_nullspace(read_candidates(options.near_nullspace.as_deref(), &a)?)
        .time_limit(options.time_limit)
        .memory_limit(options.memory_limit)
        .solves(options.solves)
        .train(options.train)
        .seed(options.seed);
    if let Some(path) = &options.coordinates {
        report = report.coordinates(&MatrixFile::read_dense(path)?);
    }
    let bar = CompareBar::new();
    let page = report.run(&a, &b, &mut |name| bar.show_of(0, 0, name))?;
    drop(bar);
    // A program that reads the JSON from a pipe gets nothing else.
    let alone = options.json.as_deref().is_some_and(is_stream);
    let tell = |line: String| if alone { complain(line) } else { say(line) };
    tell(page.summary.clone());
    tell(page.outcome.to_string());
    if let Some(path) = &options.output {
        page.write(path)?;
        tell(format!("written to {}", path.display()));
    }
    if let Some(path) = &options.json {
        write_json(path, &object(&page, json!({ "notices": notices }))?)?;
    }
    if page.outcome.converged() {
        return Ok(Verdict::Done);
    }
    let advice = page.outcome.advice.as_deref().unwrap_or("see the report");
    complain(format_args!("not converged; {advice}"));
    Ok(Verdict::NotConverged)
}

//! The program: `multigrad generate | info | train | solve | export | compare | plot | report | completions | man`.
//!
//! Tables go to standard output, errors and progress to standard error, results for programs
//! to the file given by `--json`. Exit codes: 0 converged or done, 1 failure, 2 misuse, 3 not
//! converged.

mod arguments;
mod common;
mod compare;
mod device;
mod estimates;
mod export;
mod generate;
mod info;
mod output;
mod paths;
#[cfg(feature = "petsc")]
mod petsc;
mod plot;
mod progress;
mod report;
mod setup_options;
mod shell;
mod solve;
mod subdomains;
mod train;
mod train_solves;
mod values;

use std::process::ExitCode;

use clap::Parser;

use crate::error::{Error, Result};
use arguments::{Arguments, Command};
use output::complain;

#[cfg(feature = "petsc")]
pub use petsc::main as petsc_main;

/// Result of a command.
enum Verdict {
    Done,
    NotConverged,
}

/// Parses the command line, runs the command and reports errors in one sentence.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(threads) = arguments.threads
        && let Err(e) = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global()
    {
        complain(format_args!("error: cannot start {threads} threads: {e}"));
        return ExitCode::from(1);
    }
    match run(&arguments.command) {
        Ok(Verdict::Done) => ExitCode::SUCCESS,
        Ok(Verdict::NotConverged) => ExitCode::from(3),
        Err(e) => {
            complain(format_args!("error: {e}"));
            ExitCode::from(if e.is_unsuited() { 2 } else { 1 })
        }
    }
}

fn run(command: &Command) -> Result<Verdict> {
    match command {
        Command::Generate(options) => generate::run(options),
        Command::Info(options) => info::run(options),
        Command::Train(options) => train::run(options),
        Command::Solve(options) => solve::run(options),
        Command::Export(options) => export::run(options),
        Command::Compare(options) => compare::run(options),
        Command::Plot(options) => plot::run(options),
        Command::Report(options) => report::run(options),
        Command::Completions(options) => shell::completions(options),
        Command::Man(options) => shell::manual(options),
    }
}

/// Error for options that contradict each other or do not fit the problem: misuse, exit code 2.
fn misuse(message: impl Into<String>) -> Error {
    Error::unsuited(message)
}

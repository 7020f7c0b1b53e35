//! The program `multigrad-petsc`: solves on several ranks, with PETSc.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand, ValueEnum};
use serde_json::json;

use super::common::{read_square, right_hand_side, write_json};
use super::output::{complain, say};
use super::values::positive_count;
use crate::error::{Error, Result};
use crate::learn::Trainer;
use crate::petsc::parallel::{Failure, Problem, Run, RunResult, Session, Smoothers, Source};
use crate::solver::Solver;
use crate::sparse::matrix_market;

#[derive(Debug, Parser)]
#[command(
    name = "multigrad-petsc",
    version,
    about = "Solves sparse linear systems on the ranks of MPI, with PETSc and learned smoothers",
    after_help = "Options of PETSc follow those of this program: mpirun -n 4 multigrad-petsc solve a.petsc --preconditioner a.mgrad -ksp_monitor\nExit codes: 0 converged, 1 failure, 2 misuse, 3 not converged"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Solve A x = b on all ranks
    Solve(Solve),
}

/// Hierarchies that PETSc builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Builder {
    /// Smoothed aggregation of PETSc (PCGAMG)
    Gamg,
    /// BoomerAMG of hypre, where PETSc has it
    Hypre,
    /// None by this program: the options of PETSc describe the whole solver, such as -ksp_type cg -pc_type hypre
    Options,
}

/// Smoothers for a hierarchy of PETSc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Learn {
    /// One scalar τ of incomplete factors for all ranks and levels
    Tau,
    /// The entries of a sparse M on every level
    Entries,
    /// Nothing: the smoothers of PETSc's options -mg_levels_…
    Nothing,
}

/// Distribution of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Parts {
    /// Parts of the graph of A by METIS
    Metis,
    /// Equal runs of rows
    Rows,
}

#[derive(Debug, clap::Args)]
struct Solve {
    /// Matrix A (PETSc's binary format, Matrix Market, or another format of `multigrad`)
    matrix: PathBuf,
    /// Right-hand side b [default: that in the file of A, or all ones]
    #[arg(long, value_name = "B")]
    rhs: Option<PathBuf>,
    /// Solver saved by `multigrad train` or `multigrad solve` [default: the automatic choice]
    #[arg(long, value_name = "SOLVER.mgrad", conflicts_with = "hierarchy")]
    preconditioner: Option<PathBuf>,
    /// Let PETSc build the hierarchy, and learn smoothers for it on each rank's own rows
    #[arg(long, value_enum)]
    hierarchy: Option<Builder>,
    /// What is learned on a hierarchy of PETSc
    #[arg(long, value_enum, default_value = "tau", requires = "hierarchy")]
    learn: Learn,
    /// τ from 0 to 1 in place of the learned one
    #[arg(long, requires = "hierarchy", value_parser = super::values::finite)]
    tau: Option<f64>,
    /// Rings of neighbours by which incomplete factors and learned smoothers of ranks overlap [default: 6 for a saved
    /// solver, 4 for tau, 16 for entries]
    #[arg(long, value_parser = super::values::whole)]
    overlap: Option<usize>,
    /// Steps of the training of entries [default: chosen from the matrix]
    #[arg(long, requires = "hierarchy", value_parser = super::values::whole)]
    steps: Option<usize>,
    /// Seed of the training of entries
    #[arg(long, default_value = "1")]
    seed: u64,
    /// Distribution of the rows over ranks
    #[arg(long, value_enum, default_value = "metis")]
    parts: Parts,
    /// Number of solves, for measurements
    #[arg(long, default_value = "1", value_parser = positive_count)]
    solves: usize,
    /// Output file for the solution x (Matrix Market array)
    #[arg(short, long, value_name = "X.mtx")]
    output: Option<PathBuf>,
    /// JSON output file for the result
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the program on this rank.
pub fn main() -> ExitCode {
    let (own, foreign) = split(std::env::args().collect());
    let session = match Session::start(&foreign) {
        Ok(session) => session,
        Err(e) => {
            complain(format_args!("error: {e}"));
            return ExitCode::from(1);
        }
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| run(&session, &own)));
    let code = match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(Failure::Everywhere(e))) => {
            if session.is_root() {
                complain(format_args!("error: {e}"));
            }
            if e.is_unsuited() { 2 } else { 1 }
        }
        Ok(Err(Failure::Here(e))) => return end_all(&session, &e),
        Err(panic) => return end_all(&session, &Error::invalid_input(told(panic.as_ref()))),
    };
    session.finish();
    ExitCode::from(code)
}

/// Tells of an error that other ranks may not have, and ends them. Where several ranks have it, the first one tells.
fn end_all(session: &Session, error: &Error) -> ExitCode {
    std::thread::sleep(Duration::from_millis(200 * session.rank().min(20) as u64));
    complain(format_args!("error on rank {}: {error}", session.rank()));
    session.abort(1);
    ExitCode::from(1)
}

fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown reason");
    format!("a fault of this program: {text}")
}

/// The arguments of this program, and behind them those of PETSc, from the first one with a single dash and a long name.
fn split(mut arguments: Vec<String>) -> (Vec<String>, Vec<String>) {
    let foreign = |a: &String| {
        let mut letters = a.chars();
        letters.next() == Some('-')
            && letters.next().is_some_and(|c| c.is_ascii_alphabetic())
            && letters.next().is_some()
    };
    let at = arguments.iter().skip(1).position(foreign).map_or(arguments.len(), |p| p + 1);
    let behind = arguments.split_off(at);
    (arguments, behind)
}

fn run(session: &Session, arguments: &[String]) -> std::result::Result<u8, Failure> {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(e) => {
            if session.is_root() {
                // Nothing is left to do where standard output is closed.
                let _ = e.print();
            }
            return Ok(if e.use_stderr() { 2 } else { 0 });
        }
    };
    let Command::Solve(options) = arguments.command;
    solve(session, &options)
}

fn solve(session: &Session, options: &Solve) -> std::result::Result<u8, Failure> {
    let wall = Instant::now();
    let problem = session.on_root(|| read(options))?;
    let problem = Problem::distribute(session, problem, options.parts == Parts::Metis, options.overlap)?;
    let run = match options.hierarchy {
        None => Run::exported(session, problem)?,
        Some(Builder::Options) => Run::by_options(session, problem)?,
        Some(builder) => {
            let kind = if builder == Builder::Gamg { "gamg" } else { "hypre" };
            Run::on_hierarchy(session, problem, kind, &smoothers(options))?
        }
    };
    let result = run.solve(session, options.solves)?;
    let unused = session.unused_options()?;
    if session.is_root() {
        if !unused.is_empty() {
            complain(format_args!("options that PETSc did not use: {unused}"));
        }
        say(format_args!("{result}"));
        say(format_args!("{:.2} s in all on {} ranks", wall.elapsed().as_secs_f64(), session.size()));
    }
    session.on_root(|| {
        if let Some(path) = &options.output {
            matrix_market::write_vector(path, &result.x)?;
        }
        match &options.json {
            Some(path) => write_json(path, &result_json(&result, session)),
            None => Ok(()),
        }
    })?;
    Ok(if result.converged { 0 } else { 3 })
}

fn smoothers(options: &Solve) -> Smoothers {
    let overlap = |default| options.overlap.unwrap_or(default);
    match options.learn {
        Learn::Tau => Smoothers::Tau { tau: options.tau, overlap: overlap(4) },
        Learn::Entries => {
            let trainer = Trainer::new().seed(options.seed);
            let trainer = Box::new(options.steps.map_or(trainer.clone(), |steps| trainer.steps(steps)));
            Smoothers::Entries { trainer, overlap: overlap(16) }
        }
        Learn::Nothing => Smoothers::Classical,
    }
}

fn result_json(result: &RunResult, session: &Session) -> serde_json::Value {
    json!({
        "ranks": session.size(),
        "rows": result.rows,
        "rows_of_ranks": [result.fewest, result.most],
        "entries": result.entries,
        "converged": result.converged,
        "iterations": result.iterations,
        "relative_residual": result.residual,
        "residual_history": result.history,
        "solver": result.smoother,
        "tau": result.tau,
        "notices": result.notices,
        "setup_cpu_seconds": result.setup_cpu,
        "learning_cpu_seconds": result.learning_cpu,
        "solve_cpu_seconds": result.solve_cpu,
        "solve_seconds": result.solve_wall,
        "solves": result.solves,
    })
}

/// Reads what rank 0 must read: everything but a matrix for a hierarchy of PETSc, which PETSc reads itself where it can.
fn read(options: &Solve) -> Result<Source> {
    let distributed =
        options.hierarchy.is_some() && options.parts == Parts::Rows && is_petsc(&options.matrix)?;
    if distributed {
        let rhs = options.rhs.as_deref().map(crate::sparse::MatrixFile::read_vector).transpose()?;
        return Ok(Source::File(options.matrix.clone(), rhs));
    }
    let mut file = read_square(&options.matrix)?;
    let rhs = right_hand_side(options.rhs.as_deref(), &mut file)?;
    let solver = match (&options.preconditioner, options.hierarchy) {
        (Some(path), _) => Some(Solver::load(path, &file.matrix)?),
        (None, None) => Some(Solver::auto(&file.matrix)?),
        (None, Some(_)) => None,
    };
    Ok(match solver {
        Some(solver) => Source::Solver(Box::new(solver), rhs),
        None => Source::Matrix(file.matrix, rhs),
    })
}

/// Whether the file begins as a matrix of PETSc.
fn is_petsc(path: &Path) -> Result<bool> {
    use std::io::Read;
    let mut start = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| Error::io("read", path, e))?;
    file.take(8).read_to_end(&mut start).map_err(|e| Error::io("read", path, e))?;
    Ok(start.starts_with(&1_211_216i32.to_be_bytes()) || start == 1_211_216i64.to_be_bytes())
}

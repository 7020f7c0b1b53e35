//! Whole solves of this crate: setup and iteration, one line of JSON for each run.
//!
//! `cargo bench --bench solve -- --problem poisson2d-1000 --repeat 3`; the threads are those of
//! `RAYON_NUM_THREADS`. Options:
//!
//! * `--problem NAME`: see `common/problem.rs`; several may be given.
//! * `--configuration NAME`: only this one, such as `"sa spai0 f64 cg"`; several may be given.
//! * `--repeat N`: runs of each configuration, in turn; 3 by default.
//! * `--rtol R`: relative residual; 1e-8 by default.
//! * `--export FILE`: only writes the matrix of the problem, for other programs.
//! * `--serve FILE`: reads names of configurations, one per line, and answers each with the line of one run;
//!   the solution goes to `FILE`. Used by `peers/compare.py`.
//! * `--memory`: peak memory of one run in excess of the matrix and the right-hand side.
//!
//! Timings exclude reading, generating and copying the matrix. Every run starts from new arrays, without
//! cached data of the previous run.
#![allow(missing_docs)]

#[path = "../common/clock.rs"]
mod clock;
mod configurations;
mod export;
mod memory;
#[path = "../common/problem.rs"]
mod problem;

use std::io::{BufRead, Write};
use std::path::PathBuf;

use multigrad::error::{Error, Result};
use multigrad::sparse::Csr;
use serde_json::{Value, json};

use clock::Clock;

struct Options {
    problems: Vec<String>,
    configurations: Vec<String>,
    repeat: usize,
    rtol: f64,
    export: Option<PathBuf>,
    serve: Option<PathBuf>,
    memory: bool,
}

fn main() {
    if let Err(e) = options().and_then(|o| run(&o)) {
        eprintln!("{e}");
        std::process::exit(1);
    }
}

fn options() -> Result<Options> {
    let mut o = Options {
        problems: Vec::new(),
        configurations: Vec::new(),
        repeat: 3,
        rtol: 1e-8,
        export: None,
        serve: None,
        memory: false,
    };
    let mut measured = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| Error::invalid_input(format!("{name} needs a value; see solve/main.rs")))
        };
        match name.as_str() {
            "--problem" => o.problems.push(value()?),
            "--configuration" => o.configurations.push(value()?),
            "--repeat" => o.repeat = number(&value()?)?,
            "--rtol" => o.rtol = number(&value()?)?,
            "--export" => o.export = Some(value()?.into()),
            "--serve" => o.serve = Some(value()?.into()),
            "--memory" => o.memory = true,
            // Added by `cargo bench`; without it this is a smoke test.
            "--bench" => measured = true,
            _ => return Err(Error::invalid_input(format!("unknown option {name}; see solve/main.rs"))),
        }
    }
    if o.problems.is_empty() {
        let small = ["poisson2d-16", "upwind-16"].as_slice();
        let usual = ["poisson2d-1000", "poisson3d-100", "supg-256"].as_slice();
        o.problems = (if measured { usual } else { small }).iter().map(|&p| p.to_owned()).collect();
    }
    Ok(o)
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::invalid_input(format!("'{text}' is not a number that fits here")))
}

fn run(o: &Options) -> Result<()> {
    for problem in &o.problems {
        let a = problem::matrix(problem)?;
        if let Some(path) = &o.export {
            export::write(&a, path)?;
            continue;
        }
        let configurations =
            if o.configurations.is_empty() { configurations::names(&a) } else { o.configurations.clone() };
        if o.memory {
            configurations.iter().for_each(|c| say(&peak_memory(&a, c, o.rtol)));
        } else if o.serve.is_some() {
            serve(&a, &configurations, o)?;
        } else {
            for _ in 0..o.repeat {
                for configuration in &configurations {
                    let mut line = measure(&a, configuration, o);
                    line["problem"] = json!(problem);
                    say(&line);
                }
            }
        }
    }
    Ok(())
}

/// Prints the available configurations, then runs the requested ones.
fn serve(a: &Csr<f64>, configurations: &[String], o: &Options) -> Result<()> {
    say(&json!({
        "library": "multigrad",
        "version": env!("CARGO_PKG_VERSION"),
        "configurations": configurations,
    }));
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| Error::invalid_input(format!("standard input: {e}")))?;
        say(&measure(a, &line, o));
    }
    Ok(())
}

/// One run from new arrays; a failure is a line too.
fn measure(a: &Csr<f64>, configuration: &str, o: &Options) -> Value {
    timed(a, configuration, o)
        .unwrap_or_else(|e| json!({ "configuration": configuration, "error": e.to_string() }))
}

fn timed(a: &Csr<f64>, configuration: &str, o: &Options) -> Result<Value> {
    let (a, b) = (problem::fresh(a)?, vec![1.0; a.rows()]);
    let clock = Clock::start();
    let solver = configurations::setup(configuration, &a)?;
    let setup = clock.elapsed();
    let clock = Clock::start();
    let out = solver.solve(&b, o.rtol)?;
    let solve = clock.elapsed();
    if let Some(path) = &o.serve {
        let bytes: Vec<u8> = out.x.iter().flat_map(|v| v.to_ne_bytes()).collect();
        std::fs::write(path, bytes).map_err(|e| Error::invalid_input(format!("{}: {e}", path.display())))?;
    }
    Ok(json!({
        "configuration": configuration,
        "setup_s": setup.wall,
        "solve_s": solve.wall,
        "setup_cpu_s": setup.cpu,
        "solve_cpu_s": solve.cpu,
        "iterations": out.iterations,
        "residual": residual(&a, &b, &out.x)?,
        "peak_rss_bytes": memory::resident().1,
        "status": out.status.to_string(),
    }))
}

/// ‖b − A x‖ / ‖b‖.
fn residual(a: &Csr<f64>, b: &[f64], x: &[f64]) -> Result<f64> {
    let mut r = vec![0.0; b.len()];
    a.spmv(x, &mut r)?;
    let square = |sum: f64, v: f64| sum + v * v;
    let rr = r.iter().zip(b).map(|(r, b)| b - r).fold(0.0, square);
    Ok((rr / b.iter().copied().fold(0.0, square)).sqrt())
}

fn peak_memory(a: &Csr<f64>, configuration: &str, rtol: f64) -> Value {
    let b = vec![1.0; a.rows()];
    memory::reset_peak();
    let before = memory::resident().0;
    let out = configurations::setup(configuration, a).and_then(|solver| solver.solve(&b, rtol));
    let peak = memory::resident().1.saturating_sub(before);
    match out {
        Ok(_) => json!({ "configuration": configuration, "memory_bytes": peak }),
        Err(e) => json!({ "configuration": configuration, "error": e.to_string() }),
    }
}

fn say(line: &Value) {
    println!("{line}");
    std::io::stdout().flush().ok();
}

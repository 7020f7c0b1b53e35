//! Memory bandwidth of this machine (STREAM), the share that each kernel reaches, and the cost of setup and
//! cycle per unknown from 10⁴ to 10⁷ unknowns.
//!
//! `cargo bench --bench stream`; the results go to `target/bench/stream.csv`, `.json` and `.svg`.
//! Options after `--`:
//!
//! * `--threads N`: a pool of N threads; several may be given; 1 and 2 by default.
//! * `--largest N`: the largest problem, in unknowns; 1e7 by default.
//! * `--problem NAME`: only this one (see `common/problem.rs`); several may be given.
//!
//! STREAM runs before and after all other measurements, to detect noise: if both runs disagree, the figures
//! between them are unreliable. Percentages are relative to the triad of the same number of threads, the
//! better of before and after; data that fit into a cache exceed 100.
#![allow(missing_docs)]

mod chart;
#[path = "../common/clock.rs"]
mod clock;
mod cycles;
mod kernels;
#[path = "../common/problem.rs"]
mod problem;
mod report;
mod timing;
mod triad;

use multigrad::error::{Error, Result};
use multigrad::sparse::{Csr, Scalar};

use kernels::Operators;
use report::{Line, Report};

/// 10⁴, 10⁵, 10⁶ and 10⁷ unknowns in two and three dimensions.
const PROBLEMS: [(&str, f64); 8] = [
    ("poisson2d-100", 1e4),
    ("poisson2d-316", 1e5),
    ("poisson2d-1000", 1e6),
    ("poisson2d-3162", 1e7),
    ("poisson3d-22", 1e4),
    ("poisson3d-46", 1e5),
    ("poisson3d-100", 1e6),
    ("poisson3d-215", 1e7),
];
/// Memory that a problem may need, in bytes per unknown.
const BYTES_PER_UNKNOWN: f64 = 1500.0;

struct Options {
    threads: Vec<usize>,
    problems: Vec<String>,
    /// A smoke test with one run of everything.
    smoke: bool,
}

fn main() {
    if let Err(e) = options().and_then(|o| run(&o)) {
        eprintln!("{e}");
        std::process::exit(1);
    }
}

fn options() -> Result<Options> {
    let (mut threads, mut problems, mut largest, mut smoke) = (Vec::new(), Vec::new(), 1e7, true);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || {
            let missing = || Error::invalid_input(format!("{name} needs a value; see stream/main.rs"));
            arguments.next().ok_or_else(missing)
        };
        let number = |text: String| {
            let wrong = || Error::invalid_input(format!("'{text}' is not a positive number"));
            text.parse::<f64>().ok().filter(|&v| v >= 1.0).ok_or_else(wrong)
        };
        match name.as_str() {
            "--threads" => threads.push(number(value()?)? as usize),
            "--largest" => largest = number(value()?)?,
            "--problem" => problems.push(value()?),
            // Added by `cargo bench`.
            "--bench" => smoke = false,
            _ => return Err(Error::invalid_input(format!("unknown option {name}; see stream/main.rs"))),
        }
    }
    if threads.is_empty() {
        threads = vec![1, 2];
    }
    if problems.is_empty() {
        let largest = if smoke { 1e4 } else { largest };
        problems = PROBLEMS.iter().filter(|p| p.1 <= largest).map(|p| p.0.to_owned()).collect();
    }
    Ok(Options { threads, problems, smoke })
}

fn run(o: &Options) -> Result<()> {
    let mut report = Report::default();
    let mut pools = Vec::new();
    for &threads in &o.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pools.push((threads, pool.map_err(|e| Error::invalid_input(format!("{threads} threads: {e}")))?));
    }
    for (threads, pool) in &pools {
        report.stream("before", *threads, pool.install(|| triad::stream(o.smoke)));
    }
    for name in &o.problems {
        let size = PROBLEMS.iter().find(|p| p.0 == name).map_or(0.0, |p| p.1);
        if available().is_some_and(|free| free < size * BYTES_PER_UNKNOWN) {
            println!("{name} is left out: it may need {:.0} GB", size * BYTES_PER_UNKNOWN * 1e-9);
            continue;
        }
        let a = problem::matrix(name)?;
        for (threads, pool) in &pools {
            pool.install(|| one_problem(name, &a, *threads, o.smoke, &mut report))?;
        }
    }
    for (threads, pool) in &pools {
        report.stream("after", *threads, pool.install(|| triad::stream(o.smoke)));
    }
    report.finish(o.smoke)
}

fn one_problem(name: &str, a: &Csr<f64>, threads: usize, smoke: bool, report: &mut Report) -> Result<()> {
    let (amg, cycles) = cycles::measure(a, smoke)?;
    let line = |precision, (kernel, bytes, time)| Line {
        problem: name.to_owned(),
        unknowns: a.rows(),
        precision,
        threads,
        kernel,
        bytes,
        time,
    };
    cycles.into_iter().for_each(|m| report.add(line("f64", m)));
    let Some(level) = amg.hierarchy().levels.first() else { return Ok(()) };
    let double = Operators {
        a: level.a.to_csr(),
        prolongation: level.prolongation.to_csr(),
        restriction: level.restriction.to_csr(),
    };
    drop(amg);
    kernels::measure(&double, smoke).into_iter().for_each(|m| report.add(line("f64", m)));
    let single = single(&double);
    drop(double);
    kernels::measure(&single, smoke).into_iter().for_each(|m| report.add(line("f32", m)));
    Ok(())
}

fn single<T: Scalar>(o: &Operators<T>) -> Operators<f32> {
    Operators { a: o.a.cast(), prolongation: o.prolongation.cast(), restriction: o.restriction.cast() }
}

/// Available memory in bytes, on Linux.
fn available() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| 1024.0 * kib)
}

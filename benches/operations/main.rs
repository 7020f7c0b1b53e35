//! Times of every operation of an expression, forward and backward, against the number of nonzeros.
//!
//! `cargo bench --bench operations`; the results go to `target/bench/operations.csv`, `.json` and `.svg`.
//! The matrix is the 5-point Poisson matrix on m × m points. Options after `--`:
//!
//! * `--sizes M…`: grids of M × M points; 141, 251, 447, 795 and 1414 by default, 10⁵ to 10⁷ nonzeros.
//! * `--largest N`: leaves out matrices with more nonzeros.
//! * `--match TEXT…`: operations whose names contain one of these; `--exact` wants the whole name.
//! * `--threads N…`: a pool of N threads; 1 by default.
//! * `--clock cpu`: tables and picture by processor time, for a machine that other work shares.
//! * `--seconds S`: the duration of each measurement; 0.3 by default.
//! * `--json`: one line of JSON for each measurement and nothing else; no files.
//!
//! Forward: on a tape of constants, without recording. Backward: the additional time of the recorded
//! operation with the gradients of all its operands. Both in steady state: plans and buffers exist from
//! earlier rounds, and the timing includes returning the gradients and clearing the recording.
#![allow(missing_docs)]

mod allocations;
mod cases;
#[path = "../common/clock.rs"]
mod clock;
mod measure;
mod overhead;
mod panels;
mod problem;
mod report;
#[path = "../stream/timing.rs"]
mod timing;

use multigrad::error::{Error, Result};

use measure::{Effort, Time};
use problem::Problem;
use report::Report;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// 10⁵, 10^5.5, 10⁶, 10^6.5 and 10⁷ nonzeros.
const SIZES: [usize; 5] = [141, 251, 447, 795, 1414];
/// The overhead of the tape.
const OVERHEAD: &str = "tape_overhead";

struct Options {
    sizes: Vec<usize>,
    threads: Vec<usize>,
    names: Vec<&'static str>,
    effort: Effort,
    time: Time,
    json: bool,
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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let groups = arguments.chunk_by(|_, next| !next.starts_with("--"));
    let mut o = Options {
        sizes: Vec::new(),
        threads: Vec::new(),
        names: Vec::new(),
        effort: Effort { fewest: 5, seconds: 0.3 },
        time: Time::Wall,
        json: false,
        smoke: true,
    };
    let (mut largest, mut wanted, mut exact) = (f64::INFINITY, Vec::new(), false);
    for group in groups {
        let (name, values) = (group[0].as_str(), &group[1..]);
        let numbers = || {
            let wrong =
                |text: &String| Error::invalid_input(format!("{name}: '{text}' is not a positive number"));
            let one =
                |text: &String| text.parse::<f64>().ok().filter(|&v| v > 0.0).ok_or_else(|| wrong(text));
            values.iter().map(one).collect::<Result<Vec<f64>>>()
        };
        let last = || {
            let missing = || Error::invalid_input(format!("{name} needs a value; see operations/main.rs"));
            numbers()?.last().copied().ok_or_else(missing)
        };
        match name {
            "--sizes" => o.sizes = numbers()?.iter().map(|&v| v as usize).collect(),
            "--threads" => o.threads = numbers()?.iter().map(|&v| v as usize).collect(),
            "--largest" => largest = last()?,
            "--seconds" => o.effort.seconds = last()?,
            "--match" => wanted = values.to_vec(),
            "--exact" => exact = true,
            "--clock" => o.time = if values.iter().any(|v| v == "cpu") { Time::Cpu } else { Time::Wall },
            "--json" => o.json = true,
            // Added by `cargo bench`.
            "--bench" => o.smoke = false,
            _ => return Err(Error::invalid_input(format!("unknown option {name}; see operations/main.rs"))),
        }
    }
    let found = |name: &str| {
        let fits = |w: &String| if exact { name == w } else { name.contains(w.as_str()) };
        wanted.is_empty() || wanted.iter().any(fits)
    };
    o.names = cases::NAMES.into_iter().chain([OVERHEAD]).filter(|n| found(n)).collect();
    if o.names.is_empty() {
        let text = format!("no operation of that name; there are {}", cases::NAMES.join(", "));
        return Err(Error::invalid_input(text));
    }
    if o.threads.is_empty() {
        o.threads = vec![1];
    }
    if o.sizes.is_empty() {
        o.sizes = if o.smoke { vec![12] } else { SIZES.to_vec() };
    }
    if o.smoke {
        o.effort = Effort { fewest: 1, seconds: 0.0 };
    }
    // 5 m² − 4 m of them.
    o.sizes.retain(|&m| ((5 * m - 4) * m) as f64 <= largest);
    Ok(o)
}

fn run(o: &Options) -> Result<()> {
    let mut report = Report::new(o.time, o.json);
    let mut pools = Vec::new();
    for &threads in &o.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pools.push((threads, pool.map_err(|e| Error::invalid_input(format!("{threads} threads: {e}")))?));
    }
    for &m in &o.sizes {
        let problem = Problem::new(m)?;
        for &name in o.names.iter().filter(|n| **n != OVERHEAD) {
            let Some(case) = cases::case(name, &problem)? else { continue };
            for (_, pool) in &pools {
                report.add(pool.install(|| measure::measure(&case, m, problem.a.nnz(), o.effort))?);
            }
        }
    }
    if o.names.contains(&OVERHEAD) {
        for (threads, pool) in &pools {
            report.overhead(*threads, pool.install(|| overhead::measure(o.smoke))?);
        }
    }
    if o.smoke { Ok(()) } else { report.finish() }
}

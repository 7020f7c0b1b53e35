//! Checks, medians and tables.

use std::time::Instant;

use crate::Outcome;

/// Prints a value and returns an error if it exceeds the limit.
pub fn check(what: &str, value: f64, limit: f64) -> Outcome {
    println!("{what}: {value:.1e}");
    if value <= limit { Ok(()) } else { Err(format!("{what} is {value:e}, above {limit:e}").into()) }
}

/// ‖x − y‖₂ / ‖y‖₂.
pub fn difference(x: &[f64], y: &[f64]) -> f64 {
    let square = |v: &mut dyn Iterator<Item = f64>| v.map(|d| d * d).sum::<f64>();
    (square(&mut x.iter().zip(y).map(|(a, b)| a - b)) / square(&mut y.iter().copied())).sqrt()
}

/// Runs `f` and returns its result with the seconds it took.
pub fn timed<T>(f: impl FnOnce() -> Outcome<T>) -> Outcome<(T, f64)> {
    let clock = Instant::now();
    let result = f()?;
    Ok((result, clock.elapsed().as_secs_f64()))
}

/// The middle one of several values, or the mean of the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => f64::NAN,
        _ => (values[(n - 1) / 2] + values[n / 2]) / 2.0,
    }
}

/// One measured solver: its solution and the seconds of setup and solve.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The solution.
    pub x: Vec<f64>,
    /// Seconds of the setup.
    pub setup: f64,
    /// Seconds of the solve.
    pub solve: f64,
    /// Number of iterations, or what else describes the work.
    pub work: String,
}

/// Repeats a measurement and returns it with medians of the times.
pub fn repeated(times: usize, mut run: impl FnMut() -> Outcome<Measured>) -> Outcome<Measured> {
    let mut last = run()?;
    let (mut setups, mut solves) = (vec![last.setup], vec![last.solve]);
    for _ in 1..times {
        last = run()?;
        setups.push(last.setup);
        solves.push(last.solve);
    }
    (last.setup, last.solve) = (median(setups), median(solves));
    Ok(last)
}

/// A table in Markdown: the rows `(name, measured)`, and the difference of every solution from the first one.
pub fn table(title: &str, rows: &[(&str, Measured)]) {
    println!("{title}\n");
    println!("| solver | setup [s] | solve [s] | total [s] | work | difference |");
    println!("|---|---:|---:|---:|---|---:|");
    for (name, m) in rows {
        println!(
            "| {name} | {:.3} | {:.3} | {:.3} | {} | {:.0e} |",
            m.setup,
            m.solve,
            m.setup + m.solve,
            m.work,
            difference(&m.x, &rows[0].1.x)
        );
    }
    println!();
}

/// Limits this process to one thread.
pub fn one_thread() -> Outcome {
    faer::set_global_parallelism(faer::Par::Seq);
    Ok(rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?)
}

/// The number in the first argument of the program, or this default.
pub fn size(default: usize) -> Outcome<usize> {
    match std::env::args().nth(1) {
        None => Ok(default),
        Some(text) => {
            text.parse().map_err(|_| format!("the size has to be a positive number, not {text:?}").into())
        }
    }
}

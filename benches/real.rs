//! The automatic choice on a folder of matrices, beside the direct solver and the fastest of all candidate
//! configurations in hindsight.
//!
//! ```text
//! cargo bench --bench real -- FOLDER [--all]     # Matrix Market files, compressed or not; --all measures candidates
//! ```
//!
//! The right-hand side is A x for a random x. Times are those of setup and solve to a relative residual of 1e-8, the
//! fastest of three runs; the error is ‖x − x̂‖/‖x‖ and, for a singular matrix, arbitrary. Python peers:
//! `benches/peers`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use multigrad::solver::{Direct, MatrixProperties, candidates};
use multigrad::sparse::matrix_market::read_matrix;
use multigrad::{Builder, Csr, Outcome, Result, Solver};
use rand::{RngExt, SeedableRng};

/// Runs of which the fastest counts.
const RUNS: usize = 3;
/// Candidates are tried up to this many entries, and the direct solver up to this many rows.
const CANDIDATE_ENTRIES: usize = 300_000;
const DIRECT_ROWS: usize = 20_000;

/// Seconds of the fastest run, and its result.
fn fastest<R>(run: impl Fn() -> Result<R>) -> Result<(f64, R)> {
    let once = || {
        let clock = Instant::now();
        run().map(|r| (clock.elapsed().as_secs_f64(), r))
    };
    let mut best = once()?;
    for _ in 1..if best.0 > 1.0 { 1 } else { RUNS } {
        let next = once()?;
        if next.0 < best.0 {
            best = next;
        }
    }
    Ok(best)
}

fn distance(x: &[f64], y: &[f64]) -> f64 {
    let square = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>().sqrt();
    square(&mut x.iter().zip(y).map(|(x, y)| x - y)) / square(&mut y.iter().copied())
}

/// Milliseconds of the fastest candidate that converges, with its configuration.
fn hindsight(a: &Csr, b: &[f64]) -> Option<(f64, String)> {
    let list = candidates(&MatrixProperties::of(a), false);
    let solve = |c: &multigrad::Configuration| {
        let (seconds, out) = fastest(|| Builder::from(c.clone()).build(a)?.solve(b)).ok()?;
        out.converged().then(|| (1e3 * seconds, c.to_string()))
    };
    list.iter().filter_map(solve).min_by(|p, q| p.0.total_cmp(&q.0))
}

fn row(path: &Path, all: bool) -> Result<()> {
    let a = read_matrix(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().replace(".mtx", "").replace(".gz", "");
    if a.rows() != a.cols() {
        return Ok(());
    }
    let mut random = rand::rngs::ChaCha8Rng::seed_from_u64(7);
    let x: Vec<f64> = (0..a.rows()).map(|_| random.random_range(-1.0..1.0)).collect();
    let mut b = vec![0.0; a.rows()];
    a.spmv(&x, &mut b)?;
    print!("{name:<28} {:>7} {:>8} ", a.rows(), a.nnz());
    let auto: Result<(f64, (String, Outcome))> = fastest(|| {
        let solver = Solver::auto(&a)?;
        let out = solver.solve(&b)?;
        Ok((out.solver.clone().unwrap_or_else(|| solver.summary()), out))
    });
    match &auto {
        Ok((seconds, (summary, out))) => print!(
            "{:>9.2} ms {:>4} its  {:.0e} {:.0e}  {:<44}",
            1e3 * seconds,
            out.iterations,
            out.relative_residual(),
            distance(&out.x, &x),
            if out.converged() { summary.clone() } else { format!("✗ {}", out.status) }
        ),
        Err(e) => print!("✗ {e} "),
    }
    if a.rows() <= DIRECT_ROWS {
        let direct = fastest(|| {
            let mut x = vec![0.0; b.len()];
            Direct::new(&a)?.solve(&b, &mut x, 1);
            Ok(x)
        });
        match direct {
            Ok((seconds, _)) => print!("  direct {:>9.2} ms", 1e3 * seconds),
            Err(_) => print!("  direct         ✗   "),
        }
    }
    if all && a.nnz() <= CANDIDATE_ENTRIES {
        match hindsight(&a, &b) {
            Some((ms, configuration)) => print!("  best {ms:>8.2} ms {configuration}"),
            None => print!("  best        ✗"),
        }
    }
    println!();
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let Some(folder) = arguments.iter().find(|a| !a.starts_with("--")) else {
        println!("usage: cargo bench --bench real -- FOLDER [--all]");
        return Ok(());
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_matrix = |p: &PathBuf| p.to_string_lossy().contains(".mtx");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.path()).filter(is_matrix).collect();
    paths.sort_by_key(|p| (std::fs::metadata(p).map_or(0, |m| m.len()), p.clone()));
    println!("{:<28} {:>7} {:>8} {:>12} {:>8}  residual error", "matrix", "rows", "entries", "auto", "");
    for path in &paths {
        if let Err(e) = row(path, arguments.iter().any(|a| a == "--all")) {
            println!("{}: {e}", path.display());
        }
    }
    Ok(())
}

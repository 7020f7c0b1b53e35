//! Total time of K solves with everything included: the automatic solver trained for K solves, beside the cheapest of
//! the classical solvers without τ and the direct solver for that K, in one run.
//!
//! ```text
//! RAYON_NUM_THREADS=1 cargo bench --bench solves                         # all problems
//! RAYON_NUM_THREADS=1 cargo bench --bench solves -- "flow 3-D 48" 100,1000
//! RAYON_NUM_THREADS=1 cargo bench --bench solves -- path/to/A.mtx 10,100 # a matrix from a file
//! ```
//!
//! Right-hand sides are random and fresh. The time of K solves is K times that of one; setup, training and all measurements
//! of the training are counted as they are. Classical solvers are those of `train --account`.
#![allow(missing_docs)]

use std::path::Path;
use std::time::{Duration, Instant};

use multigrad::error::Result;
use multigrad::gallery::{
    FlowScheme, Problem, named, poisson_3d, recirculating_flow, recirculating_flow_3d, rotated_anisotropic,
    rotated_anisotropic_3d,
};
use multigrad::learn::{CostOptions, CostReport, Entry, Learned, Trainer};
use multigrad::solver::Solver;
use multigrad::sparse::{Csr, MatrixFile};

type Build = fn() -> Result<Problem>;

const CASES: [(&str, Build); 12] = [
    ("rotated 512, 0", || rotated_anisotropic(512, 1e-3, 0.0)),
    ("rotated 512, .9", || rotated_anisotropic(512, 1e-3, 0.9)),
    ("rotated 1024, .3", || rotated_anisotropic(1024, 1e-3, 0.3)),
    ("rotated 3-D 48, .3", || rotated_anisotropic_3d(48, 1e-3, 0.3, 0.5)),
    ("rotated 3-D 64, .9", || rotated_anisotropic_3d(64, 1e-3, 0.9, 0.2)),
    ("flow 3-D 48", || recirculating_flow_3d(48, 0.005)),
    ("flow 3-D 64", || recirculating_flow_3d(64, 0.005)),
    ("SUPG 256", || recirculating_flow(256, 0.005, FlowScheme::Supg)),
    ("SUPG 512", || recirculating_flow(512, 0.005, FlowScheme::Supg)),
    ("jumps 3-D 32", || named("jumps3d", 32, 1)),
    ("jumps 3-D 48", || named("jumps3d", 48, 1)),
    ("Poisson 3-D 40", || poisson_3d(40, 40, 40)),
];

/// Right-hand sides of a measurement.
const SIDES: u64 = 3;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let wanted = arguments.first().map_or("", String::as_str);
    let numbers: Vec<usize> = arguments
        .get(1)
        .map_or("1,10,100,1000", String::as_str)
        .split(',')
        .filter_map(|k| k.parse().ok())
        .collect();
    println!("seconds for K solves, one run; ratio = cheapest other / ours\n");
    println!(
        "| problem | K | ours | of it training | automatic | best classical | direct | ratio | kept | best classical |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    if Path::new(wanted).is_file() {
        let name =
            Path::new(wanted).file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
        return measure(&name, &MatrixFile::read(wanted)?.matrix, &numbers);
    }
    for (name, build) in CASES.into_iter().filter(|(name, _)| name.contains(wanted)) {
        measure(name, &build()?.matrix, &numbers)?;
    }
    Ok(())
}

/// The rows of the table for one matrix.
fn measure(name: &str, a: &Csr, numbers: &[usize]) -> Result<()> {
    let clock = Instant::now();
    let auto = Solver::auto(a)?;
    let setup = clock.elapsed().as_secs_f64();
    let seconds = each(&auto)?;
    let options = CostOptions { time_limit: Some(Duration::from_secs(20)), ..CostOptions::default() };
    let learned = Learned {
        amg: &auto,
        name: "automatic",
        accepted: false,
        setup_seconds: setup,
        training_seconds: 0.0,
    };
    let others = CostReport::measure(a, &learned, &options, &mut |_, _, _| ())?;
    for &k in numbers {
        let clock = Instant::now();
        let mut solver = Solver::auto(a)?;
        let begin = clock.elapsed().as_secs_f64();
        let report = Trainer::new().for_solves(k).fit(&mut solver)?;
        let ours = begin + report.seconds + k as f64 * each(&solver)?;
        let untuned = others.classical.iter().filter(|e| e.converged && !e.configuration.contains("tau"));
        let total = |e: &&Entry| e.total_seconds(k as f64);
        let best = untuned.min_by(|p, q| total(p).total_cmp(&total(q)));
        let classical = best.as_ref().map_or(f64::INFINITY, total);
        let direct = others.direct.as_ref().map_or(f64::INFINITY, |e| e.total_seconds(k as f64));
        println!(
            "| {name} | {k} | {ours:.3} | {:.3} | {:.3} | {classical:.3} | {direct:.3} | {:.2} | {} | {} |",
            report.seconds,
            setup + k as f64 * seconds,
            classical.min(direct) / ours,
            report.attempts[report.kept].name,
            best.map_or("", |e| &e.configuration)
        );
    }
    Ok(())
}

/// Seconds of a solve, by the protocol of `train --account`: of each fresh right-hand side the faster of two solves, and
/// the median of these.
fn each(solver: &Solver) -> Result<f64> {
    let n = solver.matrix().rows();
    let mut times = Vec::new();
    for seed in 0..SIDES {
        let b = random(n, seed);
        let mut least = f64::INFINITY;
        for _ in 0..2 {
            let clock = Instant::now();
            let out = solver.solve(&b)?;
            least = least.min(clock.elapsed().as_secs_f64());
            assert!(out.converged(), "{}", out.status);
        }
        times.push(least);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Uniform values in (−1, 1) (SplitMix64).
fn random(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) ^ 0x5eed_0001;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

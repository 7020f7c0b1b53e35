//! Repeated timing of one operation.

use crate::clock::Clock;

/// Least and median wall time, and least CPU time, of several runs, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Least wall time.
    pub min: f64,
    /// Median wall time.
    pub median: f64,
    /// Least CPU time of all threads.
    pub cpu: f64,
    /// Runs.
    pub runs: usize,
}

/// Runs are repeated for at least this many seconds and at least [`FEWEST`] times.
const SECONDS: f64 = 0.25;
const FEWEST: usize = 5;
const MOST: usize = 2000;

/// Times `work` after one warm-up run; a smoke test runs it once.
pub fn sample(smoke: bool, mut work: impl FnMut()) -> Sample {
    if !smoke {
        work();
    }
    repeated(if smoke { 1 } else { FEWEST }, if smoke { 0.0 } else { SECONDS }, || {
        let clock = Clock::start();
        work();
        clock.elapsed()
    })
}

/// As [`sample`], at least `fewest` times and `seconds` long, for work that reads the clock itself.
pub fn repeated(fewest: usize, seconds: f64, mut run: impl FnMut() -> crate::clock::Elapsed) -> Sample {
    let (mut walls, mut cpu) = (Vec::new(), f64::INFINITY);
    while walls.len() < fewest || (walls.iter().sum::<f64>() < seconds && walls.len() < MOST) {
        let elapsed = run();
        walls.push(elapsed.wall);
        cpu = cpu.min(elapsed.cpu);
    }
    walls.sort_by(f64::total_cmp);
    Sample { min: walls[0], median: walls[walls.len() / 2], cpu, runs: walls.len() }
}

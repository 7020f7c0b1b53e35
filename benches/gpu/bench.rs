//! Measurement of times, and tables in Markdown.

use std::time::Instant;

use multigrad::backend::{Cuda, OnDevice};
use multigrad::engine::{Executor, Operation, Resident, Reversible};
use multigrad::error::Result;

/// The number of values copied: 1 GB in double precision.
const COPIED: usize = 125_000_000;
const COPIED_EMULATED: usize = 1000;
/// Seconds of work per measurement, and the largest number of repetitions in them.
const RUN: f64 = 0.02;
const REPETITIONS: f64 = 1000.0;
/// The number of measurements, of which the least counts.
const RUNS: usize = 5;

/// A device, its copy bandwidth, and the table.
pub struct Bench {
    pub cuda: Cuda,
    pub emulated: bool,
    /// Bytes read and written per second by a copy kernel.
    copy: f64,
}

impl Bench {
    /// Prints the properties of the device and its copy bandwidth.
    pub fn start(cuda: Cuda, emulated: bool) -> Result<Self> {
        println!("{}; constants: {}", cuda.description(), cuda.tuning());
        if emulated {
            println!("\nEMULATED on the processor, in miniature: times, bandwidths and ratios mean nothing");
        }
        let mut bench = Self { cuda, emulated, copy: f64::NAN };
        let count = if emulated { COPIED_EMULATED } else { COPIED };
        let e: Resident<f64> = Resident::new(bench.cuda.clone(), 1);
        let x = e.store(&vec![1.0; count]);
        let mut y = e.allocate(count);
        let kernel = bench.seconds(|| {
            e.run(Operation::Combine { alpha: 1.0, x: &x, beta: 0.0, y: &mut y });
            Ok(())
        })?;
        drop(y);
        let driver = bench.seconds(|| {
            drop(e.copy(&x));
            Ok(())
        })?;
        let bytes = 2.0 * 8.0 * count as f64;
        bench.copy = bytes / kernel;
        println!(
            "\nCopying {count} values in double precision, read + written: {:.1} GB/s by a kernel, {:.1} GB/s by the driver",
            1e-9 * bytes / kernel,
            1e-9 * bytes / driver
        );
        Ok(bench)
    }

    /// The same table for another device.
    pub fn on(&self, cuda: Cuda) -> Self {
        Self { cuda, ..*self }
    }

    /// The start of a table.
    #[expect(clippy::unused_self, reason = "there are tables from `start` on only")]
    pub fn heading(&self, text: &str) {
        println!("\n### {text}\n");
        println!(
            "| {:<50} | {:>9} | {:>11} | {:>12} | {:>9} | {:>8} | remarks |",
            "what", "size", "time", "must move", "GB/s", "of copy"
        );
        println!("|---|---|---|---|---|---|---|");
    }

    /// A row; unknown `bytes` are NaN.
    pub fn row(&self, what: &str, size: &str, seconds: f64, bytes: f64, remarks: &str) {
        let (mut moved, mut rate, mut share) = ("-".into(), "-".into(), "-".into());
        if bytes.is_finite() {
            moved = format!("{:.3} MB", 1e-6 * bytes);
            rate = format!("{:.1}", 1e-9 * bytes / seconds);
            share = format!("{:.0} %", 100.0 * bytes / seconds / self.copy);
        }
        let time = time(seconds);
        println!(
            "| {what:<50} | {size:>9} | {time:>11} | {moved:>12} | {rate:>9} | {share:>8} | {remarks} |"
        );
    }

    /// Seconds of device time of the work that `work` queues: the least of several runs after a first one.
    pub fn seconds(&self, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
        let mut timed = |repetitions: usize| {
            let mut done = Ok(());
            let seconds = self.cuda.seconds(|| done = (0..repetitions).try_for_each(|_| work()))?;
            done.map(|()| seconds / repetitions as f64)
        };
        // The first run includes compilation and uploads.
        timed(1)?;
        let once = timed(1)?;
        if self.emulated {
            return Ok(once);
        }
        let repetitions = (RUN / once).clamp(1.0, REPETITIONS) as usize;
        (0..RUNS).try_fold(f64::INFINITY, |least, _| Ok(timed(repetitions)?.min(least)))
    }

    /// Seconds by the clock of work that waits for its result: the least of several runs after a first one.
    pub fn wall(&self, runs: usize, mut work: impl FnMut() -> Result<()>) -> Result<f64> {
        work()?;
        (0..if self.emulated { 1 } else { runs }).try_fold(f64::INFINITY, |least, _| {
            let clock = Instant::now();
            work()?;
            Ok(clock.elapsed().as_secs_f64().min(least))
        })
    }
}

/// Seconds in a readable unit.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.2} µs", 1e6 * s),
        s if s < 1.0 => format!("{:.3} ms", 1e3 * s),
        s => format!("{s:.3} s"),
    }
}

/// Values between −½ and ½ without a pattern that favours caches.
pub fn values<T: OnDevice>(seed: usize, count: usize) -> Vec<T> {
    let value = |i: usize| (i.wrapping_mul(2_654_435_761).wrapping_add(seed * 97) >> 8) % 1009;
    (0..count).map(|i| T::from_f64(value(i) as f64 / 1009.0 - 0.5)).collect()
}

//! Reports: lines on the terminal, CSV, JSON and the chart.

use std::fmt::Write;
use std::path::Path;

use multigrad::error::{Error, Result};
use serde_json::json;

use crate::chart::{self, Curve};
use crate::kernels::Measured;
use crate::timing::Sample;

/// One kernel, setup or cycle on one problem.
#[derive(Debug, Clone)]
pub struct Line {
    /// Name of the problem.
    pub problem: String,
    /// Rows.
    pub unknowns: usize,
    /// The type of the values: f64 or f32.
    pub precision: &'static str,
    /// Threads of the pool.
    pub threads: usize,
    /// The measured operation.
    pub kernel: &'static str,
    /// Bytes moved; 0 if unknown.
    pub bytes: usize,
    /// Its time.
    pub time: Sample,
}

impl Line {
    fn bandwidth(&self) -> f64 {
        self.bytes as f64 / self.time.min * 1e-9
    }

    fn per_unknown(&self) -> f64 {
        self.time.min / self.unknowns as f64 * 1e9
    }
}

/// All measurements.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<Line>,
    /// Time, threads, GB/s of the four kernels of STREAM.
    streams: Vec<(&'static str, usize, [f64; 4])>,
}

impl Report {
    /// Adds a run of STREAM and prints it.
    pub fn stream(&mut self, when: &'static str, threads: usize, times: [Measured; 4]) {
        let mut rates = [0.0; 4];
        print!("STREAM {when}, {threads} threads, GB/s:");
        for (rate, (name, bytes, time)) in rates.iter_mut().zip(times) {
            *rate = bytes as f64 / time.min * 1e-9;
            print!("  {name} {rate:.1} (median {:.1})", bytes as f64 / time.median * 1e-9);
        }
        println!();
        self.streams.push((when, threads, rates));
    }

    /// Adds a line and prints it.
    pub fn add(&mut self, line: Line) {
        println!("{}", self.text(&line));
        self.lines.push(line);
    }

    fn text(&self, line: &Line) -> String {
        let mut text = format!(
            "{:15} {} {} threads  {:16} {:10.4} ms (median {:10.4})  {:8.2} ns per unknown",
            line.problem,
            line.precision,
            line.threads,
            line.kernel,
            line.time.min * 1e3,
            line.time.median * 1e3,
            line.per_unknown()
        );
        if line.bytes > 0 {
            let megabytes = line.bytes as f64 * 1e-6;
            let (rate, percent) = (line.bandwidth(), self.percent(line));
            write!(text, "  {megabytes:9.2} MB  {rate:6.1} GB/s  {percent:4.0} % of triad").ok();
        }
        text
    }

    /// Relative to the best triad of the same number of threads so far.
    fn percent(&self, line: &Line) -> f64 {
        let of_pool = self.streams.iter().filter(|s| s.1 == line.threads);
        100.0 * line.bandwidth() / of_pool.map(|s| s.2[3]).fold(f64::NAN, f64::max)
    }

    /// Reports whether the machine was steady and writes the files to `target/bench`; a smoke test writes
    /// none.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn finish(&self, smoke: bool) -> Result<()> {
        for (_, threads, before) in self.streams.iter().filter(|s| s.0 == "before") {
            let after = self.streams.iter().find(|s| s.0 == "after" && s.1 == *threads);
            let Some((_, _, after)) = after else { continue };
            let change = 100.0 * (after[3] / before[3] - 1.0);
            let verdict = if change.abs() < 5.0 { "steady" } else { "NOT steady: measure again" };
            println!("triad of {threads} threads changed by {change:+.1} % over the run: {verdict}");
        }
        if smoke {
            return Ok(());
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
        let at = |e: String| Error::invalid_input(format!("{}: {e}", folder.display()));
        std::fs::create_dir_all(&folder).map_err(|e| at(e.to_string()))?;
        let save =
            |name: &str, text: &str| std::fs::write(folder.join(name), text).map_err(|e| at(e.to_string()));
        save("stream.csv", &self.csv())?;
        save("stream.json", &self.json())?;
        let title = "Cost per unknown, 5-point and 7-point Laplacian";
        chart::write(&folder.join("stream.svg"), title, &self.curves()).map_err(at)?;
        println!("written to {}", folder.display());
        Ok(())
    }

    fn csv(&self) -> String {
        let mut text = "problem,unknowns,precision,threads,kernel,bytes,min_s,median_s,cpu_min_s,runs,gb_per_s,percent_of_triad,ns_per_unknown\n".to_owned();
        for l in &self.lines {
            let t = l.time;
            let (rate, percent, cost) = (l.bandwidth(), self.percent(l), l.per_unknown());
            let what = format!("{},{},{},{},{}", l.problem, l.unknowns, l.precision, l.threads, l.kernel);
            let times = format!("{},{:e},{:e},{:e},{}", l.bytes, t.min, t.median, t.cpu, t.runs);
            writeln!(text, "{what},{times},{rate:.3},{percent:.1},{cost:.3}").ok();
        }
        text
    }

    fn json(&self) -> String {
        let streams = self.streams.iter().map(|(when, threads, rates)| {
            json!({ "when": when, "threads": threads, "copy": rates[0], "scale": rates[1], "add": rates[2], "triad": rates[3] })
        });
        let lines = self.lines.iter().map(|l| {
            json!({
                "problem": l.problem, "unknowns": l.unknowns, "precision": l.precision, "threads": l.threads,
                "kernel": l.kernel, "bytes": l.bytes, "min_s": l.time.min, "median_s": l.time.median,
                "cpu_min_s": l.time.cpu, "runs": l.time.runs, "gb_per_s": l.bandwidth(),
                "percent_of_triad": self.percent(l), "ns_per_unknown": l.per_unknown(),
            })
        });
        let value = json!({
            "stream_gb_per_s": streams.collect::<Vec<_>>(),
            "lines": lines.collect::<Vec<_>>(),
        });
        format!("{value:#}\n")
    }

    /// Setup and cycle of every family of problems with two sizes or more.
    fn curves(&self) -> Vec<Curve> {
        let mut curves: Vec<Curve> = Vec::new();
        for l in self.lines.iter().filter(|l| matches!(l.kernel, "setup" | "v_cycle" | "v_cycle_f32")) {
            let family = l.problem.split('-').next().unwrap_or_default();
            let name = format!("{family} {}, {} threads", l.kernel, l.threads);
            let point = (l.unknowns as f64, l.per_unknown());
            match curves.iter_mut().find(|c| c.0 == name) {
                Some(curve) => curve.1.push(point),
                None => curves.push((name, vec![point])),
            }
        }
        curves
    }
}

//! Reports: tables on the terminal, CSV, JSON.

use std::fmt::Write;
use std::path::Path;

use multigrad::error::{Error, Result};
use serde_json::{Value, json};

use crate::cases::NAMES;
use crate::measure::{Line, Time};
use crate::overhead::Overhead;
use crate::panels;

/// All measurements.
pub struct Report {
    lines: Vec<Line>,
    overheads: Vec<(usize, Overhead)>,
    time: Time,
    /// Lines of JSON instead of a table.
    json: bool,
}

/// Head of the table.
const HEAD: &str = "operation              m   nonzeros  threads   forward ms  backward ms  both ms  back/forw  ns/nonzero  B/nonzero  allocations";

impl Report {
    /// Empty.
    pub fn new(time: Time, json: bool) -> Self {
        if !json {
            println!("{HEAD}");
        }
        Self { lines: Vec::new(), overheads: Vec::new(), time, json }
    }

    /// Adds a line and prints it.
    pub fn add(&mut self, line: Line) {
        if self.json {
            println!("{}", self.value(&line));
        } else {
            println!("{}", self.text(&line));
        }
        self.lines.push(line);
    }

    /// Adds the overhead of the tape and prints it.
    pub fn overhead(&mut self, threads: usize, o: Overhead) {
        if self.json {
            println!("{}", overhead_value(threads, &o));
        } else {
            let (forward, backward) = o.nanoseconds();
            println!(
                "tape overhead, {threads} threads: {forward:.0} ns for an operation forward ({:.0} − {:.0} for the kernels alone), {backward:.0} ns backward ({:.0} − {:.0}), {:.4} allocations",
                o.forward.0, o.forward.1, o.backward.0, o.backward.1, o.allocations
            );
        }
        self.overheads.push((threads, o));
    }

    fn text(&self, l: &Line) -> String {
        let (forward, backward) = l.seconds(self.time);
        let (both, ratio) = (forward + backward, backward / forward);
        format!(
            "{:18} {:5} {:10} {:8} {:12.4} {:12.4} {:8.3} {ratio:10.2} {:11.2} {:10.1} {:6} {:5}",
            l.operation,
            l.m,
            l.nonzeros,
            l.threads,
            forward * 1e3,
            backward * 1e3,
            both * 1e3,
            both * 1e9 / l.nonzeros as f64,
            l.bytes_per_nonzero(),
            l.allocations[0].0,
            l.allocations[1].0,
        )
    }

    /// Time and memory per nonzero at the largest size over those at the smallest.
    fn growth(&self) -> Vec<(&'static str, usize, f64, f64, f64)> {
        let mut list = Vec::new();
        for (threads, name) in self.series() {
            let of: Vec<&Line> =
                self.lines.iter().filter(|l| l.threads == threads && l.operation == name).collect();
            let (Some(small), Some(large)) =
                (of.iter().min_by_key(|l| l.nonzeros), of.iter().max_by_key(|l| l.nonzeros))
            else {
                continue;
            };
            if small.nonzeros < large.nonzeros {
                let each = |l: &Line, seconds: f64| seconds / l.nonzeros as f64;
                let ((f, b), (first, back)) = (large.seconds(self.time), small.seconds(self.time));
                let forward = each(large, f) / each(small, first);
                let backward = each(large, b) / each(small, back);
                list.push((
                    name,
                    threads,
                    forward,
                    backward,
                    large.bytes_per_nonzero() / small.bytes_per_nonzero(),
                ));
            }
        }
        list
    }

    /// The numbers of threads and the operations.
    fn series(&self) -> Vec<(usize, &'static str)> {
        let mut threads: Vec<usize> = self.lines.iter().map(|l| l.threads).collect();
        threads.sort_unstable();
        threads.dedup();
        threads.iter().flat_map(|&t| NAMES.iter().map(move |&n| (t, n))).collect()
    }

    /// Prints growth, and writes the files to `target/bench` unless lines of JSON were requested.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn finish(&self) -> Result<()> {
        if self.json {
            return Ok(());
        }
        let growth = self.growth();
        if !growth.is_empty() {
            println!("\nper nonzero, the largest size over the smallest: forward, backward, memory");
        }
        for (name, threads, forward, backward, memory) in growth {
            println!("{name:18} {threads:3} threads {forward:8.2} {backward:8.2} {memory:8.2}");
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench");
        let at = |e: String| Error::invalid_input(format!("{}: {e}", folder.display()));
        std::fs::create_dir_all(&folder).map_err(|e| at(e.to_string()))?;
        let save =
            |name: &str, text: &str| std::fs::write(folder.join(name), text).map_err(|e| at(e.to_string()));
        save("operations.csv", &self.csv())?;
        let lines: Vec<Value> = self.lines.iter().map(|l| self.value(l)).collect();
        let overheads: Vec<Value> = self.overheads.iter().map(|(t, o)| overhead_value(*t, o)).collect();
        save("operations.json", &format!("{:#}\n", json!({ "lines": lines, "overheads": overheads })))?;
        panels::write(&folder.join("operations.svg"), &self.lines, self.time).map_err(at)?;
        println!("written to {}", folder.display());
        Ok(())
    }

    fn csv(&self) -> String {
        let mut text = "operation,m,nonzeros,threads,forward_s,forward_median_s,forward_cpu_s,both_s,both_median_s,both_cpu_s,backward_over_forward,bytes_per_nonzero,allocations_forward,allocations_both\n".to_owned();
        for l in &self.lines {
            let (forward, backward) = l.seconds(self.time);
            let what = format!("{},{},{},{}", l.operation, l.m, l.nonzeros, l.threads);
            let times =
                [&l.forward, &l.both].map(|s| format!("{:e},{:e},{:e}", s.min, s.median, s.cpu)).join(",");
            let (ratio, bytes) = (backward / forward, l.bytes_per_nonzero());
            let [first, second] = l.allocations;
            writeln!(text, "{what},{times},{ratio:.3},{bytes:.1},{},{}", first.0, second.0).ok();
        }
        text
    }

    fn value(&self, l: &Line) -> Value {
        let (forward, backward) = l.seconds(self.time);
        json!({
            "operation": l.operation, "m": l.m, "nonzeros": l.nonzeros, "threads": l.threads,
            "forward_s": l.forward.min, "forward_median_s": l.forward.median, "cpu_forward_s": l.forward.cpu,
            "both_s": l.both.min, "both_median_s": l.both.median, "cpu_both_s": l.both.cpu,
            "repeats": l.both.runs, "backward_over_forward": backward / forward,
            "tape": l.memory, "gradient_bytes": l.gradients, "bytes_per_nonzero": l.bytes_per_nonzero(),
            "operations": l.operations,
            "allocations_forward": l.allocations[0].0, "allocated_bytes_forward": l.allocations[0].1,
            "allocations_both": l.allocations[1].0, "allocated_bytes_both": l.allocations[1].1,
        })
    }
}

fn overhead_value(threads: usize, o: &Overhead) -> Value {
    let (forward, backward) = o.nanoseconds();
    json!({
        "operation": "tape_overhead", "threads": threads,
        "forward_ns": o.forward.0, "forward_kernels_ns": o.forward.1, "forward_overhead_ns": forward,
        "backward_ns": o.backward.0, "backward_kernels_ns": o.backward.1, "backward_overhead_ns": backward,
        "allocations_per_operation": o.allocations,
    })
}

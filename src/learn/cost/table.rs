//! The account as a table.

use std::fmt;

use super::{CostReport, Entry};

impl fmt::Display for CostReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.threads == 1 { "" } else { "s" };
        writeln!(
            f,
            "account of {} rows and {} nonzeros, to ‖b − Ax‖/‖b‖ ≤ {:e}, median of {} random right-hand sides, {} thread{plural}",
            self.rows, self.nonzeros, self.rtol, self.right_hand_sides, self.threads
        )?;
        writeln!(
            f,
            "training {:.2} s, counted once beside the setup of the learned solver\n",
            self.training_seconds
        )?;
        writeln!(f, "{HEAD}")?;
        line(f, &self.learned, "")?;
        self.learned_otherwise.iter().try_for_each(|e| line(f, e, ""))?;
        writeln!(f)?;
        for entry in self.classical.iter().chain(&self.direct) {
            let break_even = match self.break_even_against(entry) {
                _ if !entry.converged => String::new(),
                Some(break_even) => break_even.to_string(),
                None => "never".to_string(),
            };
            line(f, entry, &break_even)?;
        }
        let failed = |e: &&Entry| !e.converged;
        if self.learned_otherwise.iter().chain(&self.classical).chain(&self.direct).any(|e| failed(&e)) {
            writeln!(f, "✗: not converged, and the time until that was known")?;
        }
        self.left_out.iter().try_for_each(|text| writeln!(f, "left out: {text}"))?;
        self.not_tried.iter().try_for_each(|name| writeln!(f, "not tried: {name}"))?;
        for sentence in self.verdict() {
            write!(f, "\n{sentence}")?;
        }
        Ok(())
    }
}

const HEAD: &str = "     setup s    solve ms   iterations   residual      MB   pays back after   solver";

fn line(f: &mut fmt::Formatter<'_>, entry: &Entry, break_even: &str) -> fmt::Result {
    let residual = entry.relative_residual.map_or("—".to_string(), |r| format!("{r:.1e}"));
    let bytes = entry.bytes.map_or("—".to_string(), |b| format!("{:.1}", b as f64 / 1e6));
    let iterations = match entry.iterations {
        0 => "—".to_string(),
        n => n.to_string(),
    };
    let failure = if entry.converged { String::new() } else { format!("  ✗ {}", entry.status) };
    writeln!(
        f,
        "{:>12.4} {:>11.3} {iterations:>12} {residual:>10} {bytes:>7} {break_even:>17}   {}{failure}",
        entry.setup_seconds,
        1e3 * entry.solve_seconds,
        entry.configuration
    )
}

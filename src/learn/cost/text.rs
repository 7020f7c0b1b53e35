//! The text of a cost report: a table, and a verdict in sentences.

use std::fmt;

use super::{BreakEven, CostReport, Entry};

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

/// "3.21 ms", "1.4 s".
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.3} ms", 1e3 * s),
        s => format!("{s:.2} s"),
    }
}

fn solves(break_even: BreakEven) -> String {
    let plural = if break_even.from == 1.0 && break_even.until.is_none() { "" } else { "s" };
    format!("{break_even} solve{plural}")
}

impl CostReport {
    /// The comparison with the classical iterative solvers, with the direct one, and the solvers that were left
    /// out. One sentence each.
    pub fn verdict(&self) -> Vec<String> {
        let mut lines = vec![self.against_iterative()];
        lines.extend(self.uncertainty());
        lines.push(self.against_direct());
        if let Some(seconds) = self.cut_off_after {
            let count = self.not_tried.len();
            lines.push(format!(
                "The comparison was cut off after {seconds:.0} s: {count} classical solvers were not tried, and one of them may be faster."
            ));
        }
        lines
    }

    fn against_iterative(&self) -> String {
        let learned = time(self.learned.solve_seconds);
        if !self.learned.converged {
            return format!("Never: the learned solver did not converge ({}).", self.learned.status);
        }
        if !self.accepted {
            return "Never: training has found nothing better than its start, and the start was kept.".into();
        }
        let Some(fastest) = self.fastest_iterative() else {
            return format!("No classical solver that was tried converged; the learned one takes {learned}.");
        };
        let classical = time(fastest.solve_seconds);
        match self.break_even() {
            Some(break_even @ BreakEven { until: None, .. }) => format!(
                "Training has paid back after {}: the fastest classical solve takes {classical} ({}), the learned one {learned}.",
                solves(break_even),
                fastest.configuration
            ),
            Some(break_even) => format!(
                "Training pays for {} only, because of its setup: the fastest classical solve takes {classical} ({}), the learned one {learned}.",
                solves(break_even),
                fastest.configuration
            ),
            None => format!(
                "Never: a classical solve takes {classical} ({}), the learned one {learned}.",
                fastest.configuration
            ),
        }
    }

    /// A warning where the timings do not tell the two apart.
    fn uncertainty(&self) -> Option<String> {
        let fastest = self.fastest_iterative()?;
        let undecided = self.accepted && self.learned.converged && self.learned.overlaps(fastest);
        undecided.then(|| {
            "Their times overlap between right-hand sides, so this is uncertain; measure again with more of them."
                .into()
        })
    }

    fn against_direct(&self) -> String {
        let Some(direct) = &self.direct else {
            let reason = self.direct_left_out.as_deref().unwrap_or("it was not asked for");
            return format!("The direct solver was left out: {reason}.");
        };
        if !direct.converged {
            return format!("The direct solver did not reach the tolerance: {}.", direct.status);
        }
        let costs = format!(
            "{} a solve after {} of factorisation",
            time(direct.solve_seconds),
            time(direct.setup_seconds)
        );
        let rival = self.rival(direct);
        if direct.solve_seconds < rival.solve_seconds {
            let mut text = format!(
                "For repeated right-hand sides use the direct solver: {costs}, where the fastest iterative solve takes {}",
                time(rival.solve_seconds)
            );
            match self.break_even_direct() {
                Some(BreakEven { until: Some(until), .. }) => {
                    text += &format!("; up to {until:.0} solves the learned solver takes less in all");
                }
                _ => text += "; the learned solver never catches up with it",
            }
            return text + ".";
        }
        match self.break_even_direct() {
            Some(break_even) => format!(
                "The direct solver takes {costs}; against it training has paid back after {}.",
                solves(break_even)
            ),
            None => format!("The direct solver takes {costs}; against it training never pays back."),
        }
    }

    /// The fastest iterative solve, learned or not; the direct one if no other converged.
    fn rival<'a>(&'a self, direct: &'a Entry) -> &'a Entry {
        let learned = Some(&self.learned).filter(|e| e.converged);
        let fastest = learned.into_iter().chain(self.fastest_iterative());
        fastest.min_by(|p, q| p.solve_seconds.total_cmp(&q.solve_seconds)).unwrap_or(direct)
    }
}

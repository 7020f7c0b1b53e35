//! What an account comes to, in plain language.

use super::break_even::BreakEven;
use super::{CostReport, Entry};

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
    /// What the account comes to: against the classical iterative solvers, against the direct one,
    /// and what was left out. One sentence each.
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

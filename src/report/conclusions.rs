//! What a report concludes from its measurements: advice, and the solvers for many solves.

use super::Page;
use super::break_even::Line;
use crate::solver::Compared;

/// Solves up to which total times are shown without a training.
const SOLVES: usize = 1000;

/// Sentences of advice, at least one.
pub(super) fn advice(page: &Page) -> Vec<String> {
    let mut sentences: Vec<String> = page.outcome.advice.iter().cloned().collect();
    let fastest = page.comparison.as_ref().and_then(|c| c.rows.iter().find(|r| r.converged));
    if let Some(c) = fastest.filter(|c| !c.automatic) {
        let own = page.comparison.iter().flat_map(|c| &c.rows).find(|r| r.automatic && r.converged);
        let ratio = own.map(|own| own.total_seconds / c.total_seconds);
        if ratio.is_none_or(|ratio| ratio > 1.2) {
            sentences.push(format!(
                "The fastest configuration for one solve is {}{}.",
                c.configuration,
                ratio.map_or(String::new(), |r| format!(", {r:.1} times as fast as the automatic choice"))
            ));
        }
    }
    if let Some(report) = &page.solves {
        sentences.push(report.reason.clone());
    }
    if let Some(e) =
        page.slowest.as_ref().filter(|e| page.levels.len() > 1 && e.factor > 0.9 && e.is_smooth())
    {
        sentences.push(format!(
            "The slowest error is smooth (energy {:.1e}) and its factor is {:.2}: the coarse levels do not represent it. Near-nullspace candidates, another coarsening, or a smaller strength threshold may help.",
            e.energy, e.factor
        ));
    }
    sentences.extend(page.notes.iter().cloned());
    if sentences.is_empty() {
        sentences.push("There is nothing to change.".into());
    }
    sentences
}

/// The automatic choice, the fastest solve of the comparison, a direct solver, and what training keeps.
pub(super) fn lines(page: &Page) -> (Vec<Line>, usize) {
    let mut lines = Vec::new();
    let line = |name: String, before: f64, solve: f64| Line { name, before, solve };
    let rows = page.comparison.as_ref().map_or(&[][..], |c| &c.rows);
    let mut add = |lead: &str, row: Option<&Compared>| {
        let Some(r) = row.filter(|r| r.converged) else { return };
        let name = format!("{lead}: {}", r.configuration);
        lines.push(line(name, r.setup_seconds, r.solve_seconds));
    };
    add("automatic", rows.iter().find(|r| r.automatic));
    let others = || rows.iter().filter(|r| !r.automatic && r.converged);
    add("fastest solve", others().min_by(|p, q| p.solve_seconds.total_cmp(&q.solve_seconds)));
    let Some(report) = page.solves.as_ref().filter(|r| r.replaced()) else { return (lines, SOLVES) };
    let kept = &report.attempts[report.kept];
    if let Some(solve) = kept.solve_seconds {
        lines.push(line(format!("kept: {}", kept.name), page.seconds.0 + report.seconds, solve));
    }
    (lines, report.solves)
}

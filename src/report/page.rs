//! The page: sections in the order of a reader's questions.

use super::break_even::break_even;
use super::conclusions::{advice, lines};
use super::html::{count, escaped, figure, list, paragraph, seconds, section, table};
use super::pictures::{band, bars, sparsity};
use super::{Page, SlowestError};
use crate::error::Result;
use crate::plot::{FieldPlot, ResidualPlot, TrainingPlot};
use crate::solver::Compared;

/// Histories in the picture of residuals.
const HISTORIES: usize = 6;
/// Rows of the table of configurations.
const CONFIGURATIONS: usize = 12;

pub(super) fn document(page: &Page) -> Result<String> {
    let sections = [
        tiles(page),
        properties(page),
        choice(page),
        section("Advice", &list(&advice(page))),
        levels(page),
        slowest(page)?,
        configurations(page)?,
        training(page)?,
        section("The solver in full", &format!("<pre>{}</pre>\n", escaped(&page.solver))),
    ];
    let title = escaped(&page.title);
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{}</style>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n{}{}<footer>multigrad {}</footer>\n</main>\n</body>\n</html>\n",
        include_str!("page.css"),
        verdict(page),
        sections.concat(),
        env!("CARGO_PKG_VERSION")
    ))
}

/// A plot, which keeps a readable width on a narrow screen.
fn plotted(svg: &str) -> String {
    format!("<div class=\"plot\">{svg}</div>")
}

fn verdict(page: &Page) -> String {
    let out = &page.outcome;
    let (class, word) = if out.converged() { ("good", "converged") } else { ("bad", "did not converge") };
    let by = out.solver.as_deref().unwrap_or(&page.summary);
    format!(
        "<p class=\"verdict\">The solve <b class=\"{class}\">{word}</b>: {} iteration{} of {}, {}.</p>\n",
        out.iterations,
        if out.iterations == 1 { "" } else { "s" },
        out.krylov.map_or("a direct solver", crate::krylov::Krylov::name),
        escaped(by)
    )
}

fn tiles(page: &Page) -> String {
    let p = &page.properties;
    let tile = |value: String, name: &str| {
        format!("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", escaped(value), escaped(name))
    };
    let backward = page.outcome.backward_error;
    [
        "<div class=\"tiles\">\n".to_string(),
        tile(count(p.rows), "unknowns"),
        tile(count(p.nonzeros), "nonzeros"),
        tile(seconds(page.seconds.0), "setup"),
        tile(seconds(page.seconds.1), "solve"),
        tile(format!("{:.1e}", page.outcome.relative_residual()), "relative residual"),
        backward.map_or(String::new(), |b| tile(format!("{b:.1e}"), "backward error")),
        tile(format!("{:.0}", page.bytes_per_unknown), "bytes per unknown"),
        "</div>\n".to_string(),
    ]
    .concat()
}

fn properties(page: &Page) -> String {
    let text = page.properties.to_string();
    // Names and values are separated by at least two spaces.
    let rows: Vec<Vec<String>> = text
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(name, value)| vec![name.trim().to_string(), value.trim().to_string()])
        .collect();
    section("The matrix", &table(&[("property", false), ("value", false)], &rows, &|_| false))
}

fn choice(page: &Page) -> String {
    let mut text = paragraph(format!("{}.", page.summary));
    if page.reasons.is_empty() {
        text += &paragraph("The configuration was specified explicitly.");
    } else {
        text += &list(&page.reasons);
    }
    if !page.outcome.attempts.is_empty() {
        text += &paragraph("Attempts that did not converge:");
        text += &list(&page.outcome.attempts);
    }
    if let Some(other) = &page.outcome.solver {
        text += &paragraph(format!("The answer is that of {other}, which the sections below describe."));
    }
    section("What was chosen, and why", &text)
}

fn levels(page: &Page) -> String {
    if page.levels.is_empty() {
        return String::new();
    }
    let nonzeros = page.levels[0].nonzeros.max(1) as f64;
    let rows: Vec<Vec<String>> = page
        .levels
        .iter()
        .enumerate()
        .map(|(at, l)| {
            vec![
                (at + 1).to_string(),
                count(l.rows),
                count(l.nonzeros),
                format!("{:.1}", l.nonzeros as f64 / l.rows.max(1) as f64),
                format!("{:.3}", l.nonzeros as f64 / nonzeros),
                l.seconds.map_or("–".into(), seconds),
            ]
        })
        .collect();
    let head = [
        ("level", true),
        ("rows", true),
        ("nonzeros", true),
        ("nonzeros per row", true),
        ("relative to the finest", true),
        ("time per visit", true),
    ];
    let mut text = table(&head, &rows, &|_| false);
    let times: Vec<(String, f64, String)> = page
        .levels
        .iter()
        .enumerate()
        .filter_map(|(at, l)| Some((format!("level {}", at + 1), l.seconds?, seconds(l.seconds?))))
        .collect();
    if times.len() > 1 {
        text += &figure(
            &bars(&times),
            "Time that a cycle spends on each level per visit, without the coarser levels.",
        );
    }
    text += "<div class=\"levels\">\n";
    for (at, level) in page.levels.iter().enumerate() {
        text += &figure(&sparsity(level), format!("level {}, {} rows", at + 1, count(level.rows)));
    }
    section("Levels", &(text + "</div>\n"))
}

fn slowest(page: &Page) -> Result<String> {
    let Some(slowest) = &page.slowest else { return Ok(String::new()) };
    let SlowestError { factor, values, energy, steps } = slowest;
    let kind = slowest.kind();
    let text = paragraph(format!(
        "Without a Krylov method, each cycle multiplies the slowest error by {factor:.3} (estimated by {steps} steps of power iteration).{} It is {kind}: eᵀAe / eᵀDe = {energy:.1e}, where D contains the absolute values of the diagonal of A.",
        if *factor > 1.0 {
            " The plain iteration diverges; with a Krylov method it may still converge."
        } else {
            ""
        }
    ));
    let points = page.coordinates.as_ref().filter(|c| c.cols() == 2);
    let picture = match points {
        Some(c) => {
            let points: Vec<[f64; 2]> = (0..c.rows()).map(|i| [c[[i, 0]], c[[i, 1]]]).collect();
            let plot = FieldPlot::new("", &points, values)?.label("error");
            figure(
                &plotted(&plot.render_svg()?),
                "The slowest error on the mesh, scaled to a largest value of 1.",
            )
        }
        None => figure(
            &band(values),
            "The slowest error, by index of the unknown; the vertical axis runs from −1 to 1. Each column shows the range of the values of some consecutive unknowns. With coordinates in the plane the error is drawn on the mesh.",
        ),
    };
    Ok(section("The slowest error", &(text + &picture)))
}

fn configurations(page: &Page) -> Result<String> {
    let rows: &[Compared] = page.comparison.as_ref().map_or(&[], |c| &c.rows);
    let mut plot = ResidualPlot::new("");
    let mut drawn = 0;
    let mut add = |name: &str, history: &[f64]| {
        if history.len() > 1 {
            plot = plot.clone().series(name, history);
            drawn += 1;
        }
    };
    if rows.is_empty() {
        add(&page.summary, &page.outcome.residual_history);
    }
    let automatic = rows.iter().position(|r| r.automatic);
    let others = (0..rows.len()).filter(|at| Some(*at) != automatic).take(HISTORIES - 1);
    for at in automatic.into_iter().chain(others) {
        add(&rows[at].configuration, &rows[at].residual_history);
    }
    let mut text = String::new();
    if drawn > 0 {
        text += &figure(
            &plotted(&plot.render_svg()?),
            "Relative residuals. The time of an iteration differs between configurations; see the times in the table.",
        );
    }
    if let Some(comparison) = page.comparison.as_ref().filter(|c| !c.rows.is_empty()) {
        let shown: Vec<&Compared> = comparison
            .rows
            .iter()
            .enumerate()
            .filter(|(at, r)| *at < CONFIGURATIONS || r.automatic)
            .map(|(_, r)| r)
            .collect();
        let cells: Vec<Vec<String>> = shown
            .iter()
            .map(|r| {
                vec![
                    r.configuration.clone(),
                    seconds(r.setup_seconds),
                    seconds(r.solve_seconds),
                    if r.converged { r.iterations.to_string() } else { format!("{} ✗", r.iterations) },
                    format!("{:.2}", r.operator_complexity),
                ]
            })
            .collect();
        let head = [
            ("configuration", false),
            ("setup", true),
            ("solve", true),
            ("iterations", true),
            ("operator complexity", true),
        ];
        text += &table(&head, &cells, &|at| shown[at].automatic);
        let left = comparison.rows.len() - shown.len();
        text += &paragraph(format!(
            "The automatic choice is highlighted. {}✗ marks a solve that did not converge.",
            if left > 0 {
                format!("Not shown: {left} further configurations, which were slower or did not converge. ")
            } else {
                String::new()
            }
        ));
        if !comparison.failures.is_empty() {
            text += &paragraph("Not measured:");
            text += &list(&comparison.failures);
        }
    }
    let heading = if rows.is_empty() { "Residual history" } else { "Other configurations" };
    Ok(if text.is_empty() { text } else { section(heading, &text) })
}

fn training(page: &Page) -> Result<String> {
    let mut text = String::new();
    let (lines, solves) = lines(page);
    if lines.len() > 1
        && let Some(plot) = break_even("", &lines, solves)
    {
        text += &figure(
            &plotted(&plot.render_svg()?),
            "Total time against the number of solves with this matrix. \"Slower from N solves on\" compares with the last line of the legend.",
        );
    }
    if let Some(report) = &page.solves {
        text += &format!("<div class=\"wide\"><pre>{}</pre></div>\n", escaped(report));
    }
    if let Some(report) = page.training.as_ref().filter(|r| !r.loss_history.is_empty()) {
        let plot = TrainingPlot::new("").loss(&report.loss_history).factor(&report.factor_history);
        text += &figure(
            &plotted(&plot.render_svg()?),
            "The loss and the convergence factor during the default training.",
        );
        text += &format!("<div class=\"wide\"><pre>{}</pre></div>\n", escaped(report));
    }
    Ok(if text.is_empty() { text } else { section("Many solves with this matrix", &text) })
}

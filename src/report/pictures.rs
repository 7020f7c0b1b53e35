//! Small pictures of a report, as SVG in the colours of the page.

use std::fmt::Write;

use super::levels::LevelFigures;

/// Columns of the picture of an error without coordinates.
const COLUMNS: usize = 240;

/// The sparsity of a level: darker cells have more entries.
pub(super) fn sparsity(level: &LevelFigures) -> String {
    let cells = level.cells.max(1);
    let most = level.counts.iter().copied().max().unwrap_or(1).max(1);
    let mut squares = String::new();
    for (at, &count) in level.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        // The square root makes single entries visible.
        let shade = 0.15 + 0.85 * (f64::from(count) / f64::from(most)).sqrt();
        let _ = write!(
            squares,
            "<rect x=\"{}\" y=\"{}\" width=\"1.04\" height=\"1.04\" opacity=\"{shade:.2}\"/>",
            at % cells,
            at / cells
        );
    }
    format!(
        "<svg class=\"sparsity\" viewBox=\"0 0 {cells} {cells}\" role=\"img\" aria-label=\"sparsity of a matrix of {} rows\">{squares}</svg>",
        level.rows
    )
}

/// Values against their numbers: the band between the least and the largest value of each column.
pub(super) fn band(values: &[f64]) -> String {
    let columns = COLUMNS.min(values.len().max(1));
    let mut upper = String::new();
    let mut lower = String::new();
    for c in 0..columns {
        let part = &values[c * values.len() / columns..(c + 1) * values.len() / columns];
        let (lo, hi) =
            part.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        let x = 800.0 * (c as f64 + 0.5) / columns as f64;
        let y = |v: f64| 100.0 - 90.0 * v.clamp(-1.0, 1.0);
        let _ = write!(upper, "{x:.1},{:.1} ", y(hi + 0.005));
        lower.insert_str(0, &format!("{x:.1},{:.1} ", y(lo - 0.005)));
    }
    format!(
        "<svg class=\"band\" viewBox=\"0 0 800 200\" role=\"img\" aria-label=\"error against the number of the unknown\">\
         <line x1=\"0\" y1=\"100\" x2=\"800\" y2=\"100\"/><polygon points=\"{upper}{lower}\"/></svg>"
    )
}

/// Bars with names and times, the longest as wide as the page.
pub(super) fn bars(rows: &[(String, f64, String)]) -> String {
    let most = rows.iter().map(|r| r.1).fold(0.0, f64::max);
    let mut out = String::from("<div class=\"bars\">\n");
    for (name, value, text) in rows {
        let share = if most > 0.0 { 100.0 * value / most } else { 0.0 };
        let _ = writeln!(
            out,
            "<span>{name}</span><span class=\"bar\"><i style=\"width:{share:.1}%\"></i></span><span class=\"n\">{text}</span>"
        );
    }
    out.push_str("</div>\n");
    out
}

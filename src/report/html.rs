//! Pieces of HTML.

use std::fmt::Display;

/// The text with the special characters of HTML escaped.
pub(super) fn escaped(text: impl Display) -> String {
    let mut out = String::new();
    for c in text.to_string().chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// A section with a heading and content that is HTML already.
pub(super) fn section(heading: &str, content: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{content}</section>\n", escaped(heading))
}

/// A paragraph of text.
pub(super) fn paragraph(text: impl Display) -> String {
    format!("<p>{}</p>\n", escaped(text))
}

/// A list of sentences. Each begins with a capital letter and ends with a full stop.
pub(super) fn list(sentences: &[String]) -> String {
    let items: String = sentences.iter().map(|s| format!("<li>{}</li>\n", escaped(sentence(s)))).collect();
    format!("<ul>\n{items}</ul>\n")
}

fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", rest.as_str())
}

/// A table. Cells whose column is marked are numbers, flush right; `strong` names the highlighted rows.
pub(super) fn table(head: &[(&str, bool)], rows: &[Vec<String>], strong: &dyn Fn(usize) -> bool) -> String {
    let class = |number: bool| if number { " class=\"n\"" } else { "" };
    let head_cells: String =
        head.iter().map(|(name, number)| format!("<th{}>{}</th>", class(*number), escaped(name))).collect();
    let mut body = String::new();
    for (at, row) in rows.iter().enumerate() {
        body.push_str(if strong(at) { "<tr class=\"strong\">" } else { "<tr>" });
        for (cell, (_, number)) in row.iter().zip(head) {
            body.push_str(&format!("<td{}>{}</td>", class(*number), escaped(cell)));
        }
        body.push_str("</tr>\n");
    }
    format!(
        "<div class=\"wide\"><table>\n<thead><tr>{head_cells}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )
}

/// A figure: a picture that is HTML or SVG already, and its caption.
pub(super) fn figure(picture: &str, caption: impl Display) -> String {
    format!("<figure>\n{picture}\n<figcaption>{}</figcaption>\n</figure>\n", escaped(caption))
}

/// Seconds in a readable unit.
pub(super) fn seconds(s: f64) -> String {
    match s {
        s if !s.is_finite() => "–".into(),
        s if s >= 100.0 => format!("{s:.0} s"),
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 1e-3 => format!("{:.1} ms", 1e3 * s),
        s => format!("{:.0} µs", 1e6 * s),
    }
}

/// A whole number with thin spaces between groups of three digits.
pub(super) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, c) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
}

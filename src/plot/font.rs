//! Bundled fonts: widths, line breaking, glyphs.
//!
//! Subsets of DejaVu Sans (Latin, Greek, superscripts, subscripts, common
//! mathematics; licence in `fonts/LICENSE`), so that no system font is needed. The
//! glyphs of a PNG are placed here, because the text of `plotters` drops side bearings.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, Glyph, GlyphId, PxScale, ScaleFont, point};

/// The font families requested in an SVG.
pub(super) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

type Face = LazyLock<Option<FontRef<'static>>>;
static REGULAR: Face = LazyLock::new(|| FontRef::try_from_slice(include_bytes!("fonts/DejaVuSans.ttf")).ok());
static BOLD: Face =
    LazyLock::new(|| FontRef::try_from_slice(include_bytes!("fonts/DejaVuSans-Bold.ttf")).ok());

fn face(bold: bool) -> Option<&'static FontRef<'static>> {
    if bold { BOLD.as_ref() } else { REGULAR.as_ref() }
}

/// Glyphs on a baseline that starts at the origin, and the length of that baseline.
fn layout(text: &str, size: f64, bold: bool) -> (Vec<Glyph>, f64) {
    let Some(font) = face(bold) else { return (Vec::new(), 0.0) };
    let em = font.units_per_em().unwrap_or(2048.0);
    let scale = PxScale::from(size as f32 * font.height_unscaled() / em);
    let scaled = font.as_scaled(scale);
    let (mut x, mut last) = (0.0f32, None::<GlyphId>);
    let mut glyphs = Vec::new();
    for c in text.chars() {
        let id = font.glyph_id(c);
        x += last.map_or(0.0, |l| scaled.kern(l, id));
        glyphs.push(id.with_scale_and_position(scale, point(x, 0.0)));
        x += scaled.h_advance(id);
        last = Some(id);
    }
    (glyphs, f64::from(x))
}

/// Length of a line of text, in the units of `size` (pixels per em).
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    layout(text, size, bold).1
}

/// Calls `dot(x, y, coverage)` for each pixel of the text, whose baseline starts at
/// `start` (pixels from the origin; y down).
pub(super) fn rasterise(
    text: &str,
    size: f64,
    bold: bool,
    start: (f64, f64),
    mut dot: impl FnMut(i64, i64, f32),
) {
    let Some(font) = face(bold) else { return };
    for mut glyph in layout(text, size, bold).0 {
        glyph.position.x += start.0 as f32;
        glyph.position.y += start.1 as f32;
        if let Some(outline) = font.outline_glyph(glyph) {
            let corner = outline.px_bounds().min;
            let (x0, y0) = (corner.x as i64, corner.y as i64);
            outline.draw(|x, y, c| dot(x0 + i64::from(x), y0 + i64::from(y), c));
        }
    }
}

/// One line without characters that XML forbids or that would move the pen.
pub(super) fn clean(text: &str) -> String {
    let bad = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FFFE}' | '\u{FFFF}');
    let spaced: String = text.chars().map(|c| if bad(c) { ' ' } else { c }).collect();
    spaced.trim().to_owned()
}

/// The text, cut with an ellipsis where it is longer than `limit`.
pub(super) fn cut(text: &str, size: f64, bold: bool, limit: f64) -> String {
    if width(text, size, bold) <= limit {
        return text.to_owned();
    }
    let room = limit - width("…", size, bold);
    let (head, _) = split(text, size, bold, room);
    format!("{}…", head.trim_end())
}

/// Breaks text at spaces into at most `lines` lines of length `limit`; the rest is cut with an ellipsis.
pub(super) fn wrap(text: &str, size: f64, bold: bool, limit: f64, lines: usize) -> Vec<String> {
    let mut done = Vec::new();
    let mut rest = text.trim();
    while done.len() + 1 < lines && width(rest, size, bold) > limit {
        let (head, _) = split(rest, size, bold, limit);
        let at = head.rfind(' ').filter(|&at| at > 0).unwrap_or(head.len());
        if at == 0 {
            break;
        }
        done.push(rest[..at].trim_end().to_owned());
        rest = rest[at..].trim_start();
    }
    done.push(cut(rest, size, bold, limit));
    done
}

/// The longest beginning that fits, and the rest.
fn split(text: &str, size: f64, bold: bool, limit: f64) -> (&str, &str) {
    let (glyphs, total) = layout(text, size, bold);
    let ends = glyphs.iter().skip(1).map(|g| f64::from(g.position.x)).chain([total]);
    let fits = ends.take_while(|&end| end <= limit).count();
    let at = text.char_indices().nth(fits).map_or(text.len(), |(at, _)| at);
    text.split_at(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_fonts_hold_the_signs_of_the_trade() {
        for bold in [false, true] {
            let font = face(bold).expect("bundled font");
            for c in "azAZ09 ‖−⁻⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₉ω∞≤…·×ℓ\u{2009}".chars()
            {
                assert_ne!(font.glyph_id(c).0, 0, "{c}");
            }
        }
    }

    #[test]
    fn widths_scale_and_cuts_fit() {
        let w = width("relative residual", 10.0, false);
        assert!((width("relative residual", 20.0, false) / w - 2.0).abs() < 1e-3);
        assert!((60.0..110.0).contains(&w));
        let text = "a long name ".repeat(30);
        let short = cut(&text, 15.0, true, 120.0);
        assert!(short.ends_with('…') && width(&short, 15.0, true) <= 120.0);
        let lines = wrap(&text, 15.0, false, 150.0, 3);
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|l| width(l, 15.0, false) <= 150.0));
        assert_eq!(wrap("Donaudampfschifffahrt", 15.0, false, 3.0, 3).len(), 1);
    }

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(clean("a\nb\u{0}c\t"), "a b c");
    }
}

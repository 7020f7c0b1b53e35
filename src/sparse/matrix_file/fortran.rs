//! Lines of fields of fixed width, as Fortran's formats `(13I6)`, `(5E16.8)` and `(1P,4D20.12)` write them.

use crate::error::{Error, Result};
use crate::sparse::matrix_market::scanner::{is_exact, quote};

/// A format: `repeat` fields of `width` characters on each line.
pub(super) struct Format {
    repeat: usize,
    width: usize,
    /// Digits after an implied decimal point; 0 for integers.
    decimals: usize,
    /// The power of ten by which numbers without an exponent are divided.
    scale: i32,
}

impl Format {
    /// Parses the text between parentheses, such as `1P,4E20.12`.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text: Vec<u8> =
            text.iter().filter(|b| !b.is_ascii_whitespace()).map(u8::to_ascii_uppercase).collect();
        let mut rest = text.as_slice();
        let mut scale = 0;
        if let Some(p) = rest.iter().position(|&b| b == b'P') {
            scale = std::str::from_utf8(&rest[..p]).ok()?.parse().ok().filter(|s: &i32| s.abs() < 100)?;
            rest = &rest[p + 1..];
            rest = rest.strip_prefix(b",").unwrap_or(rest);
        }
        // A group within, as in 1P,(4E20.12).
        if let Some(inner) = rest.strip_prefix(b"(").and_then(|r| r.strip_suffix(b")")) {
            rest = inner;
        }
        let repeat = if rest.first()?.is_ascii_digit() { number(&mut rest)? } else { 1 };
        let letters = rest.iter().take_while(|b| b.is_ascii_uppercase()).count();
        let letter = &rest[..letters];
        rest = &rest[letters..];
        let width = number(&mut rest)?;
        let mut decimals = 0;
        if let Some(r) = rest.strip_prefix(b".") {
            rest = r;
            decimals = number(&mut rest)?;
        }
        // The digits of the exponent, as in E20.12E3.
        if let Some(r) = rest.strip_prefix(b"E") {
            rest = r;
            number(&mut rest)?;
        }
        let known = matches!(letter, b"I" | b"E" | b"D" | b"F" | b"G" | b"ES" | b"EN");
        let sizes = (1..=10_000).contains(&repeat) && (1..=1_000).contains(&width) && decimals <= 1_000;
        let decimals = if letter == b"I" { 0 } else { decimals };
        (known && sizes && rest.is_empty()).then_some(Self { repeat, width, decimals, scale })
    }
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, after) = rest.split_at(digits);
    *rest = after;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// The words of a line.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// The lines of a file, with the number of the current one.
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    name: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8], name: &'a str) -> Self {
        Self { rest: bytes, name, number: 0 }
    }

    /// The next line without its end.
    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|&b| b == b'\n').unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        self.number += 1;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// An error at the current line.
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        Error::format(message).at(format_args!("{}, line {}", self.name, self.number.max(1)))
    }

    /// Calls `visit` with each of `count` fields, which fill lines of their own.
    fn fields(
        &mut self,
        what: &str,
        count: usize,
        format: &Format,
        mut visit: impl FnMut(&Self, &'a [u8]) -> Result<()>,
    ) -> Result<()> {
        let mut found = 0;
        while found < count {
            let Some(line) = self.next() else {
                return Err(self.error(format!(
                    "the file declares {count} {what} but ends after {found}; it is truncated, fetch or write it again"
                )));
            };
            let expected = format.repeat.min(count - found);
            // Some writers, SciPy among them, separate fields by blanks and do not keep to the width.
            if words(line).count() == expected {
                words(line).try_for_each(|field| visit(self, field))?;
            } else {
                for k in 0..expected {
                    let start = (k * format.width).min(line.len());
                    let field = line[start..line.len().min(start + format.width)].trim_ascii();
                    if words(field).count() != 1 {
                        return Err(self.error(format!(
                            "characters {} to {} must hold one of the {what}, found {}; correct the line, or the \
                             format in line 4, which says {} fields of {} characters",
                            k * format.width + 1,
                            (k + 1) * format.width,
                            quote(field),
                            format.repeat,
                            format.width
                        )));
                    }
                    visit(self, field)?;
                }
            }
            found += expected;
        }
        Ok(())
    }

    /// Whole numbers from 1 to `limit`.
    pub(super) fn integers(
        &mut self,
        what: &str,
        count: usize,
        format: &Format,
        limit: usize,
    ) -> Result<Vec<u32>> {
        let mut values = Vec::with_capacity(count.min(self.rest.len()));
        self.fields(what, count, format, |lines, field| {
            let value = std::str::from_utf8(field).ok().and_then(|text| text.parse::<u32>().ok());
            match value.filter(|&v| v >= 1 && v as usize <= limit) {
                Some(value) => values.push(value),
                None => {
                    return Err(lines.error(format!(
                        "{} is not one of the {what}, which are whole numbers from 1 to {limit}",
                        quote(field)
                    )));
                }
            }
            Ok(())
        })?;
        Ok(values)
    }

    /// Finite numbers; integers of at most 2⁵³ in size if `integral`.
    pub(super) fn reals(
        &mut self,
        what: &str,
        count: usize,
        format: &Format,
        integral: bool,
    ) -> Result<Vec<f64>> {
        let mut values = Vec::with_capacity(count.min(self.rest.len()));
        self.fields(what, count, format, |lines, field| {
            let why = match real(field, format) {
                None => "is not a number",
                Some(v) if !v.is_finite() => "is not finite; write a number of at most 1.7e308",
                Some(v) if integral && v.trunc() != v => "is not an integer as line 3 says",
                Some(v) if integral && !is_exact(field, v) => {
                    "is an integer above 2^53, which a 64-bit real rounds; scale the matrix, or declare it real"
                }
                Some(v) if v != 0.0 && format.decimals > 0 && !field.contains(&b'.') => {
                    "has no decimal point, and programs differ on where they put it; write the point"
                }
                Some(v) => {
                    values.push(v);
                    return Ok(());
                }
            };
            Err(lines.error(format!("the value {} {why}", quote(field))))
        })?;
        Ok(values)
    }
}

/// A number with an exponent letter E, D or Q, or with none (`1.5-101`).
fn real(field: &[u8], format: &Format) -> Option<f64> {
    let mut text = std::str::from_utf8(field).ok()?.replace(['d', 'D', 'q', 'Q', 'E'], "e");
    if !text.contains('e') {
        match text.rfind(['+', '-']) {
            Some(at) if at > 0 => text.insert(at, 'e'),
            _ if format.scale != 0 => text.push_str(&format!("e{}", -format.scale)),
            _ => {}
        }
    }
    text.parse().ok()
}

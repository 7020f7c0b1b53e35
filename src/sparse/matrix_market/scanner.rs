//! Scanner of Matrix Market files: bytes to lines, fields and numbers, with the line of every error.

use crate::error::{Error, Result};

/// The first word of a file.
const BANNER: &[u8] = b"%%MatrixMarket";

/// The largest integer up to which all integers are 64-bit reals.
const LARGEST_INTEGER: u64 = 1 << 53;

/// A place in the bytes of a file.
#[derive(Clone, Copy)]
pub(in crate::sparse) struct Scanner<'a> {
    bytes: &'a [u8],
    next: usize,
    /// Line of the next byte, counted from 1.
    line: usize,
    name: &'a str,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of `bytes`, after a byte order mark; `name` is the name of the file in errors.
    pub(in crate::sparse) fn new(bytes: &'a [u8], name: &'a str) -> Self {
        let next = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Self { bytes, next, line: 1, name }
    }

    /// The unread bytes.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.next.min(self.bytes.len())..]
    }

    /// Line of the next byte, counted from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The name of the file.
    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    /// An error at the current line.
    pub(super) fn error(&self, message: impl Into<String>) -> Error {
        Error::format(message).at(format_args!("{}, line {}", self.name, self.line))
    }

    /// Goes to the next line with fields, after blank lines and comments; false at the end.
    #[inline]
    pub(super) fn next_data_line(&mut self) -> bool {
        while let Some(&byte) = self.bytes.get(self.next) {
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.next += 1;
                }
                b'%' => self.skip_line(),
                _ if is_blank(byte) => self.next += 1,
                _ => return true,
            }
        }
        false
    }

    /// Goes to the next line that is not blank, including comments.
    pub(in crate::sparse) fn skip_blank_lines(&mut self) {
        while let Some(&byte) = self.bytes.get(self.next) {
            match byte {
                b'\n' => self.line += 1,
                _ if is_blank(byte) => {}
                _ => return,
            }
            self.next += 1;
        }
    }

    /// Goes to the header of another matrix behind the entries, after blank lines and comments; false if there is
    /// none.
    pub(super) fn next_header(&mut self) -> bool {
        loop {
            self.skip_blank_lines();
            if self.starts_with_banner() {
                return true;
            }
            if self.bytes.get(self.next) != Some(&b'%') {
                return false;
            }
            self.skip_line();
        }
    }

    /// Whether the first word of a Matrix Market file follows, in any case.
    pub(in crate::sparse) fn starts_with_banner(&self) -> bool {
        self.rest().get(..BANNER.len()).is_some_and(|start| start.eq_ignore_ascii_case(BANNER))
    }

    /// Goes to the end of the current line.
    fn skip_line(&mut self) {
        while self.bytes.get(self.next).is_some_and(|&byte| byte != b'\n') {
            self.next += 1;
        }
    }

    /// The next field of the current line.
    #[inline]
    pub(super) fn field(&mut self) -> Option<&'a [u8]> {
        let mut start = self.next;
        while self.bytes.get(start).is_some_and(|&byte| is_blank(byte)) {
            start += 1;
        }
        let mut end = start;
        while self.bytes.get(end).is_some_and(|&byte| byte != b'\n' && !is_blank(byte)) {
            end += 1;
        }
        self.next = end;
        if end > start { Some(&self.bytes[start..end]) } else { None }
    }

    /// The next field of the current line, which must exist; `line_holds` describes the contents of the line.
    #[inline]
    pub(super) fn expect_field(&mut self, line_holds: &str) -> Result<&'a [u8]> {
        self.field().ok_or_else(|| self.error(format!("the line is too short; it must hold {line_holds}")))
    }

    /// The end of the current line.
    #[inline]
    pub(super) fn expect_end_of_line(&mut self, line_holds: &str) -> Result<()> {
        match self.field() {
            None => Ok(()),
            Some(field) => Err(self
                .error(format!("{} is one field too many; the line must hold {line_holds}", quote(field)))),
        }
    }

    /// A count or an index: decimal digits.
    #[inline]
    pub(super) fn integer(&self, what: &str, field: &[u8]) -> Result<u64> {
        let mut value = 0u64;
        for &byte in field {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return Err(self.error(format!("{what} must be a whole number, found {}", quote(field))));
            }
            value = value.saturating_mul(10).saturating_add(u64::from(digit));
        }
        Ok(value)
    }

    /// The finite value of the entry (i, j), counted from 0; accepts Fortran's exponent letter D.
    #[inline]
    pub(super) fn value(&self, field: &[u8], integral: bool, i: u32, j: u32) -> Result<f64> {
        let parsed = std::str::from_utf8(field)
            .ok()
            .and_then(|text| text.parse::<f64>().ok().or_else(|| text.replace(['d', 'D'], "e").parse().ok()));
        match parsed {
            Some(value) if value.is_finite() && (!integral || is_exact(field, value)) => Ok(value),
            _ => Err(self.bad_value(field, parsed, i, j)),
        }
    }

    #[cold]
    fn bad_value(&self, field: &[u8], parsed: Option<f64>, i: u32, j: u32) -> Error {
        let why = match parsed {
            None => "is not a number",
            Some(value) if value.trunc() == value && value.is_finite() => {
                "is an integer above 2^53, which a 64-bit real rounds; scale the matrix, or declare the field \
                 'real' to accept the rounding"
            }
            Some(value) if value.is_finite() => {
                "is not an integer as the header says; declare the field 'real'"
            }
            Some(_) if field.iter().any(u8::is_ascii_digit) => "is too large for a 64-bit real",
            Some(_) => "is not finite; write a number or leave the entry out",
        };
        let (row, column) = (u64::from(i) + 1, u64::from(j) + 1);
        self.error(format!("the value {} in row {row}, column {column} {why}", quote(field)))
    }
}

/// Whether the field is an integer of at most 2⁵³ in size, which is read without rounding.
#[inline]
pub(in crate::sparse) fn is_exact(field: &[u8], value: f64) -> bool {
    let limit = LARGEST_INTEGER as f64;
    // 2⁵³ + 1 is rounded to 2⁵³, so at the limit the digits decide.
    value.trunc() == value
        && (value.abs() < limit
            || std::str::from_utf8(field)
                .is_ok_and(|t| t.parse::<i64>().is_ok_and(|n| n.unsigned_abs() == LARGEST_INTEGER)))
}

#[inline(always)]
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)
}

/// A field for an error message: printable and short.
pub(in crate::sparse) fn quote(field: &[u8]) -> String {
    let short = &field[..field.len().min(40)];
    let text = match std::str::from_utf8(short) {
        Ok(text) if !text.contains(char::is_control) => text.to_string(),
        _ => short.escape_ascii().to_string(),
    };
    format!("'{text}{}'", if field.len() > 40 { "…" } else { "" })
}

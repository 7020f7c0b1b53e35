//! Lines of a Gmsh file, with numbers for messages.

use std::fmt::Display;

use crate::error::{Error, Result};

/// A text file, line by line; blank lines are skipped.
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    /// Number of the line read last, from 1.
    line: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, line: 0 }
    }

    /// Number of the line read last, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// An error at the line read last.
    pub(super) fn error(&self, text: impl Display) -> Error {
        Error::format(format!("line {}: {text}", self.line))
    }

    /// The next line that is not empty, without spaces at its ends.
    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let end = self.rest.iter().position(|&b| b == b'\n').unwrap_or(self.rest.len());
            let line = self.rest[..end].trim_ascii();
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            self.line += 1;
            if !line.is_empty() {
                return Some(line);
            }
        }
        None
    }

    fn next_text(&mut self) -> Result<Option<&'a str>> {
        let Some(line) = self.next() else { return Ok(None) };
        match std::str::from_utf8(line) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(self.error("not text; save the mesh as ASCII")),
        }
    }

    /// The name of the section that begins next, without its `$`.
    pub(super) fn next_section(&mut self) -> Result<Option<String>> {
        match self.next_text()?.map(|line| (line, line.strip_prefix('$'))) {
            None => Ok(None),
            Some((_, Some(name))) if !name.is_empty() && !name.starts_with("End") => {
                Ok(Some(name.to_string()))
            }
            Some((line, _)) => {
                Err(self.error(format_args!("expected the beginning of a section, found '{}'", cut(line))))
            }
        }
    }

    /// Skips the rest of a section, which need not be text.
    pub(super) fn skip_to_end_of(&mut self, section: &str) -> Result<()> {
        let end = format!("$End{section}");
        let begun = self.line;
        while let Some(line) = self.next() {
            if line == end.as_bytes() {
                return Ok(());
            }
        }
        Err(Error::format(format!("the file ends within ${section}, which begins in line {begun}")))
    }

    /// Reads the line that ends a section.
    pub(super) fn expect_end_of(&mut self, section: &str) -> Result<()> {
        match self.next_text()? {
            Some(line) if line.strip_prefix("$End") == Some(section) => Ok(()),
            Some(line) => Err(self.error(format_args!("expected $End{section}, found '{}'", cut(line)))),
            None => Err(Error::format(format!("the file ends before $End{section}"))),
        }
    }

    /// The fields of the next line.
    pub(super) fn fields(&mut self) -> Result<Vec<&'a str>> {
        match self.next_text()? {
            Some(line) if line.starts_with('$') => {
                Err(self.error(format_args!("the section ends too early, with '{}'", cut(line))))
            }
            Some(line) => Ok(line.split_ascii_whitespace().collect()),
            None => Err(Error::format(format!("the file ends too early, after line {}", self.line))),
        }
    }

    /// The next line, which must consist of `N` integers; `what` is their name.
    pub(super) fn integers<const N: usize>(&mut self, what: &str) -> Result<[u64; N]> {
        let fields = self.fields()?;
        let numbers = fields.iter().map(|field| self.integer(field)).collect::<Result<Vec<_>>>()?;
        numbers.try_into().map_err(|_| self.error(format_args!("expected {what}")))
    }

    /// A whole number that is not negative.
    pub(super) fn integer(&self, field: &str) -> Result<u64> {
        field.parse().map_err(|_| self.error(format_args!("'{}' is not a whole number", cut(field))))
    }

    /// A finite number.
    pub(super) fn real(&self, field: &str) -> Result<f64> {
        let value: Option<f64> = field.parse().ok();
        value
            .filter(|value| value.is_finite())
            .ok_or_else(|| self.error(format_args!("'{}' is not a finite number", cut(field))))
    }

    /// Fails unless the number found is the number declared.
    pub(super) fn check_count(&self, what: &str, found: usize, declared: u64) -> Result<()> {
        if found as u64 == declared {
            return Ok(());
        }
        Err(self.error(format_args!("{found} {what} in blocks, but the section declares {declared}")))
    }
}

/// The first characters of a text, for messages.
fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}

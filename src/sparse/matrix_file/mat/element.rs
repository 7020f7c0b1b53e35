//! Data elements of a `.mat` file: a tag with a type and a number of bytes, and the bytes.

use crate::sparse::matrix_file::numbers::{Checked, Kind, Numbers};

/// Type of an array, whose content is again a sequence of elements.
pub(super) const MATRIX: u32 = 14;
/// Type of an element that zlib has compressed.
pub(super) const COMPRESSED: u32 = 15;

/// The size of a tag, and the multiple to which elements are padded.
const ALIGNMENT: usize = 8;

pub(super) struct Element<'b> {
    pub(super) kind: u32,
    pub(super) bytes: &'b [u8],
    big_endian: bool,
}

/// Elements that follow each other.
#[derive(Clone)]
pub(super) struct Elements<'b> {
    bytes: &'b [u8],
    at: usize,
    big_endian: bool,
}

impl<'b> Elements<'b> {
    pub(super) fn new(bytes: &'b [u8], big_endian: bool) -> Self {
        Self { bytes, at: 0, big_endian }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Bytes before the next element.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The bytes from a place to the next element.
    pub(super) fn since(&self, start: usize) -> &'b [u8] {
        &self.bytes[start..self.at]
    }

    fn word(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// Type and size of the next element, and the place of its content. A size in the upper half of the first word
    /// marks a short tag, with up to four bytes of content behind that word.
    fn tag(&self) -> Option<(u32, usize, usize)> {
        let first = self.word(self.at)?;
        match first >> 16 {
            0 => Some((first, self.word(self.at + 4)? as usize, self.at + ALIGNMENT)),
            size @ 1..=4 => Some((first & 0xffff, size as usize, self.at + 4)),
            _ => None,
        }
    }

    /// The next element; `None` if the bytes end before it does.
    pub(super) fn next(&mut self) -> Option<Element<'b>> {
        let (kind, size, start) = self.tag()?;
        let end = start.checked_add(size)?;
        let bytes = self.bytes.get(start..end)?;
        // Compressed elements are not padded, and the padding of the last element may be missing.
        let next = if kind == COMPRESSED { end } else { end.checked_next_multiple_of(ALIGNMENT)? };
        self.at = next.min(self.bytes.len());
        Some(Element { kind, bytes, big_endian: self.big_endian })
    }

    /// The elements of an array whose first bytes these are: an array that is cut off gives those that are there.
    pub(super) fn inside(&self) -> Option<Elements<'b>> {
        let (kind, size, start) = self.tag()?;
        let end = start.checked_add(size)?.min(self.bytes.len());
        (kind == MATRIX).then_some(Elements::new(self.bytes.get(start..end)?, self.big_endian))
    }
}

impl<'b> Element<'b> {
    /// The elements of an array.
    pub(super) fn elements(&self) -> Elements<'b> {
        Elements::new(self.bytes, self.big_endian)
    }

    /// The content as a name, without the zeros that fill it up. MATLAB's names have 63 bytes at most; longer ones end
    /// after 255.
    pub(super) fn name(&self) -> String {
        let bytes = &self.bytes[..self.bytes.len().min(255)];
        String::from_utf8_lossy(bytes.split(|&b| b == 0).next().unwrap_or_default()).into_owned()
    }

    /// The content as numbers, of which errors say that they are `what`.
    pub(super) fn numbers(&self, what: String) -> Checked<Numbers<'b>> {
        let kind = match self.kind {
            1 => (Kind::Signed, 1),
            2 => (Kind::Unsigned, 1),
            3 => (Kind::Signed, 2),
            4 => (Kind::Unsigned, 2),
            5 => (Kind::Signed, 4),
            6 => (Kind::Unsigned, 4),
            7 => (Kind::Real, 4),
            9 => (Kind::Real, 8),
            12 => (Kind::Signed, 8),
            13 => (Kind::Unsigned, 8),
            other => {
                return Err(format!("{what} have the type {other}, which is no number; the file is damaged"));
            }
        };
        Numbers::new((what, "double"), kind, self.big_endian, self.bytes)
    }
}

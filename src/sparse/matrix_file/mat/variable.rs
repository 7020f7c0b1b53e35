//! Variables of a `.mat` file: what they are, and their content once it is wanted.

use std::borrow::Cow;
use std::io::Read;

use super::array::Array;
use super::element::{COMPRESSED, Elements, MATRIX};
use super::header::{Header, damaged};
use crate::sparse::expansion;
use crate::sparse::matrix_file::numbers::Checked;

/// The most variables of a file.
const VARIABLES: usize = 10_000;
/// The bytes of a compressed variable that are unpacked to see its class, sizes and name.
const BEGINNING: u64 = 1024;

/// A variable whose content is not unpacked yet.
pub(super) struct Variable<'b> {
    pub(super) header: Header,
    /// The element of the array, or what zlib has made of it.
    bytes: &'b [u8],
    is_compressed: bool,
    big_endian: bool,
}

impl<'b> Variable<'b> {
    /// The variables of a file, `bytes` without its header.
    pub(super) fn list(bytes: &'b [u8], offset: usize, big_endian: bool) -> Checked<Vec<Self>> {
        let mut variables = Vec::new();
        let mut elements = Elements::new(bytes, big_endian);
        let mut count = 0;
        while !elements.is_at_end() {
            let at = elements.position();
            let damaged = || {
                format!(
                    "the file is damaged or truncated in the variable at byte {}; write it again",
                    offset + at
                )
            };
            let element = elements.next().ok_or_else(damaged)?;
            let is_compressed = element.kind == COMPRESSED;
            let bytes = if is_compressed { element.bytes } else { elements.since(at) };
            let header = if is_compressed { beginning(bytes, big_endian) } else { header(bytes, big_endian) };
            let header = header.ok_or_else(damaged)?;
            // Without a name: data of objects.
            if !header.name.is_empty() {
                variables.push(Self { header, bytes, is_compressed, big_endian });
            }
            count += 1;
            if count > VARIABLES {
                return Err(format!(
                    "the file holds more than {VARIABLES} variables; save the matrix in a file of its own, in MATLAB \
                     by save('a.mat', 'A')"
                ));
            }
        }
        Ok(variables)
    }

    /// Unpacks the content, which may expand to `left` bytes.
    pub(super) fn open(&self, left: &mut usize) -> Checked<Content<'b>> {
        if !self.is_compressed {
            return Ok(self.content(Cow::Borrowed(self.bytes), usize::MAX));
        }
        let room = *left;
        let damaged = |e: &dyn std::fmt::Display| {
            format!("the variable {} is damaged or truncated ({e}); write it again", self.header.quoted())
        };
        let inflate = flate2::bufread::ZlibDecoder::new(self.bytes);
        Ok(self.content(Cow::Owned(expansion::unpack(inflate, left, damaged)?), room))
    }

    fn content(&self, bytes: Cow<'b, [u8]>, room: usize) -> Content<'b> {
        Content { name: self.header.name.clone(), bytes, big_endian: self.big_endian, room }
    }
}

/// The header of an array whose first bytes these are.
fn header(bytes: &[u8], big_endian: bool) -> Option<Header> {
    Header::read(&mut Elements::new(bytes, big_endian).inside()?)
}

/// The header of a compressed array.
fn beginning(bytes: &[u8], big_endian: bool) -> Option<Header> {
    let mut start = Vec::new();
    flate2::bufread::ZlibDecoder::new(bytes).take(BEGINNING).read_to_end(&mut start).ok()?;
    header(&start, big_endian)
}

/// The unpacked content of a variable.
pub(super) struct Content<'b> {
    name: String,
    bytes: Cow<'b, [u8]>,
    big_endian: bool,
    /// The bytes that its numbers may take in memory.
    room: usize,
}

impl Content<'_> {
    pub(super) fn array(&self) -> Checked<Array<'_>> {
        let (header, content) = self.parts().ok_or_else(|| damaged(&self.name))?;
        Ok(Array::new(header, content, self.room))
    }

    /// The header, and the elements behind it.
    fn parts(&self) -> Option<(Header, Elements<'_>)> {
        let mut elements = Elements::new(&self.bytes, self.big_endian).inside()?;
        Some((Header::read(&mut elements)?, elements))
    }

    /// The fields `wanted` of a struct. Empty fields are left out.
    pub(super) fn fields<const N: usize>(&self, wanted: [&str; N]) -> Checked<[Option<Array<'_>>; N]> {
        self.find(wanted).ok_or_else(|| damaged(&self.name))
    }

    fn find<const N: usize>(&self, wanted: [&str; N]) -> Option<[Option<Array<'_>>; N]> {
        let (_, mut elements) = self.parts()?;
        let length = elements.next()?.numbers(String::new()).ok()?.indices(usize::MAX).next()?.ok()?;
        let names = elements.next()?;
        let mut found = [const { None }; N];
        if length == 0 {
            return Some(found);
        }
        for name in names.bytes.chunks_exact(length) {
            let field = elements.next().filter(|e| e.kind == MATRIX)?;
            let end = name.iter().position(|&b| b == 0).unwrap_or(length);
            let Some(k) = wanted.iter().position(|w| w.as_bytes() == &name[..end]) else { continue };
            if !field.bytes.is_empty() {
                let mut inside = field.elements();
                let mut header = Header::read(&mut inside)?;
                header.name = format!("{}.{}", self.name, wanted[k]);
                found[k] = Some(Array::new(header, inside, self.room));
            }
        }
        Some(found)
    }
}

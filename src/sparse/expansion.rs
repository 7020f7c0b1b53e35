//! Compressed files, with bounds of what they may expand to.

use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::error::{Error, Result};
use crate::memory;

/// Every file may expand to this number of bytes: a vector of ones shrinks a thousandfold.
const ALWAYS: usize = 256 << 20;
/// A larger file may expand to this number of times its bytes.
const FACTOR: usize = 100;
/// The share of the available memory that is not exceeded: entries take more memory than their text.
const SHARE: u64 = 8;

/// The number of bytes to which a file of `bytes` may expand by default: 256 MiB, or a hundred times its size if that
/// is more, and at most an eighth of the available memory where that is known.
pub(super) fn default_limit(bytes: usize) -> usize {
    let limit = bytes.saturating_mul(FACTOR).max(ALWAYS);
    let share = memory::available().map_or(u64::MAX, |free| free / SHARE);
    limit.min(usize::try_from(share).unwrap_or(usize::MAX))
}

/// The bytes of a file, unpacked if gzip has compressed it, and the bytes to which they may still expand: `limit`, or the
/// default for the size of the file.
pub(super) fn content(path: &Path, limit: Option<usize>) -> Result<(Vec<u8>, usize)> {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let mut left = limit.unwrap_or_else(|| default_limit(bytes.len()));
    if !bytes.starts_with(&GZIP) {
        return Ok((bytes, left));
    }
    let damaged = |e: &dyn std::fmt::Display| format!("the compressed file is damaged or truncated ({e})");
    let unpacked = unpack(MultiGzDecoder::new(bytes.as_slice()), &mut left, damaged);
    Ok((unpacked.map_err(|message| Error::format(message).at(path.display()))?, left))
}

/// The whole content of a reader, or a sentence about content that is damaged or exceeds `left` bytes, from which the
/// length is subtracted.
pub(super) fn unpack(
    reader: impl Read,
    left: &mut usize,
    damaged: impl Fn(&dyn std::fmt::Display) -> String,
) -> std::result::Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let limit = u64::try_from(*left).unwrap_or(u64::MAX).saturating_add(1);
    reader.take(limit).read_to_end(&mut content).map_err(|e| damaged(&e))?;
    *left = left.checked_sub(content.len()).ok_or_else(|| {
        format!(
            "the compressed content expands beyond the limit ({} more bytes were left), and is refused; if it is what \
             it should be, unpack the file before, or raise the limit (MatrixFile::read_within)",
            *left
        )
    })?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ends_at_the_limit() {
        let damaged = |e: &dyn std::fmt::Display| format!("damaged: {e}");
        let mut left = 10;
        assert_eq!(unpack(&b"123456"[..], &mut left, damaged).unwrap(), b"123456");
        assert_eq!(left, 4);
        assert!(unpack(std::io::repeat(1), &mut left, damaged).unwrap_err().contains("4 more bytes"));
        assert!(unpack(&b"1234"[..], &mut left, damaged).is_ok() && left == 0);
        assert!(default_limit(1) <= ALWAYS && default_limit(usize::MAX) > 0);
    }
}

//! Bounds of what a compressed file may expand to.

use std::io::Read;

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

/// The whole content of a reader, or a sentence about content that is damaged or exceeds `left` bytes, from which the
/// length is subtracted.
pub(super) fn unpack(
    reader: impl Read,
    left: &mut usize,
    damaged: impl Fn(&dyn std::fmt::Display) -> String,
) -> Result<Vec<u8>, String> {
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

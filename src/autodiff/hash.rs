//! Hashes of lengths and addresses: one multiplication for each.

use std::hash::{BuildHasherDefault, Hasher};

/// For maps whose keys are not chosen by an adversary.
pub(super) type Spread = BuildHasherDefault<Multiply>;

/// Multiplies by 2⁶⁴ over the golden ratio (Knuth 1973).
#[derive(Default)]
pub(super) struct Multiply(u64);

impl Hasher for Multiply {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, v: u64) {
        let product = (self.0 ^ v).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // The map takes its bits from both ends.
        self.0 = product ^ (product >> 32);
    }

    fn write_usize(&mut self, v: usize) {
        self.write_u64(v as u64);
    }

    fn write_i64(&mut self, v: i64) {
        self.write_u64(v as u64);
    }

    fn write_isize(&mut self, v: isize) {
        self.write_u64(v as u64);
    }
}

//! Pool of freed device memory.

use std::collections::HashMap;

/// Sizes are rounded up to this.
const GRAIN: usize = 512;

/// Blocks by size. All work of a GPU is in one queue, so a block passes to its next owner while work of the
/// last one still waits: the next owner's work comes later. Freeing memory by the driver waits for all work
/// instead.
#[derive(Debug, Default)]
pub(super) struct Pool {
    blocks: HashMap<usize, Vec<u64>>,
    bytes: usize,
}

impl Pool {
    /// The allocated size for a request.
    pub fn rounded(bytes: usize) -> usize {
        bytes.checked_next_multiple_of(GRAIN).unwrap_or(bytes)
    }

    /// A block for a request of this size, if there is one.
    pub fn take(&mut self, bytes: usize) -> Option<u64> {
        let size = Self::rounded(bytes);
        let address = self.blocks.get_mut(&size)?.pop()?;
        self.bytes -= size;
        Some(address)
    }

    /// Adds a free block of this size.
    pub fn put(&mut self, address: u64, bytes: usize) {
        let size = Self::rounded(bytes);
        self.blocks.entry(size).or_default().push(address);
        self.bytes += size;
    }

    /// Bytes of all blocks.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// All blocks, for freeing.
    pub fn drain(&mut self) -> Vec<u64> {
        self.bytes = 0;
        self.blocks.drain().flat_map(|(_, blocks)| blocks).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Pool;

    #[test]
    fn blocks_are_handed_out_once_and_only_for_their_size() {
        let mut pool = Pool::default();
        pool.put(4096, 1000);
        pool.put(8192, 513);
        pool.put(16384, 3000);
        assert_eq!(pool.bytes(), 1024 + 1024 + 3072);
        assert_eq!(pool.take(1025), None);
        let mut two = [pool.take(1024), pool.take(600)];
        two.sort_unstable();
        assert_eq!(two, [Some(4096), Some(8192)]);
        assert_eq!(pool.take(1000), None);
        assert_eq!(pool.bytes(), 3072);
        assert_eq!(pool.drain(), [16384]);
        assert_eq!((pool.bytes(), pool.take(3000)), (0, None));
    }
}

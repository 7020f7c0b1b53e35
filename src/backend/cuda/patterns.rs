//! Patterns on the device, each uploaded once.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, Weak};

use super::{Cuda, Memory};
use crate::sparse::Pattern;

/// The structure of a matrix on the device.
#[derive(Debug)]
pub(crate) struct DevicePattern {
    pub rows: usize,
    pub cols: usize,
    pub row_ptr: Memory<u32>,
    pub col_idx: Memory<u32>,
    transposition: OnceLock<DeviceTransposition>,
}

/// The transposition of a pattern on the device: a permutation into the same values.
#[derive(Debug)]
pub(crate) struct DeviceTransposition {
    pub ptr: Memory<u32>,
    pub row_idx: Memory<u32>,
    pub source: Memory<u32>,
}

impl DevicePattern {
    /// Number of stored entries.
    pub fn nnz(&self) -> usize {
        self.col_idx.len()
    }

    /// The transposition of `pattern`, which is the one that this was uploaded from; uploaded on first use.
    pub fn transposition(&self, cuda: &Cuda, pattern: &Pattern) -> &DeviceTransposition {
        self.transposition.get_or_init(|| {
            let t = pattern.transposition();
            DeviceTransposition {
                ptr: cuda.upload(&t.ptr),
                row_idx: cuda.upload(&t.row_idx),
                source: cuda.upload(&t.source),
            }
        })
    }
}

/// Patterns that were uploaded, by the address of the one on the host, which is held weakly so that another
/// pattern at the same address is not taken for it.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<usize, (Weak<Pattern>, Arc<DevicePattern>)>);

impl Cuda {
    /// The pattern on the device; uploaded on first use, forgotten when the host has dropped it.
    pub(crate) fn pattern(&self, pattern: &Arc<Pattern>) -> Arc<DevicePattern> {
        let mut known = self.known();
        let address = Arc::as_ptr(pattern) as usize;
        if let Some((host, device)) = known.0.get(&address)
            && host.strong_count() > 0
        {
            return device.clone();
        }
        known.0.retain(|_, (host, _)| host.strong_count() > 0);
        let device = Arc::new(DevicePattern {
            rows: pattern.rows(),
            cols: pattern.cols(),
            row_ptr: self.upload(pattern.row_ptr()),
            col_idx: self.upload(pattern.col_idx()),
            transposition: OnceLock::new(),
        });
        known.0.insert(address, (Arc::downgrade(pattern), device.clone()));
        device
    }
}

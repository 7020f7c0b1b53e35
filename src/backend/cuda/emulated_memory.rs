//! Memory of the emulator: buffers with guarded ends, and the state of every four bytes.

use std::alloc::{Layout, alloc, dealloc};

use crate::error::{Error, Result};

/// Guarded bytes before and after a buffer.
const GUARD: usize = 256;
const GUARDED: u8 = 0xa5;
/// Undefined memory reads as NaN.
const UNDEFINED: u8 = 0xff;

/// The state of four bytes; as in `kernels/emulator/shim.h`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    touched: [u32; 6],
    reads: [u8; 3],
    defined: u8,
}

/// A buffer as the kernels' checks see it.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Buffer {
    from: usize,
    to: usize,
    cells: *mut Cell,
}

/// All buffers of a device, sorted by address.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    sorted: Vec<Buffer>,
    bytes: usize,
}

// SAFETY: the pointers are to memory owned by this value.
unsafe impl Send for Buffers {}

impl Buffers {
    /// Bytes that are allocated.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// For the checks of a launch; valid until the next change.
    pub fn as_slice(&self) -> &[Buffer] {
        &self.sorted
    }

    fn layout(bytes: usize) -> Result<Layout> {
        Layout::from_size_align(bytes + 2 * GUARD, 256)
            .map_err(|_| Error::device(format!("a buffer of {bytes} bytes")))
    }

    /// A buffer full of NaN; `None` if there is not enough memory.
    pub fn allocate(&mut self, bytes: usize) -> Result<Option<u64>> {
        let layout = Self::layout(bytes)?;
        // SAFETY: the size is not zero, and both guards and the content lie within it.
        let start = unsafe {
            let start = alloc(layout);
            if start.is_null() {
                return Ok(None);
            }
            start.write_bytes(GUARDED, GUARD);
            start.add(GUARD).write_bytes(UNDEFINED, bytes);
            start.add(GUARD + bytes).write_bytes(GUARDED, GUARD);
            start.add(GUARD)
        };
        let cells = Box::into_raw(vec![Cell::default(); bytes.div_ceil(4)].into_boxed_slice()).cast();
        let from = start as usize;
        let place = self.sorted.partition_point(|b| b.from < from);
        self.sorted.insert(place, Buffer { from, to: from + bytes, cells });
        self.bytes += bytes;
        Ok(Some(from as u64))
    }

    /// Frees a buffer; returns whether its guards are intact.
    pub fn free(&mut self, address: u64) -> bool {
        let Ok(place) = self.sorted.binary_search_by_key(&(address as usize), |b| b.from) else {
            return false;
        };
        let Buffer { from, to, cells } = self.sorted.remove(place);
        let bytes = to - from;
        self.bytes -= bytes;
        // SAFETY: `allocate` made both with these lengths.
        unsafe {
            let start = (from as *mut u8).sub(GUARD);
            let guarded = |from: *const u8| (0..GUARD).all(|q| *from.add(q) == GUARDED);
            let intact = guarded(start) && guarded(start.add(GUARD + bytes));
            drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(cells, bytes.div_ceil(4))));
            if let Ok(layout) = Self::layout(bytes) {
                dealloc(start, layout);
            }
            intact
        }
    }

    /// The cells of the bytes from `address` on, within one buffer.
    fn cells(&mut self, address: u64, bytes: usize) -> Option<&mut [Cell]> {
        let from = address as usize;
        let last = self.sorted.partition_point(|b| b.from <= from).checked_sub(1)?;
        let buffer = &self.sorted[last];
        if from + bytes > buffer.to {
            return None;
        }
        let first = (from - buffer.from) / 4;
        // SAFETY: within the cells of the buffer, which are exclusive while `self` is borrowed.
        Some(unsafe { std::slice::from_raw_parts_mut(buffer.cells.add(first), bytes.div_ceil(4)) })
    }

    /// Marks bytes as written; an error unless they lie in one buffer.
    pub fn define(&mut self, address: u64, bytes: usize) -> Result<()> {
        let cells = self.cells(address, bytes).ok_or_else(|| outside(bytes))?;
        cells.iter_mut().for_each(|c| c.defined = 1);
        Ok(())
    }

    /// Marks bytes as undefined; an error unless they lie in one buffer.
    pub fn forget(&mut self, address: u64, bytes: usize) -> Result<()> {
        let cells = self.cells(address, bytes).ok_or_else(|| outside(bytes))?;
        cells.iter_mut().for_each(|c| c.defined = 0);
        // SAFETY: within a live buffer.
        unsafe { (address as *mut u8).write_bytes(UNDEFINED, bytes) };
        Ok(())
    }

    /// Checks bytes before the host reads them; an error unless they lie in one buffer and have been written.
    pub fn defined(&mut self, address: u64, bytes: usize) -> Result<()> {
        let cells = self.cells(address, bytes).ok_or_else(|| outside(bytes))?;
        match cells.iter().position(|c| c.defined == 0) {
            None => Ok(()),
            Some(cell) => {
                let message = format!("a download of uninitialised memory: byte {} of {bytes}", 4 * cell);
                Err(Error::device(message))
            }
        }
    }

    /// Copies the state of bytes, defined or not.
    pub fn copied(&mut self, from: u64, to: u64, bytes: usize) -> Result<()> {
        let defined: Vec<u8> =
            self.cells(from, bytes).ok_or_else(|| outside(bytes))?.iter().map(|c| c.defined).collect();
        let cells = self.cells(to, bytes).ok_or_else(|| outside(bytes))?;
        cells.iter_mut().zip(defined).for_each(|(c, d)| c.defined = d);
        Ok(())
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        while let Some(buffer) = self.sorted.last() {
            let address = buffer.from as u64;
            self.free(address);
        }
    }
}

fn outside(bytes: usize) -> Error {
    Error::device(format!("{bytes} bytes that are in no buffer of the device"))
}

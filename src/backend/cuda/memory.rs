//! Owned and typed memory of a device.

use std::marker::PhantomData;
use std::sync::Arc;

use super::driver::Driver;
use crate::error::{Error, Result};

/// Bytes of a device, freed when dropped.
#[derive(Debug)]
struct Bytes {
    address: u64,
    bytes: usize,
    driver: Arc<dyn Driver>,
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if self.bytes > 0 {
            // SAFETY: the address came from `allocate` of this driver and is freed once, here.
            unsafe { self.driver.free(self.address, self.bytes) };
        }
    }
}

/// Types with the same bytes on the host and on the device.
///
/// # Safety
/// Plain numbers, or `repr(C)` structs of them without padding.
pub unsafe trait Plain: Copy + 'static {}

// SAFETY: plain numbers.
unsafe impl Plain for f64 {}
// SAFETY: as above.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}

/// The bytes of plain values.
pub(crate) fn bytes_of<V: Plain>(values: &[V]) -> &[u8] {
    // SAFETY: plain values have no padding, and any byte is a valid u8.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// `len` values on a device.
#[derive(Debug)]
pub struct Memory<V> {
    bytes: Bytes,
    len: usize,
    kind: PhantomData<V>,
}

impl<V: Plain> Memory<V> {
    /// Memory with undefined content.
    pub(super) fn undefined(driver: &Arc<dyn Driver>, len: usize) -> Result<Self> {
        let bytes = len
            .checked_mul(size_of::<V>())
            .ok_or_else(|| Error::dimension(format!("{len} values exceed the address space")))?;
        let address = if bytes == 0 { 0 } else { driver.allocate(bytes)? };
        Ok(Self { bytes: Bytes { address, bytes, driver: driver.clone() }, len, kind: PhantomData })
    }

    /// No values.
    pub(super) fn nothing(driver: &Arc<dyn Driver>) -> Self {
        Self { bytes: Bytes { address: 0, bytes: 0, driver: driver.clone() }, len: 0, kind: PhantomData }
    }

    /// These values.
    pub(super) fn of(driver: &Arc<dyn Driver>, values: &[V]) -> Result<Self> {
        let mut memory = Self::undefined(driver, values.len())?;
        memory.write(values)?;
        Ok(memory)
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its address, for the arguments of a kernel.
    pub(crate) fn address(&self) -> u64 {
        self.bytes.address
    }

    /// Overwrites all values.
    pub(crate) fn write(&mut self, values: &[V]) -> Result<()> {
        if values.len() != self.len {
            return Err(Error::dimension(format!("{} values for a buffer of {}", values.len(), self.len)));
        }
        if values.is_empty() {
            return Ok(());
        }
        // SAFETY: the lengths are equal.
        unsafe { self.bytes.driver.upload(bytes_of(values), self.bytes.address) }
    }

    /// Reads the first `values.len()` values, after all queued work.
    pub(crate) fn read(&self, values: &mut [V]) -> Result<()> {
        if values.len() > self.len {
            return Err(Error::dimension(format!("{} values of a buffer of {}", values.len(), self.len)));
        }
        if values.is_empty() {
            return Ok(());
        }
        // SAFETY: plain values may be overwritten as bytes; the buffer is at least as long.
        unsafe {
            let bytes = std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values));
            self.bytes.driver.download(self.bytes.address, bytes)
        }
    }

    /// Queues a copy of all values of `from`.
    pub(crate) fn copy_from(&mut self, from: &Self) -> Result<()> {
        if from.len != self.len {
            return Err(Error::dimension(format!("{} values for a buffer of {}", from.len, self.len)));
        }
        if self.len == 0 {
            return Ok(());
        }
        // SAFETY: two live buffers of one length; `self` is borrowed mutably, so they differ.
        unsafe { self.bytes.driver.copy(from.bytes.address, self.bytes.address, self.bytes.bytes) }
    }

    /// Marks the content as undefined, like that of new memory.
    pub(crate) fn forget(&mut self) -> Result<()> {
        if self.len == 0 {
            return Ok(());
        }
        // SAFETY: the whole buffer.
        unsafe { self.bytes.driver.forget(self.bytes.address, self.bytes.bytes) }
    }

    /// Queues zeros.
    pub(crate) fn clear(&mut self) -> Result<()> {
        if self.len == 0 {
            return Ok(());
        }
        // SAFETY: the whole buffer.
        unsafe { self.bytes.driver.clear(self.bytes.address, self.bytes.bytes) }
    }
}

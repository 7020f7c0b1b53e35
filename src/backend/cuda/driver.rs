//! Drivers of devices: a GPU through the NVIDIA driver, or the emulator.

use std::fmt::Debug;

use crate::error::Result;

/// Precision of stored values and of sums: one compiled set of kernels each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Double precision.
    F64,
    /// Single precision.
    F32,
    /// Single precision with sums in double precision.
    Mixed,
}

impl Precision {
    pub const ALL: [Precision; 3] = [Precision::F64, Precision::F32, Precision::Mixed];

    /// The suffix of kernel names.
    pub fn suffix(self) -> &'static str {
        match self {
            Precision::F64 => "f64",
            Precision::F32 => "f32",
            Precision::Mixed => "mixed",
        }
    }

    /// C types of stored values and of sums.
    pub fn types(self) -> (&'static str, &'static str) {
        match self {
            Precision::F64 => ("double", "double"),
            Precision::F32 => ("float", "float"),
            Precision::Mixed => ("float", "double"),
        }
    }
}

/// A launch of a kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Launch<'a> {
    pub kernel: &'static str,
    pub precision: Precision,
    pub blocks: u32,
    /// Threads of a block, a multiple of 32.
    pub threads: u32,
    /// Bytes of dynamic shared memory.
    pub shared: u32,
    /// The bytes of its argument struct.
    pub arguments: &'a [u8],
}

/// Properties of a device.
#[derive(Debug, Clone)]
pub(crate) struct Properties {
    pub name: String,
    /// The largest dynamic shared memory of a block, in bytes.
    pub shared_bytes: usize,
    /// Multiprocessors.
    pub multiprocessors: u32,
    /// Bytes of memory.
    pub memory: usize,
    /// Compute capability, if it has one.
    pub capability: String,
    /// The CUDA version of the driver, if there is a driver.
    pub driver: String,
}

/// A device with one queue: work runs in the order in which it is queued.
///
/// Addresses are numbers. Callers of unsafe functions guarantee that they are those of live allocations of
/// this device and long enough; [`Memory`](super::Memory) and the checked launches do so.
pub(crate) trait Driver: Debug + Send + Sync {
    fn properties(&self) -> &Properties;

    /// Memory with undefined content. `bytes` is not zero.
    fn allocate(&self, bytes: usize) -> Result<u64>;

    /// Frees memory; work that was queued before may still use it.
    ///
    /// # Safety
    /// An address that `allocate` returned, once.
    unsafe fn free(&self, address: u64, bytes: usize);

    /// Copies to the device.
    ///
    /// # Safety
    /// `to` is long enough.
    unsafe fn upload(&self, from: &[u8], to: u64) -> Result<()>;

    /// Waits for all work, then copies from the device.
    ///
    /// # Safety
    /// `from` is long enough.
    unsafe fn download(&self, from: u64, to: &mut [u8]) -> Result<()>;

    /// Queues a copy within the device.
    ///
    /// # Safety
    /// Both are long enough and do not overlap.
    unsafe fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<()>;

    /// Queues zeros.
    ///
    /// # Safety
    /// `to` is long enough.
    unsafe fn clear(&self, to: u64, bytes: usize) -> Result<()>;

    /// Marks the content as undefined, in queue order; only the emulator uses this.
    ///
    /// # Safety
    /// `at` is long enough.
    unsafe fn forget(&self, _at: u64, _bytes: usize) -> Result<()> {
        Ok(())
    }

    /// Queues a kernel.
    ///
    /// # Safety
    /// The arguments are those of the kernel, and it only accesses live allocations.
    unsafe fn launch(&self, launch: Launch<'_>) -> Result<()>;

    /// Starts recording queued work instead of running it, until [`end_capture`](Self::end_capture).
    /// Allocations, uploads and downloads are errors until then.
    fn begin_capture(&self) -> Result<()>;

    /// The work queued since then, which can be run repeatedly.
    fn end_capture(&self) -> Result<Box<dyn Captured>>;

    /// Waits for all work.
    fn synchronise(&self) -> Result<()>;

    /// Seconds of device time for `work`, measured on the queue.
    fn seconds(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<f64>;
}

/// Captured work.
pub(crate) trait Captured: Debug + Send + Sync {
    /// Queues all of it.
    ///
    /// # Safety
    /// All memory that it accesses is alive.
    unsafe fn run(&self) -> Result<()>;

    /// Kernels and copies in it.
    fn nodes(&self) -> usize;
}

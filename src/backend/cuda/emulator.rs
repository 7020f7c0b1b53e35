//! The emulator: kernels compiled by a C compiler, threads as coroutines. For tests; see `kernels/emulator`.
//!
//! It is stricter than a card. New memory is full of NaN, the ends of every buffer are guarded, and threads of a
//! block that do not meet at a barrier are an error.

use std::alloc::{Layout, alloc, dealloc};
use std::ffi::{CString, c_char, c_int, c_void};
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use super::driver::{Captured, Driver, Launch, Precision, Properties};
use crate::error::{Error, Result};

#[repr(C)]
struct Line {
    name: *const c_char,
    thread: *const c_void,
    bytes: u32,
    meets: u32,
}

unsafe extern "C" {
    static emulated_f64: [Line; 0];
    static emulated_f32: [Line; 0];
    static emulated_mixed: [Line; 0];
    fn emulate(
        table: *const Line,
        kernels: usize,
        name: *const c_char,
        blocks: u32,
        threads: u32,
        dynamic: usize,
        arguments: *const c_void,
        bytes: usize,
        descending: c_int,
    ) -> c_int;
}

/// Bytes before and after a buffer that nobody may write.
const GUARD: usize = 256;
const GUARDED: u8 = 0xa5;
/// Undefined memory reads as NaN.
const UNDEFINED: u8 = 0xff;

/// A device that runs on the processor.
#[derive(Debug)]
pub(crate) struct Emulator {
    properties: Properties,
    descending: bool,
    /// Bytes that may still be allocated.
    left: Mutex<usize>,
    recording: std::sync::Arc<Mutex<Option<Vec<Work>>>>,
}

/// Queued work, as it is captured.
#[derive(Debug, Clone)]
enum Work {
    Kernel { kernel: &'static str, precision: Precision, shape: [u32; 3], arguments: Vec<u8> },
    Copy { from: u64, to: u64, bytes: usize },
    Clear { to: u64, bytes: usize },
}

fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Emulator {
    /// A device with so many bytes of memory, whose threads run in ascending or descending order.
    pub fn new(memory: usize, descending: bool) -> Self {
        let properties = Properties {
            name: "emulated device".into(),
            shared_bytes: 48 << 10,
            multiprocessors: 4,
            memory,
            capability: "none".into(),
            driver: "none".into(),
        };
        let recording = std::sync::Arc::new(Mutex::new(None));
        Self { properties, descending, left: Mutex::new(memory), recording }
    }

    fn layout(bytes: usize) -> Result<Layout> {
        Layout::from_size_align(bytes + 2 * GUARD, 256).map_err(|_| out_of_memory(bytes, 0))
    }

    /// Runs or records.
    fn queue(&self, work: Work) -> Result<()> {
        if let Some(recording) = lock(&self.recording).as_mut() {
            recording.push(work);
            return Ok(());
        }
        run(&work, self.descending)
    }

    fn refuse_capture(&self, what: &str) -> Result<()> {
        match lock(&self.recording).is_some() {
            true => Err(Error::device(format!("{what} while work is captured"))),
            false => Ok(()),
        }
    }
}

fn out_of_memory(bytes: usize, left: usize) -> Error {
    Error::device(format!("out of device memory: {bytes} bytes were asked for, {left} are left"))
}

fn run(work: &Work, descending: bool) -> Result<()> {
    match work {
        Work::Kernel { kernel, precision, shape: [blocks, threads, shared], arguments } => {
            let table = match precision {
                Precision::F64 => (&raw const emulated_f64).cast::<Line>(),
                Precision::F32 => (&raw const emulated_f32).cast::<Line>(),
                Precision::Mixed => (&raw const emulated_mixed).cast::<Line>(),
            };
            let mut kernels = 0;
            // SAFETY: the table ends with a null name.
            while unsafe { !(*table.add(kernels)).name.is_null() } {
                kernels += 1;
            }
            let name = CString::new(*kernel).map_err(|e| Error::device(e.to_string()))?;
            // Arguments are 8-byte aligned in C.
            let mut aligned = vec![0u64; arguments.len().div_ceil(8)];
            for (word, bytes) in aligned.iter_mut().zip(arguments.chunks(8)) {
                let mut padded = [0; 8];
                padded[..bytes.len()].copy_from_slice(bytes);
                *word = u64::from_ne_bytes(padded);
            }
            // SAFETY: the caller of `Driver::launch` vouches for the arguments.
            let code = unsafe {
                let data = aligned.as_ptr().cast();
                let order = c_int::from(descending);
                let (blocks, threads, shared) = (*blocks, *threads, *shared as usize);
                emulate(table, kernels, name.as_ptr(), blocks, threads, shared, data, arguments.len(), order)
            };
            let problem = match code {
                0 => return Ok(()),
                1 => "there is no such kernel",
                2 => "its arguments have another size than in C",
                3 => "threads of a block do not meet",
                _ => "too many threads, or no memory for them",
            };
            Err(Error::device(format!("kernel {kernel}: {problem}")))
        }
        Work::Copy { from, to, bytes } => {
            // SAFETY: the caller of `Driver::copy` vouches for both.
            unsafe { std::ptr::copy_nonoverlapping(*from as *const u8, *to as *mut u8, *bytes) };
            Ok(())
        }
        Work::Clear { to, bytes } => {
            // SAFETY: the caller of `Driver::clear` vouches for it.
            unsafe { std::ptr::write_bytes(*to as *mut u8, 0, *bytes) };
            Ok(())
        }
    }
}

impl Driver for Emulator {
    fn properties(&self) -> &Properties {
        &self.properties
    }

    fn allocate(&self, bytes: usize) -> Result<u64> {
        self.refuse_capture("memory was asked for")?;
        let mut left = lock(&self.left);
        if bytes > *left {
            return Err(out_of_memory(bytes, *left));
        }
        // SAFETY: the size is not zero, and both guards and the content lie within it.
        unsafe {
            let start = alloc(Self::layout(bytes)?);
            if start.is_null() {
                return Err(out_of_memory(bytes, *left));
            }
            start.write_bytes(GUARDED, GUARD);
            start.add(GUARD).write_bytes(UNDEFINED, bytes);
            start.add(GUARD + bytes).write_bytes(GUARDED, GUARD);
            *left -= bytes;
            Ok(start.add(GUARD) as u64)
        }
    }

    unsafe fn free(&self, address: u64, bytes: usize) {
        // SAFETY: `allocate` returned this address for so many bytes.
        unsafe {
            let start = (address as *mut u8).sub(GUARD);
            let guarded = |from: *const u8| (0..GUARD).all(|q| *from.add(q) == GUARDED);
            let intact = guarded(start) && guarded(start.add(GUARD + bytes));
            if let Ok(layout) = Self::layout(bytes) {
                dealloc(start, layout);
            }
            *lock(&self.left) += bytes;
            assert!(intact || std::thread::panicking(), "a kernel wrote beside a buffer of {bytes} bytes");
        }
    }

    unsafe fn upload(&self, from: &[u8], to: u64) -> Result<()> {
        self.refuse_capture("an upload")?;
        // SAFETY: the caller vouches for the length.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to as *mut u8, from.len()) };
        Ok(())
    }

    unsafe fn download(&self, from: u64, to: &mut [u8]) -> Result<()> {
        self.refuse_capture("a download")?;
        // SAFETY: the caller vouches for the length.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    unsafe fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<()> {
        self.queue(Work::Copy { from, to, bytes })
    }

    unsafe fn clear(&self, to: u64, bytes: usize) -> Result<()> {
        self.queue(Work::Clear { to, bytes })
    }

    unsafe fn launch(&self, l: Launch<'_>) -> Result<()> {
        if l.threads == 0 || !l.threads.is_multiple_of(32) || l.blocks == 0 {
            return Err(Error::device(format!(
                "kernel {}: {} blocks of {} threads",
                l.kernel, l.blocks, l.threads
            )));
        }
        let (shape, arguments) = ([l.blocks, l.threads, l.shared], l.arguments.to_vec());
        self.queue(Work::Kernel { kernel: l.kernel, precision: l.precision, shape, arguments })
    }

    fn begin_capture(&self) -> Result<()> {
        self.refuse_capture("a capture was begun")?;
        *lock(&self.recording) = Some(Vec::new());
        Ok(())
    }

    fn end_capture(&self) -> Result<Box<dyn Captured>> {
        let work = lock(&self.recording).take();
        let work = work.ok_or_else(|| Error::device("nothing is being captured"))?;
        Ok(Box::new(Recording { work, descending: self.descending }))
    }

    fn synchronise(&self) -> Result<()> {
        Ok(())
    }

    fn seconds(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
        let clock = Instant::now();
        work()?;
        Ok(clock.elapsed().as_secs_f64())
    }
}

#[derive(Debug)]
struct Recording {
    work: Vec<Work>,
    descending: bool,
}

impl Captured for Recording {
    unsafe fn run(&self) -> Result<()> {
        self.work.iter().try_for_each(|work| run(work, self.descending))
    }

    fn nodes(&self) -> usize {
        self.work.len()
    }
}

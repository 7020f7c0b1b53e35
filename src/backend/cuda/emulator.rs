//! Emulator: kernels compiled by a C compiler, threads as coroutines. For tests; see `kernels/emulator`.
//!
//! It is stricter than a GPU. New memory is full of NaN, the ends of every buffer are guarded, and threads of
//! a block that do not meet at a barrier are an error. It finds races, accesses outside buffers and reads of
//! uninitialised memory if the C compiler can instrument memory accesses (gcc and clang).

use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Instant;

use super::driver::{Captured, Driver, Launch, Precision, Properties};
use super::emulated_memory::{Buffer, Buffers};
use crate::error::{Error, Result};

/// A launch of the emulator and its first error: as in `kernels/emulator/shim.h`.
#[repr(C)]
struct CLaunch {
    table: *const c_void,
    name: *const c_char,
    arguments: *const c_void,
    argument_bytes: u64,
    shared_bytes: u64,
    buffers: *const Buffer,
    count: u64,
    blocks: u32,
    threads: u32,
    descending: u32,
    number: u32,
}

#[repr(C)]
struct Fault {
    kind: u32,
    block: u32,
    thread: u32,
    other: u32,
    offset: u64,
    bytes: u64,
}

unsafe extern "C" {
    static emulated_f64: c_void;
    static emulated_f32: c_void;
    static emulated_mixed: c_void;
    fn emulate(launch: *const CLaunch) -> Fault;
}

/// A device on the CPU.
#[derive(Debug)]
pub(crate) struct Emulator {
    properties: Properties,
    queue: Arc<Queue>,
}

/// The queue of the device.
#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    /// Notified when a capture has ended.
    captured: Condvar,
}

/// State shared by launches; one runs at a time, as on the queue of a GPU.
#[derive(Debug)]
struct State {
    descending: bool,
    buffers: Buffers,
    /// The capturing thread, and its work.
    recording: Option<(ThreadId, Vec<Work>)>,
    /// The number of launches so far.
    launches: u32,
}

/// Queued work in captured form.
#[derive(Debug, Clone)]
enum Work {
    Kernel { kernel: &'static str, precision: Precision, shape: [u32; 3], arguments: Vec<u8> },
    Copy { from: u64, to: u64, bytes: usize },
    Clear { to: u64, bytes: usize },
    Forget { at: u64, bytes: usize },
}

impl Emulator {
    /// A device with this many bytes of memory, whose threads run in ascending or descending order.
    pub fn new(memory: usize, descending: bool) -> Self {
        let properties = Properties {
            name: "emulated device".into(),
            shared_bytes: 48 << 10,
            multiprocessors: 4,
            memory,
            capability: "none".into(),
            driver: "none".into(),
        };
        let state = State { descending, buffers: Buffers::default(), recording: None, launches: 0 };
        Self { properties, queue: Arc::new(Queue { state: Mutex::new(state), captured: Condvar::new() }) }
    }

    /// Runs or records.
    fn queue(&self, work: Work) -> Result<()> {
        let mut state = self.queue.state();
        match &mut state.recording {
            Some((_, recording)) => recording.push(work),
            None => state.run(&work)?,
        }
        Ok(())
    }

    /// The state, outside captures.
    fn outside_capture(&self, what: &str) -> Result<MutexGuard<'_, State>> {
        let state = self.queue.state();
        match state.recording {
            Some(_) => Err(Error::device(format!("{what} while work is captured"))),
            None => Ok(state),
        }
    }
}

impl Queue {
    /// The state, after waiting for captures of other threads, as on a GPU.
    fn state(&self) -> MutexGuard<'_, State> {
        let own = thread::current().id();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let by_others = |state: &mut State| state.recording.as_ref().is_some_and(|(by, _)| *by != own);
        self.captured.wait_while(state, by_others).unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn run(&mut self, work: &Work) -> Result<()> {
        match work {
            Work::Kernel { kernel, precision, shape, arguments } => {
                self.kernel(kernel, *precision, *shape, arguments)
            }
            Work::Copy { from, to, bytes } => {
                self.buffers.copied(*from, *to, *bytes)?;
                // SAFETY: the caller of `Driver::copy` guarantees both.
                unsafe { std::ptr::copy_nonoverlapping(*from as *const u8, *to as *mut u8, *bytes) };
                Ok(())
            }
            Work::Clear { to, bytes } => {
                self.buffers.define(*to, *bytes)?;
                // SAFETY: guaranteed by the caller of `Driver::clear`.
                unsafe { std::ptr::write_bytes(*to as *mut u8, 0, *bytes) };
                Ok(())
            }
            Work::Forget { at, bytes } => self.buffers.forget(*at, *bytes),
        }
    }

    fn kernel(
        &mut self,
        kernel: &str,
        precision: Precision,
        [blocks, threads, shared]: [u32; 3],
        arguments: &[u8],
    ) -> Result<()> {
        let name = CString::new(kernel).map_err(|e| Error::device(e.to_string()))?;
        // Arguments are 8-byte aligned in C.
        let mut aligned = vec![0u64; arguments.len().div_ceil(8)];
        for (word, bytes) in aligned.iter_mut().zip(arguments.chunks(8)) {
            let mut padded = [0; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_ne_bytes(padded);
        }
        self.launches += 1;
        let buffers = self.buffers.as_slice();
        let launch = CLaunch {
            table: match precision {
                Precision::F64 => &raw const emulated_f64,
                Precision::F32 => &raw const emulated_f32,
                Precision::Mixed => &raw const emulated_mixed,
            },
            name: name.as_ptr(),
            arguments: aligned.as_ptr().cast(),
            argument_bytes: arguments.len() as u64,
            shared_bytes: u64::from(shared),
            buffers: buffers.as_ptr(),
            count: buffers.len() as u64,
            blocks,
            threads,
            descending: u32::from(self.descending),
            number: self.launches,
        };
        // SAFETY: the caller of `Driver::launch` guarantees the arguments; buffers are sorted and live.
        let fault = unsafe { emulate(&raw const launch) };
        fault
            .error(threads)
            .map_or(Ok(()), |problem| Err(Error::device(format!("kernel {kernel}: {problem}"))))
    }
}

impl Fault {
    /// The error of the launch, if any.
    fn error(&self, threads: u32) -> Option<String> {
        let Fault { block, thread, offset, bytes, .. } = *self;
        let place = format!("block {block}, thread {thread}, at byte {offset} of {bytes}");
        let other = format!("block {}, thread {}", self.other / threads, self.other % threads);
        Some(match self.kind {
            0 => return None,
            1 => "the kernel does not exist".into(),
            2 => "its arguments have another size than in C".into(),
            3 => "threads of a block do not meet".into(),
            4 => "too many threads, or no memory for them".into(),
            5 => format!("an access outside all buffers: {place}"),
            6 => format!("a read of uninitialised memory: {place}"),
            7 => format!("a race with {other}: {place}"),
            9 => format!("16 bytes that are not aligned: {place}"),
            _ => {
                format!("memory that is read as constant is written in the same launch: {place}, and {other}")
            }
        })
    }
}

impl Driver for Emulator {
    fn properties(&self) -> &Properties {
        &self.properties
    }

    fn allocate(&self, bytes: usize) -> Result<u64> {
        let mut state = self.outside_capture("an allocation")?;
        let left = self.properties.memory - state.buffers.bytes();
        let address = if bytes <= left { state.buffers.allocate(bytes)? } else { None };
        address.ok_or_else(|| {
            Error::device(format!("out of device memory: {bytes} bytes requested, {left} left"))
        })
    }

    unsafe fn free(&self, address: u64, bytes: usize) {
        let intact = self.queue.state().buffers.free(address);
        assert!(intact || std::thread::panicking(), "a kernel wrote beside a buffer of {bytes} bytes");
    }

    unsafe fn upload(&self, from: &[u8], to: u64) -> Result<()> {
        self.outside_capture("an upload")?.buffers.define(to, from.len())?;
        // SAFETY: the caller guarantees the length.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to as *mut u8, from.len()) };
        Ok(())
    }

    unsafe fn download(&self, from: u64, to: &mut [u8]) -> Result<()> {
        self.outside_capture("a download")?.buffers.defined(from, to.len())?;
        // SAFETY: the caller guarantees the length.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    unsafe fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<()> {
        self.queue(Work::Copy { from, to, bytes })
    }

    unsafe fn clear(&self, to: u64, bytes: usize) -> Result<()> {
        self.queue(Work::Clear { to, bytes })
    }

    unsafe fn forget(&self, at: u64, bytes: usize) -> Result<()> {
        self.queue(Work::Forget { at, bytes })
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
        let recording = Some((thread::current().id(), Vec::new()));
        self.outside_capture("the start of a capture")?.recording = recording;
        Ok(())
    }

    fn end_capture(&self) -> Result<Box<dyn Captured>> {
        let work = self.queue.state().recording.take();
        self.queue.captured.notify_all();
        let (_, work) = work.ok_or_else(|| Error::device("nothing is being captured"))?;
        Ok(Box::new(Recording { work, queue: self.queue.clone() }))
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
    queue: Arc<Queue>,
}

impl Captured for Recording {
    unsafe fn run(&self) -> Result<()> {
        let mut state = self.queue.state();
        self.work.iter().try_for_each(|work| state.run(work))
    }

    fn nodes(&self) -> usize {
        self.work.iter().filter(|work| !matches!(work, Work::Forget { .. })).count()
    }
}

#[cfg(test)]
#[path = "emulator_tests.rs"]
mod tests;

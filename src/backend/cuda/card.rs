//! GPUs, through their driver.

use std::sync::Arc;
use std::thread;

use cudarc::driver::sys::{self, CUevent, CUgraph, CUgraphExec, CUresult, CUstreamCaptureMode};

use super::context::Context;
use super::driver::{Captured, Driver, Launch, Properties};
use super::library::check;
use super::pool::Pool;
use crate::error::{Error, Result};

/// The share of the memory that the pool may hold: one in this many bytes.
const POOLED: usize = 4;

/// A GPU with one stream.
#[derive(Debug)]
pub(crate) struct Card {
    inner: Arc<Context>,
}

impl Card {
    /// Opens the GPU of this number. Kernels are compiled, with these options, when the first of their
    /// precision is launched.
    pub fn open(ordinal: usize, definitions: Vec<String>) -> Result<Self> {
        Ok(Self { inner: Arc::new(Context::open(ordinal, definitions)?) })
    }
}

impl Driver for Card {
    fn properties(&self) -> &Properties {
        &self.inner.properties
    }

    fn allocate(&self, bytes: usize) -> Result<u64> {
        let mut state = self.inner.outside_capture("an allocation")?;
        if let Some(address) = state.pool.take(bytes) {
            return Ok(address);
        }
        let size = Pool::rounded(bytes);
        let mut block = Context::allocate(size);
        if block.0 == CUresult::CUDA_ERROR_OUT_OF_MEMORY {
            self.inner.release(&mut state.pool);
            block = Context::allocate(size);
        }
        let (code, address) = block;
        if code == CUresult::CUDA_ERROR_OUT_OF_MEMORY {
            let (mut left, mut total) = (0, 0);
            // SAFETY: valid pointers to two numbers; they stay zero if the call fails.
            let _ = unsafe { sys::cuMemGetInfo_v2(&raw mut left, &raw mut total) };
            return Err(Error::device(format!("out of device memory: {bytes} bytes requested, {left} left")));
        }
        check(code, &format!("an allocation of {bytes} bytes of device memory"))?;
        Ok(address)
    }

    unsafe fn free(&self, address: u64, bytes: usize) {
        let mut state = self.inner.state();
        state.pool.put(address, bytes);
        // The host cannot wait for a capturing stream.
        let much = state.pool.bytes() > self.inner.properties.memory / POOLED;
        if much && state.capturing.is_none() && self.inner.enter().is_ok() {
            self.inner.release(&mut state.pool);
        }
    }

    unsafe fn upload(&self, from: &[u8], to: u64) -> Result<()> {
        let _state = self.inner.outside_capture("an upload")?;
        // SAFETY: the caller guarantees the length; the slice is alive until the copy is done.
        let queued =
            unsafe { sys::cuMemcpyHtoDAsync_v2(to, from.as_ptr().cast(), from.len(), self.inner.stream) };
        check(queued, "an upload")?;
        self.inner.wait()
    }

    unsafe fn download(&self, from: u64, to: &mut [u8]) -> Result<()> {
        let _state = self.inner.outside_capture("a download")?;
        // SAFETY: the caller guarantees the length; the slice is borrowed until the copy is done.
        let queued =
            unsafe { sys::cuMemcpyDtoHAsync_v2(to.as_mut_ptr().cast(), from, to.len(), self.inner.stream) };
        check(queued, "a download")?;
        self.inner.wait()
    }

    unsafe fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<()> {
        let _state = self.inner.state();
        self.inner.enter()?;
        // SAFETY: guaranteed by the caller.
        check(unsafe { sys::cuMemcpyDtoDAsync_v2(to, from, bytes, self.inner.stream) }, "a copy")
    }

    unsafe fn clear(&self, to: u64, bytes: usize) -> Result<()> {
        let _state = self.inner.state();
        self.inner.enter()?;
        // SAFETY: the caller guarantees the length.
        check(unsafe { sys::cuMemsetD8Async(to, 0, bytes, self.inner.stream) }, "writing zeros")
    }

    unsafe fn launch(&self, launch: Launch<'_>) -> Result<()> {
        let mut state = self.inner.state();
        self.inner.enter()?;
        let function = self.inner.function(&mut state, &launch)?;
        let mut arguments = [launch.arguments.as_ptr().cast_mut().cast()];
        // SAFETY: the caller guarantees the arguments, which are one struct; the driver copies it before it
        // returns.
        let queued = unsafe {
            sys::cuLaunchKernel(
                function,
                launch.blocks,
                1,
                1,
                launch.threads,
                1,
                1,
                launch.shared,
                self.inner.stream,
                arguments.as_mut_ptr(),
                std::ptr::null_mut(),
            )
        };
        check(queued, &format!("kernel {}", launch.kernel))
    }

    fn begin_capture(&self) -> Result<()> {
        let mut state = self.inner.outside_capture("the start of a capture")?;
        // Relaxed: kernels may be compiled and loaded during the capture.
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
        // SAFETY: a live stream that does not capture.
        check(unsafe { sys::cuStreamBeginCapture_v2(self.inner.stream, mode) }, "starting a capture")?;
        state.capturing = Some(thread::current().id());
        Ok(())
    }

    fn end_capture(&self) -> Result<Box<dyn Captured>> {
        let mut state = self.inner.state();
        if state.capturing.take().is_none() {
            return Err(Error::device("nothing is being captured"));
        }
        self.inner.captured.notify_all();
        self.inner.enter()?;
        let mut graph = Graph(std::ptr::null_mut());
        // SAFETY: a capturing stream; the capture ends here, whatever the result.
        let ended = unsafe { sys::cuStreamEndCapture(self.inner.stream, &raw mut graph.0) };
        check(ended, "ending a capture")?;
        let (mut nodes, mut runnable) = (0, std::ptr::null_mut());
        // SAFETY: a live graph, and valid pointers for its size and its executable form.
        unsafe {
            let counted = sys::cuGraphGetNodes(graph.0, std::ptr::null_mut(), &raw mut nodes);
            check(counted, "counting the captured work")?;
            let made = sys::cuGraphInstantiateWithFlags(&raw mut runnable, graph.0, 0);
            check(made, "preparing the captured graph")?;
        }
        Ok(Box::new(Recording { runnable, _graph: graph, nodes, inner: self.inner.clone() }))
    }

    fn synchronise(&self) -> Result<()> {
        let _state = self.inner.outside_capture("waiting")?;
        self.inner.wait()
    }

    fn seconds(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
        let (from, to) = {
            let _state = self.inner.outside_capture("reading the time")?;
            (Event::new()?, Event::new()?)
        };
        self.inner.record(&from)?;
        work()?;
        self.inner.record(&to)?;
        let _state = self.inner.outside_capture("reading the time")?;
        let mut milliseconds = 0.0;
        // SAFETY: two recorded events, of which the later one is waited for, and a valid pointer to the
        // number.
        unsafe {
            check(sys::cuEventSynchronize(to.0), "waiting for the GPU")?;
            check((self.inner.library.elapsed)(&raw mut milliseconds, from.0, to.0), "reading the time")?;
        }
        Ok(f64::from(milliseconds) * 1e-3)
    }
}

/// A timestamp in the queue.
struct Event(CUevent);

impl Event {
    /// An event of the current GPU.
    fn new() -> Result<Self> {
        let mut event = std::ptr::null_mut();
        // SAFETY: a valid pointer to the handle; the flag zero enables timing.
        check(unsafe { sys::cuEventCreate(&raw mut event, 0) }, "creating an event")?;
        Ok(Self(event))
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: a live event, destroyed once; the driver waits for it if necessary.
        let _ = unsafe { sys::cuEventDestroy_v2(self.0) };
    }
}

impl Context {
    fn record(&self, event: &Event) -> Result<()> {
        let _state = self.outside_capture("reading the time")?;
        // SAFETY: a live event and stream of one context.
        check(unsafe { sys::cuEventRecord(event.0, self.stream) }, "reading the time")
    }
}

/// A captured graph.
#[derive(Debug)]
struct Graph(CUgraph);

impl Drop for Graph {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: a live graph, destroyed once; the executable graph does not need it.
            let _ = unsafe { sys::cuGraphDestroy(self.0) };
        }
    }
}

/// An executable graph.
#[derive(Debug)]
struct Recording {
    runnable: CUgraphExec,
    _graph: Graph,
    nodes: usize,
    inner: Arc<Context>,
}

// SAFETY: as for `Context`; runs are serialised by its mutex.
unsafe impl Send for Recording {}
// SAFETY: as above.
unsafe impl Sync for Recording {}

impl Drop for Recording {
    fn drop(&mut self) {
        let _state = self.inner.state();
        let _ = self.inner.enter();
        // SAFETY: destroyed once; a run in progress ends first.
        let _ = unsafe { sys::cuGraphExecDestroy(self.runnable) };
    }
}

impl Captured for Recording {
    unsafe fn run(&self) -> Result<()> {
        let _state = self.inner.outside_capture("a captured run")?;
        // SAFETY: live handles; the caller guarantees the memory.
        check(unsafe { sys::cuGraphLaunch(self.runnable, self.inner.stream) }, "running the captured graph")
    }

    fn nodes(&self) -> usize {
        self.nodes
    }
}

#[cfg(test)]
#[path = "card_tests.rs"]
mod tests;

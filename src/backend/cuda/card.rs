//! A card, by its driver.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::{CString, c_int};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use cudarc::driver::sys::{
    self, CUcontext, CUdevice, CUdevice_attribute, CUevent, CUfunction, CUfunction_attribute, CUgraph,
    CUgraphExec, CUmodule, CUresult, CUstream, CUstreamCaptureMode,
};

use super::compile::{Compiler, Target};
use super::driver::{Captured, Driver, Launch, Precision, Properties};
use super::kept::Kept;
use super::library::{self, Library, Version, check, library};
use super::pool::Pool;
use crate::error::{Error, Result};

/// The least compute capability that will do.
const LEAST: Version = Version(7, 0);

/// What part of the memory may wait in the pool: one in so many bytes.
const POOLED: usize = 4;

/// Bytes of shared memory that any kernel may use; more has to be asked for.
const SHARED: usize = 48 << 10;

/// A card with one stream.
#[derive(Debug)]
pub(crate) struct Card {
    inner: Arc<Inner>,
}

/// What graphs share with the card that they were captured on.
#[derive(Debug)]
struct Inner {
    properties: Properties,
    library: Library,
    compiler: Compiler,
    target: Target,
    device: CUdevice,
    context: CUcontext,
    stream: CUstream,
    state: Mutex<State>,
    /// Told when a capture ends.
    captured: Condvar,
}

// SAFETY: the driver takes its handles from any thread in which the context is current, which every call sees to;
// what changes is behind the mutex.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

#[derive(Debug, Default)]
struct State {
    modules: HashMap<Precision, CUmodule>,
    functions: HashMap<(&'static str, Precision), Function>,
    /// The thread whose work is captured.
    capturing: Option<ThreadId>,
    pool: Pool,
}

/// A kernel, with the dynamic shared memory that it may use so far and at most.
#[derive(Debug, Clone, Copy)]
struct Function {
    handle: CUfunction,
    shared: usize,
    most: usize,
}

impl Card {
    /// The card of this number. Kernels are compiled when the first of their precision is launched.
    pub fn open(ordinal: usize) -> Result<Self> {
        let library = library()?;
        let device = library.device(ordinal)?;
        let name = library::name(device)?;
        let attribute = |which| library::attribute(device, which);
        let capability = Version::from((
            attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
            attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
        ));
        if capability < LEAST {
            return Err(Error::device(format!(
                "the card {name} has compute capability {capability}; {LEAST} or later is needed"
            )));
        }
        let shared = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?;
        let multiprocessors = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
        let properties = Properties {
            name,
            shared_bytes: usize::try_from(shared).unwrap_or(0).max(SHARED),
            multiprocessors: multiprocessors.unsigned_abs(),
            memory: library::memory(device)?,
            capability: capability.to_string(),
            driver: library.version.to_string(),
        };
        let compiler = Compiler::find()?;
        let target = compiler.target(capability)?;
        let mut inner = Inner {
            properties,
            library,
            compiler,
            target,
            device,
            context: std::ptr::null_mut(),
            stream: std::ptr::null_mut(),
            state: Mutex::default(),
            captured: Condvar::new(),
        };
        // SAFETY: a device of the driver; the context is given back when `inner` is dropped, which happens here
        // where the stream cannot be had.
        check(unsafe { sys::cuDevicePrimaryCtxRetain(&raw mut inner.context, device) }, "opening the card")?;
        inner.enter()?;
        let flags = sys::CUstream_flags::CU_STREAM_NON_BLOCKING as u32;
        // SAFETY: the context is current.
        check(unsafe { sys::cuStreamCreate(&raw mut inner.stream, flags) }, "making a stream")?;
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Inner {
    /// Makes the card current in this thread.
    fn enter(&self) -> Result<()> {
        // SAFETY: the context is alive as long as `self`.
        check(unsafe { sys::cuCtxSetCurrent(self.context) }, "making the card current")
    }

    /// The state, as soon as no other thread captures: what this one gives to the stream would be captured too.
    fn state(&self) -> MutexGuard<'_, State> {
        let own = thread::current().id();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let by_others = |state: &mut State| state.capturing.is_some_and(|by| by != own);
        self.captured.wait_while(state, by_others).unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, where nothing is being captured and the card is current.
    fn outside_capture(&self, what: &str) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.capturing.is_some() {
            return Err(Error::device(format!("{what} while work is captured")));
        }
        self.enter()?;
        Ok(state)
    }

    /// Waits for the stream.
    fn wait(&self) -> Result<()> {
        // SAFETY: the stream is alive, and the context current.
        check(unsafe { sys::cuStreamSynchronize(self.stream) }, "waiting for the card")
    }

    /// The kernels of a precision, compiled on first use.
    fn module(&self, state: &mut State, precision: Precision) -> Result<CUmodule> {
        if let Some(&module) = state.modules.get(&precision) {
            return Ok(module);
        }
        let image = self.compiler.image(&Kept::of_user(), precision, self.target)?;
        let mut module = std::ptr::null_mut();
        // SAFETY: an image that the compiler made; the driver copies it.
        let loaded = unsafe { sys::cuModuleLoadData(&raw mut module, image.as_ptr().cast()) };
        check(loaded, &refusal(self.library.version, self.compiler.version, self.target))?;
        state.modules.insert(precision, module);
        Ok(module)
    }

    /// A kernel that may use so much dynamic shared memory.
    fn function(&self, state: &mut State, launch: &Launch<'_>) -> Result<CUfunction> {
        let Launch { kernel, precision, .. } = *launch;
        let key = (kernel, precision);
        if !state.functions.contains_key(&key) {
            let module = self.module(state, precision)?;
            let name = CString::new(format!("{kernel}_{}", precision.suffix()))
                .map_err(|e| Error::device(format!("kernel {kernel}: {e}")))?;
            let (mut handle, mut own) = (std::ptr::null_mut(), 0);
            // SAFETY: a loaded module, a text that ends with zero, and places for the results.
            unsafe {
                let found = sys::cuModuleGetFunction(&raw mut handle, module, name.as_ptr());
                check(found, &format!("kernel {kernel}"))?;
                let shared = CUfunction_attribute::CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES;
                check(sys::cuFuncGetAttribute(&raw mut own, shared, handle), &format!("kernel {kernel}"))?;
            }
            let own = usize::try_from(own).unwrap_or(0);
            let (shared, most) =
                (SHARED.saturating_sub(own), self.properties.shared_bytes.saturating_sub(own));
            state.functions.insert(key, Function { handle, shared, most });
        }
        let Entry::Occupied(mut function) = state.functions.entry(key) else {
            return Err(Error::device(format!("kernel {kernel}: not found")));
        };
        let Function { handle, shared, most } = *function.get();
        let wanted = launch.shared as usize;
        if wanted > most {
            return Err(Error::device(format!(
                "kernel {kernel}: {wanted} bytes of shared memory were asked for, the card has {most}"
            )));
        }
        if wanted > shared {
            let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            let most_bytes = c_int::try_from(most).unwrap_or(c_int::MAX);
            // SAFETY: a function of a loaded module.
            let set = unsafe { sys::cuFuncSetAttribute(handle, attribute, most_bytes) };
            check(set, &format!("kernel {kernel}: {most} bytes of shared memory"))?;
            function.get_mut().shared = most;
        }
        Ok(handle)
    }

    /// Memory from the driver.
    fn allocate(bytes: usize) -> (CUresult, u64) {
        let mut address = 0;
        // SAFETY: a place for the address.
        (unsafe { sys::cuMemAlloc_v2(&raw mut address, bytes) }, address)
    }

    /// Gives what waits in the pool back to the driver. There is nobody to tell of a failure, and after one the driver
    /// takes everything back when the process ends.
    fn release(&self, pool: &mut Pool) {
        let _ = self.wait();
        for address in pool.drain() {
            // SAFETY: memory that was allocated and is given back once; nothing queued uses it any more.
            let _ = unsafe { sys::cuMemFree_v2(address) };
        }
    }
}

/// What is said where the driver does not take what the compiler made.
fn refusal(driver: Version, compiler: Version, target: Target) -> String {
    let mut text =
        format!("the driver, for CUDA {driver}, refuses kernels that NVRTC {compiler} made for {target}");
    if compiler.0 > driver.0 {
        text += &format!("; a driver takes those of its own major version, so use an NVRTC {}", driver.0);
    }
    text
}

impl Drop for Inner {
    fn drop(&mut self) {
        let State { modules, capturing, mut pool, .. } =
            std::mem::take(self.state.get_mut().unwrap_or_else(PoisonError::into_inner));
        if self.context.is_null() {
            return;
        }
        let _ = self.enter();
        if !self.stream.is_null() {
            if capturing.is_some() {
                let mut graph = std::ptr::null_mut();
                // SAFETY: a live stream that captures; what it captured is not wanted.
                let ended = unsafe { sys::cuStreamEndCapture(self.stream, &raw mut graph) };
                drop(check(ended, "").map(|()| Graph(graph)));
            }
            self.release(&mut pool);
        }
        // SAFETY: live handles, given back once and in the reverse order; the stream is idle. Failures only leak.
        unsafe {
            for module in modules.into_values() {
                let _ = sys::cuModuleUnload(module);
            }
            if !self.stream.is_null() {
                let _ = sys::cuStreamDestroy_v2(self.stream);
            }
            let _ = sys::cuDevicePrimaryCtxRelease_v2(self.device);
        }
    }
}

impl Driver for Card {
    fn properties(&self) -> &Properties {
        &self.inner.properties
    }

    fn allocate(&self, bytes: usize) -> Result<u64> {
        let mut state = self.inner.outside_capture("memory was asked for")?;
        if let Some(address) = state.pool.take(bytes) {
            return Ok(address);
        }
        let size = Pool::rounded(bytes);
        let mut block = Inner::allocate(size);
        if block.0 == CUresult::CUDA_ERROR_OUT_OF_MEMORY {
            self.inner.release(&mut state.pool);
            block = Inner::allocate(size);
        }
        let (code, address) = block;
        if code == CUresult::CUDA_ERROR_OUT_OF_MEMORY {
            let (mut left, mut total) = (0, 0);
            // SAFETY: places for two numbers; they stay zero where the card does not say.
            let _ = unsafe { sys::cuMemGetInfo_v2(&raw mut left, &raw mut total) };
            return Err(Error::device(format!(
                "out of device memory: {bytes} bytes were asked for, {left} are left"
            )));
        }
        check(code, &format!("asking for {bytes} bytes of device memory"))?;
        Ok(address)
    }

    unsafe fn free(&self, address: u64, bytes: usize) {
        let mut state = self.inner.state();
        state.pool.put(address, bytes);
        // A stream that captures cannot be waited for.
        let much = state.pool.bytes() > self.inner.properties.memory / POOLED;
        if much && state.capturing.is_none() && self.inner.enter().is_ok() {
            self.inner.release(&mut state.pool);
        }
    }

    unsafe fn upload(&self, from: &[u8], to: u64) -> Result<()> {
        let _state = self.inner.outside_capture("an upload")?;
        // SAFETY: the caller vouches for the length; the slice is alive until the copy is done.
        let queued =
            unsafe { sys::cuMemcpyHtoDAsync_v2(to, from.as_ptr().cast(), from.len(), self.inner.stream) };
        check(queued, "an upload")?;
        self.inner.wait()
    }

    unsafe fn download(&self, from: u64, to: &mut [u8]) -> Result<()> {
        let _state = self.inner.outside_capture("a download")?;
        // SAFETY: the caller vouches for the length; the slice is borrowed until the copy is done.
        let queued =
            unsafe { sys::cuMemcpyDtoHAsync_v2(to.as_mut_ptr().cast(), from, to.len(), self.inner.stream) };
        check(queued, "a download")?;
        self.inner.wait()
    }

    unsafe fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<()> {
        let _state = self.inner.state();
        self.inner.enter()?;
        // SAFETY: the caller vouches for both.
        check(unsafe { sys::cuMemcpyDtoDAsync_v2(to, from, bytes, self.inner.stream) }, "a copy")
    }

    unsafe fn clear(&self, to: u64, bytes: usize) -> Result<()> {
        let _state = self.inner.state();
        self.inner.enter()?;
        // SAFETY: the caller vouches for the length.
        check(unsafe { sys::cuMemsetD8Async(to, 0, bytes, self.inner.stream) }, "writing zeros")
    }

    unsafe fn launch(&self, launch: Launch<'_>) -> Result<()> {
        let mut state = self.inner.state();
        self.inner.enter()?;
        let function = self.inner.function(&mut state, &launch)?;
        let mut arguments = [launch.arguments.as_ptr().cast_mut().cast()];
        // SAFETY: the caller vouches for the arguments, which are one struct; the driver copies it before it
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
        let mut state = self.inner.outside_capture("a capture was begun")?;
        // Relaxed: kernels may be compiled and loaded meanwhile.
        let mode = CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
        // SAFETY: a live stream that does not capture.
        check(unsafe { sys::cuStreamBeginCapture_v2(self.inner.stream, mode) }, "beginning a capture")?;
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
        // SAFETY: a stream that captures; it does so no longer, whatever the result.
        let ended = unsafe { sys::cuStreamEndCapture(self.inner.stream, &raw mut graph.0) };
        check(ended, "ending a capture")?;
        let (mut nodes, mut runnable) = (0, std::ptr::null_mut());
        // SAFETY: a live graph, and places for its size and for what runs it.
        unsafe {
            let counted = sys::cuGraphGetNodes(graph.0, std::ptr::null_mut(), &raw mut nodes);
            check(counted, "counting what was captured")?;
            let made = sys::cuGraphInstantiateWithFlags(&raw mut runnable, graph.0, 0);
            check(made, "preparing what was captured")?;
        }
        Ok(Box::new(Recording { runnable, _graph: graph, nodes, inner: self.inner.clone() }))
    }

    fn synchronise(&self) -> Result<()> {
        let _state = self.inner.outside_capture("waiting")?;
        self.inner.wait()
    }

    fn seconds(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
        let (from, to) = {
            let _state = self.inner.outside_capture("taking the time")?;
            (Event::new()?, Event::new()?)
        };
        self.inner.record(&from)?;
        work()?;
        self.inner.record(&to)?;
        let _state = self.inner.outside_capture("taking the time")?;
        let mut milliseconds = 0.0;
        // SAFETY: two events that were recorded, the later of which is waited for, and a place for the number.
        unsafe {
            check(sys::cuEventSynchronize(to.0), "waiting for the card")?;
            check((self.inner.library.elapsed)(&raw mut milliseconds, from.0, to.0), "taking the time")?;
        }
        Ok(f64::from(milliseconds) * 1e-3)
    }
}

/// A point in the queue of which the time is taken.
struct Event(CUevent);

impl Event {
    /// An event of the current card.
    fn new() -> Result<Self> {
        let mut event = std::ptr::null_mut();
        // SAFETY: a place for the handle; zero means that the time is taken.
        check(unsafe { sys::cuEventCreate(&raw mut event, 0) }, "making an event")?;
        Ok(Self(event))
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: a live event, destroyed once; the driver waits for it where it must.
        let _ = unsafe { sys::cuEventDestroy_v2(self.0) };
    }
}

impl Inner {
    fn record(&self, event: &Event) -> Result<()> {
        let _state = self.outside_capture("taking the time")?;
        // SAFETY: a live event and stream of one context.
        check(unsafe { sys::cuEventRecord(event.0, self.stream) }, "taking the time")
    }
}

/// Captured work as it was written down.
#[derive(Debug)]
struct Graph(CUgraph);

impl Drop for Graph {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: a live graph, destroyed once; what was prepared from it does not need it.
            let _ = unsafe { sys::cuGraphDestroy(self.0) };
        }
    }
}

/// Captured work, ready to run.
#[derive(Debug)]
struct Recording {
    runnable: CUgraphExec,
    _graph: Graph,
    nodes: usize,
    inner: Arc<Inner>,
}

// SAFETY: as for `Inner`; runs are serialised by its mutex.
unsafe impl Send for Recording {}
// SAFETY: as above.
unsafe impl Sync for Recording {}

impl Drop for Recording {
    fn drop(&mut self) {
        let _state = self.inner.state();
        let _ = self.inner.enter();
        // SAFETY: destroyed once; a run that is under way ends first.
        let _ = unsafe { sys::cuGraphExecDestroy(self.runnable) };
    }
}

impl Captured for Recording {
    unsafe fn run(&self) -> Result<()> {
        let _state = self.inner.outside_capture("a captured run")?;
        // SAFETY: live handles; the caller vouches for the memory.
        check(unsafe { sys::cuGraphLaunch(self.runnable, self.inner.stream) }, "running what was captured")
    }

    fn nodes(&self) -> usize {
        self.nodes
    }
}

#[cfg(test)]
#[path = "card_tests.rs"]
mod tests;

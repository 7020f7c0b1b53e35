//! An open GPU: its context, stream, kernels and memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::{CString, c_int};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use cudarc::driver::sys::{
    self, CUcontext, CUdevice, CUdevice_attribute, CUfunction, CUfunction_attribute, CUmodule, CUresult,
    CUstream,
};

use super::compile::{Compiler, Target};
use super::driver::{Launch, Precision, Properties};
use super::kernel_cache::KernelCache;
use super::library::{self, Library, Version, check, library};
use super::pool::Pool;
use crate::error::{Error, Result};

/// The least supported compute capability.
const LEAST: Version = Version(7, 0);

/// Bytes of shared memory available to any kernel; more must be requested.
const SHARED: usize = 48 << 10;

/// State shared between graphs and the GPU on which they were captured.
#[derive(Debug)]
pub(super) struct Context {
    pub properties: Properties,
    pub library: Library,
    compiler: Compiler,
    target: Target,
    /// Options of the compiler that set constants.
    definitions: Vec<String>,
    device: CUdevice,
    context: CUcontext,
    pub stream: CUstream,
    state: Mutex<State>,
    /// Notified when a capture ends.
    pub captured: Condvar,
}

// SAFETY: the driver accepts its handles from any thread in which the context is current, which every call
// ensures; mutable state is behind the mutex.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

#[derive(Debug, Default)]
pub(super) struct State {
    modules: HashMap<Precision, CUmodule>,
    functions: HashMap<(&'static str, Precision), Function>,
    /// The capturing thread.
    pub capturing: Option<ThreadId>,
    pub pool: Pool,
}

/// A kernel, with its current and largest dynamic shared memory.
#[derive(Debug, Clone, Copy)]
struct Function {
    handle: CUfunction,
    shared: usize,
    most: usize,
}

impl Context {
    /// Opens the GPU of this number. Kernels are compiled, with these options, when the first of their
    /// precision is launched.
    pub fn open(ordinal: usize, definitions: Vec<String>) -> Result<Self> {
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
                "the GPU {name} has compute capability {capability}; {LEAST} or later is needed"
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
        let mut inner = Self {
            properties,
            library,
            compiler,
            target,
            definitions,
            device,
            context: std::ptr::null_mut(),
            stream: std::ptr::null_mut(),
            state: Mutex::default(),
            captured: Condvar::new(),
        };
        // SAFETY: a device of the driver; the context is released when `inner` is dropped, which happens here
        // if the stream cannot be created.
        check(unsafe { sys::cuDevicePrimaryCtxRetain(&raw mut inner.context, device) }, "opening the GPU")?;
        inner.enter()?;
        let flags = sys::CUstream_flags::CU_STREAM_NON_BLOCKING as u32;
        // SAFETY: the context is current.
        check(unsafe { sys::cuStreamCreate(&raw mut inner.stream, flags) }, "creating a stream")?;
        Ok(inner)
    }

    /// Makes the GPU current in this thread.
    pub fn enter(&self) -> Result<()> {
        // SAFETY: the context is alive as long as `self`.
        check(unsafe { sys::cuCtxSetCurrent(self.context) }, "making the GPU current")
    }

    /// The state, after waiting for captures of other threads: work of this thread would be captured too.
    pub fn state(&self) -> MutexGuard<'_, State> {
        let own = thread::current().id();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let by_others = |state: &mut State| state.capturing.is_some_and(|by| by != own);
        self.captured.wait_while(state, by_others).unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, outside captures and with the GPU current.
    pub fn outside_capture(&self, what: &str) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.capturing.is_some() {
            return Err(Error::device(format!("{what} while work is captured")));
        }
        self.enter()?;
        Ok(state)
    }

    /// Waits for the stream.
    pub fn wait(&self) -> Result<()> {
        // SAFETY: the stream is alive, and the context current.
        check(unsafe { sys::cuStreamSynchronize(self.stream) }, "waiting for the GPU")
    }

    /// The kernels of a precision, compiled on first use.
    fn module(&self, state: &mut State, precision: Precision) -> Result<CUmodule> {
        if let Some(&module) = state.modules.get(&precision) {
            return Ok(module);
        }
        let image =
            self.compiler.image(&KernelCache::of_user(), precision, self.target, &self.definitions)?;
        let mut module = std::ptr::null_mut();
        // SAFETY: an image made by the compiler; the driver copies it.
        let mut load = || unsafe { sys::cuModuleLoadData(&raw mut module, image.as_ptr().cast()) };
        let mut loaded = load();
        if loaded == CUresult::CUDA_ERROR_OUT_OF_MEMORY && state.capturing.is_none() {
            self.release(&mut state.pool);
            loaded = load();
        }
        let what = match loaded {
            CUresult::CUDA_ERROR_OUT_OF_MEMORY => "loading the kernels".into(),
            _ => refusal(self.library.version, self.compiler.version, self.target),
        };
        check(loaded, &what)?;
        state.modules.insert(precision, module);
        Ok(module)
    }

    /// A kernel that may use this much dynamic shared memory.
    pub fn function(&self, state: &mut State, launch: &Launch<'_>) -> Result<CUfunction> {
        let Launch { kernel, precision, .. } = *launch;
        let key = (kernel, precision);
        if !state.functions.contains_key(&key) {
            let module = self.module(state, precision)?;
            let name = CString::new(format!("{kernel}_{}", precision.suffix()))
                .map_err(|e| Error::device(format!("kernel {kernel}: {e}")))?;
            let (mut handle, mut own) = (std::ptr::null_mut(), 0);
            // SAFETY: a loaded module, a zero-terminated text, and valid pointers for the results.
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
                "kernel {kernel}: {wanted} bytes of shared memory requested, but the GPU has {most}"
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

    /// Allocates memory from the driver.
    pub fn allocate(bytes: usize) -> (CUresult, u64) {
        let mut address = 0;
        // SAFETY: a valid pointer to the address.
        (unsafe { sys::cuMemAlloc_v2(&raw mut address, bytes) }, address)
    }

    /// Returns the pool's memory to the driver. A failure cannot be reported; the driver then releases all
    /// memory when the process ends.
    pub fn release(&self, pool: &mut Pool) {
        let _ = self.wait();
        for address in pool.drain() {
            // SAFETY: allocated memory that is freed once; no queued work uses it.
            let _ = unsafe { sys::cuMemFree_v2(address) };
        }
    }
}

/// The error if the driver refuses the output of the compiler.
pub(super) fn refusal(driver: Version, compiler: Version, target: Target) -> String {
    let mut text =
        format!("the driver, for CUDA {driver}, refuses kernels that NVRTC {compiler} made for {target}");
    if compiler.0 > driver.0 {
        text += &format!("; a driver takes those of its own major version, so use an NVRTC {}", driver.0);
    }
    text
}

impl Drop for Context {
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
                // SAFETY: a live capturing stream; the captured graph is discarded.
                unsafe {
                    let ended = sys::cuStreamEndCapture(self.stream, &raw mut graph);
                    if ended == CUresult::CUDA_SUCCESS && !graph.is_null() {
                        let _ = sys::cuGraphDestroy(graph);
                    }
                }
            }
            self.release(&mut pool);
        }
        // SAFETY: live handles, released once and in reverse order; the stream is idle. Failures only leak.
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

//! NVIDIA GPUs: memory, launches and the kernels of `kernels/`.
//!
//! [`Cuda`] is a device with one queue of work. Launches return nothing: as in CUDA itself, the first failure
//! is kept, later work is not run, and reading a result returns the error. So no result is silently wrong,
//! and code that only queues work stays simple.
//!
//! The kernels are compiled at run time for the GPU of the machine (NVRTC); in tests an emulator runs them on
//! the CPU (feature `emulator`). All code above [`Driver`] is common to both.

#![expect(unsafe_code, reason = "kernels take addresses; each use says why it is sound")]

mod arguments;
mod card;
mod compile;
mod context;
mod dense;
mod driver;
#[cfg(feature = "emulator")]
mod emulated_memory;
#[cfg(feature = "emulator")]
mod emulator;
mod graph;
#[cfg(all(test, feature = "emulator"))]
pub(crate) mod judged;
mod kernel_cache;
mod krylov;
mod library;
mod memory;
mod optimise;
#[cfg(all(test, feature = "emulator"))]
mod optimise_tests;
mod patterns;
mod pool;
mod products;
mod random;
mod reductions;
mod refresh;
mod sampled;
mod select;
mod sliced;
mod sweeps;
mod training;
#[cfg(all(test, feature = "emulator"))]
pub(crate) mod trials;
mod triangular;
mod triangular_sweeps;
mod tuning;
mod vectors;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub(crate) use arguments::{Address, Arguments, arguments};
pub(crate) use driver::Captured;
pub use driver::Precision;
pub use graph::Graph;
pub(crate) use krylov::{Conclusion, Hindrance, KrylovBasis, KrylovRoom, Place, Recorded};
pub use memory::Memory;
pub use memory::Plain;
pub(crate) use optimise::AdamFactors;
pub(crate) use patterns::{DevicePattern, DeviceTransposition};
pub(crate) use products::DeviceView;
pub(crate) use reductions::Reductions;
pub(crate) use refresh::{DeviceDiagonal, DeviceGalerkin, DiagonalKind};
pub(crate) use sampled::{Entries as SampledEntries, Part};
pub(crate) use sliced::{SlicedPattern, SlicedView};
pub use tuning::Tuning;
pub(crate) use vectors::Factor;

use crate::error::{Error, Result};
use crate::sparse::Scalar;
use driver::{Driver, Launch};

/// The default number of threads of a block.
pub(crate) const THREADS: u32 = 256;

/// The largest number of blocks of a launch, on every GPU.
const MOST_BLOCKS: u32 = (1 << 31) - 1;

/// A device with its queue of work; clones are the same device.
#[derive(Debug, Clone)]
pub struct Cuda {
    driver: Arc<dyn Driver>,
    failure: Arc<OnceLock<Error>>,
    patterns: Arc<Mutex<patterns::Known>>,
    tuning: Arc<Tuning>,
    mixed: bool,
}

/// Scalar types of devices.
pub trait OnDevice: Scalar + Plain {
    /// The precision of this type, with sums in double precision on request.
    fn precision(mixed: bool) -> Precision;
}

impl OnDevice for f64 {
    fn precision(_: bool) -> Precision {
        Precision::F64
    }
}

impl OnDevice for f32 {
    fn precision(mixed: bool) -> Precision {
        if mixed { Precision::Mixed } else { Precision::F32 }
    }
}

impl Cuda {
    /// The emulated device, for tests: 1 GiB of memory, threads in ascending or descending order. With
    /// MULTIGRAD_DEVICE=card in the environment it is the first GPU instead, so that the same tests run
    /// there; they all share its queue, so run them one after another.
    ///
    /// # Panics
    /// If the environment requests a GPU and there is none; as [`emulated_with`](Self::emulated_with).
    #[cfg(feature = "emulator")]
    pub fn emulated(descending: bool) -> Self {
        static CARD: OnceLock<Cuda> = OnceLock::new();
        if std::env::var_os("MULTIGRAD_DEVICE").is_some_and(|device| device == "card") {
            let card = CARD.get_or_init(|| Self::open(0).expect("MULTIGRAD_DEVICE=card needs a card"));
            return Self::on(card.driver.clone(), card.tuning.clone());
        }
        Self::emulated_with(1 << 30, descending)
    }

    /// The emulated device with this many bytes of memory. Its kernels are compiled with the defaults of
    /// [`Tuning`].
    ///
    /// # Panics
    /// If `MULTIGRAD_TUNING` is invalid, see [`Tuning`].
    #[cfg(feature = "emulator")]
    pub fn emulated_with(memory: usize, descending: bool) -> Self {
        let tuning = Tuning::from_env().expect("valid constants in MULTIGRAD_TUNING");
        Self::emulated_by(emulator::Emulator::new(memory, descending), tuning).expect("an emulated device")
    }

    /// The emulated device with 1 GiB of memory and these constants.
    ///
    /// # Errors
    /// Constants other than the defaults that are compiled into the kernels: those of the emulator are
    /// compiled beforehand.
    #[cfg(feature = "emulator")]
    pub fn emulated_tuned(tuning: Tuning) -> Result<Self> {
        Self::emulated_by(emulator::Emulator::new(1 << 30, false), tuning)
    }

    #[cfg(feature = "emulator")]
    fn emulated_by(emulator: emulator::Emulator, tuning: Tuning) -> Result<Self> {
        match &*tuning.definitions().join(" ") {
            "" => Ok(Self::on(Arc::new(emulator), Arc::new(tuning))),
            other => Err(Error::invalid_input(format!("the emulator has no kernels with {other}"))),
        }
    }

    fn on(driver: Arc<dyn Driver>, tuning: Arc<Tuning>) -> Self {
        Self { driver, failure: Arc::default(), patterns: Arc::default(), tuning, mixed: false }
    }

    /// Its constants.
    pub fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// The same device, with sums of single-precision values in double precision.
    #[must_use]
    pub fn summing_in_double(&self) -> Self {
        Self { mixed: true, ..self.clone() }
    }

    /// Name of the device.
    pub fn name(&self) -> &str {
        &self.driver.properties().name
    }

    /// Waits for all work.
    ///
    /// # Errors
    /// The first failure of the device since it was opened.
    pub fn synchronise(&self) -> Result<()> {
        self.check()?;
        self.driver.synchronise()
    }

    /// The first failure, if any.
    pub(crate) fn check(&self) -> Result<()> {
        self.failure.get().map_or(Ok(()), |e| Err(e.clone()))
    }

    /// Records a failure found on the host.
    pub(crate) fn fail(&self, error: Error) {
        self.note::<()>(Err(error));
    }

    /// Records a failure.
    fn note<V>(&self, result: Result<V>) -> Option<V> {
        result.map_err(|e| self.failure.set(e)).ok()
    }

    /// Memory with undefined content; empty after a failure.
    pub(crate) fn undefined<V: Plain>(&self, len: usize) -> Memory<V> {
        let memory = self.check().and_then(|()| Memory::undefined(&self.driver, len));
        self.note(memory).unwrap_or_else(|| Memory::nothing(&self.driver))
    }

    /// These values on the device; empty after a failure.
    pub(crate) fn upload<V: Plain>(&self, values: &[V]) -> Memory<V> {
        let memory = self.check().and_then(|()| Memory::of(&self.driver, values));
        self.note(memory).unwrap_or_else(|| Memory::nothing(&self.driver))
    }

    /// The values of a buffer, after all queued work.
    pub(crate) fn download<V: Plain + Default>(&self, memory: &Memory<V>) -> Result<Vec<V>> {
        self.check()?;
        let mut values = vec![V::default(); memory.len()];
        memory.read(&mut values)?;
        Ok(values)
    }

    /// Queues a copy.
    pub(crate) fn copy<V: Plain>(&self, from: &Memory<V>, to: &mut Memory<V>) {
        if self.check().is_ok() {
            self.note(to.copy_from(from));
        }
    }

    /// Marks the content as undefined, like that of new memory.
    pub(crate) fn forget<V: Plain>(&self, memory: &mut Memory<V>) {
        if self.check().is_ok() {
            self.note(memory.forget());
        }
    }

    /// Queues zeros.
    pub(crate) fn clear<V: Plain>(&self, to: &mut Memory<V>) {
        if self.check().is_ok() {
            self.note(to.clear());
        }
    }

    /// Queues a kernel of `blocks` blocks. `lengths` says whether every buffer has the length that the kernel
    /// expects; otherwise the launch is refused.
    pub(crate) fn launch<T: OnDevice, A: Arguments>(
        &self,
        kernel: &'static str,
        (blocks, threads, shared): (usize, u32, u32),
        lengths: bool,
        arguments: &A,
    ) {
        if blocks == 0 || self.check().is_err() {
            return;
        }
        if !lengths {
            self.note::<()>(Err(Error::dimension(format!("kernel {kernel}: buffers of wrong length"))));
            return;
        }
        let Some(blocks) = u32::try_from(blocks).ok().filter(|&blocks| blocks <= MOST_BLOCKS) else {
            self.note::<()>(Err(Error::dimension(format!("kernel {kernel}: too many blocks: {blocks}"))));
            return;
        };
        // SAFETY: an `Arguments` struct has no padding.
        let bytes =
            unsafe { std::slice::from_raw_parts(std::ptr::from_ref(arguments).cast(), size_of::<A>()) };
        let launch =
            Launch { kernel, precision: T::precision(self.mixed), blocks, threads, shared, arguments: bytes };
        // SAFETY: the arguments are declared as in the kernel file, and the caller has checked the lengths of
        // the buffers, which are borrowed here; freed memory is only reused by work queued later.
        let done = unsafe { self.driver.launch(launch) };
        self.note(done);
    }

    /// Queues a kernel with a thread for each of `count` elements.
    pub(crate) fn for_each<T: OnDevice, A: Arguments>(
        &self,
        kernel: &'static str,
        count: usize,
        lengths: bool,
        arguments: &A,
    ) {
        self.launch::<T, A>(kernel, (count.div_ceil(THREADS as usize), THREADS, 0), lengths, arguments);
    }

    /// Captures the work that `work` queues, to be run repeatedly. It must not allocate.
    pub(crate) fn capture(&self, work: impl FnOnce()) -> Result<Box<dyn Captured>> {
        self.check()?;
        self.driver.begin_capture()?;
        let open = OpenCapture(&*self.driver);
        work();
        drop(open);
        let captured = self.driver.end_capture();
        self.check()?;
        captured
    }

    fn known(&self) -> std::sync::MutexGuard<'_, patterns::Known> {
        self.patterns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a capture whose work panics: otherwise all later work would be captured, or wait forever.
struct OpenCapture<'a>(&'a dyn Driver);

impl Drop for OpenCapture<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = self.0.end_capture();
        }
    }
}

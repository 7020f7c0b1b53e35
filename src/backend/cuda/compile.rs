//! Compilation of kernels at run time by NVRTC, for the GPU of this machine.

use std::ffi::{CStr, CString, c_int};
use std::sync::OnceLock;

use cudarc::nvrtc::sys::{self, nvrtcResult};

use super::driver::Precision;
use super::kernel_cache::KernelCache;
use super::library::Version;
use crate::error::{Error, Result};

/// The program: the prelude, then every kernel file by name.
const FILES: &[(&str, &str)] = &[
    ("prelude.h", include_str!("../../../kernels/prelude.h")),
    ("dense.cu", include_str!("../../../kernels/dense.cu")),
    ("krylov.cu", include_str!("../../../kernels/krylov.cu")),
    ("optimise.cu", include_str!("../../../kernels/optimise.cu")),
    ("products.cu", include_str!("../../../kernels/products.cu")),
    ("random.cu", include_str!("../../../kernels/random.cu")),
    ("reductions.cu", include_str!("../../../kernels/reductions.cu")),
    ("refresh.cu", include_str!("../../../kernels/refresh.cu")),
    ("sampled.cu", include_str!("../../../kernels/sampled.cu")),
    ("subdomains.cu", include_str!("../../../kernels/subdomains.cu")),
    ("sweeps.cu", include_str!("../../../kernels/sweeps.cu")),
    ("training.cu", include_str!("../../../kernels/training.cu")),
    ("triangular.cu", include_str!("../../../kernels/triangular.cu")),
    ("vectors.cu", include_str!("../../../kernels/vectors.cu")),
];

/// Lines of the compiler's log that an error shows.
const LINES: usize = 8;

/// Every function that is called: the bindings panic if one is missing, so all are checked first.
const FUNCTIONS: [&str; 12] = [
    "nvrtcCompileProgram",
    "nvrtcCreateProgram",
    "nvrtcDestroyProgram",
    "nvrtcGetCUBIN",
    "nvrtcGetCUBINSize",
    "nvrtcGetErrorString",
    "nvrtcGetNumSupportedArchs",
    "nvrtcGetPTX",
    "nvrtcGetPTXSize",
    "nvrtcGetProgramLog",
    "nvrtcGetProgramLogSize",
    "nvrtcGetSupportedArchs",
];

/// NVRTC, the compiler of the CUDA toolkit.
#[derive(Debug, Clone)]
pub(super) struct Compiler {
    pub version: Version,
    /// Supported architectures, ascending; 90 is capability 9.0.
    architectures: Vec<u32>,
}

/// The target of a compilation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Machine code of this architecture.
    Machine(u32),
    /// Code that the driver translates for any later architecture.
    Portable(u32),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Machine(architecture) => write!(f, "sm_{architecture}"),
            Target::Portable(architecture) => write!(f, "compute_{architecture}"),
        }
    }
}

/// A compiled program, and the log of the compiler.
#[derive(Debug)]
pub(super) struct Compiled {
    pub image: Vec<u8>,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests read registers and spills in it"))]
    pub log: String,
}

/// The source of all kernels. Messages of the compiler name file and line.
pub(super) fn text() -> String {
    FILES.iter().map(|(name, text)| format!("#line 1 \"{name}\"\n{text}\n")).collect()
}

/// Options of the compiler.
fn options(precision: Precision, target: Target) -> [String; 6] {
    let (real, acc) = precision.types();
    [
        format!("--gpu-architecture={target}"),
        "--fmad=false".into(),
        // Unused helper functions.
        "--diag-suppress=177".into(),
        format!("-DSUFFIX={}", precision.suffix()),
        format!("-DREAL={real}"),
        format!("-DACC={acc}"),
    ]
}

impl Compiler {
    /// The compiler, loaded on first use.
    pub fn find() -> Result<Self> {
        static COMPILER: OnceLock<Result<Compiler>> = OnceLock::new();
        COMPILER.get_or_init(Self::load).clone()
    }

    fn load() -> Result<Self> {
        // SAFETY: loading the library only runs its own initialisation.
        let (present, lacks): (bool, fn(&str) -> bool) = unsafe {
            (sys::is_culib_present(), |name| {
                sys::culib().get::<unsafe extern "C" fn()>(name.as_bytes()).is_err()
            })
        };
        if !present {
            return Err(Error::device(
                "the compiler NVRTC was not found; it comes with the CUDA toolkit or with the Python wheels \
                 nvidia-cuda-nvrtc and, for drivers of CUDA 12, nvidia-cuda-nvrtc-cu12; LD_LIBRARY_PATH must \
                 name the folder of its library libnvrtc.so",
            ));
        }
        if let Some(name) = FUNCTIONS.iter().chain(&["nvrtcVersion"]).find(|name| lacks(name)) {
            return Err(Error::device(format!("the compiler NVRTC is too old: it has no {name}")));
        }
        let (mut major, mut minor, mut count) = (0, 0, 0);
        // SAFETY: valid pointers to three numbers.
        unsafe {
            check(sys::nvrtcVersion(&raw mut major, &raw mut minor), "its version")?;
            check(sys::nvrtcGetNumSupportedArchs(&raw mut count), "its architectures")?;
        }
        let mut architectures: Vec<c_int> = vec![0; usize::try_from(count).unwrap_or(0)];
        // SAFETY: an array of the requested length.
        check(unsafe { sys::nvrtcGetSupportedArchs(architectures.as_mut_ptr()) }, "its architectures")?;
        let mut architectures: Vec<u32> = architectures.into_iter().map(c_int::unsigned_abs).collect();
        architectures.sort_unstable();
        Ok(Self { version: (major, minor).into(), architectures })
    }

    /// The target: the GPU itself if the compiler supports it, otherwise the latest earlier architecture.
    pub fn target(&self, capability: Version) -> Result<Target> {
        let wanted = capability.0 * 10 + capability.1;
        match self.architectures.iter().rfind(|&&known| known <= wanted) {
            Some(&known) if known == wanted => Ok(Target::Machine(known)),
            Some(&known) => Ok(Target::Portable(known)),
            None => Err(Error::device(format!(
                "the compiler NVRTC {} no longer supports compute capability {capability}; use an earlier one",
                self.version
            ))),
        }
    }

    /// The kernels of a precision, from the cache, or compiled and cached.
    pub fn image(
        &self,
        cache: &KernelCache,
        precision: Precision,
        target: Target,
        definitions: &[String],
    ) -> Result<Vec<u8>> {
        let text = text();
        let options = [&options(precision, target)[..], definitions].concat();
        let key = format!("NVRTC {} {}\n{text}", self.version, options.join(" "));
        if let Some(image) = cache.load(&key) {
            return Ok(image);
        }
        let image = self.compile(&text, precision, target, definitions)?.image;
        cache.store(&key, &image);
        Ok(image)
    }

    /// Compiles a program with further options.
    pub fn compile(
        &self,
        text: &str,
        precision: Precision,
        target: Target,
        further: &[impl AsRef<str>],
    ) -> Result<Compiled> {
        let all = options(precision, target)
            .into_iter()
            .chain(further.iter().map(|option| option.as_ref().to_owned()));
        let options: Vec<CString> = all.map(c_text).collect::<Result<_>>()?;
        let options: Vec<_> = options.iter().map(|option| option.as_ptr()).collect();
        let count = c_int::try_from(options.len()).map_err(|e| Error::device(e.to_string()))?;
        let text = c_text(text.into())?;
        let mut program = Program(std::ptr::null_mut());
        // SAFETY: zero-terminated texts that outlive the call; no headers.
        let created = unsafe {
            let (none, headers) = (std::ptr::null(), std::ptr::null());
            sys::nvrtcCreateProgram(
                &raw mut program.0,
                text.as_ptr(),
                c"kernels.cu".as_ptr(),
                0,
                headers,
                none,
            )
        };
        check(created, "a program")?;
        // SAFETY: a live program, and an array of options of this length.
        let compiled = unsafe { sys::nvrtcCompileProgram(program.0, count, options.as_ptr()) };
        let log = program.bytes(sys::nvrtcGetProgramLogSize, sys::nvrtcGetProgramLog);
        let log = String::from_utf8_lossy(&log.unwrap_or_default()).trim_end_matches('\0').to_owned();
        check(compiled, &format!("the kernels in {} for {target}", precision.suffix()))
            .map_err(|e| Error::device(format!("{e}\n{}", complaint(&log))))?;
        let image = match target {
            Target::Machine(_) => program.bytes(sys::nvrtcGetCUBINSize, sys::nvrtcGetCUBIN)?,
            Target::Portable(_) => {
                let mut text = program.bytes(sys::nvrtcGetPTXSize, sys::nvrtcGetPTX)?;
                text.push(0);
                text
            }
        };
        Ok(Compiled { image, log })
    }
}

/// The first lines of a log from the first error on.
fn complaint(log: &str) -> String {
    let start = log.lines().position(|line| line.contains("error") || line.contains("fatal"));
    let lines = log.lines().skip(start.unwrap_or(0)).filter(|line| !line.trim().is_empty());
    lines.take(LINES).collect::<Vec<_>>().join("\n")
}

fn c_text(text: String) -> Result<CString> {
    CString::new(text).map_err(|e| Error::device(format!("a text for the compiler: {e}")))
}

/// An error of the compiler, by its name.
fn check(code: nvrtcResult, what: &str) -> Result<()> {
    if code == nvrtcResult::NVRTC_SUCCESS {
        return Ok(());
    }
    // SAFETY: a static text, for any code.
    let name = unsafe {
        let name = sys::nvrtcGetErrorString(code);
        if name.is_null() { "unknown error".into() } else { CStr::from_ptr(name).to_string_lossy() }
    };
    Err(Error::device(format!("the compiler NVRTC, {what}: {name}")))
}

/// A program of the compiler.
#[derive(Debug)]
struct Program(sys::nvrtcProgram);

type Size = unsafe fn(sys::nvrtcProgram, *mut usize) -> nvrtcResult;
type Content = unsafe fn(sys::nvrtcProgram, *mut std::ffi::c_char) -> nvrtcResult;

impl Program {
    /// An output of the compiler, by the functions that return its size and its content.
    fn bytes(&self, size: Size, content: Content) -> Result<Vec<u8>> {
        let mut length = 0;
        // SAFETY: a live program and a valid pointer to the number.
        check(unsafe { size(self.0, &raw mut length) }, "the size of its output")?;
        let mut bytes = vec![0u8; length];
        // SAFETY: a buffer of the size that the compiler returned.
        check(unsafe { content(self.0, bytes.as_mut_ptr().cast()) }, "its output")?;
        Ok(bytes)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: a live program, destroyed once; a failure only leaks it.
            let _ = unsafe { sys::nvrtcDestroyProgram(&raw mut self.0) };
        }
    }
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;

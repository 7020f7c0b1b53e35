//! The driver's library: version checks, error texts, and the list of GPUs.

use std::ffi::{CStr, c_int};
use std::sync::OnceLock;

use cudarc::driver::sys::{self, CUdevice, CUdevice_attribute, CUevent, CUresult};

use crate::error::{Error, Result};

/// The oldest supported driver, as its CUDA version.
const OLDEST: Version = Version(12, 0);

/// A version of CUDA or of its compiler, or the compute capability of a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub u32, pub u32);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl From<(c_int, c_int)> for Version {
    fn from((major, minor): (c_int, c_int)) -> Self {
        Self(major.unsigned_abs(), minor.unsigned_abs())
    }
}

type ElapsedTime = unsafe extern "C" fn(*mut f32, CUevent, CUevent) -> CUresult;

/// The library, after its initialisation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Library {
    /// The CUDA version of the driver.
    pub version: Version,
    /// The number of GPUs.
    pub cards: usize,
    /// `cuEventElapsedTime`: the bindings only have its later name, which older drivers lack.
    pub elapsed: ElapsedTime,
}

/// Every other function that is called: the bindings panic if one is missing, so all are checked first.
const FUNCTIONS: [&str; 39] = [
    "cuCtxSetCurrent",
    "cuDeviceGet",
    "cuDeviceGetAttribute",
    "cuDeviceGetCount",
    "cuDeviceGetName",
    "cuDevicePrimaryCtxRelease_v2",
    "cuDevicePrimaryCtxRetain",
    "cuDeviceTotalMem_v2",
    "cuDriverGetVersion",
    "cuEventCreate",
    "cuEventDestroy_v2",
    "cuEventRecord",
    "cuEventSynchronize",
    "cuFuncGetAttribute",
    "cuFuncSetAttribute",
    "cuGetErrorName",
    "cuGetErrorString",
    "cuGraphDestroy",
    "cuGraphExecDestroy",
    "cuGraphGetNodes",
    "cuGraphInstantiateWithFlags",
    "cuGraphLaunch",
    "cuInit",
    "cuLaunchKernel",
    "cuMemAlloc_v2",
    "cuMemFree_v2",
    "cuMemGetInfo_v2",
    "cuMemcpyDtoDAsync_v2",
    "cuMemcpyDtoHAsync_v2",
    "cuMemcpyHtoDAsync_v2",
    "cuMemsetD8Async",
    "cuModuleGetFunction",
    "cuModuleLoadData",
    "cuModuleUnload",
    "cuStreamBeginCapture_v2",
    "cuStreamCreate",
    "cuStreamDestroy_v2",
    "cuStreamEndCapture",
    "cuStreamSynchronize",
];

/// The driver's library, loaded and started on first use.
pub(super) fn library() -> Result<Library> {
    static LIBRARY: OnceLock<Result<Library>> = OnceLock::new();
    LIBRARY.get_or_init(start).clone()
}

fn start() -> Result<Library> {
    // SAFETY: loading the library only runs its own initialisation.
    let (present, lacks): (bool, fn(&str) -> bool) = unsafe {
        (sys::is_culib_present(), |name| sys::culib().get::<unsafe extern "C" fn()>(name.as_bytes()).is_err())
    };
    if !present {
        return Err(Error::device(
            "no NVIDIA driver was found: its library libcuda.so, or nvcuda.dll, cannot be loaded",
        ));
    }
    // The name of an error needs two functions, so they are checked first.
    for name in ["cuGetErrorName", "cuGetErrorString", "cuDriverGetVersion"] {
        if lacks(name) {
            return Err(Error::device(format!("the NVIDIA driver has no {name}: it is damaged or too old")));
        }
    }
    let mut number = 0;
    // SAFETY: a valid pointer to the number; permitted before initialisation.
    check(unsafe { sys::cuDriverGetVersion(&raw mut number) }, "the driver's version")?;
    let version = Version::from((number / 1000, number % 1000 / 10));
    if version < OLDEST {
        return Err(Error::device(format!(
            "the NVIDIA driver is too old: it is for CUDA {version}, and {OLDEST} or later is needed"
        )));
    }
    if let Some(name) = FUNCTIONS.iter().find(|name| lacks(name)) {
        return Err(Error::device(format!("the NVIDIA driver for CUDA {version} has no {name}")));
    }
    // SAFETY: the type is that of the C declaration; the library is never unloaded.
    let elapsed = unsafe { sys::culib().get::<ElapsedTime>(b"cuEventElapsedTime").map(|f| *f) };
    let elapsed = elapsed.map_err(|_| {
        Error::device(format!("the NVIDIA driver for CUDA {version} has no cuEventElapsedTime"))
    })?;
    // SAFETY: zero is the only valid flag.
    let started = unsafe { sys::cuInit(0) };
    let mut cards = 0;
    if started != CUresult::CUDA_ERROR_NO_DEVICE {
        check(started, "the NVIDIA driver does not start")?;
        // SAFETY: a valid pointer to the number.
        check(unsafe { sys::cuDeviceGetCount(&raw mut cards) }, "counting GPUs")?;
    }
    Ok(Library { version, cards: usize::try_from(cards).unwrap_or(0), elapsed })
}

/// An error of the driver, by its name and description.
pub(super) fn check(code: CUresult, what: &str) -> Result<()> {
    if code == CUresult::CUDA_SUCCESS {
        return Ok(());
    }
    // SAFETY: both functions return static texts, or fail and leave null.
    let text = |look: unsafe fn(CUresult, *mut *const std::ffi::c_char) -> CUresult| unsafe {
        let mut text = std::ptr::null();
        let known = look(code, &raw mut text) == CUresult::CUDA_SUCCESS && !text.is_null();
        known.then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    };
    let name = text(sys::cuGetErrorName).unwrap_or_else(|| format!("CUDA error {}", code as u32));
    let description = text(sys::cuGetErrorString).unwrap_or_else(|| "not described".into());
    Err(Error::device(format!("{what}: {name} ({description})")))
}

impl Library {
    /// The GPU of this number.
    pub fn device(&self, ordinal: usize) -> Result<CUdevice> {
        if self.cards == 0 {
            return Err(Error::device(format!(
                "no NVIDIA card was found; the driver, for CUDA {}, is there",
                self.version
            )));
        }
        let number = c_int::try_from(ordinal).ok().filter(|_| ordinal < self.cards).ok_or_else(|| {
            Error::device(format!(
                "there is no card {ordinal}: cards are numbered from 0 to {}",
                self.cards - 1
            ))
        })?;
        let mut device = 0;
        // SAFETY: a valid pointer to the handle.
        check(unsafe { sys::cuDeviceGet(&raw mut device, number) }, "opening a GPU")?;
        Ok(device)
    }
}

/// Name of a GPU.
pub(super) fn name(device: CUdevice) -> Result<String> {
    let mut name = [0u8; 256];
    // SAFETY: the buffer has the given length; the last byte stays zero.
    check(unsafe { sys::cuDeviceGetName(name.as_mut_ptr().cast(), 255, device) }, "the name of a GPU")?;
    let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
    Ok(name.to_string_lossy().into_owned())
}

/// Bytes of memory of a GPU.
pub(super) fn memory(device: CUdevice) -> Result<usize> {
    let mut bytes = 0;
    // SAFETY: a valid pointer to the number.
    check(unsafe { sys::cuDeviceTotalMem_v2(&raw mut bytes, device) }, "the memory of a GPU")?;
    Ok(bytes)
}

/// A numerical attribute of a GPU.
pub(super) fn attribute(device: CUdevice, attribute: CUdevice_attribute) -> Result<c_int> {
    let mut value = 0;
    // SAFETY: a valid pointer to the number.
    check(unsafe { sys::cuDeviceGetAttribute(&raw mut value, attribute, device) }, "an attribute of a GPU")?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A function that is called but not checked would panic if it is missing.
    #[test]
    fn every_function_is_looked_for() {
        let mut called: Vec<&str> =
            [include_str!("library.rs"), include_str!("context.rs"), include_str!("card.rs")]
                .iter()
                .flat_map(|text| text.split("sys::cu").skip(1))
                .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
                .filter(|rest| rest.starts_with(char::is_uppercase))
                .collect();
        called.sort_unstable();
        called.dedup();
        let listed: Vec<&str> = FUNCTIONS.iter().map(|name| &name[2..]).collect();
        assert_eq!(called, listed);
    }
}

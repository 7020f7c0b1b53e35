//! Version, error text, threads, and texts that belong to the caller.

use std::collections::HashMap;
use std::ffi::c_char;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::guard::{self, guarded, guarded_value};
use crate::memory::{Place, size};
use crate::status::{Failure, mg_status};

/// The version of the library, such as "0.1.0". The text is valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn mg_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// The sentence about the last call on this thread that returned something else than MG_OK: what is wrong, where, and
/// what to do. An empty text if there was none; never null.
///
/// The text is in UTF-8. It belongs to the library, and is valid until the next such call on this thread or the end
/// of the thread.
#[unsafe(no_mangle)]
pub extern "C" fn mg_last_error() -> *const c_char {
    guard::message()
}

/// Sets the number of threads of the library for the whole process. Zero means one for every core, which is the
/// default. The environment variable RAYON_NUM_THREADS sets the same number.
///
/// The threads start with the first call that needs them, and their number stays. Call this function before.
///
/// Errors: MG_STATE if the threads run already and are another number; MG_DIMENSION for a negative number.
#[unsafe(no_mangle)]
pub extern "C" fn mg_set_threads(threads: i64) -> mg_status {
    guarded(|| {
        let threads = size("the number of threads", threads)?;
        if threads > 65_536 {
            return Err(Failure::input(format!("{threads} threads are too many; use 0 for one per core")));
        }
        if rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().is_ok() {
            return Ok(());
        }
        let present = rayon::current_num_threads();
        if threads == present {
            return Ok(());
        }
        let message = format!(
            "the library runs with {present} threads already; call mg_set_threads before the first matrix or solver"
        );
        Err(Failure::new(mg_status::MG_STATE, message))
    })
}

/// The number of threads of the library. It starts them if they do not run yet.
#[unsafe(no_mangle)]
pub extern "C" fn mg_threads() -> i64 {
    guarded_value(-1, || Ok(rayon::current_num_threads() as i64))
}

/// Frees a text that a function of this library has created, and sets `*text` to null. A null text is permitted.
///
/// Errors: MG_NULL_POINTER if `text` itself is null, MG_INVALID_HANDLE for another text, which is then unchanged.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mg_string_free(text: *mut *mut c_char) -> mg_status {
    guarded(|| {
        // SAFETY: the header asks for a variable of this type that is initialised.
        let (mut place, text) = unsafe {
            let place = Place::new("the text to free", text)?;
            let text = place.value();
            (place, text)
        };
        if !text.is_null() {
            let found = TEXTS.lock().unwrap_or_else(PoisonError::into_inner).remove(&text.addr());
            found.ok_or_else(|| {
                let message =
                    "the text was not created by a function that says to free it, or has been freed";
                Failure::new(mg_status::MG_INVALID_HANDLE, message)
            })?;
            place.set(std::ptr::null_mut());
        }
        Ok(())
    })
}

/// The texts that callers have to free, by their addresses.
static TEXTS: LazyLock<Mutex<HashMap<usize, Text>>> = LazyLock::new(Mutex::default);

/// A text that belongs to the caller from now on.
pub(crate) fn hand_out(text: &str) -> *mut c_char {
    let bytes = guard::c_string(text).into_bytes_with_nul().into_boxed_slice();
    let text = Text(Box::into_raw(bytes));
    let pointer = text.0.cast::<c_char>();
    TEXTS.lock().unwrap_or_else(PoisonError::into_inner).insert(pointer.addr(), text);
    pointer
}

/// A text that the caller may write to.
struct Text(*mut [u8]);

// SAFETY: the pointer is the only one of this library to its bytes.
unsafe impl Send for Text {}

impl Drop for Text {
    fn drop(&mut self) {
        // SAFETY: the pointer comes from `Box::into_raw`, and is dropped once.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

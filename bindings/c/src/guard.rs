//! The frame of every exported function: panics become failures, failures become a status and a text.

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::callback::Stop;
use crate::status::{Failure, Outcome, mg_status};

thread_local! {
    static MESSAGE: RefCell<CString> = RefCell::new(CString::default());
}

/// Runs a body that returns a status. No panic leaves this function.
pub(crate) fn guard(body: impl FnOnce() -> Outcome<mg_status>) -> mg_status {
    match run(body) {
        Ok(status) => status,
        Err(failure) => {
            remember(&failure.message);
            failure.status
        }
    }
}

/// Runs a body without a result of its own.
pub(crate) fn guarded(body: impl FnOnce() -> Outcome) -> mg_status {
    guard(|| body().map(|()| mg_status::MG_OK))
}

/// Runs a body that returns a value; after a failure, `otherwise`.
pub(crate) fn guarded_value<T>(otherwise: T, body: impl FnOnce() -> Outcome<T>) -> T {
    run(body).unwrap_or_else(|failure| {
        remember(&failure.message);
        otherwise
    })
}

/// Runs a body; a panic becomes a failure.
pub(crate) fn run<T>(body: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    // A body changes shared state only behind a lock that notes an interrupted change: see `access`.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(interrupted(payload.as_ref())))
}

/// The failure of an unwound body: the wish of a callback, or a defect of the library.
fn interrupted(payload: &(dyn Any + Send)) -> Failure {
    if payload.is::<Stop>() {
        return Failure::new(mg_status::MG_STOPPED, "a callback has asked to stop");
    }
    let words = payload.downcast_ref::<&str>().copied();
    let words = words.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let words = words.unwrap_or("no description");
    Failure::new(
        mg_status::MG_INTERNAL,
        format!("the library has a defect that this call has met ({words}); please report it with the input"),
    )
}

/// Stores the error text of this thread.
pub(crate) fn remember(message: &str) {
    // While a thread ends its storage may be gone; then nobody can ask for the text either.
    let _ = MESSAGE.try_with(|own| {
        if let Ok(mut own) = own.try_borrow_mut() {
            *own = c_string(message);
        }
    });
}

/// The error text of this thread.
pub(crate) fn message() -> *const c_char {
    MESSAGE.try_with(|own| own.try_borrow().map_or(c"".as_ptr(), |own| own.as_ptr())).unwrap_or(c"".as_ptr())
}

/// A text for C. A zero byte inside would end it, and is replaced.
pub(crate) fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "?")).unwrap_or_default()
}

//! Exceptions for errors and panics of the library.

use std::any::Any;
use std::error::Error as _;

use pyo3::create_exception;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

create_exception!(
    multigrad,
    Error,
    PyValueError,
    "What is wrong, where, and what to do about it: bad input, or a method that does not suit it."
);
create_exception!(
    multigrad,
    LimitExceeded,
    Error,
    "A limit of time or memory is reached or would be exceeded."
);

/// Names of the library, and those of the package.
const NAMES: [(&str, &str); 4] = [
    ("max_iterations", "maxiter"),
    ("rtol", "tol"),
    ("SolveOptions::least_squares, --least-squares", "least_squares=True"),
    (
        "carry them over by learn::TrackedSolver, or begin with classical smoothers in learn::LearnedSolver",
        "build a new solver, or begin with multigrad.LearnedSolver",
    ),
];

/// A sentence of the library with the names of the package.
pub fn in_python(text: &str) -> String {
    NAMES.iter().fold(text.to_string(), |text, (rust, python)| text.replace(rust, python))
}

/// The exception for an error of the library.
pub fn raise(error: multigrad::Error) -> PyErr {
    let text = in_python(&error.to_string());
    if error.is_limit() {
        return LimitExceeded::new_err(text);
    }
    if !error.is_io() {
        return Error::new_err(text);
    }
    let source = error.source().and_then(|e| e.downcast_ref::<std::io::Error>());
    match source.and_then(std::io::Error::raw_os_error) {
        // Python selects the subclass, such as FileNotFoundError, by the number.
        Some(code) => PyOSError::new_err((code, text)),
        None => PyOSError::new_err(text),
    }
}

/// The exception for a panic, which is a defect of the library.
pub fn of_panic(payload: &(dyn Any + Send)) -> PyErr {
    let text = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown".into());
    PyRuntimeError::new_err(format!("internal error of multigrad, please report it: {text}"))
}

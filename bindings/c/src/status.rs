//! Status codes, and failures with their sentence.

use std::fmt::Display;

use multigrad::Error;

/// The result of a call. Zero is success. Every other value comes with a sentence, see mg_last_error().
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum mg_status {
    /// The call has done what it was asked for.
    MG_OK = 0,
    /// A solve ended without reaching the tolerance. x holds the last iterate.
    MG_NOT_CONVERGED = 1,
    /// A callback has asked to stop. Vectors of the caller are unchanged.
    MG_STOPPED = 2,
    /// A pointer is null, or not aligned to its type.
    MG_NULL_POINTER = 3,
    /// A handle is null, has been freed, or belongs to an object of another kind.
    MG_INVALID_HANDLE = 4,
    /// Data breaks a rule: an index out of bounds, a column out of order, NaN, an option out of range.
    MG_INVALID_INPUT = 5,
    /// Sizes are negative, too large, or do not fit together.
    MG_DIMENSION = 6,
    /// A matrix is singular where it must not be.
    MG_SINGULAR = 7,
    /// The operating system has refused to read or write a file.
    MG_IO = 8,
    /// A file is not a solver, has another version, or is damaged.
    MG_FORMAT = 9,
    /// A file belongs to another matrix.
    MG_OTHER_MATRIX = 10,
    /// A method does not suit what it was given. The sentence names one that does.
    MG_UNSUITED = 11,
    /// A limit of time or memory is reached or would be exceeded.
    MG_LIMIT = 12,
    /// A device is missing or has failed.
    MG_DEVICE = 13,
    /// The state of the library does not permit the call, such as a call from inside a callback.
    MG_STATE = 14,
    /// A defect of the library. Please report the sentence.
    MG_INTERNAL = 15,
}

/// A status other than MG_OK, with its sentence.
#[derive(Debug)]
pub(crate) struct Failure {
    pub status: mg_status,
    pub message: String,
}

/// Result of the body of an exported function.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub fn new(status: mg_status, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// An argument with a value that is not permitted.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(mg_status::MG_INVALID_INPUT, message)
    }

    /// Sizes that are not permitted.
    pub fn dimension(message: impl Into<String>) -> Self {
        Self::new(mg_status::MG_DIMENSION, message)
    }

    /// The same failure with the place where it happened in front.
    pub fn at(mut self, place: impl Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        let status = match &e {
            e if e.is_dimension() => mg_status::MG_DIMENSION,
            e if e.is_singular() => mg_status::MG_SINGULAR,
            e if e.is_io() => mg_status::MG_IO,
            e if e.is_format() => mg_status::MG_FORMAT,
            e if e.is_fingerprint() => mg_status::MG_OTHER_MATRIX,
            e if e.is_unsuited() => mg_status::MG_UNSUITED,
            e if e.is_limit() => mg_status::MG_LIMIT,
            e if e.is_device() => mg_status::MG_DEVICE,
            _ => mg_status::MG_INVALID_INPUT,
        };
        Self::new(status, e.to_string())
    }
}

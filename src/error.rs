//! The error of the crate.
//!
//! Misuse and bad input are errors; an iteration that did not converge is a value
//! ([`krylov::Outcome`](crate::krylov::Outcome)) that carries advice.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Error of this crate. Its text says in one sentence what went wrong, where, and in most cases what to do.
///
/// ```
/// let e = multigrad::sparse::Csr::<f64>::from_triplets(2, 2, &[(0, 5, 1.0)]).unwrap_err();
/// assert!(e.is_invalid_input());
/// assert!(e.to_string().contains("column 6"));
/// ```
#[derive(Debug, Clone)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Arc<std::io::Error>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Input,
    Dimension,
    Singular,
    Io,
    Format,
    Fingerprint,
    Unsuited,
    Device,
    Limit,
}

impl Error {
    /// Data that breaks a rule: an index out of bounds, NaN, a zero row.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    /// Shapes that do not fit together.
    pub fn dimension(message: impl Into<String>) -> Self {
        Self::new(Kind::Dimension, message)
    }

    /// A factorisation met a zero pivot, or a matrix is numerically singular.
    pub fn singular(message: impl Into<String>) -> Self {
        Self::new(Kind::Singular, message)
    }

    /// A file whose content is not what its format asks for.
    pub fn format(message: impl Into<String>) -> Self {
        Self::new(Kind::Format, message)
    }

    /// A trained file that belongs to another matrix.
    pub fn fingerprint(message: impl Into<String>) -> Self {
        Self::new(Kind::Fingerprint, message)
    }

    /// A method that is not suited to what it was given, such as CG with a
    /// preconditioner that is not symmetric.
    pub fn unsuited(message: impl Into<String>) -> Self {
        Self::new(Kind::Unsuited, message)
    }

    /// A GPU or its driver that is missing, too old, out of memory, or failed.
    pub fn device(message: impl Into<String>) -> Self {
        Self::new(Kind::Device, message)
    }

    /// Work that would exceed a limit of time or memory.
    pub fn limit(message: impl Into<String>) -> Self {
        Self::new(Kind::Limit, message)
    }

    /// The operating system refused; `action` reads like "read", "write".
    pub fn io(action: &str, path: &Path, source: std::io::Error) -> Self {
        let message = format!("cannot {action} {}: {source}", path.display());
        Self { kind: Kind::Io, message, source: Some(Arc::new(source)) }
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same error with the place where it happened in front.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Data broke a rule (bounds, finiteness, an empty row).
    pub fn is_invalid_input(&self) -> bool {
        self.kind == Kind::Input
    }

    /// Shapes do not fit together.
    pub fn is_dimension(&self) -> bool {
        self.kind == Kind::Dimension
    }

    /// A matrix is singular, or a pivot vanished.
    pub fn is_singular(&self) -> bool {
        self.kind == Kind::Singular
    }

    /// The operating system refused.
    pub fn is_io(&self) -> bool {
        self.kind == Kind::Io
    }

    /// A file is not of its format, truncated or damaged.
    pub fn is_format(&self) -> bool {
        self.kind == Kind::Format
    }

    /// A trained file belongs to another matrix.
    pub fn is_fingerprint(&self) -> bool {
        self.kind == Kind::Fingerprint
    }

    /// A GPU or its driver is missing, too old, out of memory, or failed.
    pub fn is_device(&self) -> bool {
        self.kind == Kind::Device
    }

    /// A limit of time or memory ([`Limits`](crate::Limits)) is reached or would be exceeded.
    pub fn is_limit(&self) -> bool {
        self.kind == Kind::Limit
    }

    /// The method is not suited to its input. Most messages name one that is.
    pub fn is_unsuited(&self) -> bool {
        self.kind == Kind::Unsuited
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

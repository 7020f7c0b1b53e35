//! Mutable state that an engine shares between its clones, on any thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value behind a lock, with the methods of a `RefCell`.
#[derive(Debug, Default)]
pub(super) struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    pub fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// The value, once no other thread uses it. A thread that panicked leaves it whole: no method of an engine changes
    /// it in two steps.
    pub fn borrow_mut(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

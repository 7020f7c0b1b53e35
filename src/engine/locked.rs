//! Mutable state shared by the clones of an engine, on any thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value behind a lock, with the interface of a `RefCell`.
#[derive(Debug, Default)]
pub(super) struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    pub fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Locks the value. A poisoned lock is ignored: every update by an engine is a single step, so a thread that
    /// panicked leaves the value consistent.
    pub fn borrow_mut(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Entries of matrices: in memory of their own, or lent by another library.

// The kernels read one slice. Arrays of another library stay where they are, because a copy of a matrix with 10⁷ entries
// takes 120 MB; the lifetime of such memory is known to its owner only, and a pointer is the way to keep both together.
#![allow(unsafe_code)]

use std::any::Any;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock, Weak};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::pattern::Pattern;
use super::runs::Runs;

/// A list of entries that is owned, or lent together with its owner. Reads as a slice. A change of lent entries copies them.
pub struct Storage<T> {
    memory: Memory<T>,
    /// The runs of equal rows of a matrix with these values, once they have been searched for.
    runs: OnceLock<Option<RunsOf>>,
}

/// Runs of the rows of a matrix with this pattern.
struct RunsOf {
    // Weak: a pattern may own this storage. The address stays taken.
    pattern: Weak<Pattern>,
    runs: Arc<Runs>,
}

enum Memory<T> {
    Own(Vec<T>),
    Lent(Lent<T>),
}

/// Memory of another library, which stays as long as the owner.
struct Lent<T> {
    start: NonNull<T>,
    length: usize,
    owner: Arc<dyn Any + Send + Sync>,
}

// SAFETY: a shared slice of values that may be sent and shared; the owner may be as well.
unsafe impl<T: Send + Sync> Send for Lent<T> {}
// SAFETY: likewise.
unsafe impl<T: Send + Sync> Sync for Lent<T> {}

impl<T> Storage<T> {
    /// The entries of a slice without a copy.
    ///
    /// # Safety
    /// As long as `owner` lives, the memory of `entries` stays where it is, and nobody writes to it.
    pub(crate) unsafe fn lent(entries: &[T], owner: Arc<dyn Any + Send + Sync>) -> Self {
        Memory::Lent(Lent { start: NonNull::from(entries).cast(), length: entries.len(), owner }).into()
    }

    /// A list that several matrices may share.
    pub fn shared(list: Vec<T>) -> Arc<Self> {
        Arc::new(list.into())
    }
}

impl<T: Clone> Storage<T> {
    /// The entries; lent ones are copied.
    pub fn into_vec(self) -> Vec<T> {
        match self.memory {
            Memory::Own(list) => list,
            Memory::Lent(_) => self.to_vec(),
        }
    }
}

impl<T> Deref for Storage<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        match &self.memory {
            Memory::Own(list) => list,
            // SAFETY: `lent` had a slice of this start and length, and its memory is valid and constant with the owner.
            Memory::Lent(lent) => unsafe { std::slice::from_raw_parts(lent.start.as_ptr(), lent.length) },
        }
    }
}

impl<T: Clone> DerefMut for Storage<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.runs.take();
        if let Memory::Lent(_) = self.memory {
            self.memory = Memory::Own(self.to_vec());
        }
        match &mut self.memory {
            Memory::Own(list) => list,
            Memory::Lent(_) => &mut [],
        }
    }
}

impl<T> From<Vec<T>> for Storage<T> {
    fn from(list: Vec<T>) -> Self {
        Memory::Own(list).into()
    }
}

impl<T> From<Memory<T>> for Storage<T> {
    fn from(memory: Memory<T>) -> Self {
        Self { memory, runs: OnceLock::new() }
    }
}

impl<T: Copy + PartialEq + Sync> Storage<T> {
    /// Searches for runs of equal rows of the matrix with these values, which products then use. Cost: at most one pass
    /// over the matrix, the first time.
    pub(crate) fn find_runs(&self, pattern: &Arc<Pattern>) {
        self.runs.get_or_init(|| {
            let runs = Arc::new(Runs::of(pattern, self)?);
            Some(RunsOf { pattern: Arc::downgrade(pattern), runs })
        });
    }
}

impl<T> Storage<T> {
    /// The runs of equal rows of the matrix with these values, if they are known.
    #[inline]
    pub(crate) fn runs(&self, pattern: &Pattern) -> Option<&Runs> {
        let known = self.runs.get()?.as_ref()?;
        std::ptr::eq(known.pattern.as_ptr(), pattern).then_some(&*known.runs)
    }

    /// The same values with the runs of `other`, for values that repeat wherever those of `other` do.
    pub(crate) fn with_runs_of<U>(self, other: &Storage<U>) -> Self {
        if let Some(known) = other.runs.get() {
            let copy = |known: &RunsOf| RunsOf { pattern: known.pattern.clone(), runs: known.runs.clone() };
            self.runs.get_or_init(|| known.as_ref().map(copy));
        }
        self
    }
}

impl<T> FromIterator<T> for Storage<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        Vec::from_iter(entries).into()
    }
}

impl<'a, T> IntoIterator for &'a Storage<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> Default for Storage<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T: Clone> Clone for Storage<T> {
    fn clone(&self) -> Self {
        match &self.memory {
            Memory::Own(list) => list.clone().into(),
            Memory::Lent(Lent { start, length, owner }) => {
                Memory::Lent(Lent { start: *start, length: *length, owner: owner.clone() }).into()
            }
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Storage<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Storage<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Serialize> Serialize for Storage<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Storage<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lent_entries_keep_their_owner_and_are_copied_before_a_change() {
        let list: Arc<Vec<f64>> = Arc::new(vec![1.0, 2.0, 3.0]);
        // SAFETY: the list does not change, and the buffer has a share of it.
        let buffer = unsafe { Storage::lent(&list, list.clone()) };
        assert_eq!(buffer.as_ptr(), list.as_ptr());
        let mut other = buffer.clone();
        assert_eq!((other.as_ptr(), Arc::strong_count(&list)), (list.as_ptr(), 3));
        other[1] = 5.0;
        assert_eq!((&*buffer, &*other), (&[1.0, 2.0, 3.0][..], &[1.0, 5.0, 3.0][..]));
        assert_eq!(Arc::strong_count(&list), 2);
        assert_eq!(buffer.clone().into_vec(), *list);
        drop(buffer);
        assert_eq!(Arc::strong_count(&list), 1);
    }
}

//! Lists in memory of their own, or lent by another library.

// The kernels read one slice. Arrays of another library stay where they are, because a copy of a matrix with 10⁷ entries
// takes 120 MB; the lifetime of such memory is known to its owner only, and a pointer is the way to keep both together.
#![allow(unsafe_code)]

use std::any::Any;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list that is owned, or lent together with its owner. Reads as a slice. A change of a lent list copies it.
#[derive(Clone)]
pub(super) enum Buffer<T> {
    Own(Vec<T>),
    Lent(Lent<T>),
}

/// Memory of another library, which stays as long as the owner.
pub(super) struct Lent<T> {
    start: NonNull<T>,
    length: usize,
    owner: Arc<dyn Any + Send + Sync>,
}

// SAFETY: a shared slice of values that may be sent and shared; the owner may be as well.
unsafe impl<T: Send + Sync> Send for Lent<T> {}
// SAFETY: likewise.
unsafe impl<T: Send + Sync> Sync for Lent<T> {}

impl<T> Clone for Lent<T> {
    fn clone(&self) -> Self {
        Self { start: self.start, length: self.length, owner: self.owner.clone() }
    }
}

impl<T> Buffer<T> {
    /// A slice without a copy.
    ///
    /// # Safety
    /// As long as `owner` lives, the memory of `list` stays where it is, and nobody writes to it.
    pub unsafe fn lent(list: &[T], owner: Arc<dyn Any + Send + Sync>) -> Self {
        Self::Lent(Lent { start: NonNull::from(list).cast(), length: list.len(), owner })
    }
}

impl<T: Clone> Buffer<T> {
    /// The list; a lent one is copied.
    pub fn into_vec(self) -> Vec<T> {
        match self {
            Self::Own(list) => list,
            Self::Lent(_) => self.to_vec(),
        }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        match self {
            Self::Own(list) => list,
            // SAFETY: `lent` had a slice of this start and length, and its memory is valid and constant with the owner.
            Self::Lent(lent) => unsafe { std::slice::from_raw_parts(lent.start.as_ptr(), lent.length) },
        }
    }
}

impl<T: Clone> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        if let Self::Lent(_) = self {
            *self = Self::Own(self.to_vec());
        }
        match self {
            Self::Own(list) => list,
            Self::Lent(_) => &mut [],
        }
    }
}

impl<T> From<Vec<T>> for Buffer<T> {
    fn from(list: Vec<T>) -> Self {
        Self::Own(list)
    }
}

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T: Serialize> Serialize for Buffer<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Buffer<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

impl<T: fmt::Debug> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lent_entries_keep_their_owner_and_are_copied_before_a_change() {
        let list: Arc<Vec<f64>> = Arc::new(vec![1.0, 2.0, 3.0]);
        // SAFETY: the list does not change, and the buffer has a share of it.
        let buffer = unsafe { Buffer::lent(&list, list.clone()) };
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

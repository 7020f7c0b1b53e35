//! Entries of matrices, with the runs of equal rows among them.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock, Weak};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::buffer::Buffer;
use super::pattern::Pattern;
use super::runs::Runs;

/// A list of entries that is owned, or lent together with its owner. Reads as a slice. A change of lent entries copies them.
pub struct Storage<T> {
    entries: Buffer<T>,
    /// The runs of equal rows of a matrix with these values, once they have been searched for.
    runs: OnceLock<Option<RunsOf>>,
}

/// Runs of the rows of a matrix with this pattern.
struct RunsOf {
    // Weak: the values do not keep the pattern. The address stays taken.
    pattern: Weak<Pattern>,
    runs: Arc<Runs>,
}

impl<T> Storage<T> {
    /// A list that several matrices may share.
    pub fn shared(list: Vec<T>) -> Arc<Self> {
        Arc::new(list.into())
    }
}

impl<T: Clone> Storage<T> {
    /// The entries; lent ones are copied.
    pub fn into_vec(self) -> Vec<T> {
        self.entries.into_vec()
    }
}

impl<T> Deref for Storage<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.entries
    }
}

impl<T: Clone> DerefMut for Storage<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.runs.take();
        &mut self.entries
    }
}

impl<T> From<Vec<T>> for Storage<T> {
    fn from(list: Vec<T>) -> Self {
        Buffer::from(list).into()
    }
}

impl<T> From<Buffer<T>> for Storage<T> {
    fn from(entries: Buffer<T>) -> Self {
        Self { entries, runs: OnceLock::new() }
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

/// The clone has no runs.
impl<T: Clone> Clone for Storage<T> {
    fn clone(&self) -> Self {
        self.entries.clone().into()
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
        self.entries.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Storage<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Buffer::deserialize(deserializer).map(Self::from)
    }
}

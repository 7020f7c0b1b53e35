//! Cache of plans by key, with eviction by age.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::hash::Spread;
use crate::error::Result;
use crate::sparse::Pattern;

/// The number of recordings without use after which a plan may be evicted; at most twice as many.
pub(super) const KEPT: u64 = 16;

/// Plans by key.
pub(super) struct Cache<K, P> {
    map: HashMap<K, Entry<P>, Spread>,
}

struct Entry<P> {
    /// The patterns whose addresses form the key, kept alive.
    _patterns: Vec<Arc<Pattern>>,
    plan: Arc<P>,
    /// The last recording that used it.
    used: u64,
}

impl<K, P> Default for Cache<K, P> {
    fn default() -> Self {
        Self { map: HashMap::default() }
    }
}

impl<K: Hash + Eq, P> Cache<K, P> {
    /// The plan; computed on first use, from patterns that it keeps alive.
    ///
    /// # Errors
    /// Those of `make`.
    pub(super) fn try_get(
        &mut self,
        key: K,
        recording: u64,
        patterns: &[&Arc<Pattern>],
        make: impl FnOnce() -> Result<P>,
    ) -> Result<Arc<P>> {
        if let Some(entry) = self.map.get_mut(&key) {
            entry.used = recording;
            return Ok(entry.plan.clone());
        }
        let plan = Arc::new(make()?);
        let patterns = patterns.iter().map(|p| Arc::clone(p)).collect();
        self.map.insert(key, Entry { _patterns: patterns, plan: plan.clone(), used: recording });
        Ok(plan)
    }

    /// As [`try_get`](Self::try_get), for plans that cannot fail.
    pub(super) fn get(
        &mut self,
        key: K,
        recording: u64,
        patterns: &[&Arc<Pattern>],
        make: impl FnOnce() -> P,
    ) -> Arc<P> {
        let entry = self.map.entry(key).or_insert_with(|| Entry {
            _patterns: patterns.iter().map(|p| Arc::clone(p)).collect(),
            plan: Arc::new(make()),
            used: recording,
        });
        entry.used = recording;
        entry.plan.clone()
    }

    /// Evicts plans last used before recording `oldest`.
    pub(super) fn forget(&mut self, oldest: u64) {
        self.map.retain(|_, entry| entry.used >= oldest);
    }

    /// The sum of a size over all plans.
    pub(super) fn sum(&self, size: impl Fn(&P) -> usize) -> usize {
        self.map.values().map(|entry| size(&entry.plan)).sum()
    }
}

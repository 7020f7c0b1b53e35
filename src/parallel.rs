//! Loops on the `rayon` pool.
//!
//! The adaptors of `rayon` compile a scheduler for every closure: they were a third of the symbols of this
//! crate. Here the closure is behind a `dyn Fn`, called once per task, and the scheduler is compiled once.
//! Neighbouring tasks tend to run on the same thread, whose cache has their data from the last loop. Results
//! never depend on the number of threads as long as the tasks do not.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Threads for the loops of this thread.
pub(crate) fn threads() -> usize {
    if ALONE.get() { 1 } else { rayon::current_num_threads() }
}

/// Makes all further loops of this thread run on it alone.
pub(crate) fn stay_on_this_thread() {
    ALONE.set(true);
}

/// Calls `task` with every number below `count`.
fn on_pool(count: usize, task: &(dyn Fn(usize) + Sync)) {
    (0..count).into_par_iter().for_each(task);
}

/// Calls `f` with every item, in any order.
pub(crate) fn for_each<I: Iterator<Item: Send>>(items: I, f: &(dyn Fn(I::Item) + Sync)) {
    if threads() == 1 {
        return items.for_each(f);
    }
    let items: Vec<Mutex<Option<I::Item>>> = items.map(|item| Mutex::new(Some(item))).collect();
    on_pool(items.len(), &|q| {
        // Taken under the lock, and used without it.
        let item = items[q].lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(item) = item {
            f(item);
        }
    });
}

/// f of every item, in their order.
pub(crate) fn map<I, R>(items: I, f: &(dyn Fn(I::Item) -> R + Sync)) -> Vec<R>
where
    I: ExactSizeIterator<Item: Send>,
    R: Send,
{
    let mut results: Vec<Option<R>> = Vec::new();
    results.resize_with(items.len(), || None);
    for_each(items.zip(&mut results), &|(item, result)| *result = Some(f(item)));
    results.into_iter().flatten().collect()
}

/// Calls `f(first, chunk)` with every chunk of `size` values, the last one shorter.
pub(crate) fn chunks_mut<T: Send>(out: &mut [T], size: usize, f: &(dyn Fn(usize, &mut [T]) + Sync)) {
    for_each(out.chunks_mut(size).enumerate(), &|(c, chunk)| f(c * size, chunk));
}

/// f(i) for i < `length`, in tasks of `size` values.
pub(crate) fn collect<T: Copy + Default + Send>(
    length: usize,
    size: usize,
    f: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    let mut out = vec![T::default(); length];
    chunks_mut(&mut out, size, &|first, chunk| {
        chunk.iter_mut().enumerate().for_each(|(q, v)| *v = f(first + q));
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_taken_once_and_results_are_in_order() {
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                for n in [0, 1, 2, 1000] {
                    assert!(map(0..n, &|i| i * i).into_iter().eq((0..n).map(|i| i * i)));
                    assert!(collect(n, 7, |i| i).into_iter().eq(0..n));
                    let mut list = vec![1; n];
                    chunks_mut(&mut list, 3, &|first, chunk| {
                        chunk.iter_mut().enumerate().for_each(|(q, v)| *v += first + q);
                    });
                    assert!(list.into_iter().eq(1..=n));
                }
            });
        }
    }

    /// A task may start tasks, and its panic reaches the caller.
    #[test]
    fn tasks_nest_and_panic() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let sums = pool.install(|| map(0..50, &|i| map(0..i, &|j| j).into_iter().sum::<usize>()));
        assert!(sums.into_iter().eq((0..50).map(|i: usize| i * i.saturating_sub(1) / 2)));
        let run = || pool.install(|| for_each(0..50, &|i| assert!(i != 20, "twenty")));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    }
}

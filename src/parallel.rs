//! Loops on the `rayon` pool.
//!
//! The adaptors of `rayon` compile a scheduler for every closure: they were a third of the symbols of this
//! crate. Here the closure is behind a `dyn Fn`, called once per task, and the scheduler is compiled once.
//! Neighbouring tasks tend to run on the same thread, whose cache has their data from the last loop. Results
//! never depend on the number of threads as long as the tasks do not.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// Runs `work`, whose loops stay on this thread.
pub(crate) fn alone<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            ALONE.set(self.0);
        }
    }
    let _restore = Restore(ALONE.replace(true));
    work()
}

/// Runs `work` on a thread of the pool, where a loop starts without a change of threads: from another thread every loop
/// puts the caller to sleep and wakes it again, which takes longer than a loop over some thousand rows.
///
/// One call at a time: a thread that waits for its loop may take up any other work of the pool. A second piece of work there
/// could wait for a value that the first one is about to initialise. Further calls run in place.
pub(crate) fn on_the_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    struct Release;
    impl Drop for Release {
        fn drop(&mut self) {
            TAKEN.store(false, Ordering::Release);
        }
    }
    let inside = rayon::current_thread_index().is_some();
    if threads() == 1 || inside || TAKEN.swap(true, Ordering::Acquire) {
        return work();
    }
    let _release = Release;
    rayon::scope(|_| work())
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
    // A single item needs no other thread.
    if let [item] = &items[..] {
        let item = item.lock().unwrap_or_else(PoisonError::into_inner).take();
        return item.into_iter().for_each(f);
    }
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
    fn work_on_the_pool_may_panic_and_nest() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        pool.install(|| assert_eq!(on_the_pool(|| on_the_pool(|| 5)), 5));
        let caught = std::panic::catch_unwind(|| on_the_pool(|| panic!("inside")));
        assert!(caught.is_err());
        // From several threads, of which one is served at a time.
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(on_the_pool(|| map(0..100usize, &|i| i)).len(), 100));
            }
        });
        assert!(!alone(|| threads() != 1) && alone(|| alone(threads)) == 1);
    }

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

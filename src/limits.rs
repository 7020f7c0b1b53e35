//! Limits of time and memory for work whose cost is not known before.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::memory;

/// Limits of time and memory for setups, factorisations and iterations.
///
/// [`within`](Self::within) runs a closure. All work of this crate on the thread of the closure checks the limits:
///
/// * a setup before every level and every smoother, incomplete factors after some thousand rows,
/// * a sparse factorisation before it starts, by predicted fill and operations, and where possible during it,
/// * an automatic solver before every attempt, a Krylov method after every iteration.
///
/// A setup that would exceed a limit ends
/// with an error ([`Error::is_limit`](crate::Error::is_limit)), an iteration with its last iterate and
/// [`Status::MaxIterations`](crate::Status). Between two checks a limit may be exceeded by one step, such as one level.
/// Of nested limits the tighter one holds. Without limits the checks cost nothing.
///
/// ```
/// use std::time::Duration;
/// use multigrad::{Limits, Solver, gallery};
/// let problem = gallery::poisson_2d(60, 60)?;
/// let limits = Limits::new().time(Duration::from_secs(30)).memory(8 << 30);
/// let out = limits.within(|| Solver::auto(&problem.matrix)?.solve(&problem.rhs))?;
/// assert!(out.converged());
/// let error = Limits::new().time(Duration::ZERO).within(|| Solver::auto(&problem.matrix)).unwrap_err();
/// assert!(error.is_limit());
/// # Ok::<(), multigrad::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Limits {
    time: Option<Duration>,
    memory: Option<u64>,
    stop: Option<Arc<AtomicBool>>,
}

impl Limits {
    /// No limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Longest time of the closure. Default: none.
    pub fn time(mut self, time: Duration) -> Self {
        self.time = Some(time);
        self
    }

    /// Most bytes of memory of the whole process, its resident set, where the operating system tells it (Linux). Default:
    /// none.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// A flag that ends the work as the time limit does, once another thread or a callback has set it.
    ///
    /// ```
    /// use std::sync::{Arc, atomic::{AtomicBool, Ordering}};
    /// use multigrad::{Limits, SolveOptions, Solver, Status, gallery};
    /// let problem = gallery::poisson_2d(40, 40)?;
    /// let solver = Solver::smoothed_aggregation().build(&problem.matrix)?;
    /// let stop = Arc::new(AtomicBool::new(false));
    /// let mut observe = |iteration: usize, _: f64| stop.store(iteration == 3, Ordering::Relaxed);
    /// let options = SolveOptions::new().on_iteration(&mut observe);
    /// let out = Limits::new().stop(stop.clone()).within(|| solver.solve_with(&problem.rhs, options))?;
    /// assert_eq!((out.status, out.iterations), (Status::MaxIterations, 3));
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn stop(mut self, flag: Arc<AtomicBool>) -> Self {
        self.stop = Some(flag);
        self
    }

    /// Runs the closure within these limits and those that hold already.
    pub fn within<R>(self, work: impl FnOnce() -> R) -> R {
        let mut limits = Inherited::from_this_thread();
        limits.flags.extend(self.stop);
        let end = self.time.and_then(|time| Some((Instant::now().checked_add(time)?, time)));
        let earlier = |a: (Instant, Duration), b: (Instant, Duration)| if a.0 <= b.0 { a } else { b };
        limits.active = Active {
            end: limits.active.end.into_iter().chain(end).reduce(earlier),
            memory: limits.active.memory.into_iter().chain(self.memory).min(),
        };
        limits.within(work)
    }
}

/// The limits of a thread.
#[derive(Clone, Copy)]
struct Active {
    /// The end of the time, and its length.
    end: Option<(Instant, Duration)>,
    memory: Option<u64>,
}

thread_local! {
    static ACTIVE: Cell<Active> = const { Cell::new(Active { end: None, memory: None }) };
    /// The flags of the limits, the innermost last.
    static FLAGS: RefCell<Vec<Arc<AtomicBool>>> = const { RefCell::new(Vec::new()) };
}

/// The limits of a thread, for a thread that works for it.
#[derive(Clone)]
pub(crate) struct Inherited {
    active: Active,
    flags: Vec<Arc<AtomicBool>>,
}

impl Inherited {
    pub fn from_this_thread() -> Self {
        Self { active: ACTIVE.get(), flags: FLAGS.with_borrow(Clone::clone) }
    }

    /// Makes them the limits of this thread; returns the former ones.
    pub fn hold(self) -> Self {
        Self { active: ACTIVE.replace(self.active), flags: FLAGS.replace(self.flags) }
    }

    /// Runs the closure with these limits instead of those of this thread.
    pub fn within<R>(self, work: impl FnOnce() -> R) -> R {
        /// Restores the former limits, after a panic too.
        struct Restore(Option<Inherited>);
        impl Drop for Restore {
            fn drop(&mut self) {
                self.0.take().map(Inherited::hold);
            }
        }
        let _restore = Restore(Some(self.hold()));
        work()
    }
}

/// Whether there are limits.
pub(crate) fn are_set() -> bool {
    let active = ACTIVE.get();
    active.end.is_some() || active.memory.is_some() || FLAGS.with_borrow(|flags| !flags.is_empty())
}

/// An error if a limit is exceeded.
pub(crate) fn check() -> Result<()> {
    room_for(0.0, "what was built")
}

/// An error if a limit is exceeded, or would be by `what`, of so many bytes.
pub(crate) fn room_for(bytes: f64, what: &str) -> Result<()> {
    if FLAGS.with_borrow(|flags| flags.iter().any(|flag| flag.load(Ordering::Relaxed))) {
        return Err(Error::limit("the caller stopped the work"));
    }
    let active = ACTIVE.get();
    if let Some((end, time)) = active.end
        && Instant::now() >= end
    {
        return Err(Error::limit(format!("the time limit of {time:?} is reached")));
    }
    if let Some(limit) = active.memory
        && let Some(resident) = memory::resident()
        && resident as f64 + bytes > limit as f64
    {
        let mega = |bytes: f64| (bytes / f64::from(1 << 20)).ceil();
        return Err(Error::limit(format!(
            "the memory limit of {} MiB does not hold the {} MiB in use{}",
            mega(limit as f64),
            mega(resident as f64),
            if bytes > 0.0 { format!(" and some {} MiB of {what}", mega(bytes)) } else { String::new() }
        )));
    }
    Ok(())
}

/// An error if `what` would take more seconds than are left.
pub(crate) fn time_for(seconds: f64, what: &str) -> Result<()> {
    let Some((end, time)) = ACTIVE.get().end else { return Ok(()) };
    let left = end.saturating_duration_since(Instant::now()).as_secs_f64();
    if seconds <= left {
        return Ok(());
    }
    Err(Error::limit(format!(
        "{what} would take some {seconds:.1} s, and {left:.1} s are left of the time limit of {time:?}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tighter_limit_counts_and_the_former_returns() {
        assert!(!are_set() && check().is_ok());
        let hour = Limits::new().time(Duration::from_secs(3600));
        hour.clone().within(|| {
            assert!(are_set() && check().is_ok() && time_for(1.0, "a").is_ok());
            assert!(time_for(4000.0, "LU").unwrap_err().to_string().contains("LU would take some 4000.0 s"));
            Limits::new().time(Duration::ZERO).within(|| {
                // A longer limit inside does not help.
                assert!(hour.clone().within(check).unwrap_err().is_limit());
            });
            assert!(check().is_ok());
            let flag = Arc::new(AtomicBool::new(false));
            Limits::new().stop(flag.clone()).within(|| {
                assert!(check().is_ok());
                flag.store(true, Ordering::Relaxed);
                assert!(Limits::new().within(check).unwrap_err().to_string().contains("stopped"));
            });
            assert!(check().is_ok());
        });
        assert!(!are_set());
        let caught = std::panic::catch_unwind(|| hour.clone().within(|| panic!("inside")));
        assert!(caught.is_err() && !are_set());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn memory_is_that_of_the_process() {
        let resident = memory::resident().unwrap();
        assert!(resident > 1 << 20);
        assert!(Limits::new().memory(1 << 20).within(check).unwrap_err().to_string().contains("MiB in use"));
        let large = Limits::new().memory(1 << 50);
        assert!(large.clone().within(|| room_for(1e12, "levels")).is_ok());
        let error = large.within(|| room_for(1e17, "levels")).unwrap_err();
        assert!(error.is_limit() && error.to_string().contains("MiB of levels"), "{error}");
    }
}

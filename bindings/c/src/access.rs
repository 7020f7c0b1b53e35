//! Access to a solver: shared for solves, exclusive for changes.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use multigrad::learn::LearnedSolver;
use multigrad::{Csr, Solver};

use crate::callback::Stop;
use crate::status::{Failure, Outcome, mg_status};
use crate::worker::Worker;

/// A solver, or one that is trained between its solves and stays on a thread of its own.
pub(crate) enum Kind {
    Fixed(Box<Solver>),
    Learning(Worker<LearnedSolver>),
}

/// What a handle of a solver stands for.
pub(crate) struct State {
    pub matrix: Csr<f64>,
    pub kind: Kind,
}

/// The state behind a lock. After a change that a defect has interrupted there is none.
pub(crate) struct SolverCell {
    number: usize,
    rows: usize,
    learning: bool,
    state: RwLock<Option<State>>,
}

thread_local! {
    /// Numbers of the solvers in use by calls of this thread. A second call comes from a callback.
    static IN_USE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Notes a solver as in use by this thread.
struct Use;

impl Use {
    fn of(number: usize) -> Outcome<Self> {
        IN_USE.with_borrow_mut(|list| {
            if list.contains(&number) {
                let message =
                    "a callback may not use the solver that calls it; create a second solver for it";
                return Err(Failure::new(mg_status::MG_STATE, message));
            }
            list.push(number);
            Ok(Self)
        })
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        IN_USE.with_borrow_mut(Vec::pop);
    }
}

impl SolverCell {
    /// A solver of a matrix, trained between its solves if there is a share of the time for it.
    pub fn new(matrix: Csr<f64>, solver: Solver, learning: Option<(f64, u64)>) -> Outcome<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let kind = match learning {
            None => Kind::Fixed(Box::new(solver)),
            Some((share, seed)) => {
                Kind::Learning(Worker::new(move || LearnedSolver::new(solver).share(share).seed(seed))?)
            }
        };
        Ok(Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            rows: matrix.rows(),
            learning: learning.is_some(),
            state: RwLock::new(Some(State { matrix, kind })),
        })
    }

    /// Number of rows, which never changes.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the solver is trained between its solves.
    pub fn is_learning(&self) -> bool {
        self.learning
    }

    /// Calls `f` with the state, at the same time as others do.
    fn read<T>(&self, f: impl FnOnce(&State) -> Outcome<T>) -> Outcome<T> {
        let _use = Use::of(self.number)?;
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        f(state.as_ref().ok_or_else(broken)?)
    }

    /// Calls `f` with the state, alone. A stop by a callback leaves a state as it is after a failure; after any other
    /// panic there is no state any more.
    pub fn write<T>(&self, f: impl FnOnce(&mut State) -> Outcome<T>) -> Outcome<T> {
        let _use = Use::of(self.number)?;
        let mut guard = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let state = guard.as_mut().ok_or_else(broken)?;
        catch_unwind(AssertUnwindSafe(|| f(state))).unwrap_or_else(|payload| {
            if !payload.is::<Stop>() {
                // The drop of an interrupted state may panic too.
                let state = guard.take();
                let _ = catch_unwind(AssertUnwindSafe(|| drop(state)));
            }
            drop(guard);
            resume_unwind(payload)
        })
    }

    /// Calls `f` with the solver of the next solve. For a solver that is trained between its solves this happens on its
    /// thread.
    pub fn solver<T: Send>(&self, f: impl FnOnce(&Solver) -> Outcome<T> + Send) -> Outcome<T> {
        if self.learning {
            return self.learned(|own| f(own.solver()?));
        }
        self.read(|state| match &state.kind {
            Kind::Fixed(solver) => f(solver),
            Kind::Learning(_) => Err(other_kind()),
        })
    }

    /// Calls `f` with a solver that is trained between its solves, on its thread and alone.
    pub fn learned<T: Send>(&self, f: impl FnOnce(&mut LearnedSolver) -> Outcome<T> + Send) -> Outcome<T> {
        let number = self.number;
        self.write(|state| match &state.kind {
            Kind::Fixed(_) => Err(other_kind()),
            Kind::Learning(worker) => on_thread(worker, number, f),
        })
    }
}

/// Calls `f` on the thread of a solver, where the solver counts as in use as well.
pub(crate) fn on_thread<T: Send>(
    worker: &Worker<LearnedSolver>,
    number: usize,
    f: impl FnOnce(&mut LearnedSolver) -> Outcome<T> + Send,
) -> Outcome<T> {
    worker.call(|own| {
        let _use = Use::of(number)?;
        f(own)
    })?
}

fn other_kind() -> Failure {
    Failure::new(mg_status::MG_INTERNAL, "the kind of a solver has changed")
}

fn broken() -> Failure {
    let message =
        "a defect of the library has interrupted an earlier change of the solver; free it and create another";
    Failure::new(mg_status::MG_STATE, message)
}

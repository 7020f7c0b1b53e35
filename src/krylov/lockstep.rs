//! Several solves in lockstep: their products with A, and their applications of B, are carried out together.
//!
//! Every solve runs on a thread of its own with the loops of a single right-hand side. A request for a product waits until
//! each solve that is not finished has made one; the thread of the caller then carries out all of them. Solves are
//! independent of each other, so the requests that meet do not depend on the number of threads, and neither do the
//! results. No more solves compute at a time than the `rayon` pool of the caller has threads.
//!
//! # Reason for `unsafe`
//!
//! The vectors of a request belong to the thread that waits for it. Copies that both threads own would be four a column and
//! iteration of CG: 25 ms (sixteen copies of 10⁶ values take 6.3 ms) beside 140 ms for the iteration of 16 columns on the
//! 5-point matrix of 10⁶ rows. A request is lent, not copied: its thread waits until the request is answered and cannot
//! touch the vectors before.
#![allow(unsafe_code)]

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::system::System;
use crate::error::{Error, Result};
use crate::limits::Inherited;
use crate::operator::{Lent, LinearOperator, Preconditioner, Together, check_lengths};
use crate::parallel;

/// Calls `solve(number, system)` for the numbers below `count`, with operators that meet. A solve without a thread, which
/// the operating system refused, has no result.
pub(crate) fn in_lockstep<R: Send>(
    count: usize,
    operators: &dyn Together,
    solve: &(dyn Fn(usize, System<'_>) -> R + Sync),
) -> Vec<Option<R>> {
    let meeting = Meeting::new(count, operators);
    let limits = Inherited::from_this_thread();
    thread::scope(|scope| {
        let run = |number: usize| {
            let (meeting, limits) = (&meeting, limits.clone());
            let work = move || {
                let seat = Seat { meeting, number };
                limits.hold();
                drop(meeting.wait_for_turn(number));
                parallel::stay_on_this_thread();
                solve(number, System::Host(&seat, Some(&seat)))
            };
            let handle = thread::Builder::new().spawn_scoped(scope, work).ok();
            if handle.is_none() {
                meeting.leave(number);
            }
            handle
        };
        let threads: Vec<_> = (0..count).map(run).collect();
        meeting.lead();
        let result = |handle: thread::ScopedJoinHandle<'_, R>| {
            handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(|handle| handle.map(result)).collect()
    })
}

/// A product that a solve waits for.
struct Request {
    precondition: bool,
    x: NonNull<[f64]>,
    y: NonNull<[f64]>,
    norm: Option<f64>,
}

// SAFETY: the vectors are plain numbers, lent by a thread that waits until the request is answered.
unsafe impl Send for Request {}

/// What a solve does.
enum Stage {
    Computes,
    Waits(Request),
    Answered(Result<[f64; 2]>),
    Left,
}

/// The solves and what they do.
struct State {
    stages: Vec<Stage>,
    /// Solves that may go on as soon as a thread is free.
    ready: VecDeque<usize>,
    /// Whether a solve may compute.
    turn: Vec<bool>,
    computing: usize,
    present: usize,
    /// Whether the leader gave up.
    abandoned: bool,
}

struct Meeting<'s> {
    operators: &'s dyn Together,
    threads: usize,
    state: Mutex<State>,
    leader: Condvar,
    seats: Vec<Condvar>,
}

impl<'s> Meeting<'s> {
    fn new(count: usize, operators: &'s dyn Together) -> Self {
        let state = State {
            stages: (0..count).map(|_| Stage::Computes).collect(),
            ready: (0..count).collect(),
            turn: vec![false; count],
            computing: 0,
            present: count,
            abandoned: false,
        };
        let available = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            operators,
            threads: parallel::threads().min(available),
            state: Mutex::new(state),
            leader: Condvar::new(),
            seats: (0..count).map(|_| Condvar::new()).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets as many solves compute as there are threads; wakes the leader when all of them wait.
    fn continue_with(&self, state: &mut State) {
        while state.computing < self.threads
            && let Some(number) = state.ready.pop_front()
        {
            state.computing += 1;
            state.turn[number] = true;
            self.seats[number].notify_one();
        }
        if state.computing == 0 && state.ready.is_empty() {
            self.leader.notify_one();
        }
    }

    /// Waits until the solve may compute.
    fn wait_for_turn(&self, number: usize) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        while !state.turn[number] {
            state = self.seats[number].wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state
    }

    /// Ends the turn of a solve.
    fn yield_turn(&self, state: &mut State, number: usize) {
        if std::mem::take(&mut state.turn[number]) {
            state.computing -= 1;
        }
        self.continue_with(state);
    }

    /// A solve has ended or could not begin.
    fn leave(&self, number: usize) {
        let mut state = self.lock();
        state.stages[number] = Stage::Left;
        state.ready.retain(|other| *other != number);
        state.present -= 1;
        self.yield_turn(&mut state, number);
    }

    /// Hands in a request and waits for its answer.
    fn request(&self, number: usize, request: Request) -> Result<[f64; 2]> {
        let mut state = self.lock();
        if state.abandoned {
            return Err(abandoned());
        }
        state.stages[number] = Stage::Waits(request);
        self.yield_turn(&mut state, number);
        drop(state);
        let mut state = self.wait_for_turn(number);
        match std::mem::replace(&mut state.stages[number], Stage::Computes) {
            Stage::Answered(answer) => answer,
            _ => Err(abandoned()),
        }
    }

    /// Carries out requests until all solves have left.
    fn lead(&self) {
        /// Releases the solves after a panic in an operator.
        struct Release<'a, 's>(&'a Meeting<'s>);
        impl Drop for Release<'_, '_> {
            fn drop(&mut self) {
                let mut state = self.0.lock();
                state.abandoned = true;
                let all = 0..state.stages.len();
                let waiting: Vec<usize> =
                    all.filter(|&c| !matches!(state.stages[c], Stage::Computes | Stage::Left)).collect();
                for &number in &waiting {
                    state.stages[number] = Stage::Answered(Err(abandoned()));
                }
                state.ready.extend(waiting);
                self.0.continue_with(&mut state);
            }
        }
        self.continue_with(&mut self.lock());
        let release = Release(self);
        loop {
            let mut state = self.lock();
            while state.computing > 0 || !state.ready.is_empty() {
                state = self.leader.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.present == 0 {
                break;
            }
            let mut requests = Vec::new();
            for (number, stage) in state.stages.iter_mut().enumerate() {
                if let Stage::Waits(request) = std::mem::replace(stage, Stage::Computes) {
                    requests.push((number, request));
                    // The vectors stay lent until the answer.
                    *stage = Stage::Answered(Err(abandoned()));
                } else {
                    *stage = Stage::Left;
                }
            }
            drop(state);
            let answers = self.carry_out(requests);
            let mut state = self.lock();
            for (number, answer) in answers {
                state.stages[number] = Stage::Answered(answer);
                state.ready.push_back(number);
            }
            self.continue_with(&mut state);
        }
        std::mem::forget(release);
    }

    /// The answers to requests, products with A before those with B, in the order of the solves.
    fn carry_out(&self, requests: Vec<(usize, Request)>) -> Vec<(usize, Result<[f64; 2]>)> {
        let mut answers = Vec::with_capacity(requests.len());
        let (preconditioned, products): (Vec<_>, Vec<_>) =
            requests.into_iter().partition(|(_, request)| request.precondition);
        for (precondition, requests) in [(false, products), (true, preconditioned)] {
            if requests.is_empty() {
                continue;
            }
            let lent = |(_, request): &mut (usize, Request)| {
                // SAFETY: the thread of the request waits for its answer, so that nothing else reads or writes y, and
                // nothing writes x. Both slices live as long as it waits. The leader drops `lent` before it answers.
                let (x, y) = unsafe { (request.x.as_ref(), request.y.as_mut()) };
                Lent { x, y, norm: request.norm, dots: [0.0; 2] }
            };
            let mut requests = requests;
            let mut lent: Vec<Lent<'_>> = requests.iter_mut().map(lent).collect();
            let done = match precondition {
                true => self.operators.precondition(&mut lent),
                false => self.operators.apply(&mut lent),
            };
            let dots: Vec<[f64; 2]> = lent.iter().map(|lent| lent.dots).collect();
            let answer = |(number, _): &(usize, Request), dots| (*number, done.clone().map(|()| dots));
            answers.extend(requests.iter().zip(dots).map(|(request, dots)| answer(request, dots)));
        }
        answers
    }
}

fn abandoned() -> Error {
    Error::invalid_input("a product for several right-hand sides was abandoned")
}

/// The operators as one solve sees them.
struct Seat<'m, 's> {
    meeting: &'m Meeting<'s>,
    number: usize,
}

impl Seat<'_, '_> {
    fn request(&self, precondition: bool, x: &[f64], norm: Option<f64>, y: &mut [f64]) -> Result<[f64; 2]> {
        check_lengths(self.meeting.operators.rows(), x, y)?;
        let (x, y) = (NonNull::from(x), NonNull::from(y));
        self.meeting.request(self.number, Request { precondition, x, y, norm })
    }
}

impl Drop for Seat<'_, '_> {
    fn drop(&mut self) {
        self.meeting.leave(self.number);
    }
}

impl LinearOperator for Seat<'_, '_> {
    fn rows(&self) -> usize {
        self.meeting.operators.rows()
    }

    fn apply(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        self.request(false, x, None, y).map(|_| ())
    }

    fn apply_dots(&self, x: &[f64], y: &mut [f64]) -> Result<Option<[f64; 2]>> {
        self.request(false, x, None, y).map(Some)
    }
}

impl Preconditioner for Seat<'_, '_> {
    fn rows(&self) -> usize {
        self.meeting.operators.rows()
    }

    fn is_symmetric(&self) -> bool {
        self.meeting.operators.is_symmetric()
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.request(true, r, None, z).map(|_| ())
    }

    fn apply_dot(&self, r: &[f64], norm: f64, z: &mut [f64]) -> Result<Option<f64>> {
        self.request(true, r, Some(norm), z).map(|[dot, _]| Some(dot))
    }

    fn apply_transposed(&self, _: &[f64], _: &mut [f64]) -> Result<()> {
        Err(Error::unsuited("solves in lockstep have no transposed cycle"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A = 2 I and B = I / 2; counts calls and the vectors of each.
    struct Twice {
        calls: Mutex<Vec<usize>>,
        fails: Option<bool>,
    }

    impl Together for Twice {
        fn rows(&self) -> usize {
            3
        }

        fn is_symmetric(&self) -> bool {
            true
        }

        fn apply(&self, vectors: &mut [Lent<'_>]) -> Result<()> {
            if let Some(panics) = self.fails {
                assert!(!panics, "an operator that panics");
                return Err(Error::singular("an operator that fails"));
            }
            self.calls.lock().unwrap().push(vectors.len());
            for lent in vectors {
                lent.y.iter_mut().zip(lent.x).for_each(|(y, x)| *y = 2.0 * x);
            }
            Ok(())
        }

        fn precondition(&self, vectors: &mut [Lent<'_>]) -> Result<()> {
            for lent in vectors {
                lent.y.iter_mut().zip(lent.x).for_each(|(y, x)| *y = 0.5 * x);
            }
            Ok(())
        }
    }

    fn twice(fails: Option<bool>) -> Twice {
        Twice { calls: Mutex::default(), fails }
    }

    /// Solve c makes c + 1 products; one starts with the preconditioner.
    #[test]
    fn requests_meet_until_their_solves_end() {
        let operators = twice(None);
        let results = in_lockstep(4, &operators, &|number, system| {
            let System::Host(a, b) = system else { unreachable!() };
            let mut y = [0.0; 3];
            if number == 2 {
                b.unwrap().apply(&[number as f64; 3], &mut y).unwrap();
            }
            for _ in 0..=number {
                a.apply(&[number as f64; 3], &mut y).unwrap();
                assert_eq!(parallel::threads(), 1);
            }
            assert!(a.apply(&[1.0], &mut y).is_err());
            y[0]
        });
        assert_eq!(results, [Some(0.0), Some(2.0), Some(4.0), Some(6.0)]);
        // Solve 2 comes one round later.
        assert_eq!(*operators.calls.lock().unwrap(), [3, 3, 2, 2]);
    }

    #[test]
    fn failures_and_panics_end_all_solves() {
        let run = |operators: &Twice, panics: bool| {
            let answered = AtomicUsize::new(0);
            let results = in_lockstep(3, operators, &|number, system| {
                let System::Host(a, _) = system else { unreachable!() };
                assert!(!(panics && number == 1), "a solve that panics");
                let result = a.apply(&[1.0; 3], &mut [0.0; 3]);
                answered.fetch_add(1, Ordering::Relaxed);
                result
            });
            (results, answered.into_inner())
        };
        let (results, answered) = run(&twice(Some(false)), false);
        assert!(answered == 3 && results.into_iter().all(|r| r.unwrap().is_err()));
        for (operators, panics) in [(twice(Some(true)), false), (twice(None), true)] {
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&operators, panics).1));
            assert!(caught.is_err());
        }
    }
}

//! Work outside the interpreter: on a thread of its own, while the calling thread waits for signals.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use multigrad::Limits;
use pyo3::exceptions::{PyKeyboardInterrupt, PyRuntimeError};
use pyo3::prelude::*;

use crate::errors::{of_panic, raise};

/// Time between two tests for signals.
const TICK: Duration = Duration::from_millis(50);
/// Time that cancelled work gets to end before the caller returns.
const GRACE: Duration = Duration::from_millis(500);
/// Stack of a worker.
const STACK: usize = 16 << 20;

/// Unwinds cancelled work up to its thread.
struct Cancelled;

/// Cancels work from outside, and from a callback that raised an exception.
#[derive(Clone, Default)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    exception: Arc<Mutex<Option<PyErr>>>,
}

impl Cancel {
    /// Ends the work by unwinding if it is cancelled. The library calls this from its callbacks.
    pub fn check(&self) {
        if self.flag.load(Ordering::Relaxed) {
            resume_unwind(Box::new(Cancelled));
        }
    }

    /// Calls Python; an exception ends the work.
    pub fn call(&self, call: impl FnOnce(Python<'_>) -> PyResult<()>) {
        self.check();
        // Without an interpreter, at its end, nobody waits for the work.
        match Python::try_attach(call) {
            Some(Ok(())) => {}
            Some(Err(e)) => {
                *self.exception.lock().unwrap_or_else(PoisonError::into_inner) = Some(e);
                resume_unwind(Box::new(Cancelled));
            }
            None => resume_unwind(Box::new(Cancelled)),
        }
    }

    /// The exception for a payload of unwinding.
    fn exception(&self, payload: &(dyn Any + Send)) -> PyErr {
        if !payload.is::<Cancelled>() {
            return of_panic(payload);
        }
        let own = self.exception.lock().unwrap_or_else(PoisonError::into_inner).take();
        own.unwrap_or_else(|| PyKeyboardInterrupt::new_err("cancelled"))
    }
}

/// The result of work, or the payload of its unwinding.
type Answer<T> = thread::Result<multigrad::Result<T>>;

/// Runs work within limits on a new thread. The calling thread gives up the interpreter and tests for signals: an
/// exception of a signal handler, such as that of Ctrl-C, cancels the work and is raised.
pub fn run<T: Send + 'static>(
    py: Python<'_>,
    limits: Limits,
    work: impl FnOnce(&Cancel) -> multigrad::Result<T> + Send + 'static,
) -> PyResult<T> {
    let cancel = Cancel::default();
    let (sender, receiver) = mpsc::channel();
    let own = cancel.clone();
    let body = move || {
        let result = catch_unwind(AssertUnwindSafe(|| limits.within(|| work(&own))));
        // Nobody receives the result of work that was given up.
        let _ = sender.send(result);
    };
    new_thread().spawn(body)?;
    wait(py, &cancel, receiver)
}

fn new_thread() -> thread::Builder {
    thread::Builder::new().name("multigrad".into()).stack_size(STACK)
}

/// Waits for an answer, and tests for signals meanwhile.
fn wait<T: Send>(py: Python<'_>, cancel: &Cancel, mut receiver: Receiver<Answer<T>>) -> PyResult<T> {
    loop {
        let received;
        (receiver, received) = py.detach(move || {
            let received = receiver.recv_timeout(TICK);
            (receiver, received)
        });
        match received {
            Ok(Ok(result)) => return result.map_err(raise),
            Ok(Err(payload)) => return Err(cancel.exception(payload.as_ref())),
            Err(RecvTimeoutError::Disconnected) => return Err(PyRuntimeError::new_err("the worker is gone")),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Err(signal) = py.check_signals() {
            cancel.flag.store(true, Ordering::Relaxed);
            py.detach(move || receiver.recv_timeout(GRACE).is_ok());
            return Err(signal);
        }
    }
}

/// Work on a value that lives on another thread.
type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// A value with a thread of its own, for types that must not leave their thread. The thread ends with the home.
pub struct Home<S> {
    jobs: Mutex<Sender<Job<S>>>,
}

impl<S: 'static> Home<S> {
    /// Makes the value on a new thread.
    pub fn new(
        py: Python<'_>,
        make: impl FnOnce() -> multigrad::Result<S> + Send + 'static,
    ) -> PyResult<Self> {
        let (jobs, todo) = mpsc::channel::<Job<S>>();
        let (sender, receiver) = mpsc::channel();
        let body = move || {
            let made = catch_unwind(AssertUnwindSafe(make));
            let (answer, value) = match made {
                Ok(Ok(value)) => (Ok(Ok(())), Some(value)),
                Ok(Err(e)) => (Ok(Err(e)), None),
                Err(payload) => (Err(payload), None),
            };
            let _ = sender.send(answer);
            if let Some(mut value) = value {
                todo.into_iter().for_each(|job| job(&mut value));
            }
        };
        new_thread().spawn(body)?;
        wait(py, &Cancel::default(), receiver)?;
        Ok(Self { jobs: Mutex::new(jobs) })
    }

    /// As [`run`], on the thread of the value, after all work that was given to it before.
    pub fn run<T: Send + 'static>(
        &self,
        py: Python<'_>,
        limits: Limits,
        work: impl FnOnce(&mut S, &Cancel) -> multigrad::Result<T> + Send + 'static,
    ) -> PyResult<T> {
        let cancel = Cancel::default();
        let (sender, receiver) = mpsc::channel();
        let own = cancel.clone();
        let job: Job<S> = Box::new(move |value| {
            let result = catch_unwind(AssertUnwindSafe(|| limits.within(|| work(value, &own))));
            let _ = sender.send(result);
        });
        let sent = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).send(job);
        sent.map_err(|_| PyRuntimeError::new_err("the thread of the solver is gone"))?;
        wait(py, &cancel, receiver)
    }
}

/// Runs short work on the calling thread without the interpreter; a panic is an exception.
pub fn brief<T: Send>(py: Python<'_>, work: impl FnOnce() -> multigrad::Result<T> + Send) -> PyResult<T> {
    match py.detach(|| catch_unwind(AssertUnwindSafe(work))) {
        Ok(result) => result.map_err(raise),
        Err(payload) => Err(of_panic(payload.as_ref())),
    }
}

/// Limits of seconds and bytes, which the package has checked.
pub fn limits(seconds: Option<f64>, bytes: Option<u64>) -> Limits {
    let mut limits = Limits::new();
    if let Some(time) = seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()) {
        limits = limits.time(time);
    }
    match bytes {
        Some(bytes) => limits.memory(bytes),
        None => limits,
    }
}

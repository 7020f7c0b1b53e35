//! Work outside the interpreter: on a thread of its own, while the calling thread waits for signals.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

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

/// A call of Python, for the waiting thread.
type Call = Box<dyn FnOnce(Python<'_>) -> PyResult<()> + Send>;

/// What a worker tells the waiting thread.
enum Message {
    /// Something to call, and where to answer whether to go on.
    Call(Call, Sender<bool>),
    /// The result is there.
    Done,
}

/// The side of the worker: it asks whether the work is cancelled, and lets the waiting thread call Python.
pub struct Cancel {
    flag: Arc<AtomicBool>,
    messages: Sender<Message>,
}

impl Cancel {
    /// Ends the work by unwinding if it is cancelled. The library calls this from its callbacks.
    pub fn check(&self) {
        if self.flag.load(Ordering::Relaxed) {
            resume_unwind(Box::new(Cancelled));
        }
    }

    /// Calls Python on the waiting thread; an exception ends the work.
    pub fn call(&self, call: impl FnOnce(Python<'_>) -> PyResult<()> + Send + 'static) {
        self.check();
        let (reply, answer) = mpsc::channel();
        // Both fail if nobody waits any longer.
        let sent = self.messages.send(Message::Call(Box::new(call), reply));
        if sent.is_err() || answer.recv() != Ok(true) {
            resume_unwind(Box::new(Cancelled));
        }
    }
}

/// The side of the waiting thread.
struct Waiting<T> {
    flag: Arc<AtomicBool>,
    messages: Receiver<Message>,
    answer: Receiver<Answer<T>>,
}

/// The result of work, or the payload of its unwinding.
type Answer<T> = thread::Result<multigrad::Result<T>>;

/// Work with the two sides of its channels; the work as a function of a value of its thread.
fn prepare<S, T: Send + 'static>(
    limits: Limits,
    work: impl FnOnce(&mut S, &Cancel) -> multigrad::Result<T> + Send + 'static,
) -> (impl FnOnce(&mut S) + Send + 'static, Waiting<T>) {
    let (sender, messages) = mpsc::channel();
    let (result, answer) = mpsc::channel();
    let flag = Arc::new(AtomicBool::new(false));
    let cancel = Cancel { flag: flag.clone(), messages: sender };
    let body = move |value: &mut S| {
        // The flag also ends work that makes no callbacks, such as a setup.
        let limits = limits.stop(cancel.flag.clone());
        let done = catch_unwind(AssertUnwindSafe(|| limits.within(|| work(value, &cancel))));
        // Nobody receives the result of work that was given up.
        let _ = result.send(done);
        let _ = cancel.messages.send(Message::Done);
    };
    (body, Waiting { flag, messages, answer })
}

/// Runs work within limits on a new thread. The calling thread gives up the interpreter, makes the calls of the work,
/// and tests for signals: an exception of a signal handler, such as that of Ctrl-C, cancels the work and is raised.
pub fn run<T: Send + 'static>(
    py: Python<'_>,
    limits: Limits,
    work: impl FnOnce(&Cancel) -> multigrad::Result<T> + Send + 'static,
) -> PyResult<T> {
    let (body, waiting) = prepare(limits, move |(): &mut (), cancel: &Cancel| work(cancel));
    new_thread().spawn(move || body(&mut ()))?;
    waiting.wait(py)
}

fn new_thread() -> thread::Builder {
    thread::Builder::new().name("multigrad".into()).stack_size(STACK)
}

impl<T: Send> Waiting<T> {
    /// Waits for the answer.
    fn wait(mut self, py: Python<'_>) -> PyResult<T> {
        let mut exception = None;
        loop {
            let message;
            (self, message) = py.detach(move || {
                let message = self.messages.recv_timeout(TICK);
                (self, message)
            });
            match message {
                Ok(Message::Call(call, reply)) => {
                    exception = call(py).err();
                    let _ = reply.send(exception.is_none());
                }
                Ok(Message::Done) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if let Err(signal) = py.check_signals() {
                py.detach(move || self.give_up());
                return Err(signal);
            }
        }
        match self.answer.try_recv() {
            Ok(Ok(result)) => result.map_err(raise),
            Ok(Err(payload)) if payload.is::<Cancelled>() => {
                Err(exception.unwrap_or_else(|| PyKeyboardInterrupt::new_err("cancelled")))
            }
            Ok(Err(payload)) => Err(of_panic(payload.as_ref())),
            Err(_) => Err(PyRuntimeError::new_err("the worker is gone")),
        }
    }

    /// Cancels the work, and waits a little for its end.
    fn give_up(self) {
        self.flag.store(true, Ordering::Relaxed);
        let end = Instant::now() + GRACE;
        // A call that is dropped here ends the work.
        while let Ok(Message::Call(..)) =
            self.messages.recv_timeout(end.saturating_duration_since(Instant::now()))
        {}
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
        let (body, waiting) = prepare(limits(None, None), move |place: &mut Option<S>, _| {
            *place = Some(make()?);
            Ok(())
        });
        new_thread().spawn(move || {
            let mut place = None;
            body(&mut place);
            if let Some(mut value) = place {
                todo.into_iter().for_each(|job| job(&mut value));
            }
        })?;
        waiting.wait(py)?;
        Ok(Self { jobs: Mutex::new(jobs) })
    }

    /// As [`run`], on the thread of the value, after all work that was given to it before.
    pub fn run<T: Send + 'static>(
        &self,
        py: Python<'_>,
        limits: Limits,
        work: impl FnOnce(&mut S, &Cancel) -> multigrad::Result<T> + Send + 'static,
    ) -> PyResult<T> {
        let (body, waiting) = prepare(limits, work);
        let sent = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).send(Box::new(body));
        sent.map_err(|_| PyRuntimeError::new_err("the thread of the solver is gone"))?;
        waiting.wait(py)
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

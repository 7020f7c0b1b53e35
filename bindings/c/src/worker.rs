//! A thread that owns a value which must stay on one thread, and runs closures with it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use crate::status::{Failure, Outcome, mg_status};

type Job<V> = Box<dyn FnOnce(&mut V) + Send>;

/// A thread and the value that it owns.
pub(crate) struct Worker<V> {
    jobs: Option<Sender<Job<V>>>,
    thread: Option<JoinHandle<()>>,
}

impl<V: 'static> Worker<V> {
    /// Starts a thread, which makes the value.
    pub fn new(make: impl FnOnce() -> V + Send + 'static) -> Outcome<Self> {
        let (jobs, list) = channel::<Job<V>>();
        let run = move || {
            let mut value = make();
            for job in list {
                job(&mut value);
            }
        };
        let started = std::thread::Builder::new().name("multigrad".into()).spawn(run);
        let thread = started.map_err(|e| {
            Failure::new(mg_status::MG_STATE, format!("the operating system refused a thread: {e}"))
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs a closure on the thread and waits for its end. A panic continues on the calling thread.
    pub fn call<'a, T: Send + 'a>(&self, f: impl FnOnce(&mut V) -> T + Send + 'a) -> Outcome<T> {
        let (sender, answer) = channel::<Result<T, Box<dyn Any + Send>>>();
        let job: Box<dyn FnOnce(&mut V) + Send + 'a> = Box::new(move |value| {
            let result = catch_unwind(AssertUnwindSafe(|| f(value)));
            // The calling thread waits for it.
            let _ = sender.send(result);
        });
        // SAFETY: only the lifetime changes. This function waits until the job has run or has been dropped: the sender
        // of the answer belongs to the job, and `recv` returns when it has sent or is gone. The closure `f` has been
        // consumed before the answer is sent.
        let job: Job<V> = unsafe { std::mem::transmute::<Box<dyn FnOnce(&mut V) + Send + 'a>, Job<V>>(job) };
        let lost =
            || Failure::new(mg_status::MG_STATE, "the thread of the solver has ended; create another solver");
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or_else(lost)?;
        match answer.recv() {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(payload)) => resume_unwind(payload),
            Err(_) => Err(lost()),
        }
    }
}

impl<V> Drop for Worker<V> {
    fn drop(&mut self) {
        // Without the sender the loop of the thread ends.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the value's own drop concerns nobody.
            let _ = thread.join();
        }
    }
}

//! Captured work, and the time that work takes.

use super::{Cuda, Recorded};
use crate::error::Result;

/// Captured work together with the data that it uses.
#[derive(Debug)]
pub struct Graph<K>(Recorded<K>);

impl<K> Graph<K> {
    /// Queues all of it.
    ///
    /// # Errors
    /// The first failure of the device.
    pub fn run(&self) -> Result<()> {
        self.0.run(0)
    }

    /// Kernels and copies in it.
    pub fn nodes(&self) -> usize {
        self.0.nodes().iter().sum()
    }

    /// The data that it uses.
    pub fn kept(&self) -> &K {
        self.0.kept()
    }
}

impl Cuda {
    /// Captures the work that `work` queues on `kept`, under the rules of [`record`](Self::record).
    pub(crate) fn graph<K>(&self, kept: K, work: fn(&mut K)) -> Result<Graph<K>> {
        Ok(Graph(self.record(kept, &[work])?))
    }

    /// Seconds of device time that the queued work takes, after all work before it.
    ///
    /// # Errors
    /// The first failure of the device.
    pub fn seconds(&self, work: impl FnOnce()) -> Result<f64> {
        self.synchronise()?;
        let mut work = Some(work);
        self.driver.seconds(&mut || {
            if let Some(work) = work.take() {
                work();
            }
            self.check()
        })
    }
}

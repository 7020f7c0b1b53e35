//! Captured work, kept with what it works on; and the time that work takes.

use super::{Captured, Cuda};
use crate::error::Result;

/// Captured work together with what it works on.
#[derive(Debug)]
pub struct Graph<K> {
    captured: Box<dyn Captured>,
    cuda: Cuda,
    kept: K,
}

impl<K> Graph<K> {
    /// Queues all of it.
    ///
    /// # Errors
    /// The first failure of the device.
    pub fn run(&self) -> Result<()> {
        self.cuda.check()?;
        // SAFETY: the work is a function of `kept` alone, so that what it reads and writes is held or borrowed by
        // that; nobody outside gets more than a shared reference to it, so that it is alive.
        unsafe { self.captured.run() }
    }

    /// Kernels and copies in it.
    pub fn nodes(&self) -> usize {
        self.captured.nodes()
    }

    /// What it works on.
    pub fn kept(&self) -> &K {
        &self.kept
    }
}

impl Cuda {
    /// What `work` queues on `kept`, to be run as often as wanted. It must not allocate.
    pub(crate) fn graph<K>(&self, mut kept: K, work: fn(&mut K)) -> Result<Graph<K>> {
        let captured = self.capture(|| work(&mut kept))?;
        Ok(Graph { captured, cuda: self.clone(), kept })
    }

    /// Seconds of device time that the queued work takes, after all work before it.
    ///
    /// # Errors
    /// The first failure of the device.
    pub fn seconds(&self, work: impl FnOnce()) -> Result<f64> {
        self.synchronise()?;
        let mut work = Some(work);
        let seconds = self.driver.seconds(&mut || {
            if let Some(work) = work.take() {
                work();
            }
            self.check()
        })?;
        self.check()?;
        Ok(seconds)
    }
}

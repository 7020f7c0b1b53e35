//! The stationary iteration on a device: an iteration is one graph, followed by one transfer of a few scalars to the
//! host.

use super::super::richardson::iterate;
use super::{Base, OnBase, REFRESH, Running, System};
use crate::backend::cuda::{Memory, Place};
use crate::error::Result;
use crate::krylov::outcome::Status;
use crate::krylov::progress::{Progress, Solve, conduct};

pub(super) fn solve(system: System<'_>, progress: &mut Progress<'_>, damping: f64) -> Result<Status> {
    let cuda = &system.on.cuda;
    let base = Base::new(system, 0, 0.0);
    let work = Work { z: base.image(), base, damping };
    let work = cuda.record(work, &[Work::queue_residual, Work::queue_step])?;
    conduct(&mut Running { work, progress }, |running| {
        iterate(running, |running| {
            running.applied();
            let scalars = running.run(STEP)?;
            let norm = running.base().residual_norm(scalars[Place::Square as usize])?;
            running.progress().record_true(norm);
            Ok(())
        })
    })
}

/// Vectors of an iteration.
struct Work<'s> {
    base: Base<'s>,
    /// `None` without a preconditioner, where z = r.
    z: Option<Memory<f64>>,
    damping: f64,
}

const STEP: usize = REFRESH + 1;

impl Work<'_> {
    fn queue_residual(&mut self) {
        self.base.queue_residual(None);
    }

    fn queue_step(&mut self) {
        let Self { base: Base { system: System { on, x, .. }, r, .. }, z, damping } = self;
        on.cuda.combine(*damping, on.precondition(r, z), 1.0, x);
        self.queue_residual();
    }
}

impl OnBase for Work<'_> {
    fn base(&self) -> &Base<'_> {
        &self.base
    }
}

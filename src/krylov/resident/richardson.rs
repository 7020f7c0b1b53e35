//! Plain cycles on a device.

use super::super::richardson::{check_damping, iterate};
use super::{
    Base, Kind, Method, OnBase, Operators, Options, Outcome, REFRESH, ResidentOperator, Running, System,
    conduct, resident_options,
};
use crate::backend::Cuda;
use crate::backend::cuda::{Memory, Place};
use crate::error::Result;
use crate::krylov::outcome::Status;
use crate::krylov::progress::{Progress, Solve};

/// The stationary iteration on a device, as [`Richardson`](crate::krylov::Richardson). An iteration is one graph, followed
/// by one transfer of a few scalars to the host.
#[derive(Debug, Clone)]
pub struct ResidentRichardson<'a> {
    cuda: Cuda,
    options: Options<'a>,
    damping: f64,
}

impl ResidentRichardson<'_> {
    /// The iteration with its default options.
    pub fn new(cuda: &Cuda) -> Self {
        Self { cuda: cuda.clone(), options: Options::default(), damping: 1.0 }
    }

    /// The damping ω. Default 1.
    #[must_use]
    pub fn damping(mut self, omega: f64) -> Self {
        self.damping = omega;
        self
    }
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
        let Self { base: Base { system: System { cuda, inverse, x, .. }, r, room }, z, damping } = self;
        if let (Some(b), Some(z)) = (*inverse, z.as_mut()) {
            b.queue_scaled(r, &room.scalars, z);
        }
        cuda.combine(*damping, z.as_ref().unwrap_or(r), 1.0, x);
        self.queue_residual();
    }
}

impl OnBase for Work<'_> {
    fn base(&self) -> &Base<'_> {
        &self.base
    }
}

impl Method for ResidentRichardson<'_> {
    fn cuda(&self) -> &Cuda {
        &self.cuda
    }

    fn options(&self) -> &Options<'_> {
        &self.options
    }

    fn kind(&self) -> Kind {
        Kind::Richardson
    }

    fn check(&self, _: Operators<'_>) -> Result<()> {
        check_damping(self.damping)
    }

    fn iterate(&self, system: System<'_>, progress: &mut Progress<'_>) -> Result<Status> {
        let base = Base::new(system, 0, 0.0);
        let z = base.system.inverse.map(|_| base.vector());
        let work = Work { base, z, damping: self.damping };
        let work = self.cuda.record(work, &[Work::queue_residual, Work::queue_step])?;
        conduct(Running { work, progress }, |running| {
            iterate(running, |running| {
                running.applied();
                let scalars = running.run(STEP)?;
                let norm = running.base().residual_norm(scalars[Place::Square as usize])?;
                running.progress().record_true(norm);
                Ok(())
            })
        })
    }
}

resident_options!(ResidentRichardson);

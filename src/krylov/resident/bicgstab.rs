//! The stabilised biconjugate gradient method on a device: half an iteration is one graph, followed by one transfer of
//! a few scalars to the host.

use super::super::bicgstab::{Half, Halves, ORTHOGONAL, iterate, zero};
use super::{Base, OnBase, REFRESH, Running, System};
use crate::backend::cuda::{Conclusion, Hindrance, Memory, Place};
use crate::error::Result;
use crate::krylov::outcome::{Breakdown, Status};
use crate::krylov::progress::{Progress, conduct};

pub(super) fn solve(system: System<'_>, progress: &mut Progress<'_>) -> Result<Status> {
    let parts = [Work::queue_residual, Work::queue_first, Work::queue_second];
    let work = system.on.cuda.record(Work::new(system), &parts)?;
    conduct(&mut Running { work, progress }, |running| iterate(running))
}

/// Vectors of an iteration.
struct Work<'s> {
    base: Base<'s>,
    shadow: Memory<f64>,
    p: Memory<f64>,
    v: Memory<f64>,
    t: Memory<f64>,
    /// `None` without a preconditioner, where y = p or y = r.
    y: Option<Memory<f64>>,
}

const FIRST: usize = REFRESH + 1;
const SECOND: usize = REFRESH + 2;

impl<'s> Work<'s> {
    fn new(system: System<'s>) -> Self {
        let base = Base::new(system, 0, ORTHOGONAL);
        let [shadow, p, v, t] = std::array::from_fn(|_| base.vector());
        Self { y: base.image(), shadow, p, v, t, base }
    }

    fn queue_residual(&mut self) {
        self.base.queue_residual(Some(&mut self.shadow));
    }

    fn queue_first(&mut self) {
        let Self { base: Base { system: System { on, x, .. }, r, room }, shadow, p, v, y, .. } = self;
        let cuda = &on.cuda;
        cuda.krylov_dots(room, shadow, r, 1);
        cuda.krylov_conclude(room, Conclusion::BiCgStabBeta);
        cuda.bicgstab_direction(room, r, v, p);
        let y = on.precondition(p, y);
        on.multiply(y, v);
        cuda.krylov_dots(room, v, shadow, 2);
        cuda.krylov_conclude(room, Conclusion::BiCgStabAlpha);
        cuda.krylov_update(room, Place::Alpha, (Some(y), v), (x, r));
        cuda.krylov_conclude(room, Conclusion::Norm);
    }

    fn queue_second(&mut self) {
        let Self { base: Base { system: System { on, x, .. }, r, room }, t, y, .. } = self;
        let cuda = &on.cuda;
        on.multiply(on.precondition(r, y), t);
        cuda.krylov_dots(room, t, r, 2);
        cuda.krylov_conclude(room, Conclusion::BiCgStabOmega);
        cuda.krylov_update(room, Place::Omega, (y.as_ref(), t), (x, r));
        cuda.krylov_conclude(room, Conclusion::Norm);
    }
}

impl OnBase for Work<'_> {
    fn base(&self) -> &Base<'_> {
        &self.base
    }
}

impl<'p> Halves<'p> for Running<'_, 'p, Work<'_>> {
    fn first(&mut self) -> Result<Half> {
        let half = self.half(FIRST)?;
        if !matches!(half, Half::Orthogonal) {
            self.applied();
        }
        Ok(half)
    }

    fn second(&mut self, _: f64) -> Result<Half> {
        self.applied();
        self.half(SECOND)
    }

    /// Like the host, the device restarts after each computed residual.
    fn restart(&mut self) {}
}

impl Running<'_, '_, Work<'_>> {
    fn half(&self, part: usize) -> Result<Half> {
        let scalars = self.run(part)?;
        let length = scalars[Place::XX as usize];
        let norm = self.base().residual_norm(scalars[Place::Square as usize])?;
        Ok(match Hindrance::of(scalars[Place::Code as usize]) {
            None => Half::Arrived(norm),
            Some(Hindrance::Rho) => Half::Orthogonal,
            Some(Hindrance::Pivot) => Half::Broken(zero(length, Breakdown::PivotZero), norm),
            Some(Hindrance::Omega) => Half::Broken(zero(length, Breakdown::OmegaZero), norm),
            Some(Hindrance::NotFinite) => Half::NotFinite,
        })
    }
}

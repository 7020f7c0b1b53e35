//! The stabilised biconjugate gradient method on a device.

use super::super::bicgstab::{Half, Halves, ORTHOGONAL, iterate, zero};
use super::{
    Base, Kind, Method, OnBase, Operators, Options, Outcome, REFRESH, ResidentOperator, Running, System,
};
use super::{conduct, resident_options};
use crate::backend::Cuda;
use crate::backend::cuda::{Conclusion, Hindrance, Memory, Place};
use crate::error::Result;
use crate::krylov::outcome::{Breakdown, Status};
use crate::krylov::progress::Progress;

/// BiCGStab on a device, as [`BiCgStab`](crate::krylov::BiCgStab). Half an iteration is one graph, followed by one
/// transfer of a few scalars to the host.
#[derive(Debug, Clone)]
pub struct ResidentBiCgStab<'a> {
    cuda: Cuda,
    options: Options<'a>,
}

impl ResidentBiCgStab<'_> {
    /// The method with its default options.
    pub fn new(cuda: &Cuda) -> Self {
        Self { cuda: cuda.clone(), options: Options::default() }
    }
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
        Self { y: base.system.inverse.map(|_| base.vector()), shadow, p, v, t, base }
    }

    fn queue_residual(&mut self) {
        self.base.queue_residual(Some(&mut self.shadow));
    }

    fn queue_first(&mut self) {
        let Self {
            base: Base { system: System { cuda, a, inverse, x, .. }, r, room }, shadow, p, v, y, ..
        } = self;
        cuda.krylov_dots(room, shadow, r, 1);
        cuda.krylov_conclude(room, Conclusion::BiCgStabBeta);
        cuda.bicgstab_direction(room, r, v, p);
        if let (Some(b), Some(y)) = (*inverse, y.as_mut()) {
            b.queue(p, y);
        }
        let y = y.as_ref().unwrap_or(p);
        a.queue(y, v);
        cuda.krylov_dots(room, v, shadow, 2);
        cuda.krylov_conclude(room, Conclusion::BiCgStabAlpha);
        cuda.krylov_update(room, Place::Alpha, (Some(y), v), (x, r));
        cuda.krylov_conclude(room, Conclusion::Norm);
    }

    fn queue_second(&mut self) {
        let Self { base: Base { system: System { cuda, a, inverse, x, .. }, r, room }, t, y, .. } = self;
        if let (Some(b), Some(y)) = (*inverse, y.as_mut()) {
            b.queue_scaled(r, &room.scalars, y);
        }
        a.queue(y.as_ref().unwrap_or(r), t);
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

impl Method for ResidentBiCgStab<'_> {
    fn cuda(&self) -> &Cuda {
        &self.cuda
    }

    fn options(&self) -> &Options<'_> {
        &self.options
    }

    fn kind(&self) -> Kind {
        Kind::BiCgStab
    }

    fn check(&self, _: Operators<'_>) -> Result<()> {
        Ok(())
    }

    fn iterate(&self, system: System<'_>, progress: &mut Progress<'_>) -> Result<Status> {
        let parts = [Work::queue_residual, Work::queue_first, Work::queue_second];
        let work = self.cuda.record(Work::new(system), &parts)?;
        conduct(Running { work, progress }, |running| iterate(running))
    }
}

resident_options!(ResidentBiCgStab);

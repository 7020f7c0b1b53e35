//! Conjugate gradients on a device: an iteration is one graph, followed by one transfer of a few scalars to the host.

use super::super::cg::{Directions, Step, indefinite, iterate, without_curvature};
use super::{Base, OnBase, REFRESH, Running, System, norm_of};
use crate::backend::cuda::{Conclusion, Memory, Place};
use crate::error::Result;
use crate::krylov::outcome::{Breakdown, Status};
use crate::krylov::progress::{Progress, Solve, conduct};

pub(super) fn solve(system: System<'_>, progress: &mut Progress<'_>) -> Result<Status> {
    let work = system.on.cuda.record(Work::new(system), &[Work::queue_residual, Work::queue_step])?;
    conduct(&mut State { running: Running { work, progress }, curvature: 0.0 }, |state| iterate(state))
}

/// Vectors of an iteration.
struct Work<'s> {
    base: Base<'s>,
    /// `None` without a preconditioner, where z = r.
    z: Option<Memory<f64>>,
    p: Memory<f64>,
    q: Memory<f64>,
}

const STEP: usize = REFRESH + 1;

impl<'s> Work<'s> {
    fn new(system: System<'s>) -> Self {
        let base = Base::new(system, 0, 0.0);
        Self { z: base.image(), p: base.vector(), q: base.vector(), base }
    }

    fn queue_residual(&mut self) {
        self.base.queue_residual(None);
    }

    fn queue_step(&mut self) {
        let Self { base: Base { system: System { on, x, .. }, r, room }, z, p, q } = self;
        let (cuda, without_preconditioner) = (&on.cuda, z.is_none());
        let z = on.precondition(r, z);
        if !without_preconditioner {
            cuda.krylov_dots(room, r, z, 1);
        }
        cuda.krylov_conclude(room, Conclusion::CgBeta { without_preconditioner });
        cuda.cg_direction(room, z, p);
        on.multiply(p, q);
        cuda.krylov_dots(room, p, q, 3);
        cuda.krylov_conclude(room, Conclusion::CgAlpha);
        cuda.krylov_update(room, Place::Alpha, (Some(p), q), (x, r));
        cuda.krylov_conclude(room, Conclusion::Norm);
    }
}

impl OnBase for Work<'_> {
    fn base(&self) -> &Base<'_> {
        &self.base
    }
}

/// The running method with the largest curvature so far.
struct State<'r, 'p, 's> {
    running: Running<'r, 'p, Work<'s>>,
    curvature: f64,
}

impl<'p> Solve<'p> for State<'_, 'p, '_> {
    fn progress(&mut self) -> &mut Progress<'p> {
        self.running.progress()
    }

    fn refresh(&mut self) -> Result<f64> {
        self.running.refresh()
    }
}

impl<'p> Directions<'p> for State<'_, 'p, '_> {
    /// Like the host, the device restarts after each computed residual.
    fn step(&mut self, _: bool) -> Result<Step> {
        self.running.applied();
        let scalars = self.running.run(STEP)?;
        let of = |place: Place| scalars[place as usize];
        let (rz, pq, pp) = (of(Place::Rho), of(Place::XY), of(Place::XX));
        if indefinite(rz) {
            return Ok(Step::Stuck(Breakdown::IndefinitePreconditioner));
        }
        self.curvature = self.curvature.max(pq / pp);
        if indefinite(pq) {
            let work = self.running.work.kept();
            let norm = norm_of(work.base.cuda(), of(Place::YY), &work.q)?;
            return Ok(Step::Stuck(without_curvature(pp, norm, self.curvature)));
        }
        if of(Place::Alpha) == 0.0 {
            return Ok(Step::NotFinite);
        }
        Ok(Step::Done(self.running.base().residual_norm(of(Place::Square))?))
    }
}

//! Conjugate gradients on a device.

use super::super::cg::{
    Directions, Step, check_preconditioner, check_symmetry, indefinite, iterate, without_curvature,
};
use super::{
    Base, Kind, Method, OnBase, Operators, Options, Outcome, REFRESH, ResidentOperator, Running, System,
};
use super::{conduct, norm_of, resident_options};
use crate::backend::Cuda;
use crate::backend::cuda::{Conclusion, Memory, Place};
use crate::error::Result;
use crate::krylov::outcome::{Breakdown, Status};
use crate::krylov::progress::Progress;

/// Conjugate gradients on a device, as [`Cg`](crate::krylov::Cg). An iteration is one graph, followed by one
/// transfer of a few scalars to the host.
#[derive(Debug, Clone)]
pub struct ResidentCg<'a> {
    cuda: Cuda,
    options: Options<'a>,
    symmetry_check: bool,
}

impl ResidentCg<'_> {
    /// The method with its default options.
    pub fn new(cuda: &Cuda) -> Self {
        Self { cuda: cuda.clone(), options: Options::default(), symmetry_check: true }
    }

    /// Whether to test the symmetry of a matrix that is not declared symmetric before the iteration, at the cost of
    /// two products and four transfers of a vector. Default: true.
    #[must_use]
    pub fn symmetry_check(mut self, check: bool) -> Self {
        self.symmetry_check = check;
        self
    }
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
        Self { z: base.system.inverse.map(|_| base.vector()), p: base.vector(), q: base.vector(), base }
    }

    fn queue_residual(&mut self) {
        self.base.queue_residual(None);
    }

    fn queue_step(&mut self) {
        let Self { base: Base { system: System { cuda, a, inverse, x, .. }, r, room }, z, p, q } = self;
        if let (Some(b), Some(z)) = (*inverse, z.as_mut()) {
            b.queue_scaled(r, &room.scalars, z);
            cuda.krylov_dots(room, r, z, 1);
        }
        cuda.krylov_conclude(room, Conclusion::CgBeta { without_preconditioner: inverse.is_none() });
        cuda.cg_direction(room, z.as_ref().unwrap_or(r), p);
        a.queue(p, q);
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

impl<'p> crate::krylov::progress::Solve<'p> for State<'_, 'p, '_> {
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
            let norm = norm_of(work.base.system.cuda, of(Place::YY), &work.q)?;
            return Ok(Step::Stuck(without_curvature(pp, norm, self.curvature)));
        }
        if of(Place::Alpha) == 0.0 {
            return Ok(Step::NotFinite);
        }
        Ok(Step::Done(self.running.base().residual_norm(of(Place::Square))?))
    }
}

impl Method for ResidentCg<'_> {
    fn cuda(&self) -> &Cuda {
        &self.cuda
    }

    fn options(&self) -> &Options<'_> {
        &self.options
    }

    fn kind(&self) -> Kind {
        Kind::Cg
    }

    fn check(&self, (a, inverse): Operators<'_>) -> Result<()> {
        check_preconditioner(inverse.is_none_or(|b| b.is_symmetric()))?;
        // A matrix that is declared symmetric needs no test.
        if !self.symmetry_check || a.is_symmetric() {
            return Ok(());
        }
        check_symmetry(a.rows(), |x, y| {
            let (dx, mut dy) = (self.cuda.upload(x), self.cuda.undefined(y.len()));
            a.queue(&dx, &mut dy);
            self.cuda.check()?;
            dy.read(y)
        })
    }

    fn iterate(&self, system: System<'_>, progress: &mut Progress<'_>) -> Result<Status> {
        let work = self.cuda.record(Work::new(system), &[Work::queue_residual, Work::queue_step])?;
        conduct(State { running: Running { work, progress }, curvature: 0.0 }, |state| iterate(state))
    }
}

resident_options!(ResidentCg);

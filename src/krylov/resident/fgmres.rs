//! The flexible generalised minimal residual method on a device, with two passes of classical Gram–Schmidt. An
//! iteration is one graph, followed by one transfer of a column of the Hessenberg matrix. The host applies the
//! rotations to that column.
//!
//! For m iterations between restarts it allocates 2 m + 6 vectors at the start, or half as many without a
//! preconditioner.

use super::super::fgmres::{Direction, Expand, iterate};
use super::{Base, HEAD, OnBase, REFRESH, Running, System, norm_of};
use crate::backend::cuda::{KrylovBasis, Memory, Place};
use crate::error::Result;
use crate::krylov::outcome::Status;
use crate::krylov::progress::{Progress, conduct};
use crate::krylov::vector;

pub(super) fn solve(system: System<'_>, progress: &mut Progress<'_>, restart: usize) -> Result<Status> {
    let most = restart.min(system.on.rows()).min(progress.remaining()).max(1);
    let parts =
        [Work::queue_residual, Work::queue_start, Work::queue_step, Work::queue_store, Work::queue_add];
    let work = system.on.cuda.record(Work::new(system, most), &parts)?;
    conduct(&mut Running { work, progress }, |running| iterate(running, restart))
}

/// Vectors of an iteration.
struct Work<'s> {
    base: Base<'s>,
    basis: KrylovBasis,
    /// The iterate x at the start of the space.
    start: Memory<f64>,
    /// The last vector of the basis.
    v: Memory<f64>,
    w: Memory<f64>,
    /// `None` without a preconditioner, where z = v.
    z: Option<Memory<f64>>,
    /// Coefficients y of the directions.
    y: Memory<f64>,
}

const START: usize = REFRESH + 1;
const STEP: usize = REFRESH + 2;
const STORE: usize = REFRESH + 3;
const ADD: usize = REFRESH + 4;

impl<'s> Work<'s> {
    fn new(system: System<'s>, most: usize) -> Self {
        let (cuda, n) = (&system.on.cuda, system.on.rows());
        let base = Base::new(system, most, 0.0);
        let z = base.image();
        let [start, v, w] = std::array::from_fn(|_| base.vector());
        Self {
            basis: KrylovBasis::new(cuda, n, most, z.is_some()),
            start,
            v,
            w,
            z,
            y: cuda.upload(&vec![0.0; most]),
            base,
        }
    }

    fn queue_residual(&mut self) {
        self.base.queue_residual(None);
    }

    fn queue_start(&mut self) {
        let Self { base: Base { system: System { on, x, .. }, r, room }, basis, start, v, .. } = self;
        on.cuda.fgmres_start(room, basis, (r, x), (v, start));
    }

    fn queue_step(&mut self) {
        let Self { base: Base { system: System { on, .. }, room, .. }, basis, v, w, z, .. } = self;
        on.multiply(on.precondition(v, z), w);
        on.cuda.fgmres_orthogonalise(room, basis, w);
        self.queue_store();
    }

    fn queue_store(&mut self) {
        let Self { base: Base { system: System { on, .. }, room, .. }, basis, v, w, z, .. } = self;
        on.cuda.fgmres_store(room, basis, (w, z.as_ref()), v);
    }

    fn queue_add(&mut self) {
        let Self { base: Base { system: System { on, x, .. }, room, .. }, basis, start, y, .. } = self;
        on.cuda.fgmres_add(room, basis, (start, y), x);
    }

    fn scalars(&mut self) -> &mut Memory<f64> {
        &mut self.base.room.scalars
    }

    fn weights(&mut self) -> &mut Memory<f64> {
        &mut self.y
    }
}

impl OnBase for Work<'_> {
    fn base(&self) -> &Base<'_> {
        &self.base
    }
}

impl Running<'_, '_, Work<'_>> {
    /// Writes a norm whose square overflowed or underflowed on the device.
    fn correct(&mut self, place: Place, length: f64) -> Result<()> {
        let mut scalars = self.base().scalars(self.base().room.scalars.len())?;
        scalars[place as usize] = length;
        self.work.write(Work::scalars, &scalars)
    }
}

impl<'p> Expand<'p> for Running<'_, 'p, Work<'_>> {
    fn rows(&self) -> usize {
        self.base().system.on.rows()
    }

    fn begin(&mut self, beta: f64) -> Result<()> {
        let known = self.base().scalars(HEAD)?[Place::Square as usize];
        if !in_range(known) {
            self.correct(Place::Norm, beta)?;
        }
        self.work.run(START)
    }

    fn direction(&mut self, j: usize) -> Result<Direction> {
        self.applied();
        self.work.run(STEP)?;
        let scalars = self.base().scalars(HEAD + j + 1)?;
        let parts = scalars[HEAD..].to_vec();
        let (mut length, mut rest) = (scalars[Place::Length as usize], scalars[Place::Rest as usize]);
        if !in_range(rest * rest) && !parts.iter().any(|h| h.is_nan()) {
            let work = self.work.kept();
            rest = norm_of(work.base.cuda(), f64::NAN, &work.w)?;
            self.correct(Place::Rest, rest)?;
            self.work.run(STORE)?;
        }
        if !in_range(length * length) {
            // The components and the remainder are orthogonal.
            length = vector::norm(&parts).hypot(rest);
        }
        Ok(Direction { length, parts, rest })
    }

    /// The device has appended the direction already.
    fn accept(&mut self, _: usize, _: f64) -> Result<()> {
        Ok(())
    }

    fn move_to(&mut self, y: &[f64]) -> Result<()> {
        let mut weights = vec![0.0; self.work.kept().y.len()];
        weights[..y.len()].copy_from_slice(y);
        self.work.write(Work::weights, &weights)?;
        self.work.run(ADD)
    }
}

/// Whether the square of a norm is free of overflow and underflow.
fn in_range(square: f64) -> bool {
    (1e-280..1e300).contains(&square)
}

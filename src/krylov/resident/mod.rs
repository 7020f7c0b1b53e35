//! Krylov methods with vectors and scalars on a device.
//!
//! They take the options of the host, use its stopping tests and return the same outcome, up to the rounding of sums
//! in another order. An iteration (for BiCGStab, half an iteration) is captured once and run as a graph; the host then
//! reads a few scalars. If a step must not be taken, the device sets its length to zero, so that x is unchanged when
//! the host reads the scalars.

mod bicgstab;
mod cg;
mod fgmres;
mod richardson;
mod system;
#[cfg(all(test, feature = "emulator"))]
mod tests;

pub use system::DeviceSystem;
pub(crate) use system::{OnDevice, Queue};

use super::method::Method;
use super::outcome::Status;
use super::progress::{Progress, Solve};
use super::vector;
use crate::backend::Cuda;
use crate::backend::cuda::{Conclusion, KrylovRoom, Memory, Place, Recorded};
use crate::error::{Error, Result};
use crate::operator::Preconditioner;

/// A system on a device, with b and x.
struct System<'s> {
    on: &'s DeviceSystem,
    b: &'s Memory<f64>,
    x: &'s mut Memory<f64>,
}

/// State shared by all methods: the system, the residual and scalars.
struct Base<'s> {
    system: System<'s>,
    r: Memory<f64>,
    room: KrylovRoom,
}

impl<'s> Base<'s> {
    fn new(system: System<'s>, basis: usize, tolerance: f64) -> Self {
        let n = system.on.rows();
        let room = KrylovRoom::new(&system.on.cuda, n, basis, tolerance);
        Self { r: system.on.cuda.undefined(n), room, system }
    }

    fn vector(&self) -> Memory<f64> {
        self.cuda().undefined(self.system.on.rows())
    }

    /// The image of a vector under the preconditioner; `None` without one.
    fn image(&self) -> Option<Memory<f64>> {
        self.system.on.is_preconditioned().then(|| self.vector())
    }

    fn cuda(&self) -> &'s Cuda {
        &self.system.on.cuda
    }

    /// Queues r ← b − A x, its norm and a restart from r.
    fn queue_residual(&mut self, copy: Option<&mut Memory<f64>>) {
        let System { on, b, x } = &self.system;
        on.multiply(x, &mut self.r);
        on.cuda.krylov_residual(&mut self.room, b, &mut self.r, copy);
        on.cuda.krylov_conclude(&mut self.room, Conclusion::Restart);
    }

    /// The first `count` scalars. Waits for all queued work.
    fn scalars(&self, count: usize) -> Result<Vec<f64>> {
        let mut values = vec![0.0; count];
        self.cuda().check()?;
        self.room.scalars.read(&mut values)?;
        Ok(values)
    }

    /// ‖r‖₂ from its square, or recomputed if the square may have overflowed or underflowed.
    fn residual_norm(&self, square: f64) -> Result<f64> {
        norm_of(self.cuda(), square, &self.r)
    }
}

/// Number of scalars at the front.
const HEAD: usize = Place::Head as usize;

fn norm_of(cuda: &Cuda, square: f64, v: &Memory<f64>) -> Result<f64> {
    match (1e-280..1e300).contains(&square) {
        true => Ok(square.sqrt()),
        false => Ok(vector::norm(&cuda.download(v)?)),
    }
}

/// Captured work that contains a base.
trait OnBase {
    fn base(&self) -> &Base<'_>;
}

/// The part of captured work that recomputes the residual and restarts, in every method.
const REFRESH: usize = 0;

/// A running method: captured work and the convergence monitor.
struct Running<'r, 'p, K> {
    work: Recorded<K>,
    progress: &'r mut Progress<'p>,
}

impl<K: OnBase> Running<'_, '_, K> {
    /// Runs one part and reads the scalars.
    fn run(&self, part: usize) -> Result<Vec<f64>> {
        self.work.run(part)?;
        self.base().scalars(HEAD)
    }

    fn base(&self) -> &Base<'_> {
        self.work.kept().base()
    }

    /// Counts an application of the preconditioner.
    fn applied(&mut self) {
        self.progress.applied();
    }
}

impl<'p, K: OnBase> Solve<'p> for Running<'_, 'p, K> {
    fn progress(&mut self) -> &mut Progress<'p> {
        self.progress
    }

    fn refresh(&mut self) -> Result<f64> {
        let scalars = self.run(REFRESH)?;
        let norm = self.base().residual_norm(scalars[Place::Square as usize])?;
        self.progress.correct(norm);
        Ok(norm)
    }
}

/// Solves for a right-hand side and a guess on the host, which are scaled on the device; returns the status and x.
pub(super) fn solve(
    method: Method,
    on: &DeviceSystem,
    (b, guess, scale): (&[f64], Option<&[f64]>, f64),
    progress: &mut Progress<'_>,
) -> Result<(Status, Vec<f64>)> {
    let scaled = |v: &[f64], factor: f64| {
        let mut product = on.cuda.undefined(v.len());
        on.cuda.combine(factor, &on.cuda.upload(v), 0.0, &mut product);
        product
    };
    let mut right = scaled(b, scale);
    let mut x = guess.map_or_else(|| on.cuda.undefined(b.len()), |x| scaled(x, scale));
    if guess.is_none() {
        on.cuda.clear(&mut x);
    }
    let system = System { on, b: &right, x: &mut x };
    let status = match method {
        Method::Cg { flexible: false, .. } => cg::solve(system, progress),
        Method::Cg { .. } => Err(Error::unsuited("flexible CG runs on the CPU; use FGMRES on a device")),
        Method::BiCgStab => bicgstab::solve(system, progress),
        Method::Fgmres { restart } => fgmres::solve(system, progress, restart),
        Method::Richardson { damping } => richardson::solve(system, progress, damping),
    }?;
    on.cuda.combine(1.0 / scale, &x, 0.0, &mut right);
    Ok((status, on.cuda.download(&right)?))
}

/// Refuses a preconditioner on the host.
pub(super) fn refuse_host(preconditioner: Option<&dyn Preconditioner>) -> Result<()> {
    match preconditioner {
        None => Ok(()),
        Some(_) => Err(Error::unsuited(
            "this preconditioner is on the host; for a solve on a device use DeviceSystem::preconditioner",
        )),
    }
}

//! Krylov methods with vectors and scalars on a device.
//!
//! | method | on the host |
//! |---|---|
//! | [`ResidentCg`] | [`Cg`](super::Cg) |
//! | [`ResidentBiCgStab`] | [`BiCgStab`](super::BiCgStab) |
//! | [`ResidentRichardson`] | [`Richardson`](super::Richardson) |
//! | [`ResidentFgmres`] | [`Fgmres`](super::Fgmres) |
//!
//! They take the same options, use the same stopping tests and return the same [`Outcome`], up to the rounding of
//! sums in another order. An iteration (for BiCGStab, half an iteration) is captured once and run as a graph; the
//! host then reads a few scalars. If a step must not be taken, the device sets its length to zero, so that x is
//! unchanged when the host reads the scalars.

mod bicgstab;
mod cg;
mod fgmres;
mod richardson;
#[cfg(all(test, feature = "emulator"))]
mod tests;

pub use bicgstab::ResidentBiCgStab;
pub use cg::ResidentCg;
pub use fgmres::ResidentFgmres;
pub use richardson::ResidentRichardson;

use std::sync::Arc;

use super::advice::Method as Kind;
use super::options::{Options, check_preconditioner_rows};
use super::outcome::{Outcome, Status};
use super::progress::{End, Progress, Size, Solve};
use super::{run, vector};
use crate::backend::Cuda;
use crate::backend::cuda::{Conclusion, DevicePattern, DeviceView, KrylovRoom, Memory, Place, Recorded};
use crate::error::{Error, Result};
use crate::sparse::Csr;

/// y = A x for vectors on a device. The queued work is captured: it must neither allocate nor wait, and it may
/// only use x, y and memory that lives as long as the operator.
pub trait ResidentOperator {
    /// Number of rows and columns.
    fn rows(&self) -> usize;

    /// Queues y ← A x.
    fn queue(&self, x: &Memory<f64>, y: &mut Memory<f64>);

    /// Queues y ← A x for an x whose norm is the first of `scalars`. The norm may be zero or infinite if the
    /// squares of x underflow or overflow.
    fn queue_scaled(&self, x: &Memory<f64>, scalars: &Memory<f64>, y: &mut Memory<f64>) {
        let _ = scalars;
        self.queue(x, y);
    }

    /// Whether A is symmetric, as CG requires of a preconditioner.
    fn is_symmetric(&self) -> bool;
}

/// A sparse matrix on a device.
#[derive(Debug)]
pub struct ResidentMatrix {
    cuda: Cuda,
    pattern: Arc<DevicePattern>,
    values: Memory<f64>,
    symmetric: bool,
}

impl ResidentMatrix {
    /// Uploads a square matrix; `symmetric` declares whether it is symmetric.
    pub fn new(cuda: &Cuda, a: &Csr<f64>, symmetric: bool) -> Result<Self> {
        if a.rows() != a.cols() {
            let message = format!("the matrix is {} × {}; a solver needs a square one", a.rows(), a.cols());
            return Err(Error::dimension(message));
        }
        let (pattern, values) = (cuda.pattern(a.pattern()), cuda.upload(a.values()));
        cuda.check()?;
        Ok(Self { cuda: cuda.clone(), pattern, values, symmetric })
    }
}

impl ResidentOperator for ResidentMatrix {
    fn rows(&self) -> usize {
        self.pattern.rows
    }

    fn queue(&self, x: &Memory<f64>, y: &mut Memory<f64>) {
        self.cuda.spmv(1.0, DeviceView::new(&self.pattern, &self.values), x, 0.0, y, 1);
    }

    fn is_symmetric(&self) -> bool {
        self.symmetric
    }
}

/// A, an approximate inverse of A, b and x on a device.
struct System<'s> {
    cuda: &'s Cuda,
    a: &'s dyn ResidentOperator,
    inverse: Option<&'s dyn ResidentOperator>,
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
        let n = system.a.rows();
        let room = KrylovRoom::new(system.cuda, n, basis, tolerance);
        Self { r: system.cuda.undefined(n), room, system }
    }

    fn vector(&self) -> Memory<f64> {
        self.system.cuda.undefined(self.system.a.rows())
    }

    /// Queues r ← b − A x, its norm and a restart from r.
    fn queue_residual(&mut self, copy: Option<&mut Memory<f64>>) {
        let System { cuda, a, b, x, .. } = &mut self.system;
        a.queue(x, &mut self.r);
        cuda.krylov_residual(&mut self.room, b, &mut self.r, copy);
        cuda.krylov_conclude(&mut self.room, Conclusion::Restart);
    }

    /// The first `count` scalars. Waits for all queued work.
    fn scalars(&self, count: usize) -> Result<Vec<f64>> {
        let mut values = vec![0.0; count];
        self.system.cuda.check()?;
        self.room.scalars.read(&mut values)?;
        Ok(values)
    }

    /// ‖r‖₂ from its square, or recomputed if the square may have overflowed or underflowed.
    fn residual_norm(&self, square: f64) -> Result<f64> {
        norm_of(self.system.cuda, square, &self.r)
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

/// ‖v‖₂².
fn square(cuda: &Cuda, v: &Memory<f64>) -> Result<f64> {
    let mut room = KrylovRoom::new(cuda, v.len(), 0, 0.0);
    cuda.krylov_dots(&mut room, v, v, 1);
    cuda.krylov_conclude(&mut room, Conclusion::Norm);
    Ok(cuda.download(&room.scalars)?[Place::Square as usize])
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

/// Runs a solve. The first and the last residual are computed from x.
fn conduct<'p, S: Solve<'p>>(mut solve: S, iterate: impl FnOnce(&mut S) -> Result<Status>) -> Result<Status> {
    solve.refresh()?;
    let status = if solve.progress().converged() { Status::Converged } else { iterate(&mut solve)? };
    if !solve.progress().verified() {
        solve.refresh()?;
    }
    Ok(status)
}

/// A and an approximate inverse of A.
type Operators<'s> = (&'s dyn ResidentOperator, Option<&'s dyn ResidentOperator>);

/// The common interface of the methods.
trait Method {
    fn cuda(&self) -> &Cuda;

    fn options(&self) -> &Options<'_>;

    fn kind(&self) -> Kind;

    /// Refuses operators that the method does not support.
    fn check(&self, operators: Operators<'_>) -> Result<()>;

    /// Iterates until a stopping test decides; the history then ends with the true residual of x.
    fn iterate(&self, system: System<'_>, progress: &mut Progress<'_>) -> Result<Status>;
}

fn check(method: &dyn Method, (a, inverse): Operators<'_>) -> Result<()> {
    inverse.map_or(Ok(()), |b| check_preconditioner_rows(b.rows(), a.rows()))?;
    method.check((a, inverse))
}

/// Solves for a right-hand side on the host.
fn solve(
    method: &dyn Method,
    (a, inverse): Operators<'_>,
    rhs: &[f64],
    on_iteration: &mut dyn FnMut(usize, f64),
) -> Result<Outcome> {
    let (cuda, n) = (method.cuda(), a.rows());
    method.options().check(n, rhs)?;
    check(method, (a, inverse))?;
    let (b, scale) = run::scaled(rhs);
    let size = Size { norm: vector::norm(&b), scale };
    let mut x = match method.options().initial_guess {
        Some(_) => cuda.upload(&run::first_iterate(method.options(), n, size)),
        None => {
            let mut x = cuda.undefined(n);
            cuda.clear(&mut x);
            x
        }
    };
    let b = cuda.upload(&b);
    let mut progress = Progress::start(method.options(), size, on_iteration);
    let status = method.iterate(System { cuda, a, inverse, b: &b, x: &mut x }, &mut progress)?;
    let mut x = cuda.download(&x)?;
    if scale != 1.0 {
        x.iter_mut().for_each(|v| *v /= scale);
    }
    let finite = x.iter().all(|v| v.is_finite());
    Ok(progress.close(End { status, method: method.kind(), preconditioned: inverse.is_some(), finite }, x))
}

/// Solves for a right-hand side on the device. The outcome does not contain x.
fn solve_resident(
    method: &dyn Method,
    (a, inverse): Operators<'_>,
    rhs: &Memory<f64>,
    x: &mut Memory<f64>,
) -> Result<Outcome> {
    let (cuda, n) = (method.cuda(), a.rows());
    if rhs.len() != n || x.len() != n {
        let (b, x) = (rhs.len(), x.len());
        return Err(Error::dimension(format!("vectors of {b} and {x} values for an operator of {n} rows")));
    }
    let length = square(cuda, rhs)?;
    if !(1e-190..1e190).contains(&length) {
        // The right-hand side is zero, not finite, or needs scaling.
        let mut out = solve(method, (a, inverse), &cuda.download(rhs)?, &mut |_, _| ())?;
        x.write(&std::mem::take(&mut out.x))?;
        return Ok(out);
    }
    method.options().check_tolerances()?;
    method.options().check_guess(n)?;
    check(method, (a, inverse))?;
    let size = Size { norm: length.sqrt(), scale: 1.0 };
    match method.options().initial_guess {
        Some(guess) => x.write(guess)?,
        None => cuda.clear(x),
    }
    let mut ignore = |_: usize, _: f64| ();
    let mut progress = Progress::start(method.options(), size, &mut ignore);
    let status = method.iterate(System { cuda, a, inverse, b: rhs, x: &mut *x }, &mut progress)?;
    let finite = square(cuda, x)?.is_finite() || cuda.download(x)?.iter().all(|v| v.is_finite());
    let end = End { status, method: method.kind(), preconditioned: inverse.is_some(), finite };
    Ok(progress.close(end, Vec::new()))
}

/// The builder methods and the `solve` method of a type with a field `options` and `impl Method`.
macro_rules! resident_options {
    ($method:ident) => {
        $crate::krylov::options::stopping_options!($method);

        impl $method<'_> {
            /// Solves A x = b, optionally with an approximate inverse of A. The right-hand side is uploaded at the
            /// start and x is downloaded at the end.
            ///
            /// # Errors
            /// As on the host, and failures of the device.
            pub fn solve(
                &self,
                a: &dyn ResidentOperator,
                inverse: Option<&dyn ResidentOperator>,
                rhs: &[f64],
            ) -> Result<Outcome> {
                self.solve_with(a, inverse, rhs, &mut |_, _| ())
            }

            /// As [`solve`](Self::solve), and calls `on_iteration(iteration, relative residual)` after every
            /// iteration, counted from 1.
            pub fn solve_with(
                &self,
                a: &dyn ResidentOperator,
                inverse: Option<&dyn ResidentOperator>,
                rhs: &[f64],
                on_iteration: &mut dyn FnMut(usize, f64),
            ) -> Result<Outcome> {
                super::solve(self, (a, inverse), rhs, on_iteration)
            }

            /// As [`solve`](Self::solve) for a right-hand side and an x that stay on the device. The outcome does
            /// not contain x.
            pub fn solve_resident(
                &self,
                a: &dyn ResidentOperator,
                inverse: Option<&dyn ResidentOperator>,
                rhs: &Memory<f64>,
                x: &mut Memory<f64>,
            ) -> Result<Outcome> {
                super::solve_resident(self, (a, inverse), rhs, x)
            }
        }
    };
}
use resident_options;

//! The solve of a system by a method, on the host or on a device.

use super::method::Method;
use super::options::Options;
use super::outcome::{Outcome, Status};
use super::progress::{End, Progress, Size};
#[cfg(feature = "cuda")]
use super::resident::{self, DeviceSystem};
use super::run::Run;
use super::{bicgstab, cg, fgmres, richardson, vector};
use crate::error::{Error, Result};
use crate::operator::{LinearOperator, Preconditioner};

/// A matrix and a preconditioner, on the host or on a device.
#[derive(Clone, Copy)]
pub(crate) enum System<'s> {
    Host(&'s dyn LinearOperator, Option<&'s dyn Preconditioner>),
    #[cfg(feature = "cuda")]
    Device(&'s DeviceSystem),
}

impl System<'_> {
    fn rows(self) -> usize {
        match self {
            System::Host(a, _) => a.rows(),
            #[cfg(feature = "cuda")]
            System::Device(system) => system.rows(),
        }
    }

    /// Number of rows of the preconditioner.
    fn preconditioner_rows(self) -> Option<usize> {
        match self {
            System::Host(_, inverse) => inverse.map(|b| b.rows()),
            #[cfg(feature = "cuda")]
            System::Device(system) => system.is_preconditioned().then(|| system.rows()),
        }
    }

    /// Whether the preconditioner is symmetric, which may take time to find out.
    fn is_symmetrically_preconditioned(self) -> bool {
        match self {
            System::Host(_, inverse) => inverse.is_none_or(|b| b.is_symmetric()),
            #[cfg(feature = "cuda")]
            System::Device(system) => system.is_symmetrically_preconditioned(),
        }
    }

    /// y ← A x for vectors on the host.
    fn apply(self, x: &[f64], y: &mut [f64]) -> Result<()> {
        match self {
            System::Host(a, _) => a.apply(x, y),
            #[cfg(feature = "cuda")]
            System::Device(system) => system.apply(x, y),
        }
    }

    /// z ← B r for the preconditioner, or a copy without one; vectors are on the host.
    pub(crate) fn precondition(self, r: &[f64], z: &mut [f64]) -> Result<()> {
        match self {
            System::Host(_, Some(inverse)) => inverse.apply(r, z),
            System::Host(_, None) => {
                z.copy_from_slice(r);
                Ok(())
            }
            #[cfg(feature = "cuda")]
            System::Device(system) => system.apply_preconditioner(r, z),
        }
    }

    /// Whether b and x are scaled for any b: single precision has a small range.
    fn is_single(self) -> bool {
        match self {
            System::Host(..) => false,
            #[cfg(feature = "cuda")]
            System::Device(system) => system.is_single(),
        }
    }
}

impl Method {
    /// Solves A x = b. The history begins and ends with residuals computed from x.
    pub fn solve(
        self,
        system: System<'_>,
        b: &[f64],
        options: &Options<'_>,
        on_iteration: &mut dyn FnMut(usize, f64),
    ) -> Result<Outcome> {
        options.check(system.rows(), b)?;
        self.check(system)?;
        let scale = vector::scale(b, system.is_single());
        let size = Size { norm: vector::scaled_norm(b, scale), scale };
        let guess = options.initial_guess.filter(|_| size.norm > 0.0);
        let mut progress = Progress::start(options, size, on_iteration);
        let (status, x) = match system {
            System::Host(a, inverse) => {
                let b = vector::scaled(b, scale);
                let mut x =
                    guess.map_or_else(|| vec![0.0; b.len()], |x| vector::scaled(x, scale).into_owned());
                // A zero b needs the product: without iterations nothing else checks the shape of A.
                let at_zero = guess.is_none() && size.norm > 0.0;
                let status = self.iterate(Run::new(a, inverse, &b, (&mut x, at_zero), &mut progress))?;
                if scale != 1.0 {
                    vector::divide(&mut x, scale);
                }
                (status, x)
            }
            #[cfg(feature = "cuda")]
            System::Device(system) => resident::solve(self, system, (b, guess, scale), &mut progress)?,
        };
        let finite = vector::all_finite(&x);
        let preconditioned = system.preconditioner_rows().is_some();
        Ok(progress.close(End { status, method: self, preconditioned, finite }, x))
    }

    fn iterate(self, run: Run<'_, '_>) -> Result<Status> {
        match self {
            Method::Cg { flexible, .. } => cg::solve(run, flexible),
            Method::BiCgStab => bicgstab::solve(run),
            Method::Fgmres { restart } => fgmres::solve(run, restart),
            Method::Richardson { damping } => richardson::solve(run, damping),
        }
    }

    /// Refuses meaningless options, and systems that the method does not support.
    fn check(self, system: System<'_>) -> Result<()> {
        if let Some(rows) = system.preconditioner_rows() {
            check_preconditioner_rows(rows, system.rows())?;
        }
        match self {
            Method::Cg { symmetry_check, flexible } => {
                cg::check_preconditioner(flexible || system.is_symmetrically_preconditioned())?;
                match symmetry_check {
                    true => cg::check_symmetry(system.rows(), |x, y| system.apply(x, y)),
                    false => Ok(()),
                }
            }
            Method::BiCgStab => Ok(()),
            Method::Fgmres { restart: 0 } => Err(Error::invalid_input(
                "restart is 0; FGMRES needs at least one iteration between restarts",
            )),
            Method::Fgmres { .. } => Ok(()),
            Method::Richardson { damping } if damping.is_finite() && damping != 0.0 => Ok(()),
            Method::Richardson { damping } => {
                Err(Error::invalid_input(format!("the damping is {damping}; it must be finite and not zero")))
            }
        }
    }
}

/// Refuses a preconditioner that does not fit the operator.
pub(super) fn check_preconditioner_rows(preconditioner: usize, rows: usize) -> Result<()> {
    if preconditioner == rows {
        return Ok(());
    }
    Err(Error::dimension(format!("the preconditioner has {preconditioner} rows and the operator {rows}")))
}

//! A solve with vectors on the host: iterate, true residual and operators.

use std::borrow::Cow;

use super::advice::Method;
use super::options::Options;
use super::outcome::{Outcome, Status};
use super::progress::{End, Progress, Size, Solve};
use super::vector;
use crate::error::Result;
use crate::operator::{LinearOperator, Preconditioner};

/// A solve in progress. A right-hand side of extreme size is scaled by a power of two, which is exact, so that
/// scalar products neither overflow nor underflow.
pub(super) struct Run<'a> {
    a: &'a dyn LinearOperator,
    b: Cow<'a, [f64]>,
    preconditioner: Option<&'a dyn Preconditioner>,
    scale: f64,
    progress: Progress<'a>,
    /// The iterate.
    pub x: Vec<f64>,
    /// The residual of the method: b − A x up to rounding.
    pub r: Vec<f64>,
}

/// b scaled by a power of two such that its squares can be summed, and that power.
pub(super) fn scaled(b: &[f64]) -> (Cow<'_, [f64]>, f64) {
    let largest = vector::largest(b);
    if largest == 0.0 || (1e-100..1e100).contains(&largest) {
        return (Cow::Borrowed(b), 1.0);
    }
    let scale = 0.5f64.powi(largest.log2().floor().clamp(-1000.0, 1000.0) as i32);
    (Cow::Owned(b.iter().map(|v| v * scale).collect()), scale)
}

/// The initial iterate.
pub(super) fn first_iterate(options: &Options<'_>, rows: usize, b: Size) -> Vec<f64> {
    match options.initial_guess {
        Some(guess) if b.norm > 0.0 => guess.iter().map(|v| v * b.scale).collect(),
        _ => vec![0.0; rows],
    }
}

impl<'a> Run<'a> {
    /// Starts from the initial guess, with options that have been checked. Cost: one product.
    pub fn start(
        options: &Options<'a>,
        a: &'a dyn LinearOperator,
        b: &'a [f64],
        on_iteration: &'a mut dyn FnMut(usize, f64),
    ) -> Result<Self> {
        let (b, scale) = scaled(b);
        let size = Size { norm: vector::norm(&b), scale };
        let n = b.len();
        let mut run = Self {
            a,
            b,
            preconditioner: options.preconditioner,
            scale,
            progress: Progress::start(options, size, on_iteration),
            x: first_iterate(options, n, size),
            r: vec![0.0; n],
        };
        run.refresh()?;
        Ok(run)
    }

    /// Number of unknowns.
    pub fn rows(&self) -> usize {
        self.x.len()
    }

    /// w ← A v.
    pub fn apply(&self, v: &[f64], w: &mut [f64]) -> Result<()> {
        self.a.apply(v, w)
    }

    /// z ← B v.
    pub fn precondition(&mut self, v: &[f64], z: &mut [f64]) -> Result<()> {
        self.progress.applied();
        match self.preconditioner {
            Some(preconditioner) => preconditioner.apply(v, z),
            None => {
                z.copy_from_slice(v);
                Ok(())
            }
        }
    }

    /// w ← A v, with ⟨v, w⟩ and ⟨v, v⟩.
    pub fn apply_dots(&self, v: &[f64], w: &mut [f64]) -> Result<[f64; 2]> {
        Ok(self.a.apply_dots(v, w)?.unwrap_or_else(|| vector::dot_pair(v, w).into()))
    }

    /// z ← B r.
    pub fn precondition_residual(&mut self, z: &mut [f64]) -> Result<()> {
        let r = std::mem::take(&mut self.r);
        let result = self.precondition(&r, z);
        self.r = r;
        result
    }

    /// z ← B r for the residual r whose norm was recorded last; returns ⟨r, z⟩.
    pub fn precondition_residual_dot(&mut self, z: &mut [f64]) -> Result<f64> {
        self.progress.applied();
        let known = match self.preconditioner {
            Some(preconditioner) => preconditioner.apply_dot(&self.r, self.progress.residual_norm(), z)?,
            None => {
                z.copy_from_slice(&self.r);
                None
            }
        };
        Ok(known.unwrap_or_else(|| vector::dot(&self.r, z)))
    }

    /// r ← b − A x, which ends the iteration.
    pub fn advance(&mut self) -> Result<()> {
        let norm = self.compute_residual()?;
        self.progress.record_true(norm);
        Ok(())
    }

    fn compute_residual(&mut self) -> Result<f64> {
        self.a.apply(&self.x, &mut self.r)?;
        Ok(vector::subtract_from(&self.b, &mut self.r))
    }

    /// The outcome, with the true residual at the end of the history.
    pub fn finish(mut self, status: Status, method: Method) -> Result<Outcome> {
        if !self.progress.verified() {
            self.refresh()?;
        }
        if self.scale != 1.0 {
            self.x.iter_mut().for_each(|v| *v /= self.scale);
        }
        let finite = self.x.iter().all(|v| v.is_finite());
        let end = End { status, method, preconditioned: self.preconditioner.is_some(), finite };
        Ok(self.progress.close(end, self.x))
    }
}

impl<'a> Solve<'a> for Run<'a> {
    fn progress(&mut self) -> &mut Progress<'a> {
        &mut self.progress
    }

    fn refresh(&mut self) -> Result<f64> {
        let norm = self.compute_residual()?;
        self.progress.correct(norm);
        Ok(norm)
    }
}

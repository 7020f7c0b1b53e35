//! A solve with vectors on the host: iterate, true residual and operators.

use super::progress::{Progress, Solve};
use super::vector;
use crate::error::Result;
use crate::operator::{LinearOperator, Preconditioner};

/// A solve in progress.
pub(super) struct Run<'r, 'p> {
    a: &'r dyn LinearOperator,
    preconditioner: Option<&'r dyn Preconditioner>,
    b: &'r [f64],
    progress: &'r mut Progress<'p>,
    /// The iterate.
    pub x: &'r mut [f64],
    /// The residual of the method: b − A x up to rounding.
    pub r: Vec<f64>,
    /// Whether x is zero, so that b − A x needs no product.
    at_zero: bool,
}

impl<'r, 'p> Run<'r, 'p> {
    /// Starts from the iterate x; `at_zero` if it is zero.
    pub fn new(
        a: &'r dyn LinearOperator,
        preconditioner: Option<&'r dyn Preconditioner>,
        b: &'r [f64],
        (x, at_zero): (&'r mut [f64], bool),
        progress: &'r mut Progress<'p>,
    ) -> Self {
        Self { a, preconditioner, b, progress, r: vec![0.0; x.len()], x, at_zero }
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

    /// Lets the monitor measure the step α p to the present iterate, whose residual has this norm. Returns the norm.
    pub fn measured(&mut self, alpha: f64, p: &[f64], norm: f64) -> f64 {
        self.progress.measure(alpha, p, self.x, norm);
        norm
    }

    /// r ← b − A x, which ends the iteration.
    pub fn advance(&mut self) -> Result<()> {
        let norm = self.compute_residual()?;
        self.progress.record_true(norm);
        Ok(())
    }

    fn compute_residual(&mut self) -> Result<f64> {
        if std::mem::take(&mut self.at_zero) {
            self.r.copy_from_slice(self.b);
            return Ok(vector::norm(&self.r));
        }
        self.a.apply(self.x, &mut self.r)?;
        Ok(vector::subtract_from(self.b, &mut self.r))
    }
}

impl<'p> Solve<'p> for Run<'_, 'p> {
    fn progress(&mut self) -> &mut Progress<'p> {
        self.progress
    }

    fn refresh(&mut self) -> Result<f64> {
        let norm = self.compute_residual()?;
        self.progress.correct(norm);
        Ok(norm)
    }
}

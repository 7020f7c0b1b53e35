//! The solver as a preconditioner: one cycle, on the equivalent system if there is one.

use super::value::Solver;
use crate::error::Result;
use crate::operator::{Preconditioner, check_lengths};

impl Preconditioner for Solver {
    fn rows(&self) -> usize {
        self.cycle.rows()
    }

    fn is_symmetric(&self) -> bool {
        self.cycle.is_symmetric() && self.transform.as_ref().is_none_or(|t| t.is_symmetric())
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.transformed(r, z, |r, z| self.cycle.apply(r, z))
    }

    fn apply_dot(&self, r: &[f64], norm: f64, z: &mut [f64]) -> Result<Option<f64>> {
        match self.transform {
            None => self.cycle.apply_dot(r, norm, z),
            Some(_) => self.apply(r, z).map(|()| None),
        }
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        let Some(transform) = &self.transform else { return self.cycle.apply_transposed(r, z) };
        check_lengths(self.rows(), r, z)?;
        let y = transform.apply_transposed(&self.a, r, |r, z| self.cycle.apply_transposed(r, z))?;
        z.copy_from_slice(&y);
        Ok(())
    }
}

impl Solver {
    /// z ← B r for the scaled inverse B of the user's matrix that belongs to this inverse of the scaled one.
    pub(super) fn transformed(
        &self,
        r: &[f64],
        z: &mut [f64],
        inverse: impl FnOnce(&[f64], &mut [f64]) -> Result<()>,
    ) -> Result<()> {
        let Some(transform) = &self.transform else { return inverse(r, z) };
        check_lengths(self.rows(), r, z)?;
        let (d, rest) = transform.forward(&self.a, r);
        let mut y = vec![0.0; rest.len()];
        inverse(&rest, &mut y)?;
        z.copy_from_slice(&d);
        transform.backward(&y, z);
        Ok(())
    }
}

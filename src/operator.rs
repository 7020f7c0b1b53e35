//! Operators and preconditioners on plain slices: the interface between the crate and a host code.

use crate::backend::Cpu;
use crate::error::{Error, Result};
use crate::sparse::Csr;

/// A square linear operator y = A x.
pub trait LinearOperator: Sync {
    /// Number of rows and columns.
    fn rows(&self) -> usize;

    /// y ← A x.
    ///
    /// # Errors
    /// Lengths that do not fit, or an error of the operator itself.
    fn apply(&self, x: &[f64], y: &mut [f64]) -> Result<()>;

    /// y ← A x, with ⟨x, y⟩ and ⟨x, x⟩ if the operator computes them in the same pass over memory.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    fn apply_dots(&self, x: &[f64], y: &mut [f64]) -> Result<Option<[f64; 2]>> {
        self.apply(x, y).map(|()| None)
    }
}

/// An approximate inverse z = B r, object-safe, on plain slices.
pub trait Preconditioner: Sync {
    /// Number of rows and columns.
    fn rows(&self) -> usize;

    /// Whether B is symmetric, as CG requires.
    fn is_symmetric(&self) -> bool;

    /// z ← B r.
    ///
    /// # Errors
    /// Lengths that do not fit.
    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()>;

    /// z ← B r for an r of length `norm`, with ⟨r, z⟩ if the preconditioner computes it in the same pass over
    /// memory. A preconditioner in single precision scales r by its length.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    fn apply_dot(&self, r: &[f64], norm: f64, z: &mut [f64]) -> Result<Option<f64>> {
        let _ = norm;
        self.apply(r, z).map(|()| None)
    }

    /// z ← Bᵀ r.
    ///
    /// # Errors
    /// Lengths that do not fit.
    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()>;
}

/// A vector, the place of its image, and what is known and computed about them.
pub(crate) struct Lent<'v> {
    pub x: &'v [f64],
    pub y: &'v mut [f64],
    /// ‖x‖₂, if it is known.
    pub norm: Option<f64>,
    /// ⟨x, y⟩ and, for A, ⟨x, x⟩.
    pub dots: [f64; 2],
}

/// A square system whose operators act on several vectors at once.
pub(crate) trait Together: Sync {
    fn rows(&self) -> usize;

    /// Whether B is symmetric.
    fn is_symmetric(&self) -> bool;

    /// y ← A x, with ⟨x, y⟩ and ⟨x, x⟩.
    fn apply(&self, vectors: &mut [Lent<'_>]) -> Result<()>;

    /// y ← B x, with ⟨x, y⟩.
    fn precondition(&self, vectors: &mut [Lent<'_>]) -> Result<()>;
}

/// The identity, B = I: no preconditioning.
#[derive(Debug, Clone, Copy)]
pub struct Identity(
    /// Number of rows.
    pub usize,
);

impl Preconditioner for Identity {
    fn rows(&self) -> usize {
        self.0
    }

    fn is_symmetric(&self) -> bool {
        true
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        check_lengths(self.0, r, z)?;
        z.copy_from_slice(r);
        Ok(())
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        self.apply(r, z)
    }
}

impl LinearOperator for Csr<f64> {
    fn rows(&self) -> usize {
        Csr::rows(self)
    }

    fn apply(&self, x: &[f64], y: &mut [f64]) -> Result<()> {
        check_product(self, x, y)?;
        Cpu.spmv(1.0, self.into(), x, 0.0, y, 1);
        Ok(())
    }

    fn apply_dots(&self, x: &[f64], y: &mut [f64]) -> Result<Option<[f64; 2]>> {
        check_product(self, x, y)?;
        Ok(Some(Cpu.spmv_dots(self.into(), x, y)))
    }
}

fn check_product(a: &Csr<f64>, x: &[f64], y: &[f64]) -> Result<()> {
    if a.rows() != a.cols() {
        let message = format!("the matrix is {} × {}; a solver needs a square one", a.rows(), a.cols());
        return Err(Error::dimension(message));
    }
    check_lengths(a.rows(), x, y)
}

/// Checks that both slices have `rows` values.
pub(crate) fn check_lengths(rows: usize, x: &[f64], y: &[f64]) -> Result<()> {
    if x.len() != rows || y.len() != rows {
        return Err(Error::dimension(format!(
            "the operator has {rows} rows and was given vectors of {} and {} values",
            x.len(),
            y.len()
        )));
    }
    Ok(())
}

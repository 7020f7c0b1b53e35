//! Schwarz preconditioner M: all local solves, combined by the weights of a variant.

use std::sync::Arc;

use super::interface::{Interface, require_pattern};
use super::layout::Layout;
use super::solver::SubdomainSolver;
use super::variant::Variant;
use crate::backend::Cpu;
use crate::error::Result;
use crate::operator::{Preconditioner, check_lengths};
use crate::sparse::{Csr, Scalar};

/// M = Σᵢ R̃ᵢᵀ (Rᵢ A Rᵢᵀ + Lᵢ)⁻¹ Rᵢ for one matrix.
#[derive(Debug)]
pub struct Schwarz<T> {
    a: Csr<T>,
    interface: Interface<T>,
    solver: SubdomainSolver<T>,
    symmetric: bool,
}

impl<T: Scalar> Schwarz<T> {
    /// Factors the local matrices of `a` with these interface values. Cost: that of
    /// [`LocalSolves::new`](super::LocalSolves::new).
    ///
    /// # Errors
    /// A matrix that does not have the pattern of the layout; a singular local matrix, named by its part.
    pub fn new(a: &Csr<T>, interface: Interface<T>, variant: Variant) -> Result<Self> {
        let layout = interface.layout();
        require_pattern(a, layout)?;
        let solver = SubdomainSolver::new(layout, a.values(), interface.values(), variant)?;
        let symmetric = matches!(variant, Variant::Additive | Variant::Weighted)
            && a.is_symmetric()
            && interface.is_symmetric();
        Ok(Self { a: a.clone(), interface, solver, symmetric })
    }

    /// Takes other interface values and refactors. On failure nothing has changed.
    ///
    /// # Errors
    /// Another number of values; a value that is not finite; a local matrix that becomes singular.
    pub fn set_interface(&mut self, values: &[T]) -> Result<()> {
        let interface = Interface::new(self.layout(), values.to_vec())?;
        self.solver.refactor(self.a.values(), values)?;
        self.symmetric = matches!(self.variant(), Variant::Additive | Variant::Weighted)
            && self.a.is_symmetric()
            && interface.is_symmetric();
        self.interface = interface;
        Ok(())
    }

    /// The matrix.
    pub fn matrix(&self) -> &Csr<T> {
        &self.a
    }

    /// The variant.
    pub fn variant(&self) -> Variant {
        self.solver.variant()
    }

    /// The interface values.
    pub fn interface(&self) -> &Interface<T> {
        &self.interface
    }

    /// Subdomains and local patterns.
    pub fn layout(&self) -> &Arc<Layout> {
        self.interface.layout()
    }

    /// z ← M r for blocks of n rows and `k` columns. Cost: that of
    /// [`LocalSolves::solve`](super::LocalSolves::solve), and a buffer of k values for every place.
    ///
    /// # Errors
    /// Lengths that do not fit.
    pub fn apply_block(&self, r: &[T], z: &mut [T], k: usize) -> Result<()> {
        z.fill(T::ZERO);
        let y = self.corrections(r, k, false)?;
        self.add_corrections(T::ONE, &y, z, k, false)
    }

    /// z ← Mᵀ r for blocks of n rows and `k` columns, with the same factors.
    ///
    /// # Errors
    /// Lengths that do not fit.
    pub fn apply_block_transposed(&self, r: &[T], z: &mut [T], k: usize) -> Result<()> {
        z.fill(T::ZERO);
        let y = self.corrections(r, k, true)?;
        self.add_corrections(T::ONE, &y, z, k, true)
    }

    /// x ← (I − M A) x for a block of n rows and `k` columns: the error after one step of the iteration.
    ///
    /// # Errors
    /// A length that does not fit.
    pub fn iterate(&self, x: &mut [T], k: usize) -> Result<()> {
        self.step(x, k).map(|_| ())
    }

    /// As [`iterate`](Self::iterate); returns the corrections of all subdomains.
    pub(super) fn step(&self, x: &mut [T], k: usize) -> Result<Vec<T>> {
        self.require(x, k)?;
        let mut r = vec![T::ZERO; x.len()];
        Cpu.spmv(T::ONE, (&self.a).into(), x, T::ZERO, &mut r, k);
        let y = self.corrections(&r, k, false)?;
        self.add_corrections(-T::ONE, &y, x, k, false)?;
        Ok(y)
    }

    /// Bᵢ⁻¹ Wᵢ Rᵢ r of all subdomains, or with Bᵢ⁻ᵀ and the weights of the other side.
    pub(super) fn corrections(&self, r: &[T], k: usize, transposed: bool) -> Result<Vec<T>> {
        self.solver.corrections(r, k, transposed)
    }

    /// z ← z + α Σᵢ Rᵢᵀ Wᵢ yᵢ.
    pub(super) fn add_corrections(
        &self,
        alpha: T,
        y: &[T],
        z: &mut [T],
        k: usize,
        transposed: bool,
    ) -> Result<()> {
        self.solver.add_corrections(alpha, y, z, k, transposed)
    }

    /// A block of n rows and k columns.
    pub(super) fn require(&self, x: &[T], k: usize) -> Result<()> {
        self.solver.require(x, k)
    }
}

impl Preconditioner for Schwarz<f64> {
    fn rows(&self) -> usize {
        self.a.rows()
    }

    fn is_symmetric(&self) -> bool {
        self.symmetric
    }

    fn apply(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        check_lengths(self.a.rows(), r, z)?;
        self.apply_block(r, z, 1)
    }

    fn apply_transposed(&self, r: &[f64], z: &mut [f64]) -> Result<()> {
        check_lengths(self.a.rows(), r, z)?;
        self.apply_block_transposed(r, z, 1)
    }
}

//! The Schwarz preconditioner M: all local solves, put together by the weights of a variant.

use std::sync::Arc;

use rayon::prelude::*;

use super::interface::{Interface, require_pattern};
use super::layout::Layout;
use super::local::LocalSolves;
use crate::backend::{Backend, Cpu};
use crate::error::{Error, Result};
use crate::operator::{Preconditioner, check_lengths};
use crate::sparse::{Csr, Scalar};

/// Rows that one task puts together.
const ROWS: usize = 512;

/// Values below which starting the pool costs more than it saves.
const PARALLEL: usize = 1 << 16;

/// How the subdomains read residuals and add up corrections where they overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Variant {
    /// Residuals with overlap, corrections of owned rows only (RAS; Cai and Sarkis, 1999).
    Restricted,
    /// Everything with overlap (AS; Dryja and Widlund, 1987). Symmetric if A and the Lᵢ are.
    Additive,
    /// The root of a partition of unity on both sides: 1/√c for a row that c subdomains hold. Symmetric if
    /// A and the Lᵢ are.
    Weighted,
    /// Residuals of owned rows only, corrections with overlap (ASH): the transpose of the restricted one
    /// for Aᵀ.
    Harmonic,
}

/// The weights at the places on one side.
#[derive(Debug, Clone)]
enum Side<T> {
    /// One everywhere.
    All,
    /// One where the row is owned, zero elsewhere.
    Owned,
    /// One for each place.
    Each(Arc<Vec<T>>),
}

/// M = Σᵢ R̃ᵢᵀ (Rᵢ A Rᵢᵀ + Lᵢ)⁻¹ Rᵢ for one matrix.
#[derive(Debug)]
pub struct Schwarz<T> {
    a: Csr<T>,
    variant: Variant,
    interface: Interface<T>,
    local: LocalSolves<T>,
    /// What residuals are read with, and what corrections are added with.
    sides: [Side<T>; 2],
    symmetric: bool,
}

impl<T: Scalar> Schwarz<T> {
    /// Factors the local matrices of `a` with these interface values. Cost: that of [`LocalSolves::new`].
    ///
    /// # Errors
    /// A matrix that has not the pattern of the layout; a singular local matrix, named by its part.
    pub fn new(a: &Csr<T>, interface: Interface<T>, variant: Variant) -> Result<Self> {
        let layout = interface.layout();
        require_pattern(a, layout)?;
        let local = LocalSolves::new(layout, a.values(), interface.values())?;
        let decomposition = layout.decomposition();
        let sides = match variant {
            Variant::Restricted => [Side::All, Side::Owned],
            Variant::Additive => [Side::All, Side::All],
            Variant::Harmonic => [Side::Owned, Side::All],
            Variant::Weighted => {
                let weight = |&i: &u32| T::ONE / T::from_f64(decomposition.copies(i as usize) as f64).root();
                let weights = Arc::new(decomposition.members().iter().map(weight).collect());
                [Side::Each(Arc::clone(&weights)), Side::Each(weights)]
            }
        };
        let symmetric = matches!(variant, Variant::Additive | Variant::Weighted)
            && a.is_symmetric()
            && interface.is_symmetric();
        Ok(Self { a: a.clone(), variant, interface, local, sides, symmetric })
    }

    /// Takes other interface values and factors anew. On failure nothing has changed.
    ///
    /// # Errors
    /// Another number of values; a value that is not finite; a local matrix that becomes singular.
    pub fn set_interface(&mut self, values: &[T]) -> Result<()> {
        let interface = Interface::new(self.layout(), values.to_vec())?;
        self.local.refactor(self.a.values(), values)?;
        self.symmetric = matches!(self.variant, Variant::Additive | Variant::Weighted)
            && self.a.is_symmetric()
            && interface.is_symmetric();
        self.interface = interface;
        Ok(())
    }

    /// The matrix.
    pub fn matrix(&self) -> &Csr<T> {
        &self.a
    }

    /// How the subdomains are put together.
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// The interface values.
    pub fn interface(&self) -> &Interface<T> {
        &self.interface
    }

    /// Subdomains and local patterns.
    pub fn layout(&self) -> &Arc<Layout> {
        self.interface.layout()
    }

    /// z ← M r for blocks of n rows and `k` columns. Cost: that of [`LocalSolves::solve`], and a buffer of k
    /// values for every place.
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

    /// As [`iterate`](Self::iterate); the corrections of all subdomains.
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
        self.require(r, k)?;
        let decomposition = self.layout().decomposition();
        let mut y = vec![T::ZERO; decomposition.places() * k];
        let owned: Vec<T>;
        let weights = match &self.sides[usize::from(transposed)] {
            Side::All => None,
            Side::Each(weights) => Some(&weights[..]),
            Side::Owned => {
                owned = decomposition.owned().iter().map(|&o| if o { T::ONE } else { T::ZERO }).collect();
                Some(&owned[..])
            }
        };
        self.local.solve(r, weights, k, transposed, &mut y)?;
        Ok(y)
    }

    /// z ← z + α Σᵢ Rᵢᵀ Wᵢ yᵢ, every row by one thread and in the order of the parts.
    pub(super) fn add_corrections(
        &self,
        alpha: T,
        y: &[T],
        z: &mut [T],
        k: usize,
        transposed: bool,
    ) -> Result<()> {
        self.require(z, k)?;
        if k == 0 {
            return Ok(());
        }
        let decomposition = self.layout().decomposition();
        let side = &self.sides[usize::from(!transposed)];
        let add = |z: &mut [T], place: u32, weight: T| {
            let start = place as usize * k;
            z.iter_mut().zip(&y[start..start + k]).for_each(|(z, &y)| *z += weight * y);
        };
        let rows = |(task, z): (usize, &mut [T])| {
            for (i, z) in (task * ROWS..).zip(z.chunks_exact_mut(k)) {
                match side {
                    Side::Owned => add(z, decomposition.owners()[i], alpha),
                    Side::All => decomposition.places_of(i).iter().for_each(|&q| add(z, q, alpha)),
                    Side::Each(weights) => {
                        let places = decomposition.places_of(i).iter();
                        places.for_each(|&q| add(z, q, alpha * weights[q as usize]));
                    }
                }
            }
        };
        if z.len() < PARALLEL {
            z.chunks_mut(ROWS * k).enumerate().for_each(rows);
        } else {
            z.par_chunks_mut(ROWS * k).enumerate().for_each(rows);
        }
        Ok(())
    }

    /// A block of n rows and k columns.
    pub(super) fn require(&self, x: &[T], k: usize) -> Result<()> {
        let n = self.a.rows();
        if x.len() != n * k {
            let message = format!("{} values are no {k} columns of {n} rows", x.len());
            return Err(Error::dimension(message));
        }
        Ok(())
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

//! Factored local matrices, combined by the weights of a variant, without the matrix A.

use std::sync::Arc;

use super::layout::Layout;
use super::local::LocalSolves;
use super::variant::Variant;
use crate::error::{Error, Result};
use crate::parallel;
use crate::sparse::{Scalar, Storage};

/// Rows per task.
const ROWS: usize = 512;

/// The number of values below which starting the pool costs more than it saves.
const PARALLEL: usize = 1 << 16;

/// x ← x + M r for blocks of k columns, from zero if x is `fresh`; NaN without a method, or if the lengths do
/// not fit.
pub(crate) fn add_subdomain_solves<T: Scalar>(
    solver: Option<&SubdomainSolver<T>>,
    r: &[T],
    fresh: bool,
    x: &mut [T],
    k: usize,
) {
    if fresh {
        x.fill(T::ZERO);
    }
    let add = |m: &SubdomainSolver<T>, x: &mut [T]| {
        let y = m.corrections(r, k, false).ok()?;
        m.add_corrections(T::ONE, &y, x, k, false).ok()
    };
    if solver.and_then(|m| add(m, x)).is_none() {
        x.fill(T::from_f64(f64::NAN));
    }
}

/// The weights at the places on one side.
#[derive(Debug, Clone)]
enum Side<T> {
    /// One everywhere.
    All,
    /// One where the row is owned, zero elsewhere.
    Owned,
    /// One for each place.
    Each(Arc<Storage<T>>),
}

/// M = Σᵢ R̃ᵢᵀ (Rᵢ A Rᵢᵀ + Lᵢ)⁻¹ Rᵢ without the matrix A that it belongs to.
#[derive(Debug)]
pub struct SubdomainSolver<T> {
    layout: Arc<Layout>,
    variant: Variant,
    local: LocalSolves<T>,
    /// The weights of residuals and of corrections.
    sides: [Side<T>; 2],
}

impl<T: Scalar> SubdomainSolver<T> {
    /// Factors the local matrices of a matrix, given by its values on the pattern of the layout, with these
    /// interface values. Cost: that of [`LocalSolves::new`].
    ///
    /// # Errors
    /// Another number of values; a singular local matrix, named by its part.
    pub fn new(layout: &Arc<Layout>, a: &[T], interface: &[T], variant: Variant) -> Result<Self> {
        let local = LocalSolves::new(layout, a, interface)?;
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
        Ok(Self { layout: layout.clone(), variant, local, sides })
    }

    /// Refactors for other values. On failure the old factors stay.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn refactor(&mut self, a: &[T], interface: &[T]) -> Result<()> {
        self.local.refactor(a, interface)
    }

    /// Subdomains and local patterns.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// The variant.
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// Bᵢ⁻¹ Wᵢ Rᵢ r of all subdomains, or with Bᵢ⁻ᵀ and the weights of the other side.
    pub(crate) fn corrections(&self, r: &[T], k: usize, transposed: bool) -> Result<Vec<T>> {
        self.require(r, k)?;
        let decomposition = self.layout.decomposition();
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
    pub(crate) fn add_corrections(
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
        let decomposition = self.layout.decomposition();
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
        let work = z.len();
        let tasks = z.chunks_mut(ROWS * k).enumerate();
        if work < PARALLEL {
            tasks.for_each(rows);
        } else {
            parallel::for_each(tasks, &rows);
        }
        Ok(())
    }

    /// A block of n rows and k columns.
    pub(super) fn require(&self, x: &[T], k: usize) -> Result<()> {
        let n = self.layout.decomposition().rows();
        if x.len() != n * k {
            let message = format!("{} values do not form {k} columns of {n} rows", x.len());
            return Err(Error::dimension(message));
        }
        Ok(())
    }
}

//! Products of sparse matrices, row by row (Gustavson 1978).
//!
//! A product is computed at once or in two steps: a plan stores the structure and the place of every product
//! of two values, and then takes any values. Both ways, and any number of threads, add in the same order.

mod accumulate;
mod adjoint;
mod galerkin;
#[cfg(feature = "cuda")]
mod gather;
mod plan;
mod positions;
#[cfg(test)]
mod tests;

pub use galerkin::GalerkinPlan;
#[cfg(feature = "cuda")]
pub(crate) use gather::Gather;
pub use plan::ProductPlan;

use std::sync::Arc;

use accumulate::Sums;

use super::finite::first_not_finite;
use super::rows::{Pool, build};
use super::{Csr, Pattern, Scalar};
use crate::error::{Error, Result};

impl<T: Scalar> Csr<T> {
    /// A B. Cost: one pass over the entries of B that the rows of A meet, in parallel. For many
    /// products of the same structure see [`ProductPlan`].
    ///
    /// # Errors
    /// Inner dimensions that differ, a product too large for 32-bit indices, or one that
    /// overflows (with its row and column).
    pub fn multiply(&self, other: &Self) -> Result<Self> {
        check_chain(self.pattern(), other.pattern())?;
        let pool = Pool::new(|| Sums::<T>::new(other.cols()));
        let weight = 1 + other.nnz() / other.rows().max(1);
        let product = build(other.cols(), self.pattern().row_ptr(), weight, |range, lines, values| {
            pool.with(|sums| {
                for i in range {
                    for (k, v) in self.row(i) {
                        let row = other.pattern().row(k);
                        sums.add_row(v, &other.pattern().col_idx()[row.clone()], &other.values()[row]);
                    }
                    if !sums.drain(lines, values) {
                        break;
                    }
                }
            });
        })?;
        check_overflow(product.pattern(), product.values())?;
        Ok(product)
    }

    /// The Galerkin product R A P, for this matrix A. Cost: about that of R A and then (R A) P, row by row in parallel; at
    /// most one row of R A is stored per thread. For many products of the same structure see [`GalerkinPlan`].
    ///
    /// # Errors
    /// Dimensions that do not chain, a product too large for 32-bit indices, or one that
    /// overflows (with its row and column).
    pub fn galerkin(&self, restriction: &Self, prolongation: &Self) -> Result<Self> {
        let (r, a, p) = (restriction, self, prolongation);
        check_chain(r.pattern(), a.pattern())?;
        check_chain(a.pattern(), p.pattern())?;
        let pool = Pool::new(|| (Sums::<T>::new(a.cols()), Sums::<T>::new(p.cols())));
        let weight = 2 + 2 * a.nnz() / a.rows().max(1);
        let product = build(p.cols(), r.pattern().row_ptr(), weight, |range, lines, values| {
            pool.with(|(inner, outer)| {
                for i in range {
                    for (k, v) in r.row(i) {
                        let row = a.pattern().row(k);
                        inner.add_row(v, &a.pattern().col_idx()[row.clone()], &a.values()[row]);
                    }
                    for (j, v) in inner.entries() {
                        let row = p.pattern().row(j);
                        outer.add_row(v, &p.pattern().col_idx()[row.clone()], &p.values()[row]);
                    }
                    inner.clear();
                    if !outer.drain(lines, values) {
                        break;
                    }
                }
            });
        })?;
        check_overflow(product.pattern(), product.values())?;
        Ok(product)
    }
}

fn check_chain(a: &Pattern, b: &Pattern) -> Result<()> {
    if a.cols() == b.rows() {
        return Ok(());
    }
    Err(Error::dimension(format!(
        "cannot multiply a {} × {} by a {} × {} matrix",
        a.rows(),
        a.cols(),
        b.rows(),
        b.cols()
    )))
}

/// The factors are finite, so a value that is not finite has overflowed.
fn check_overflow<T: Scalar>(pattern: &Pattern, values: &[T]) -> Result<()> {
    let Some(p) = first_not_finite(values) else { return Ok(()) };
    let (i, j) = pattern.place(p);
    Err(Error::invalid_input(format!(
        "the product overflows in row {}, column {} ({}); scale the matrices down",
        i + 1,
        j + 1,
        values[p]
    )))
}

/// Fails unless the matrix has the pattern of the plan.
fn check_pattern(name: &str, planned: &Arc<Pattern>, given: &Arc<Pattern>) -> Result<()> {
    if Arc::ptr_eq(planned, given) || planned == given {
        return Ok(());
    }
    Err(Error::dimension(format!(
        "{name} is {} × {} with {} entries and does not have the pattern of the plan, {} × {} with {}; \
         make a new plan",
        given.rows(),
        given.cols(),
        given.nnz(),
        planned.rows(),
        planned.cols(),
        planned.nnz()
    )))
}

fn check_length(name: &str, pattern: &Pattern, length: usize) -> Result<()> {
    if length == pattern.nnz() {
        return Ok(());
    }
    Err(Error::dimension(format!("{length} values of {name}, but its pattern has {} entries", pattern.nnz())))
}

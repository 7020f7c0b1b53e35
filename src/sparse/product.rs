//! Sparse products, by way of `sprs` (sorted, parallel over rows, the same bits on any
//! number of threads).

use super::{Csr, Scalar};
use crate::error::{Error, Result};

impl<T: Scalar> Csr<T> {
    /// A B.
    ///
    /// # Errors
    /// Inner dimensions that differ, or a product too large for 32-bit indices.
    pub fn multiply(&self, other: &Self) -> Result<Self> {
        if self.cols() != other.rows() {
            return Err(Error::dimension(format!(
                "cannot multiply a {} × {} by a {} × {} matrix",
                self.rows(),
                self.cols(),
                other.rows(),
                other.cols()
            )));
        }
        let product = &self.to_sprs_view() * &other.to_sprs_view();
        Self::from_sprs(&product)
    }

    /// The Galerkin product R A P.
    ///
    /// # Errors
    /// Dimensions that do not chain.
    pub fn galerkin(&self, restriction: &Self, prolongation: &Self) -> Result<Self> {
        restriction.multiply(&self.multiply(prolongation)?)
    }
}

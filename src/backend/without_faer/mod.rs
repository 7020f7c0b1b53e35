//! The counterparts of `with_faer` in builds without that crate: simpler, slower, tested against it.

mod dense;
mod orders;

pub(super) use dense::pseudo_inverse;
pub(crate) use dense::{dominant_eigenpair, largest_eigenvalue};
pub(super) use orders::{cholesky_nonzeros, order_for_any_pivots, order_for_diagonal_pivots};

use crate::error::Result;
use crate::sparse::{Csr, Pattern};

/// There is no supernodal LU: all factors are left-looking.
pub(super) enum Analysis {}

/// Factors of an [`Analysis`].
#[derive(Clone)]
pub(super) enum Supernodal {}

/// There are no factors that use symmetry.
pub(super) enum SymmetricFactors {}

impl Analysis {
    pub fn new(_: &Pattern) -> Result<Option<Self>> {
        Ok(None)
    }

    pub fn factor(&self, _: &[f64]) -> Option<Supernodal> {
        match *self {}
    }
}

impl Supernodal {
    pub fn solve(&self, _: &mut [f64], _: usize, _: bool) {
        match *self {}
    }
}

impl SymmetricFactors {
    pub fn new(_: &Csr<f64>) -> Option<Self> {
        None
    }

    pub fn renewed(&self, _: &Csr<f64>) -> Option<Self> {
        match *self {}
    }

    pub fn entries(&self) -> usize {
        match *self {}
    }

    pub fn solve(&self, _: &mut [f64], _: usize) {
        match *self {}
    }
}

//! Conversion from and to `sprs`.

use sprs::{CsMatBase, CsMatI, CsMatViewI, SpIndex};
use std::ops::Deref;
use std::sync::Arc;

use super::pattern::check_size;
use super::{Csr, Pattern, Scalar};
use crate::error::{Error, Result};

impl<T: Scalar> Csr<T> {
    /// From any `sprs` matrix, by rows or by columns, of any index type.
    ///
    /// # Errors
    /// A size beyond 32-bit indices, or a value that is not finite. Cost: a copy (and a
    /// transposition for a matrix stored by columns).
    ///
    /// ```
    /// let mut t = sprs::TriMat::new((2, 2));
    /// t.add_triplet(0, 0, 1.0);
    /// t.add_triplet(1, 1, 2.0);
    /// let a = multigrad::sparse::Csr::from_sprs(&t.to_csc::<usize>())?;
    /// assert_eq!(a.diagonal(), [1.0, 2.0]);
    /// # Ok::<(), multigrad::error::Error>(())
    /// ```
    pub fn from_sprs<I, P, IS, JS, VS>(matrix: &CsMatBase<T, I, IS, JS, VS, P>) -> Result<Self>
    where
        I: SpIndex,
        P: SpIndex,
        IS: Deref<Target = [P]>,
        JS: Deref<Target = [I]>,
        VS: Deref<Target = [T]>,
    {
        let (outer, inner) = (matrix.outer_dims(), matrix.inner_dims());
        check_size(outer, inner, matrix.nnz())?;
        let row_ptr = matrix.proper_indptr().iter().map(|p| p.index_unchecked() as u32).collect();
        let col_idx = matrix.indices().iter().map(|j| j.index_unchecked() as u32).collect();
        let by_outer =
            Csr::new(Arc::new(Pattern::new(outer, inner, row_ptr, col_idx)?), matrix.data().to_vec())?;
        Ok(if matrix.is_csr() { by_outer } else { by_outer.transpose() })
    }

    /// As an `sprs` matrix by rows with any index type. Cost: a copy.
    ///
    /// # Errors
    /// An index type too narrow for the matrix.
    pub fn to_sprs<I: SpIndex>(&self) -> Result<CsMatI<T, I>> {
        let narrow = || Error::dimension("the index type is too narrow for this matrix");
        let convert = |list: &[u32]| -> Result<Vec<I>> {
            list.iter().map(|&q| I::try_from_usize(q as usize).ok_or_else(narrow)).collect()
        };
        let indptr = convert(self.pattern().row_ptr())?;
        let indices = convert(self.pattern().col_idx())?;
        CsMatI::try_new((self.rows(), self.cols()), indptr, indices, self.values().to_vec())
            .map_err(|(_, _, _, e)| Error::invalid_input(e.to_string()))
    }

    /// A borrowed `sprs` view, without a copy.
    pub fn to_sprs_view(&self) -> CsMatViewI<'_, T, u32> {
        CsMatViewI::new(
            (self.rows(), self.cols()),
            self.pattern().row_ptr(),
            self.pattern().col_idx(),
            self.values(),
        )
    }
}

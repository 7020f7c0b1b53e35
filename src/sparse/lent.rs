//! Matrices in memory of another library.

// See `buffer`: a copy of 10⁷ entries takes 120 MB.
#![allow(unsafe_code)]

use std::any::Any;
use std::sync::Arc;

use super::buffer::Buffer;
use super::{Csr, Pattern, Scalar};
use crate::error::Result;

impl<T: Scalar> Csr<T> {
    /// A rows × cols matrix whose CSR arrays (row pointers, column indices, values) stay in a value that is shared with the caller, such
    /// as a matrix of another library. Columns ascend in every row. Cost: a pass that checks the arrays, and no memory.
    ///
    /// # Errors
    /// As [`from_csr`](Self::from_csr).
    ///
    /// ```
    /// use std::sync::Arc;
    /// use multigrad::Csr;
    /// let mine = Arc::new((vec![0, 2, 3], vec![0, 1, 1], vec![2.0, -1.0, 3.0]));
    /// let a: Csr = Csr::shared(2, 2, mine.clone(), |m| (&m.0, &m.1, &m.2))?;
    /// assert_eq!(a.values().as_ptr(), mine.2.as_ptr());
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub fn shared<S: Any + Send + Sync>(
        rows: usize,
        cols: usize,
        owner: Arc<S>,
        arrays: impl for<'a> Fn(&'a S) -> (&'a [u32], &'a [u32], &'a [T]),
    ) -> Result<Self> {
        let lists = arrays(&owner);
        // SAFETY: by its signature `arrays` returns parts of the owner for any borrow. The matrix has a share of the owner, so
        // nobody moves the owner or borrows it mutably.
        unsafe { Self::lent(rows, cols, lists, owner.clone()) }
    }

    /// A rows × cols matrix whose CSR arrays (row pointers, column indices, values) stay where they are, such as in arrays
    /// of another language, and are kept by `owner`. [`shared`](Self::shared) is the safe form. Columns ascend in every row.
    /// Cost: a pass that checks the arrays, and no memory.
    ///
    /// # Safety
    /// As long as `owner` lives, the memory of the three slices stays where it is, and nobody writes to it.
    ///
    /// # Errors
    /// As [`from_csr`](Self::from_csr).
    ///
    /// ```
    /// use std::sync::Arc;
    /// use multigrad::Csr;
    /// let arrays = Arc::new(([0, 2, 3], [0, 1, 1], [2.0, -1.0, 3.0]));
    /// // SAFETY: the matrix has a share of the arrays, and nobody changes them.
    /// let a: Csr = unsafe { Csr::lent(2, 2, (&arrays.0, &arrays.1, &arrays.2), arrays.clone()) }?;
    /// assert_eq!(a.values().as_ptr(), arrays.2.as_ptr());
    /// # Ok::<(), multigrad::Error>(())
    /// ```
    pub unsafe fn lent(
        rows: usize,
        cols: usize,
        (row_ptr, col_idx, values): (&[u32], &[u32], &[T]),
        owner: Arc<dyn Any + Send + Sync>,
    ) -> Result<Self> {
        // SAFETY: the promise of the caller.
        let (row_ptr, col_idx) =
            unsafe { (Buffer::lent(row_ptr, owner.clone()), Buffer::lent(col_idx, owner.clone())) };
        let pattern = Pattern::checked(rows, cols, row_ptr, col_idx)?;
        // SAFETY: likewise.
        Self::checked(Arc::new(pattern), unsafe { Buffer::lent(values, owner) }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lent_arrays_are_checked_and_kept() {
        let list = Arc::new((vec![0u32, 2, 3], vec![0u32, 1, 1], vec![2.0, -1.0, 3.0]));
        // SAFETY: the matrix has a share of the lists, and they do not change.
        let of = |columns: &[u32], values: &[f64]| unsafe {
            Csr::lent(2, 2, (&list.0, columns, values), list.clone())
        };
        let a = of(&list.1, &list.2).unwrap();
        assert_eq!(a.pattern().col_idx().as_ptr(), list.1.as_ptr());
        assert_eq!(a.transpose().transpose(), a);
        assert_eq!(Arc::strong_count(&list), 4);
        let (pattern, values) = a.into_parts();
        assert_eq!((values, Arc::strong_count(&list)), (list.2.clone(), 3));
        drop(pattern);
        assert_eq!(Arc::strong_count(&list), 1);
        assert!(of(&[0, 2, 1], &list.2).is_err() && of(&list.1, &[f64::NAN; 3]).is_err());
        assert!(of(&[1, 0, 1], &list.2).is_err() && of(&list.1, &[1.0]).is_err());
    }
}

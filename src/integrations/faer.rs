//! Conversion from and to `faer` 0.24 matrices, and preconditioners for its iterative solvers.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use faer::dyn_stack::{MemStack, StackReq};
use faer::matrix_free::{BiLinOp, BiPrecond, LinOp, Precond};
use faer::prelude::ReborrowMut;
use faer::sparse::{
    SparseColMatRef, SparseRowMat, SparseRowMatRef, SymbolicSparseRowMat, SymbolicSparseRowMatRef,
};
use faer::{ColMut, ColRef, Index, MatMut, MatRef, Par};

use crate::error::{Error, Result};
use crate::operator::Preconditioner;
use crate::sparse::{Csr, Pattern};

/// A preconditioner of this crate for `conjugate_gradient`, `bicgstab` and `lsmr` of [`faer::matrix_free`]: all four traits
/// [`LinOp`], [`BiLinOp`] (the transpose), [`Precond`] and [`BiPrecond`].
///
/// Columns of a `Mat` are used where they are, without a copy. Any number of columns and any strides are accepted; columns
/// that are not contiguous go through a buffer. Scalars are real, so conjugation has no effect. `faer`'s methods cannot return an error:
/// shapes that do not fit panic, as everywhere in `faer`. If [`Preconditioner::apply`] itself fails, the result is filled
/// with NaN, which no solver accepts as converged.
///
/// With `faer` 0.24.4, start from x = 0 with `InitialGuessStatus::MaybeNonZero` (the default), not with
/// `Zero`, which leaves the residual uninitialised.
///
/// ```
/// use faer::dyn_stack::{MemBuffer, MemStack};
/// use faer::matrix_free::conjugate_gradient::{CgParams, conjugate_gradient, conjugate_gradient_scratch};
/// use faer::{Mat, Par};
/// use multigrad::integrations::{FaerPreconditioner, csr_to_faer};
/// use multigrad::operator::Identity;
/// use multigrad::sparse::Csr;
///
/// let a = csr_to_faer(&Csr::diagonal_matrix(&[2.0, 4.0]))?;
/// let identity = Identity(2);
/// let b = FaerPreconditioner(&identity);
/// let (rhs, mut x) = (Mat::full(2, 1, 1.0), Mat::zeros(2, 1));
/// let mut buffer = MemBuffer::new(conjugate_gradient_scratch(b, a.as_ref(), 1, Par::Seq));
/// let stack = MemStack::new(&mut buffer);
/// let params = CgParams { rel_tolerance: 1e-10, ..CgParams::default() };
/// conjugate_gradient(x.as_mut(), b, a.as_ref(), rhs.as_ref(), params, |_| {}, Par::Seq, stack).unwrap();
/// assert!((x[(1, 0)] - 0.25).abs() < 1e-9);
/// # Ok::<(), multigrad::error::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct FaerPreconditioner<'a>(
    /// The wrapped preconditioner.
    pub &'a dyn Preconditioner,
);

impl fmt::Debug for FaerPreconditioner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaerPreconditioner").field("rows", &self.0.rows()).finish_non_exhaustive()
    }
}

impl FaerPreconditioner<'_> {
    /// Column by column, as slices.
    fn columns(
        &self,
        mut out: MatMut<'_, f64>,
        rhs: MatRef<'_, f64>,
        apply: impl Fn(&[f64], &mut [f64]) -> Result<()>,
    ) {
        let n = self.0.rows();
        assert!(
            rhs.nrows() == n && out.nrows() == n && rhs.ncols() == out.ncols(),
            "a preconditioner with {n} rows was given a {} × {} right-hand side and a {} × {} result",
            rhs.nrows(),
            rhs.ncols(),
            out.nrows(),
            out.ncols()
        );
        for c in 0..rhs.ncols() {
            on_slices(out.rb_mut().col_mut(c), rhs.col(c), &apply);
        }
    }
}

/// Calls `apply` on two columns, through buffers if they are not contiguous.
fn on_slices(
    mut out: ColMut<'_, f64>,
    rhs: ColRef<'_, f64>,
    apply: impl Fn(&[f64], &mut [f64]) -> Result<()>,
) {
    let buffer: Vec<f64>;
    let source = match rhs.try_as_col_major() {
        Some(column) => column.as_slice(),
        None => {
            buffer = rhs.iter().copied().collect();
            &buffer
        }
    };
    let result = match out.rb_mut().try_as_col_major_mut() {
        Some(column) => apply(source, column.as_slice_mut()),
        None => {
            let mut target = vec![0.0; source.len()];
            let result = apply(source, &mut target);
            out.rb_mut().iter_mut().zip(target).for_each(|(o, t)| *o = t);
            result
        }
    };
    if result.is_err() {
        out.fill(f64::NAN);
    }
}

impl LinOp<f64> for FaerPreconditioner<'_> {
    fn apply_scratch(&self, _: usize, _: Par) -> StackReq {
        StackReq::EMPTY
    }

    fn nrows(&self) -> usize {
        self.0.rows()
    }

    fn ncols(&self) -> usize {
        self.0.rows()
    }

    fn apply(&self, out: MatMut<'_, f64>, rhs: MatRef<'_, f64>, _: Par, _: &mut MemStack) {
        self.columns(out, rhs, |r, z| self.0.apply(r, z));
    }

    fn conj_apply(&self, out: MatMut<'_, f64>, rhs: MatRef<'_, f64>, par: Par, stack: &mut MemStack) {
        LinOp::apply(self, out, rhs, par, stack);
    }
}

impl BiLinOp<f64> for FaerPreconditioner<'_> {
    fn transpose_apply_scratch(&self, _: usize, _: Par) -> StackReq {
        StackReq::EMPTY
    }

    fn transpose_apply(&self, out: MatMut<'_, f64>, rhs: MatRef<'_, f64>, _: Par, _: &mut MemStack) {
        self.columns(out, rhs, |r, z| self.0.apply_transposed(r, z));
    }

    fn adjoint_apply(&self, out: MatMut<'_, f64>, rhs: MatRef<'_, f64>, par: Par, stack: &mut MemStack) {
        self.transpose_apply(out, rhs, par, stack);
    }
}

impl Precond<f64> for FaerPreconditioner<'_> {}

impl BiPrecond<f64> for FaerPreconditioner<'_> {}

/// A sparse matrix of `faer`, by rows or by columns.
#[derive(Debug, Clone)]
pub enum FaerSparse<'a, I: Index> {
    /// Stored by rows.
    Rows(SparseRowMatRef<'a, I, f64>),
    /// Stored by rows and passed by value.
    OwnedRows(SparseRowMat<I, f64>),
    /// Stored by rows and shared with the caller.
    SharedRows(Arc<SparseRowMat<I, f64>>),
    /// Stored by columns.
    Columns(SparseColMatRef<'a, I, f64>),
}

impl<'a, I: Index> From<SparseRowMatRef<'a, I, f64>> for FaerSparse<'a, I> {
    fn from(matrix: SparseRowMatRef<'a, I, f64>) -> Self {
        Self::Rows(matrix)
    }
}

impl<I: Index> From<SparseRowMat<I, f64>> for FaerSparse<'_, I> {
    fn from(matrix: SparseRowMat<I, f64>) -> Self {
        Self::OwnedRows(matrix)
    }
}

impl<I: Index> From<Arc<SparseRowMat<I, f64>>> for FaerSparse<'_, I> {
    fn from(matrix: Arc<SparseRowMat<I, f64>>) -> Self {
        Self::SharedRows(matrix)
    }
}

impl<'a, I: Index> From<SparseColMatRef<'a, I, f64>> for FaerSparse<'a, I> {
    fn from(matrix: SparseColMatRef<'a, I, f64>) -> Self {
        Self::Columns(matrix)
    }
}

/// A matrix of this crate from a sparse matrix of `faer` (by rows or by columns, of any index type). Unsorted
/// indices are sorted and duplicates added.
///
/// Cost: nothing is copied of a matrix by rows with `u32` indices that is passed by value or in an [`Arc`]. With other index types,
/// indices are written anew with 32 bits; values are copied, or moved if a matrix by rows is passed by value. A matrix stored by
/// columns is transposed as well.
///
/// # Errors
/// A size beyond 32-bit indices, or a value that is not finite.
///
/// ```
/// use faer::sparse::{SparseColMat, Triplet};
/// use multigrad::integrations::csr_from_faer;
/// let entries = [Triplet::new(0usize, 1usize, 5.0), Triplet::new(1, 0, 7.0)];
/// let matrix = SparseColMat::try_new_from_triplets(2, 2, &entries).unwrap();
/// let a = csr_from_faer(matrix.as_ref())?;
/// assert_eq!((a.get(0, 1), a.get(1, 0)), (5.0, 7.0));
///
/// // Shared with faer, without a copy.
/// use faer::sparse::SparseRowMat;
/// use std::sync::Arc;
/// let entries = [Triplet::new(0u32, 0u32, 2.0), Triplet::new(1, 1, 3.0)];
/// let rows = Arc::new(SparseRowMat::try_new_from_triplets(2, 2, &entries).unwrap());
/// assert_eq!(csr_from_faer(rows.clone())?.values().as_ptr(), rows.val().as_ptr());
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn csr_from_faer<'a, I: Index>(matrix: impl Into<FaerSparse<'a, I>>) -> Result<Csr<f64>> {
    match matrix.into() {
        FaerSparse::Rows(rows) => from_rows(rows.symbolic(), Cow::Borrowed(rows.val())),
        FaerSparse::OwnedRows(rows) if (&rows as &dyn Any).is::<SparseRowMat<u32, f64>>() => {
            from_shared(Arc::new(rows))
        }
        FaerSparse::OwnedRows(rows) => {
            let (symbolic, values) = rows.into_parts();
            from_rows(symbolic.as_ref(), Cow::Owned(values))
        }
        FaerSparse::SharedRows(rows) => from_shared(rows),
        // The rows of the transpose are the columns.
        FaerSparse::Columns(columns) => {
            let rows = columns.transpose();
            Ok(from_rows(rows.symbolic(), Cow::Borrowed(rows.val()))?.transpose())
        }
    }
}

/// Without a copy if indices have 32 bits and the arrays are those of this crate.
fn from_shared<I: Index>(matrix: Arc<SparseRowMat<I, f64>>) -> Result<Csr<f64>> {
    let any: Arc<dyn Any + Send + Sync> = matrix.clone();
    match any.downcast::<SparseRowMat<u32, f64>>() {
        Ok(narrow) if is_plain(narrow.symbolic()) => {
            let (rows, cols) = (narrow.nrows(), narrow.ncols());
            Csr::shared(rows, cols, narrow, |m| (m.row_ptr(), m.col_idx(), m.val()))
        }
        _ => from_rows(matrix.symbolic(), Cow::Borrowed(matrix.val())),
    }
}

/// Whether the columns of every row ascend.
fn is_sorted<I: Index>(symbolic: SymbolicSparseRowMatRef<'_, I>) -> bool {
    (0..symbolic.nrows()).all(|i| symbolic.col_idx_of_row_raw(i).is_sorted_by(|a, b| a < b))
}

/// Whether there is room before, between or behind the rows, which faer permits.
fn has_gaps<I: Index>(symbolic: SymbolicSparseRowMatRef<'_, I>) -> bool {
    symbolic.row_nnz().is_some() || (symbolic.nrows() > 0 && symbolic.row_range(0).start > 0)
}

/// Whether the arrays are those of a [`Csr`].
fn is_plain(symbolic: SymbolicSparseRowMatRef<'_, u32>) -> bool {
    let end = symbolic.row_ptr()[symbolic.nrows()] as usize;
    !has_gaps(symbolic) && is_sorted(symbolic) && end == symbolic.col_idx().len()
}

fn from_rows<I: Index>(symbolic: SymbolicSparseRowMatRef<'_, I>, values: Cow<'_, [f64]>) -> Result<Csr<f64>> {
    let (rows, cols) = (symbolic.nrows(), symbolic.ncols());
    let limit = u32::MAX as usize;
    let nnz: usize = (0..rows).map(|i| symbolic.row_range(i).len()).sum();
    if rows >= limit || cols >= limit || nnz >= limit {
        return Err(Error::dimension(format!(
            "a {rows} × {cols} matrix with {nnz} nonzeros exceeds the 32-bit index range ({limit})"
        )));
    }
    if !is_sorted(symbolic) {
        let mut triplets = Vec::with_capacity(nnz);
        for i in 0..rows {
            let values = &values[symbolic.row_range(i)];
            triplets.extend(symbolic.col_idx_of_row(i).zip(values).map(|(j, &v)| (i, j, v)));
        }
        return Csr::from_triplets(rows, cols, &triplets);
    }
    let (mut row_ptr, mut col_idx) = (Vec::with_capacity(rows + 1), Vec::with_capacity(nnz));
    row_ptr.push(0);
    for i in 0..rows {
        col_idx.extend(symbolic.col_idx_of_row(i).map(|j| j as u32));
        row_ptr.push(col_idx.len() as u32);
    }
    let values = match values {
        values if has_gaps(symbolic) => {
            (0..rows).flat_map(|i| &values[symbolic.row_range(i)]).copied().collect()
        }
        Cow::Borrowed(values) => values[..nnz].to_vec(),
        Cow::Owned(mut values) => {
            values.truncate(nnz);
            values
        }
    };
    Csr::new(Arc::new(Pattern::new(rows, cols, row_ptr, col_idx)?), values)
}

/// A view of a matrix as a `faer` matrix stored by rows, without a copy. Its `transpose()` is a view of Aᵀ stored by columns. Cost: one
/// pass that checks the indices.
///
/// # Errors
/// A size beyond 31 bits, the limit of `faer` for `u32` indices.
///
/// ```
/// use multigrad::integrations::csr_to_faer_view;
/// use multigrad::sparse::Csr;
/// let a = Csr::from_triplets(2, 3, &[(0, 2, 5.0)])?;
/// assert_eq!(csr_to_faer_view(&a)?.get(0, 2), Some(&5.0));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn csr_to_faer_view(a: &Csr<f64>) -> Result<SparseRowMatRef<'_, u32, f64>> {
    let limit = i32::MAX as usize;
    if a.rows() > limit || a.cols() > limit || a.nnz() > limit {
        return Err(Error::dimension("the matrix exceeds the 31 bits that faer permits for u32 indices"));
    }
    let (row_ptr, col_idx) = (a.pattern().row_ptr(), a.pattern().col_idx());
    let symbolic = SymbolicSparseRowMatRef::new_checked(a.rows(), a.cols(), row_ptr, None, col_idx);
    Ok(SparseRowMatRef::new(symbolic, a.values()))
}

/// A `faer` matrix from one of this crate, stored by rows. Cost: a copy.
///
/// # Errors
/// A size beyond the `usize` indices of `faer`, possible on a 32-bit machine only.
///
/// ```
/// use multigrad::integrations::csr_to_faer;
/// use multigrad::sparse::Csr;
/// let a = csr_to_faer(&Csr::from_triplets(2, 3, &[(0, 2, 5.0)])?)?;
/// assert_eq!(a.get(0, 2), Some(&5.0));
/// # Ok::<(), multigrad::error::Error>(())
/// ```
pub fn csr_to_faer(a: &Csr<f64>) -> Result<SparseRowMat<usize, f64>> {
    let limit = isize::MAX as usize;
    if a.rows() > limit || a.cols() > limit || a.nnz() > limit {
        return Err(Error::dimension("the matrix exceeds the index range of faer on this machine"));
    }
    let wide = |list: &[u32]| list.iter().map(|&q| q as usize).collect::<Vec<usize>>();
    let pattern = a.pattern();
    let symbolic = SymbolicSparseRowMat::new_checked(
        a.rows(),
        a.cols(),
        wide(pattern.row_ptr()),
        None,
        wide(pattern.col_idx()),
    );
    Ok(SparseRowMat::new(symbolic, a.values().to_vec()))
}

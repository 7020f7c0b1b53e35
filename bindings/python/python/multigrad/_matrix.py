"""Matrices of SciPy as matrices of the library."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from . import _checks
from ._errors import Error
from ._multigrad import Matrix, is_canonical

__all__ = ["of_scipy", "to_scipy"]


def of_scipy(A: Any) -> Matrix:
    """The matrix of the library for a sparse matrix or array of SciPy, which is left as it is.

    The arrays of a canonical CSR matrix of float64 with indices of 32 bits stay where they are, and belong to both. Indices of
    64 bits are copied, other formats are converted to CSR, other values to float64, and duplicates are added, as in SciPy.
    """
    if isinstance(A, Matrix):
        return A
    if not scipy.sparse.issparse(A):
        raise TypeError(
            f"A is a {type(A).__name__}; it must be a sparse matrix of SciPy, for instance scipy.sparse.csr_array(A)"
        )
    if A.ndim != 2:
        raise Error(f"A has {A.ndim} dimensions; a matrix has two")
    if A.dtype.kind == "c":
        raise Error(
            "A is complex; multigrad solves real systems: pass real and imaginary part as a real system of twice the size"
        )
    _check_indices(A)
    csr = A if A.format == "csr" else A.tocsr()
    rows, cols = csr.shape
    ascending = is_canonical(rows, cols, _indices(csr.indptr), _indices(csr.indices))
    if not ascending:
        csr = csr.copy() if csr is A else csr
        # The flags may be those of an earlier state.
        csr.has_sorted_indices = False
        csr.has_canonical_format = False
        csr.sum_duplicates()
    nnz = int(csr.indptr[-1])
    indices, data = csr.indices[:nnz], csr.data[:nnz]
    if len(data) != nnz:
        raise Error(f"the sparse matrix is inconsistent: it has {nnz} indices and {len(data)} values")
    return Matrix((rows, cols), _indices(csr.indptr), _indices(indices), _checks.real_values("A", data))


def to_scipy(matrix: Matrix) -> scipy.sparse.csr_array:
    """A new CSR array of SciPy."""
    data, indices, indptr = matrix.arrays()
    A = scipy.sparse.csr_array((data, indices, indptr), shape=matrix.shape)
    A.has_canonical_format = True
    return A


def _indices(array: Any) -> Any:
    """Contiguous indices of 32 or 64 bits, in place where they are such."""
    array = np.asarray(array)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise Error("the sparse matrix is inconsistent: its indices are not an array of integers")
    if array.dtype.kind == "u" or array.dtype.itemsize not in (4, 8) or not array.dtype.isnative:
        if array.size and int(array.max()) >= 2**63:
            raise Error("the sparse matrix is inconsistent: an index does not fit into 64 bits")
        array = array.astype(np.int64)
    return np.ascontiguousarray(array)


def _check_indices(A: Any) -> None:
    """An error for arrays that do not fit together: the conversions of SciPy trust them."""
    rows, cols = A.shape
    if A.format == "csc":
        outer, inner = cols, rows
    elif A.format == "bsr":
        height, width = A.blocksize
        outer, inner = rows // height, cols // width
        if A.data.shape[1:] != (height, width) or len(A.data) < int(A.indptr[-1]):
            raise Error("the sparse matrix is inconsistent: its blocks and its indices differ in number or size")
    elif A.format == "coo":
        coords = (A.row, A.col)
        if any(len(c) != len(A.data) for c in coords):
            raise Error("the sparse matrix is inconsistent: its coordinates and values differ in number")
        for c, n in zip(coords, (rows, cols)):
            if len(c) and not (0 <= int(c.min()) and int(c.max()) < n):
                raise Error("the sparse matrix is inconsistent: a coordinate lies outside the matrix")
        return
    else:
        return
    is_canonical(outer, inner, _indices(A.indptr), _indices(A.indices))
    if A.format == "csc" and len(A.data) < int(A.indptr[-1]):
        raise Error("the sparse matrix is inconsistent: its values and its indices differ in number")

"""UMFPACK, the sparse direct solver of SuiteSparse, through its C interface."""

import ctypes
import ctypes.util

import numpy as np

NAME = "UMFPACK"
_path = ctypes.util.find_library("umfpack")
if _path is None:
    raise ImportError("no libumfpack on this system")
_library = ctypes.CDLL(_path)
# Sizes of UMFPACK's arrays of control and information values; system 1 is Aᵀ x = b, so that the
# rows of A serve as the columns that UMFPACK wants.
CONTROL, INFO, TRANSPOSED = 20, 90, 1


def version():
    return f"UMFPACK {_path}"


def configurations(a, symmetric):
    # A large problem in three dimensions: its factors do not fit.
    return [] if a.nnz > 6 * a.shape[0] > 1_800_000 else ["LU"]


def prepare(a):
    return a


def _address(array):
    return array.ctypes.data_as(ctypes.c_void_p)


class _Factors:
    def __init__(self, a):
        self.a, self.numeric = a, ctypes.c_void_p()
        self.control, self.info = np.zeros(CONTROL), np.zeros(INFO)
        _library.umfpack_di_defaults(_address(self.control))
        symbolic, n = ctypes.c_void_p(), a.shape[0]
        matrix = [_address(v) for v in (a.indptr, a.indices, a.data)]
        tail = [_address(self.control), _address(self.info)]
        _check(_library.umfpack_di_symbolic(n, n, *matrix, ctypes.byref(symbolic), *tail))
        try:
            _check(_library.umfpack_di_numeric(*matrix, symbolic, ctypes.byref(self.numeric), *tail))
        finally:
            _library.umfpack_di_free_symbolic(ctypes.byref(symbolic))

    def __del__(self):
        if self.numeric:
            _library.umfpack_di_free_numeric(ctypes.byref(self.numeric))


def _check(status):
    if status != 0:
        raise RuntimeError(f"UMFPACK status {status}")


def setup(a, name, rtol):
    return _Factors(a)


def solve(factors, b):
    x, a = np.zeros_like(b), factors.a
    matrix = [_address(v) for v in (a.indptr, a.indices, a.data)]
    tail = [_address(factors.control), _address(factors.info)]
    # The transposed solve of the transposed matrix.
    arguments = (*matrix, _address(x), _address(b), factors.numeric, *tail)
    _check(_library.umfpack_di_solve(TRANSPOSED, *arguments))
    return x, 1

"""The problems of the comparison, and the matrix files that `solve --export` writes."""

import numpy as np
import scipy.sparse as sp

# Names as in benches/common/problem.rs.
SYMMETRIC = ["poisson2d-1000", "poisson3d-100"]
FLOW = ["supg-64", "supg-128", "supg-256", "supg-512", "upwind-64", "upwind-128", "upwind-256"]
ALL = SYMMETRIC + FLOW


def read(path):
    """The matrix of a file: rows and nonzeros, row pointers and column indices, values."""
    with open(path, "rb") as file:
        rows, nonzeros = (int(v) for v in np.fromfile(file, np.uint64, 2))
        pointers = np.fromfile(file, np.int32, rows + 1)
        columns = np.fromfile(file, np.int32, nonzeros)
        values = np.fromfile(file, np.float64, nonzeros)
    return sp.csr_matrix((values, columns, pointers), shape=(rows, rows))


def is_symmetric(a):
    """Whether a matrix is symmetric up to rounding."""
    difference = abs(a - a.T)
    return difference.nnz == 0 or difference.max() <= 1e-12 * abs(a).max()


def residual(a, b, x):
    """‖b − A x‖ / ‖b‖."""
    return float(np.linalg.norm(b - a @ x) / np.linalg.norm(b))

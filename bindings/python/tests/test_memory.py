"""Memory: arrays of SciPy with 32-bit indices are read in place; others are copied once."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import multigrad

SCRIPT = """
import sys
import numpy as np
import scipy.sparse as sp
import multigrad
from multigrad._matrix import of_scipy


def resident(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))


n = 2_500_000
indices = (np.arange(4)[None, :] + np.minimum(np.arange(n), n - 4)[:, None]).ravel().astype(sys.argv[1])
indptr = np.arange(0, 4 * n + 1, 4).astype(sys.argv[1])
A = sp.csr_array((np.ones(4 * n), indices, indptr), shape=(n, n))
assert A.has_canonical_format
arrays = [a.ctypes.data for a in (A.data, A.indices, A.indptr)]
with open("/proc/self/clear_refs", "w") as clear:
    clear.write("5")
before = resident("VmRSS")
matrix = of_scipy(A)
if len(sys.argv) > 2:
    # One level in double precision: the solver needs its diagonal and no other copy.
    solver = multigrad.solver(A, setup="none", smoother="jacobi(0.5)", single_precision=False)
    solver @ np.ones(n)
peak, after = resident("VmHWM"), resident("VmRSS")
assert arrays == [a.ctypes.data for a in (A.data, A.indices, A.indptr)]
print(matrix.nnz, peak - before, after - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("index", ["int32", "int64"])
def test_ten_million_nonzeros(index: str) -> None:
    out = subprocess.run([sys.executable, "-c", SCRIPT, index], capture_output=True, text=True, check=True)
    nnz, peak, after = map(int, out.stdout.split())
    # Values of 8 bytes, column indices and row pointers of 4.
    own = 0 if index == "int32" else 12 * nnz + 4 * 2_500_000
    assert nnz == 10_000_000
    print(f"{index}: peak +{peak / 1e6:.1f} MB, after +{after / 1e6:.1f} MB, arrays of the library {own / 1e6:.1f} MB")
    assert peak < own + 20_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_solver_keeps_no_copy_of_the_matrix() -> None:
    out = subprocess.run([sys.executable, "-c", SCRIPT, "int32", "solver"], capture_output=True, text=True, check=True)
    _, peak, after = map(int, out.stdout.split())
    vector = 8 * 2_500_000
    print(f"peak +{peak / 1e6:.1f} MB, after +{after / 1e6:.1f} MB, a vector {vector / 1e6:.1f} MB, the matrix 130 MB")
    # Vectors of the setup and of the cycle.
    assert after < 6 * vector


def test_changed_arrays_are_noticed() -> None:
    A = multigrad.gallery.poisson((30, 30))
    b = np.ones(900)
    solver = multigrad.solver(A)
    x = solver.solve(b)
    A.data *= 2.0
    for use in (lambda: solver.solve(b), solver.condition, lambda: solver.save("/nowhere/solver.mgrad")):
        with pytest.raises(multigrad.Error, match="changed after the solver"):
            use()
    solver.update(A)
    assert np.allclose(solver.solve(b), x / 2, atol=1e-6)
    place = A.indices[3]
    A.indices[3] = 10**9
    with pytest.raises(multigrad.Error, match="changed after the solver"):
        solver @ b
    A.indices[3] = place
    assert np.allclose(solver.solve(b), x / 2, atol=1e-6)
    other = multigrad.solver(A.copy())
    A.data *= 0.5
    assert np.allclose(other.solve(b), x / 2, atol=1e-6)
    learned = multigrad.LearnedSolver(A)
    A.data *= 3.0
    assert np.allclose(learned.solve(b), x, atol=1e-5)

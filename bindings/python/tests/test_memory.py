"""Memory: the arrays of SciPy are read in place, and each is copied once into the library."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
import numpy as np
import scipy.sparse as sp
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
peak, after = resident("VmHWM"), resident("VmRSS")
assert arrays == [a.ctypes.data for a in (A.data, A.indices, A.indptr)]
print(matrix.nnz, peak - before, after - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("index", ["int32", "int64"])
def test_ten_million_nonzeros(index: str) -> None:
    out = subprocess.run([sys.executable, "-c", SCRIPT, index], capture_output=True, text=True, check=True)
    nnz, peak, after = map(int, out.stdout.split())
    own = 12 * nnz + 4 * 2_500_000  # values of 8 bytes, column indices and row pointers of 4
    assert nnz == 10_000_000
    print(f"{index}: peak +{peak / 1e6:.1f} MB, after +{after / 1e6:.1f} MB, arrays of the library {own / 1e6:.1f} MB")
    assert peak < own + 20_000_000

"""One multigrid cycle as a linear operator of SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from . import _checks
from ._multigrad import Core

__all__ = ["Cycle"]


class Cycle(LinearOperator):  # type: ignore[misc]
    """The cycle of a solver, B r ≈ A⁻¹ r, and its transpose, for one vector or the columns of an array."""

    def __init__(self, core: Core) -> None:
        if not isinstance(core, Core):
            raise TypeError("build a solver by multigrad.solver(A)")
        n = core.rows
        super().__init__(dtype=np.dtype(np.float64), shape=(n, n))
        self._core = core

    def _apply(self, r: Any, transposed: bool) -> NDArray[np.float64]:
        values = _checks.real_array("the vector", r)
        rows = np.ascontiguousarray(values.reshape(self.shape[0], -1).T)
        z = np.empty_like(rows)
        self._core.apply(rows, z, transposed)
        return z.T.reshape(values.shape)

    def _matvec(self, x: Any) -> NDArray[np.float64]:
        return self._apply(x, False)

    def _rmatvec(self, x: Any) -> NDArray[np.float64]:
        return self._apply(x, True)

    def _matmat(self, X: Any) -> NDArray[np.float64]:
        return self._apply(X, False)

    def _rmatmat(self, X: Any) -> NDArray[np.float64]:
        return self._apply(X, True)

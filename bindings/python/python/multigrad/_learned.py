"""The solver that is trained between its solves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import ArrayLike

from . import _checks
from ._errors import Error
from ._matrix import of_scipy
from ._multigrad import LearnedCore
from ._solve import run_solve

__all__ = ["LearnedSolver"]


class LearnedSolver:
    """A solver that is trained between its solves, on the right-hand sides that came.

    It begins as the automatic solver. A training that does not make the solves faster is undone, so that the total
    time is at most about 1 + ``share`` times that of the automatic solver. ``update`` takes new values of the
    matrix.

    Parameters
    ----------
    A
        A square real sparse matrix or array of SciPy.
    share
        The share of the time of the solves that training may cost; 0 switches it off.
    seed
        Seed of the training.

    >>> import numpy as np, multigrad
    >>> A, b = multigrad.gallery.problem("recirculating-flow3d", 8)[:2]
    >>> solver = multigrad.LearnedSolver(A)
    >>> for _ in range(3):
    ...     x = solver.solve(b)
    >>> solver.solves
    3
    """

    def __init__(self, A: Any, *, share: float = 0.1, seed: int = 0) -> None:
        matrix = of_scipy(A)
        share = _checks.number("share", share)
        self._core = LearnedCore(matrix, share, _checks.integer("seed", seed, 0, 2**63))
        self.shape: tuple[int, int] = matrix.shape

    def solve(
        self,
        b: ArrayLike,
        x0: ArrayLike | None = None,
        tol: float | None = None,
        maxiter: int = 500,
        accel: str | None = None,
        callback: Callable[[int, float], object] | None = None,
        *,
        rtol: float | None = None,
        atol: float = 0.0,
        restart: int = 30,
        least_squares: bool = False,
        time_limit: float | None = None,
        memory_limit: float | None = None,
        full_output: bool = False,
    ) -> Any:
        """Solves A x = b as ``Solver.solve``, and trains for a while where that may pay."""
        return run_solve(
            self._core.solve,
            self.shape[0],
            b,
            x0,
            {"tol": tol, "rtol": rtol, "atol": atol, "maxiter": maxiter, "restart": restart, "accel": accel}
            | {"least_squares": least_squares, "transposed": False}
            | {"time_limit": time_limit, "memory_limit": memory_limit},
            callback,
            full_output,
        )

    def update(self, A: Any) -> None:
        """Replaces the values of the matrix; its pattern stays. The learned factors follow."""
        matrix = of_scipy(A)
        if matrix.shape != self.shape:
            raise Error(
                f"the new matrix is {matrix.shape[0]} × {matrix.shape[1]}, the solver belongs to {self.shape[0]} rows"
            )
        self._core.update(matrix)

    @property
    def solves(self) -> int:
        """Number of solves so far."""
        return self._core.counts()[0]

    @property
    def learned_solves(self) -> int:
        """Number of solves by learned factors."""
        return self._core.counts()[1]

    def report(self) -> str:
        """The account so far in one sentence: solves, their seconds, and those of training."""
        return self._core.report()

    def __repr__(self) -> str:
        n = self.shape[0]
        return f"<{n} × {n} multigrad.LearnedSolver>\n{self._core.text().rstrip()}\n{self.report()}"

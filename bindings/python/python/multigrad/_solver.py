"""The solver."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Literal, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _checks
from ._errors import Error
from ._matrix import of_scipy, to_scipy
from ._multigrad import Core
from ._operator import Cycle
from ._results import Progress, TrainingReport
from ._solve import SolveOptions, run_solve

__all__ = ["Solver"]


class Solver(Cycle):
    """A multigrid solver for one matrix, made by ``multigrad.solver`` and similar functions.

    As a ``LinearOperator`` it applies one cycle, an approximation of the inverse of A: ``solver @ r``, and
    ``M=solver`` in the methods of ``scipy.sparse.linalg``. Printed, it shows the table of its levels.

    >>> import numpy as np, scipy.sparse.linalg as spla, multigrad
    >>> A = multigrad.gallery.poisson((50, 50))
    >>> solver = multigrad.solver(A)
    >>> x, info = spla.cg(A, np.ones(2500), M=solver)
    >>> info
    0
    """

    def __init__(self, core: Core) -> None:
        super().__init__(core)
        self._training: TrainingReport | None = None

    # Solves.

    @overload
    def solve(
        self,
        b: ArrayLike,
        x0: ArrayLike | None = None,
        tol: float | None = None,
        maxiter: int = 500,
        accel: str | None = None,
        callback: Callable[[int, float], object] | None = None,
        *,
        full_output: Literal[False] = False,
        **options: Unpack[SolveOptions],
    ) -> NDArray[np.float64]: ...

    @overload
    def solve(
        self,
        b: ArrayLike,
        x0: ArrayLike | None = None,
        tol: float | None = None,
        maxiter: int = 500,
        accel: str | None = None,
        callback: Callable[[int, float], object] | None = None,
        *,
        full_output: bool,
        **options: Unpack[SolveOptions],
    ) -> Any: ...

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
        transposed: bool = False,
        time_limit: float | None = None,
        memory_limit: float | None = None,
        full_output: bool = False,
    ) -> Any:
        """Solves A x = b until ‖b − A x‖₂ ≤ max(tol ‖b‖₂, atol).

        Parameters
        ----------
        b
            n values, or an n × k array with k right-hand sides. Without ``x0``, ``callback`` and ``transposed`` they are
            solved at once, sixteen at a time, which takes about half of the time of separate solves for large A.
        x0
            Initial guess in the shape of b. Default: zero.
        tol, rtol
            The relative tolerance, under the name of PyAMG or that of SciPy. Default: 1e-8.
        maxiter
            Largest number of iterations.
        accel
            ``"cg"``, ``"bicgstab"``, ``"fgmres"`` (or ``"gmres"``), or ``"none"`` for plain cycles. Default: by the
            symmetry of A.
        callback
            Called as ``callback(iteration, relative_residual)`` after every iteration.
        atol
            The absolute tolerance.
        restart
            Iterations of FGMRES between restarts.
        least_squares
            Whether a singular system is solved for the part of b in the range of A.
        transposed
            Whether Aᵀ x = b is solved.
        time_limit, memory_limit
            Limits in seconds, and in bytes of the whole process. The iteration then ends with its last iterate.
        full_output
            Whether a ``SolveResult`` is returned instead of x, for an n × k array a list of k results. Then
            no exception is raised if the solve does not converge.

        Returns
        -------
        The solution x in the shape of b, as float64.

        Raises
        ------
        NotConverged
            The tolerance was not reached; the exception carries x and the results.
        Error
            Bad input.

        >>> import numpy as np, multigrad
        >>> solver = multigrad.solver(multigrad.gallery.poisson((40, 40)))
        >>> solver.solve(np.ones((1600, 3)), tol=1e-10).shape
        (1600, 3)
        """
        return run_solve(
            self._core.solve,
            self.shape[0],
            b,
            x0,
            {"tol": tol, "rtol": rtol, "atol": atol, "maxiter": maxiter, "restart": restart, "accel": accel}
            | {"least_squares": least_squares, "transposed": transposed}
            | {"time_limit": time_limit, "memory_limit": memory_limit},
            callback,
            full_output,
        )

    def aspreconditioner(self) -> Solver:
        """The solver itself, under the name of PyAMG: it is a ``LinearOperator`` of one cycle."""
        return self

    # Changes.

    def update(self, A: Any) -> None:
        """Replaces the matrix by one with new values on the same pattern, as in time stepping.

        The transfers between the levels stay; their products and the smoothers are computed anew, in less time than a
        setup. After an error the solver still belongs to its previous matrix. Trained smoothers belong to their
        matrix and cannot be updated; see ``LearnedSolver``.

        >>> import numpy as np, scipy.sparse as sp, multigrad
        >>> A = multigrad.gallery.poisson((40, 40))
        >>> solver = multigrad.solver(A)
        >>> solver.update(A + 0.1 * sp.eye_array(1600))
        >>> solver.solve(np.ones(1600)).shape
        (1600,)
        """
        matrix = of_scipy(A)
        if matrix.shape != self.shape:
            raise Error(f"the new matrix is {matrix.shape[0]} × {matrix.shape[1]}, the solver has {self.shape[0]} rows")
        self._core.update(matrix)
        self._training = None

    def train(
        self,
        solves: int | None = None,
        *,
        steps: int | None = None,
        progress: Callable[[Progress], object] | None = None,
        seed: int = 0,
        time_limit: float | None = None,
        memory_limit: float | None = None,
    ) -> TrainingReport:
        """Trains the smoothers for the matrix.

        With ``solves``, the number of solves to come, training stops when more of it would cost more time than it
        saves, and may replace the whole solver by a faster one, such as a direct solver. Without it, the optimiser
        takes ``steps`` steps (by default as many as suit the matrix), and the trained smoothers are kept if a solve
        with them takes less time. Ctrl-C ends the training and leaves the solver as it was.

        Parameters
        ----------
        solves
            Number of solves to come.
        steps
            Steps of the optimiser, without ``solves``.
        progress
            Called with a ``Progress`` at every step or phase.
        seed
            Seed of the random vectors.
        time_limit, memory_limit
            Limits in seconds, and in bytes of the whole process.

        >>> import multigrad
        >>> solver = multigrad.solver(multigrad.gallery.problem("recirculating-flow", 24).A)
        >>> report = solver.train(steps=20, seed=1)
        >>> report.steps <= 20
        True
        """
        if solves is not None and steps is not None:
            raise Error("solves and steps are both given; training for a number of solves chooses its steps itself")
        settings = {
            "seed": _checks.integer("seed", seed, 0, 2**63),
            "steps": None if steps is None else _checks.integer("steps", steps),
            "time_limit": _checks.optional_number("time_limit", time_limit),
            "memory_limit": _checks.optional_bytes("memory_limit", memory_limit),
        }
        _checks.callback("progress", progress)
        show = None if progress is None else lambda *state: progress(Progress(*state))
        if solves is None:
            fields = self._core.train(settings, show)
        else:
            fields = self._core.train_for(_checks.integer("solves", solves, 1), settings, show)
        self._training = TrainingReport(**fields)
        return self._training

    # Files.

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the solver to a file, without its matrix; ``multigrad.load(path, A)`` reads it.

        >>> import multigrad, tempfile, os
        >>> A = multigrad.gallery.poisson((40, 40))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "poisson.mgrad")
        ...     multigrad.solver(A).save(path)
        ...     multigrad.load(path, A).shape
        (1600, 1600)
        """
        self._core.save(os.fsdecode(path))

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (self._core.to_bytes(), self.matrix, self._training)

    # Tables.

    @property
    def matrix(self) -> Any:
        """The matrix as a new ``scipy.sparse.csr_array``."""
        return to_scipy(self._core.matrix())

    @property
    def levels(self) -> list[dict[str, Any]]:
        """The table of levels, finest first: a dictionary for each.

        >>> import multigrad
        >>> solver = multigrad.smoothed_aggregation_solver(multigrad.gallery.poisson((40, 40)))
        >>> solver.levels[0]["unknowns"], solver.levels[0]["presmoother"]
        (1600, 'Gauss–Seidel forward')
        """
        names = ("level", "unknowns", "nonzeros", "presmoother", "postsmoother")
        return [dict(zip(names, row, strict=True)) for row in self._core.levels()]

    @property
    def setup_seconds(self) -> float:
        """Seconds of the setup or of the last update."""
        return self._core.figures()[0]

    def operator_complexity(self) -> float:
        """Nonzeros of the matrices of all levels over those of A."""
        return self._core.figures()[2]

    def grid_complexity(self) -> float:
        """Rows of all levels over those of A."""
        return self._core.figures()[3]

    @property
    def is_symmetric(self) -> bool:
        """Whether a cycle is a symmetric operator, as SciPy's ``cg`` needs of ``M``. Training may end that."""
        return self._core.figures()[4]

    def condition(self) -> float:
        """Estimates the condition number ‖A‖₁ ‖A⁻¹‖₁ by five to eleven solves.

        >>> import scipy.sparse as sp, multigrad
        >>> round(multigrad.solver(sp.diags_array([1.0, 10.0, 100.0])).condition())
        100
        """
        return self._core.condition()

    def forward_error(self, x: ArrayLike, b: ArrayLike) -> float:
        """Estimates a bound of ‖x − A⁻¹ b‖∞ / ‖x‖∞ by about ten solves."""
        return self._core.forward_error(_checks.real_array("x", x).ravel(), _checks.real_array("b", b).ravel())

    def report(self) -> str:
        """The configuration with its reasons, the table of levels, time and memory, and the last training.

        >>> import multigrad
        >>> print(multigrad.solver(multigrad.gallery.poisson((40, 40))).report().splitlines()[-1][:5])
        setup
        """
        seconds, size, _, _, symmetric, _, accel = self._core.figures()
        lines = [
            self._core.text().rstrip(),
            f"setup {seconds:.3g} s, {size / 1e6:.1f} MB, method {accel}, "
            f"cycle {'symmetric' if symmetric else 'not symmetric'}",
        ]
        if self._training is not None:
            lines.append(str(self._training))
        return "\n".join(lines)

    def __repr__(self) -> str:
        n = self.shape[0]
        return f"<{n} × {n} multigrad.Solver>\n{self._core.text().rstrip()}"

    def __str__(self) -> str:
        return self._core.text().rstrip()


def _unpickle(content: bytes, A: Any, training: TrainingReport | None) -> Solver:
    solver = Solver(Core.from_bytes(content, of_scipy(A)))
    solver._training = training
    return solver

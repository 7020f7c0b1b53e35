"""Functions that build solvers."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _checks, _multigrad
from ._errors import Error
from ._matrix import of_scipy
from ._multigrad import Core, setup_names
from ._solver import Solver

__all__ = ["load", "report", "ruge_stuben_solver", "smoothed_aggregation_solver", "solve", "solver"]


def solver(
    A: Any,
    B: ArrayLike | None = None,
    *,
    setup: str = "auto",
    smoother: str | None = None,
    sweeps: tuple[int, int] | None = None,
    cycle: str | None = None,
    single_precision: bool | None = None,
    accel: str | None = None,
    time_limit: float | None = None,
    memory_limit: float | None = None,
) -> Solver:
    """Builds a solver for the matrix A.

    Parameters
    ----------
    A
        A square real sparse matrix or array of SciPy, in any format. The arrays of a CSR matrix with indices of 32 bits are
        read in place: pass a copy if they change without ``update``.
    B
        Near-nullspace candidates, n × k, such as rigid-body modes of elasticity. Default: constants.
    setup
        ``"auto"`` analyses the matrix and chooses; otherwise a name such as ``"sa"``, ``"ruge-stueben"``,
        ``"classical"``, ``"root-node"``, ``"air"``, ``"none"`` (one level), ``"pivoted"`` (one level, ILUT with
        pivoting) or ``"direct"``. The following five parameters need a setup by name.
    smoother
        ``"gauss-seidel"`` (default), ``"chebyshev(2)"``, ``"jacobi"``, ``"ilu0"``, ``"spai0"`` and others.
    sweeps
        Sweeps before and after the coarse-grid correction. Default: (1, 1).
    cycle
        ``"V"`` (default), ``"W"``, ``"F"`` or ``"K"``.
    single_precision
        Whether the levels are held in single precision; the solution keeps the accuracy of double precision.
    accel
        The Krylov method of ``solve``: ``"cg"``, ``"bicgstab"``, ``"fgmres"`` or ``"none"``. Default: by symmetry.
    time_limit, memory_limit
        Limits of the setup in seconds, and in bytes of the whole process; see ``LimitExceeded``.

    >>> import multigrad
    >>> A = multigrad.gallery.poisson((100, 100))
    >>> multigrad.solver(A, setup="sa", smoother="chebyshev(2)").levels[0]["unknowns"]
    10000
    """
    modes = None if B is None else _modes(B)
    named: dict[str, Any] = {"smoother": smoother, "sweeps": sweeps, "cycle": cycle, "accel": accel}
    named["single_precision"] = single_precision
    if _checks.text("setup", setup) == "auto":
        given = [name for name, value in named.items() if value is not None]
        if given:
            raise Error(
                f"{given[0]} is given without a setup; choose one of {', '.join(setup_names)}, such as setup='sa'"
            )
    parameters = {
        "setup": setup,
        "smoother": None if smoother is None else _checks.text("smoother", smoother),
        "sweeps": None if sweeps is None else _sweeps(sweeps),
        "cycle": None if cycle is None else _checks.text("cycle", cycle),
        "single": None if single_precision is None else bool(single_precision),
        "accel": _checks.method(accel),
        "time_limit": _checks.optional_number("time_limit", time_limit),
        "memory_limit": _checks.optional_bytes("memory_limit", memory_limit),
    }
    matrix = of_scipy(A)
    if matrix.shape[0] != matrix.shape[1]:
        raise Error(f"the matrix is {matrix.shape[0]} × {matrix.shape[1]}; a solver needs a square one")
    if matrix.shape[0] == 0:
        raise Error("the matrix has no rows; a solver needs at least one")
    if modes is not None and modes.shape[0] != matrix.shape[0]:
        raise Error(f"B has {modes.shape[0]} rows and the matrix {matrix.shape[0]}; they must agree")
    return Solver(Core.build(matrix, parameters, modes))


def smoothed_aggregation_solver(A: Any, B: ArrayLike | None = None, **parameters: Any) -> Solver:
    """Builds a solver by smoothed aggregation: ``solver(A, B, setup="sa", ...)``, under the name of PyAMG.

    >>> import multigrad
    >>> ml = multigrad.smoothed_aggregation_solver(multigrad.gallery.poisson((100, 100)))
    >>> len(ml.levels) > 2
    True
    """
    return _by_name(A, B, "sa", parameters)


def ruge_stuben_solver(A: Any, **parameters: Any) -> Solver:
    """Builds a solver by classical coarsening: ``solver(A, setup="ruge-stueben", ...)``, under the name of PyAMG.

    >>> import multigrad
    >>> ml = multigrad.ruge_stuben_solver(multigrad.gallery.poisson((100, 100)))
    >>> len(ml.levels) > 2
    True
    """
    return _by_name(A, None, "ruge-stueben", parameters)


def solve(A: Any, b: ArrayLike, **options: Any) -> Any:
    """Builds a solver for A and solves A x = b, with the options of ``Solver.solve``.

    >>> import numpy as np, multigrad
    >>> multigrad.solve(multigrad.gallery.poisson((30, 30)), np.ones(900), tol=1e-10).shape
    (900,)
    """
    limits = {name: options[name] for name in ("time_limit", "memory_limit") if name in options}
    return solver(A, **limits).solve(b, **options)


def load(path: str | os.PathLike[str], A: Any) -> Solver:
    """Reads a solver that ``Solver.save`` wrote. A is the matrix for which it was saved; another one is an ``Error``."""
    return Solver(Core.load(os.fsdecode(path), of_scipy(A)))


def report(
    A: Any,
    path: str | os.PathLike[str],
    b: ArrayLike | None = None,
    *,
    B: ArrayLike | None = None,
    coordinates: ArrayLike | None = None,
    solves: int | None = None,
    train: bool = False,
    time_limit: float = 30.0,
    memory_limit: float | None = None,
    seed: int = 1,
    title: str | None = None,
) -> str:
    """Writes a page on the matrix A for a browser.

    It shows properties of the matrix, the automatic choice with its reasons, the levels with their times, other configurations,
    the slowest error, and advice.

    Parameters
    ----------
    A, B
        As for ``solver``.
    path
        The HTML file. It needs no other files.
    b
        The right-hand side. Default: ones.
    coordinates
        The coordinates of the unknowns, n × 2: the slowest error is drawn on them.
    solves
        Also says what training would gain for this number of solves.
    train
        Also trains the smoothers by default settings, and plots the loss.
    time_limit
        Seconds of the comparison with other configurations, and of each training.
    memory_limit
        Bytes of the whole process.
    seed
        Seed of the random vectors.
    title
        Default: the name of the file.

    Returns the sentence about the solve.

    >>> import multigrad
    >>> flow = multigrad.gallery.problem("recirculating-flow", 20)
    >>> multigrad.report(flow.A, "flow.html", flow.b, coordinates=flow.coordinates)[:9]
    'converged'
    """
    name = os.fsdecode(path)
    matrix = of_scipy(A)
    right = np.ones(matrix.shape[0]) if b is None else _checks.real_array("b", b)
    settings = {
        "title": os.path.splitext(os.path.basename(name))[0] if title is None else _checks.text("title", title),
        "solves": None if solves is None else _checks.integer("solves", solves, 1),
        "train": bool(train),
        "time_limit": _checks.number("time_limit", time_limit),
        "memory_limit": _checks.optional_bytes("memory_limit", memory_limit),
        "seed": _checks.integer("seed", seed),
    }
    points = None if coordinates is None else _columns("coordinates", coordinates)
    modes = None if B is None else _modes(B)
    if right.ndim != 1:
        raise Error(f"b has the shape {right.shape}; a report takes one right-hand side")
    return _multigrad.report(matrix, right, name, points, modes, settings)[1]


def _columns(name: str, value: ArrayLike) -> NDArray[np.float64]:
    block = _checks.real_array(name, value)
    if block.ndim != 2:
        raise Error(f"{name} has the shape {block.shape}; it must be an n × k array")
    return np.ascontiguousarray(block)


def _by_name(A: Any, B: ArrayLike | None, setup: str, parameters: dict[str, Any]) -> Solver:
    if "setup" in parameters:
        raise TypeError(f"the setup is {setup!r}; for another one use multigrad.solver")
    return solver(A, B, setup=setup, **parameters)


def _modes(B: ArrayLike) -> NDArray[np.float64]:
    modes = _checks.real_array("B", B)
    if modes.ndim == 1:
        modes = modes.reshape(-1, 1)
    return _columns("B", modes)


def _sweeps(sweeps: Any) -> tuple[int, int]:
    try:
        pre, post = sweeps
    except (TypeError, ValueError):
        raise TypeError("sweeps must be a pair of integers, such as (1, 1)") from None
    return _checks.integer("sweeps", pre, 0, 1000), _checks.integer("sweeps", post, 0, 1000)

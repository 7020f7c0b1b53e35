"""Solves: arguments, right-hand sides of one or two dimensions, results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np
import scipy.sparse

from . import _checks
from ._errors import Error, NotConverged
from ._results import SolveResult

__all__ = ["SolveOptions", "run_solve"]


class SolveOptions(TypedDict, total=False):
    """The options of ``Solver.solve`` that are given by name."""

    rtol: float | None
    atol: float
    restart: int
    least_squares: bool
    transposed: bool
    time_limit: float | None
    memory_limit: float | None


def run_solve(
    solve: Callable[..., list[dict[str, Any]]],
    n: int,
    b: Any,
    x0: Any,
    options: dict[str, Any],
    callback: Any,
    full_output: bool,
) -> Any:
    """Solves by ``solve`` of the extension; see ``Solver.solve``."""
    right = _columns("b", b, n)
    guess = None if x0 is None else _columns("x0", x0, n)
    if guess is not None and guess.shape != right.shape:
        raise Error(f"x0 has the shape {guess.shape} and b {right.shape}; they must agree")
    rows = np.ascontiguousarray(right.reshape(n, -1).T)
    start = None if guess is None else np.ascontiguousarray(guess.reshape(n, -1).T)
    out = np.empty_like(rows)
    settings = _settings(**options)
    fields = solve(rows, start, out, settings, _checks.callback("callback", callback)) if len(rows) else []
    x = out[0].reshape(right.shape) if right.ndim == 1 else np.ascontiguousarray(out.T)
    results = [SolveResult(x=x if right.ndim == 1 else x[:, j], **f) for j, f in enumerate(fields)]
    if full_output:
        return results[0] if right.ndim == 1 else results
    failed = [j for j, r in enumerate(results) if not r.converged]
    if failed:
        place = "" if right.ndim == 1 else f"right-hand side {failed[0] + 1} of {len(results)}: "
        raise NotConverged(f"{place}{results[failed[0]].text}", x, results)
    return x


def _columns(name: str, value: Any, n: int) -> Any:
    if scipy.sparse.issparse(value):
        raise TypeError(f"{name} is sparse; pass {name}.toarray()")
    array = _checks.real_array(name, value)
    if array.ndim not in (1, 2) or array.shape[0] != n:
        raise Error(f"{name} has the shape {array.shape}; the matrix needs ({n},) or ({n}, k)")
    return array


def _settings(
    *,
    tol: Any,
    rtol: Any,
    atol: Any,
    maxiter: Any,
    restart: Any,
    accel: Any,
    least_squares: Any,
    transposed: Any,
    time_limit: Any,
    memory_limit: Any,
) -> dict[str, Any]:
    if tol is not None and rtol is not None:
        raise Error("tol and rtol are both given; they are two names of the relative tolerance")
    relative = rtol if tol is None else tol
    if least_squares and transposed:
        raise Error("least_squares and transposed cannot be combined; build a solver of the transposed matrix")
    return {
        "rtol": 1e-8 if relative is None else _checks.number("tol", relative, positive=True),
        "atol": _checks.number("atol", atol),
        "maxiter": _checks.integer("maxiter", maxiter),
        "restart": _checks.integer("restart", restart, 1),
        "accel": _checks.method(accel),
        "least_squares": bool(least_squares),
        "transposed": bool(transposed),
        "time_limit": _checks.optional_number("time_limit", time_limit),
        "memory_limit": _checks.optional_bytes("memory_limit", memory_limit),
    }

"""Model problems as matrices of SciPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _checks, _multigrad
from ._errors import Error
from ._matrix import to_scipy

__all__ = ["NAMES", "Problem", "poisson", "problem", "rigid_body_modes"]

#: The names that ``problem`` takes.
NAMES: tuple[str, ...] = tuple(_multigrad.problem_names)

#: Most unknowns of a problem.
_MOST = 2**27


class Problem(NamedTuple):
    """A matrix with a right-hand side."""

    #: The matrix, a ``csr_array``.
    A: Any
    #: The right-hand side.
    b: NDArray[np.float64]
    #: Coordinates of the unknowns, n × d.
    coordinates: NDArray[np.float64]
    #: Near-nullspace candidates, n × k, if they are not constants: the argument ``B`` of a solver.
    near_nullspace: NDArray[np.float64] | None


def poisson(grid: Sequence[int]) -> Any:
    """The matrix of −Δu on a grid of two or three dimensions with Dirichlet boundaries, a ``csr_array``.

    >>> import multigrad
    >>> multigrad.gallery.poisson((100, 50)).shape
    (5000, 5000)
    """
    sizes = [_checks.integer("grid", n, 1) for n in grid]
    if len(sizes) not in (2, 3) or float(np.prod(np.array(sizes, dtype=float))) > _MOST:
        raise Error(f"the grid is {tuple(sizes)}; it must have two or three dimensions and at most {_MOST} points")
    return to_scipy(_multigrad.poisson(sizes)[0])


def problem(name: str, n: int, seed: int = 0) -> Problem:
    """The model problem with a name out of ``NAMES`` on n unknowns (cells, elements) in every direction.

    >>> import multigrad
    >>> A, b, coordinates, modes = multigrad.gallery.problem("elasticity2d", 10)
    >>> modes.shape[1]
    3
    """
    n = _checks.integer("n", n, 1)
    size = n if name.startswith("power-law") else n**3 if "3d" in _checks.text("name", name).lower() else n**2
    if size > _MOST:
        raise Error(f"the problem {name!r} of size {n} has more than {_MOST} unknowns; choose a smaller n")
    matrix, b, coordinates, modes = _multigrad.problem(name, n, _checks.integer("seed", seed, 0, 2**63))
    return Problem(to_scipy(matrix), b, coordinates, modes)


def rigid_body_modes(coordinates: ArrayLike) -> NDArray[np.float64]:
    """Rigid-body modes for the displacements of nodes: near-nullspace candidates ``B`` of elasticity.

    ``coordinates`` has one row per node, with 2 or 3 columns. The unknowns of a node follow one another: x and y (and z)
    of the first node, then those of the second.

    >>> import multigrad
    >>> multigrad.gallery.rigid_body_modes([[0, 0], [1, 0], [0, 1]]).shape
    (6, 3)
    """
    nodes = _checks.real_array("coordinates", coordinates)
    if nodes.ndim != 2 or nodes.shape[1] not in (2, 3):
        raise Error(f"coordinates have the shape {nodes.shape}; they must have one row per node and 2 or 3 columns")
    return _multigrad.rigid_body_modes(np.ascontiguousarray(np.repeat(nodes, nodes.shape[1], axis=0)))

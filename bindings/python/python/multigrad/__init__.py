"""Algebraic multigrid for the sparse matrices of SciPy, with smoothers that can be trained for a matrix.

>>> import numpy as np, multigrad
>>> A = multigrad.gallery.poisson((50, 50))
>>> x = multigrad.solve(A, np.ones(2500))
>>> bool(np.linalg.norm(A @ x - 1) < 1e-6)
True

``solver`` builds a solver for a matrix and many right-hand sides, ``smoothed_aggregation_solver`` and
``ruge_stuben_solver`` select the method. A ``Solver`` is a ``LinearOperator`` of SciPy: the methods of
``scipy.sparse.linalg`` take it as their preconditioner ``M``. ``LearnedSolver`` trains between its solves.
"""

from . import gallery
from ._errors import Error, LimitExceeded, NotConverged
from ._functions import load, report, ruge_stuben_solver, smoothed_aggregation_solver, solve, solver
from ._learned import LearnedSolver
from ._multigrad import __version__
from ._results import Progress, SolveResult, TrainingReport
from ._solver import Solver

__all__ = [
    "Error",
    "LearnedSolver",
    "LimitExceeded",
    "NotConverged",
    "Progress",
    "SolveResult",
    "Solver",
    "TrainingReport",
    "__version__",
    "gallery",
    "load",
    "report",
    "ruge_stuben_solver",
    "smoothed_aggregation_solver",
    "solve",
    "solver",
]

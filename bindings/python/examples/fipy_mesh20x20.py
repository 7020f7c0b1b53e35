"""The example diffusion/mesh20x20 of FiPy on a finer grid, with its solvers and with multigrad.

    python fipy_mesh20x20.py [cells per edge]

The class below makes multigrad a solver of FiPy: pass it as solver= to eq.solve.
"""

import os
import sys
import time
import warnings

os.environ.setdefault("FIPY_SOLVERS", "scipy")
arguments, sys.argv = sys.argv[1:], sys.argv[:1]  # FiPy reads the command line.

import numpy as np
from fipy import CellVariable, DiffusionTerm, Grid2D, TransientTerm
from fipy.solvers.scipy import LinearCGSolver, LinearLUSolver
from fipy.solvers.scipy.scipySolver import ScipySolver

import multigrad


class MultigradSolver(ScipySolver):
    """Solves the linear systems of FiPy. New values on the same pattern, as in time stepping, update the solver."""

    _multigrad = None

    def _adaptLegacyTolerance(self, L, x, b):
        return (1.0, None)

    _adaptRHSTolerance = _adaptLegacyTolerance

    def _solve_(self, L, x, b):
        if self._multigrad is None:
            self._multigrad = multigrad.solver(L)
        else:
            try:
                self._multigrad.update(L)
            except multigrad.Error:  # another pattern
                self._multigrad = multigrad.solver(L)
        result = self._multigrad.solve(b, x0=x, tol=self.tolerance, maxiter=self.iterations, full_output=True)
        self._setConvergence(
            suite="scipy", code=0 if result.converged else 1, iterations=result.iterations, residual=result.residual
        )
        self.convergence.warn()
        return result.x


cells = int(arguments[0]) if arguments else 400
STEPS = 10
mesh = Grid2D(dx=20.0 / cells, dy=20.0 / cells, nx=cells, ny=cells)
X, Y = mesh.faceCenters
top_left = (mesh.facesLeft & (Y > 10)) | (mesh.facesTop & (X < 10))
bottom_right = (mesh.facesRight & (Y < 10)) | (mesh.facesBottom & (X > 10))


def run(solver):
    """Ten implicit steps, then the steady state: seconds of both, and the last two states."""
    phi = CellVariable(mesh=mesh, value=0.0)
    phi.constrain(0, top_left)
    phi.constrain(1, bottom_right)
    eq = TransientTerm() == DiffusionTerm(coeff=1.0)
    start = time.perf_counter()
    for _ in range(STEPS):
        eq.solve(var=phi, dt=4.5, solver=solver())
    stepped = time.perf_counter()
    transient = phi.value.copy()
    DiffusionTerm(coeff=1.0).solve(var=phi, solver=solver())
    return stepped - start, time.perf_counter() - stepped, transient, phi.value.copy()


def fixed(kind):
    """One solver for all steps, so that multigrad can update it."""
    solver = kind(tolerance=1e-10, iterations=10_000, criterion="RHS")
    return lambda: solver


variants = {
    "FiPy: CG with its default preconditioner": lambda: LinearCGSolver(
        tolerance=1e-10, iterations=10_000, criterion="RHS"
    ),
    "FiPy: LU": lambda: LinearLUSolver(tolerance=1e-10),
    "multigrad": fixed(MultigradSolver),
}
warnings.simplefilter("ignore")
run(fixed(MultigradSolver))
*_, transient, steady = run(lambda: LinearLUSolver(tolerance=1e-13))
print(f"{cells} × {cells} cells, times of {STEPS} steps and of the steady state, with the assembly by FiPy")
for name, solver in variants.items():
    times = [run(solver) for _ in range(3)]
    seconds = np.median([t[:2] for t in times], axis=0)
    errors = [np.linalg.norm(x - y) / np.linalg.norm(y) for x, y in zip(times[-1][2:], (transient, steady))]
    print(f"{name:<42} {seconds[0]:8.3f} s {seconds[1]:8.3f} s   errors {errors[0]:.1e} {errors[1]:.1e}")

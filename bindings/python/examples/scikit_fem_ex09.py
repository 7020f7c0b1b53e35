"""Example 9 of scikit-fem, Poisson's equation on a cube of tetrahedra, with its solvers and with multigrad.

    python scikit_fem_ex09.py [points per edge]

scikit-fem passes M= to the CG method of SciPy; multigrad is used in the same way, and as a solver of its own.
"""

import sys
import time

import numpy as np
import pyamg
from skfem import Basis, BilinearForm, ElementTetP1, LinearForm, MeshTet, condense, solve
from skfem.helpers import dot, grad
from skfem.utils import build_pc_diag, solver_iter_pcg

import multigrad

points = int(sys.argv[1]) if len(sys.argv) > 1 else 50
REPETITIONS = 5

grid = np.linspace(0, 1, points)
mesh = MeshTet.init_tensor(grid, grid, grid)
basis = Basis(mesh, ElementTetP1())


@BilinearForm
def laplace(u, v, _):
    return dot(grad(u), grad(v))


@LinearForm
def unit_load(v, _):
    return 1.0 * v


A, b = condense(laplace.assemble(basis), unit_load.assemble(basis), I=mesh.interior_nodes(), expand=False)
reference = multigrad.solver(A).solve(b, tol=1e-14, maxiter=1000, full_output=True).x

# A relative tolerance of 1e-8 for every method.
variants = {
    "scikit-fem: CG, diagonal (its default)": lambda: solve(
        A, b, solver=solver_iter_pcg(M=build_pc_diag(A), rtol=1e-8)
    ),
    "scikit-fem: CG, PyAMG": lambda: solve(
        A, b, solver=solver_iter_pcg(M=pyamg.smoothed_aggregation_solver(A).aspreconditioner(), rtol=1e-8)
    ),
    "scikit-fem: direct": lambda: solve(A, b),
    "scikit-fem: CG, multigrad": lambda: solve(A, b, solver=solver_iter_pcg(M=multigrad.solver(A), rtol=1e-8)),
    "multigrad": lambda: solve(A, b, solver=lambda A, b: multigrad.solve(A, b, tol=1e-8)),
}

print(f"{A.shape[0]} unknowns, {A.nnz} nonzeros, medians of {REPETITIONS} runs, setup included")
for name, run in variants.items():
    if "direct" in name and A.shape[0] > 30_000:
        print(f"{name:<42} left out: its factors are large")
        continue
    times = []
    for _ in range(1 if "direct" in name else REPETITIONS):
        start = time.perf_counter()
        x = run()
        times.append(time.perf_counter() - start)
    error = np.linalg.norm(x - reference) / np.linalg.norm(reference)
    residual = np.linalg.norm(b - A @ x) / np.linalg.norm(b)
    print(f"{name:<42} {np.median(times):8.3f} s   residual {residual:.1e}   error {error:.1e}")

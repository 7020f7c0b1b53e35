"""The example of PyAMG's README by PyAMG and by multigrad: a Poisson problem on 500 × 500 points.

    python pyamg_readme.py [points] [repetitions]

Set RAYON_NUM_THREADS=1 to compare on one thread; PyAMG uses one.
"""

import sys
import time

import numpy as np
import pyamg
import scipy.sparse as sp

import multigrad

points = int(sys.argv[1]) if len(sys.argv) > 1 else 500
repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 7

A = sp.csr_matrix(pyamg.gallery.poisson((points, points), format="csr"))
exact = np.random.default_rng(0).random(A.shape[0])
b = A @ exact


def measure(name, build):
    """Medians of the seconds of setup and solve, after a run that does not count."""
    times = []
    for repetition in range(repetitions + 1):
        start = time.perf_counter()
        ml = build(A)
        built = time.perf_counter()
        x = ml.solve(b, tol=1e-10)
        times.append((built - start, time.perf_counter() - built))
    setup, solve = np.median(times[1:], axis=0)
    total = np.median(np.sum(times[1:], axis=1))
    error = np.linalg.norm(x - exact) / np.linalg.norm(exact)
    residual = np.linalg.norm(b - A @ x) / np.linalg.norm(b)
    print(f"{name:<40} {setup:8.3f} {solve:8.3f} {total:8.3f}   {residual:.1e}   {error:.1e}")
    return total


print(f"{A.shape[0]} unknowns, medians of {repetitions} runs")
print(f"{'solver':<40} {'setup':>8} {'solve':>8} {'sum (s)':>8}   residual  error")
theirs = measure("pyamg.ruge_stuben_solver", pyamg.ruge_stuben_solver)
same = measure("multigrad.ruge_stuben_solver", multigrad.ruge_stuben_solver)
own = measure("multigrad.solver", multigrad.solver)
print(
    f"PyAMG takes {theirs / same:.2f} times as long as multigrad.ruge_stuben_solver, {theirs / own:.2f} times as long as multigrad.solver"
)

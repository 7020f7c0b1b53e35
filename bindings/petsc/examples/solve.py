"""Solves with a solver that multigrad exported: mpirun -n 4 python3 solve.py flow.petsc [-ksp_monitor ...]"""

import sys

import petsc4py

petsc4py.init(sys.argv)

from petsc4py import PETSc  # noqa: E402

from multigrad_petsc import load  # noqa: E402

ksp, permutation = load(sys.argv[1])
a, _ = ksp.getOperators()
x, b = a.createVecs()
b.set(1.0)
ksp.setConvergenceHistory()
ksp.solve(b, x)
if PETSc.COMM_WORLD.rank == 0:
    word = "converged" if ksp.getConvergedReason() > 0 else "not converged"
    print(f"{word} after {ksp.getIterationNumber()} iterations")
norm = x.norm()
if PETSc.COMM_WORLD.rank == 0:
    print(f"|x| = {norm:.10g}")
code = 0 if ksp.getConvergedReason() > 0 else 3
# Before PETSc ends: smoothers may hold objects of Python.
ksp.destroy()
sys.exit(code)

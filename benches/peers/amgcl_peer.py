"""AMGCL through pyamgcl."""

import itertools

import pyamgcl

NAME = "AMGCL"
COARSENINGS = {
    "SA": "smoothed_aggregation",
    "RS": "ruge_stuben",
    "EMIN": "smoothed_aggr_emin",
    "PA": "aggregation",
}
# Its direct solver takes over at 5000 unknowns unless told, which is late for a problem of 64².
SMALL = 500


def version():
    import importlib.metadata

    return "pyamgcl " + importlib.metadata.version("pyamgcl")


def configurations(a, symmetric):
    if symmetric:
        smoothers = ["spai0", "damped_jacobi", "gauss_seidel", "chebyshev", "ilu0"]
        names = [f"{c} {s} cg" for c in ("SA", "RS") for s in smoothers]
        names += [f"{c} {s} small cg" for c in ("SA", "RS") for s in smoothers[:2]]
        return names + [f"alone {s} cg" for s in ("spai0", "damped_jacobi", "ilu0")]
    methods = ["bicgstab", "fgmres"]
    smoothers = ["spai0", "damped_jacobi", "gauss_seidel", "ilu0", "ilut"]
    names = [" ".join((c, s, "small", m)) for c, s, m in itertools.product(("SA", "RS"), smoothers, methods)]
    names += [" ".join((c, s, "small", m)) for c, s, m in itertools.product(("EMIN", "PA"), ("spai0", "ilu0"), methods)]
    return names + [f"alone {s} {m}" for s in ("ilu0", "iluk", "ilut") for m in methods]


def prepare(a):
    return a


def setup(a, name, rtol):
    coarsening, smoother, *small, method = name.split()
    if coarsening == "alone":
        options = {"type": smoother, "k": 2} if smoother == "iluk" else {"type": smoother}
        preconditioner = pyamgcl.relaxation(a, options)
    else:
        options = {"coarsening.type": COARSENINGS[coarsening], "relax.type": smoother}
        preconditioner = pyamgcl.amg(a, {**options, "coarse_enough": SMALL} if small else options)
    return pyamgcl.solver(preconditioner, {"type": method, "tol": rtol, "maxiter": 500})


def solve(solver, b):
    x = solver(b)
    return x, solver.iters

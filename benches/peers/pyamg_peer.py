"""PyAMG: smoothed aggregation, classical (Ruge and Stüben), and AIR for flow."""

import pyamg

NAME = "PyAMG"


def version():
    return "pyamg " + pyamg.__version__


def configurations(a, symmetric):
    if symmetric:
        return ["SA cg", "RS cg", "RS PMIS cg"]
    return ["SA bicgstab", "SA fgmres", "AIR gmres", "AIR bicgstab"]


def prepare(a):
    return a


def setup(a, name, rtol):
    kind, *rest, method = name.split()
    if kind == "SA" and method == "cg":
        hierarchy = pyamg.smoothed_aggregation_solver(a)
    elif kind == "SA":
        smoother = ("gauss_seidel_nr", {"sweep": "symmetric", "iterations": 2})
        hierarchy = pyamg.smoothed_aggregation_solver(
            a, symmetry="nonsymmetric", strength="evolution", presmoother=smoother, postsmoother=smoother
        )
    elif kind == "RS":
        hierarchy = pyamg.ruge_stuben_solver(a, CF=rest[0] if rest else "RS")
    else:
        hierarchy = pyamg.air_solver(a)
    return hierarchy, method, rtol


def solve(solver, b):
    hierarchy, method, rtol = solver
    residuals = []
    x = hierarchy.solve(b, tol=rtol, accel=method, residuals=residuals, maxiter=200)
    return x, len(residuals) - 1

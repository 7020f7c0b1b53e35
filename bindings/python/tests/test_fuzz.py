"""Random calls with odd shapes, types and values: only documented exceptions pass."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import multigrad

DOCUMENTED = (multigrad.Error, TypeError)
DTYPES = [
    "float64",
    "float32",
    "float16",
    "int64",
    "int8",
    "uint32",
    "bool",
    "complex128",
    "longdouble",
    ">f8",
    "object",
]
FORMATS = ["csr", "csc", "bsr", "coo", "lil", "dok", "dia"]


def size(rng: np.random.Generator) -> int:
    return int(rng.choice([0, 1, 2, 3, 7, 30, 300]))


def values(rng: np.random.Generator, shape: Any) -> Any:
    numbers = rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 4)
    if rng.random() < 0.1 and numbers.size:
        numbers.flat[rng.integers(numbers.size)] = rng.choice([np.nan, np.inf, 0.0, 1e308, 1e-308])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return numbers.astype(rng.choice(DTYPES, p=[0.8] + [0.02] * 10))


def matrix(rng: np.random.Generator) -> Any:
    choice = rng.random()
    if choice < 0.03:
        return rng.choice([0, 1]), "matrix", None, np.eye(2)
    n = size(rng)
    m = n if rng.random() < 0.9 else size(rng)
    nnz = int(rng.integers(0, 4 * max(n, 1)))
    if not n or not m:
        nnz = 0
    rows, cols = rng.integers(0, max(n, 1), nnz), rng.integers(0, max(m, 1), nnz)
    try:
        A = sp.coo_array((values(rng, nnz), (rows, cols)), shape=(n, m))
        if n == m and n and rng.random() < 0.7:
            A = sp.coo_array(A + A.T + (10 * abs(A).max() if nnz else 1) * sp.eye_array(n))
        A = A.asformat(str(rng.choice(FORMATS)))
    except Exception:  # SciPy refuses some types.
        return sp.csr_array((n, m))
    if A.format == "csr" and rng.random() < 0.1 and A.nnz:
        damage(rng, A)
    return A


def damage(rng: np.random.Generator, A: Any) -> None:
    """Changes one of the arrays behind the back of SciPy."""
    name = str(rng.choice(["indices", "indptr", "data"]))
    array = getattr(A, name).copy()
    if rng.random() < 0.3:
        array = array[: rng.integers(len(array))]
    elif name != "data":
        array[rng.integers(len(array))] = rng.choice([-1, 0, 5, 1000, 2**31 - 1])
        array = array.astype(rng.choice(["int32", "int64", "uint8", "float64"]))
    setattr(A, name, array)


def vector(rng: np.random.Generator, n: int) -> Any:
    if rng.random() < 0.04:
        return rng.choice(np.array([None, "text", 3.5, [[1], [2, 3]]], dtype=object))
    n = n if rng.random() < 0.9 else size(rng)
    shape: Any = n if rng.random() < 0.7 else (n, int(rng.integers(0, 4)))
    return values(rng, shape)


def odd(rng: np.random.Generator, usual: Any) -> Any:
    return (
        usual
        if rng.random() < 0.96
        else rng.choice(np.array([None, -1, 0, 1e-3, 2**40, "cg", "none", np.nan, (1, 2), True], dtype=object))
    )


def call(rng: np.random.Generator) -> None:
    A = matrix(rng)
    n = A.shape[0] if sp.issparse(A) else 3
    names = ["auto", "sa", "classical", "ruge-stueben", "none", "direct", "air", "root-node", "pairwise"]
    smoothers = [None, "jacobi", "gauss-seidel", "ilu0", "chebyshev(3)", "spai0", "ilut(0.01,5)", "schwarz"]
    setup = str(rng.choice(names))
    parameters: dict[str, Any] = {"setup": odd(rng, setup)}
    if setup != "auto":
        parameters["smoother"] = odd(rng, rng.choice(np.array(smoothers, dtype=object)))
        parameters["sweeps"] = odd(rng, (1, 1))
        parameters["cycle"] = odd(rng, str(rng.choice(["V", "W", "F", "K"])))
    modes = vector(rng, n) if rng.random() < 0.1 else None
    solver = multigrad.solver(A, modes, time_limit=5, **parameters)
    for _ in range(2):
        try:
            solver.solve(
                vector(rng, n),
                x0=None if rng.random() < 0.8 else vector(rng, n),
                tol=odd(rng, 1e-6),
                maxiter=odd(rng, 20),
                accel=odd(rng, None),
                restart=odd(rng, 10),
                least_squares=bool(rng.random() < 0.1),
                transposed=bool(rng.random() < 0.1),
                full_output=bool(rng.random() < 0.5),
                time_limit=5,
            )
        except DOCUMENTED:
            pass
    try:
        solver @ vector(rng, n)
    except (*DOCUMENTED, ValueError):  # SciPy checks the shape first.
        pass
    action = rng.random()
    if action < 0.1:
        solver.update(A if rng.random() < 0.5 else matrix(rng))
    elif action < 0.13:
        solver.train(steps=odd(rng, 2), seed=odd(rng, 1), time_limit=1)
    elif action < 0.16:
        solver.train(solves=odd(rng, 30), time_limit=1)
    elif action < 0.2:
        multigrad.LearnedSolver(A, share=odd(rng, 0.5)).solve(vector(rng, n), maxiter=50)
    elif action < 0.25:
        solver.condition()
    elif action < 0.3:
        solver.forward_error(vector(rng, n), vector(rng, n))
    assert solver.levels and repr(solver) and solver.report()


@pytest.mark.parametrize("block", range(10))
def test_random_calls(block: int) -> None:
    for number in range(200):
        rng = np.random.default_rng(1000 * block + number)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                call(rng)
        except DOCUMENTED:
            pass
        except Exception as error:
            raise AssertionError(f"seed {1000 * block + number}: {type(error).__name__}: {error}") from error

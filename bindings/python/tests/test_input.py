"""Matrices of all formats and types, and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import multigrad
from multigrad._matrix import of_scipy, to_scipy

FORMATS = ["csr", "csc", "bsr", "coo", "dia", "lil", "dok"]


def same(A: Any, B: Any) -> bool:
    return A.shape == B.shape and abs(sp.csr_array(A) - sp.csr_array(B)).sum() == 0


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("name", FORMATS)
def test_formats(name: str, kind: str, poisson: sp.csr_array) -> None:
    A = getattr(sp, f"{name}_{kind}")(poisson)
    assert same(to_scipy(of_scipy(A)), poisson)
    b = np.ones(A.shape[0])
    assert np.linalg.norm(A @ multigrad.solve(A, b) - b) < 1e-6 * np.linalg.norm(b)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint16", "int64", "uint64", "longdouble", ">f8"])
@pytest.mark.parametrize("index", ["int32", "int64"])
def test_types(dtype: str, index: str) -> None:
    A = multigrad.gallery.poisson((9, 9))
    A = sp.csr_array((abs(A.data), A.indices.astype(index), A.indptr.astype(index)), shape=A.shape)
    other = A.astype(dtype) if dtype != ">f8" else A
    if dtype == ">f8":
        other.data = other.data.astype(dtype)
    assert same(to_scipy(of_scipy(other)), A)


def test_unsorted_indices_and_duplicates_leave_the_matrix_alone(rng: np.random.Generator) -> None:
    rows, cols = rng.integers(0, 30, 200), rng.integers(0, 30, 200)
    values = rng.integers(-5, 5, 200).astype(float)
    coo = sp.coo_array((values, (rows, cols)), shape=(30, 30))
    expected = coo.toarray()
    order = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[order], np.arange(31))
    csr = sp.csr_array((values[order], cols[order].astype(np.int32), starts.astype(np.int32)), shape=(30, 30))
    before = csr.indices.copy(), csr.data.copy()
    for A in (coo, csr, sp.csc_array(csr)):
        assert np.array_equal(to_scipy(of_scipy(A)).toarray(), expected)
    assert np.array_equal(before[0], csr.indices) and np.array_equal(before[1], csr.data)


def test_spare_room_and_explicit_zeros(poisson: sp.csr_array) -> None:
    A = poisson.copy()
    A.data = np.append(A.data, [7.0, 8.0])
    A.indices = np.append(A.indices, [0, 0]).astype(np.int32)
    assert same(to_scipy(of_scipy(A)), poisson)
    B = poisson.copy()
    B.data[3] = 0.0
    assert of_scipy(B).nnz == poisson.nnz


def test_read_only_and_strided_arrays(poisson: sp.csr_array) -> None:
    A = poisson.copy()
    for array in (A.data, A.indices, A.indptr):
        array.flags.writeable = False
    assert same(to_scipy(of_scipy(A)), poisson)
    A.data = np.repeat(poisson.data, 2)[::2]
    assert same(to_scipy(of_scipy(A)), poisson)


def broken(A: sp.csr_array, **arrays: Any) -> sp.csr_array:
    A = A.copy()
    for name, value in arrays.items():
        setattr(A, name, value)
    return A


def inconsistent() -> list[Any]:
    A = multigrad.gallery.poisson((5, 5))
    low, high, falling = A.indices.copy(), A.indices.copy(), A.indptr.copy()
    low[3], high[3], falling[3] = -1, 25, 99
    return [
        broken(A, indices=low),
        broken(A, indices=high),
        broken(A, indptr=falling),
        broken(A, indptr=A.indptr[:-1]),
        broken(A, indptr=A.indptr + 1),
        broken(A, indices=A.indices[:-1]),
        broken(A, data=A.data[:-1]),
        broken(A, indices=A.indices.astype(float)),
        broken(sp.csc_array(A), indices=high),
        broken(sp.csc_array(A), data=A.data[:-1]),
        broken(sp.bsr_array(A, blocksize=(5, 5)), indices=np.array([9] * 13, dtype=np.int32)),
    ]


@pytest.mark.parametrize("number", range(11))
def test_inconsistent_matrices(number: int) -> None:
    with pytest.raises(multigrad.Error):
        multigrad.solver(inconsistent()[number])


@pytest.mark.parametrize(
    "A, error, words",
    [
        (np.eye(3), TypeError, "csr_array"),
        ([[1.0]], TypeError, "csr_array"),
        (None, TypeError, "csr_array"),
        (sp.eye_array(3, format="csr") * 1j, multigrad.Error, "complex"),
        (sp.csr_array((3, 4)), multigrad.Error, "3 × 4"),
        (sp.csr_array((0, 0)), multigrad.Error, "no rows"),
        (sp.csr_array(np.array([[np.nan]])), multigrad.Error, "row 1, column 1 is NaN"),
        (sp.csr_array(np.array([[1.0, 0], [0, np.inf]])), multigrad.Error, "row 2, column 2 is inf"),
        (sp.csr_array(np.array([[2**60 + 1]])), multigrad.Error, "2⁵³"),
        (sp.coo_array(np.ones(4)), multigrad.Error, "1 dimension"),
    ],
)
def test_bad_matrices(A: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        multigrad.solver(A)


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ({"b": np.ones(3)}, multigrad.Error, r"\(3,\)"),
        ({"b": np.ones((3600, 2, 2))}, multigrad.Error, "shape"),
        ({"b": np.full(3600, np.nan)}, multigrad.Error, "NaN in row 1"),
        ({"b": np.ones(3600) * 1j}, multigrad.Error, "complex"),
        ({"b": ["x"] * 3600}, multigrad.Error, "real numbers"),
        ({"b": [[1], [2, 3]]}, multigrad.Error, "rectangular"),
        ({"b": sp.csr_array(np.ones((3600, 1)))}, TypeError, "toarray"),
        ({"x0": np.ones(5)}, multigrad.Error, "x0"),
        ({"x0": np.ones((3600, 1))}, multigrad.Error, "x0"),
        ({"tol": 0}, multigrad.Error, "tol is 0.0"),
        ({"tol": -1e-8}, multigrad.Error, "positive"),
        ({"tol": float("nan")}, multigrad.Error, "finite"),
        ({"tol": "small"}, TypeError, "number"),
        ({"tol": 1e-8, "rtol": 1e-8}, multigrad.Error, "both given"),
        ({"maxiter": -1}, multigrad.Error, "between 0"),
        ({"maxiter": 2.5}, TypeError, "integer"),
        ({"maxiter": 2**70}, multigrad.Error, "between"),
        ({"accel": "newton"}, multigrad.Error, "bicgstab"),
        ({"accel": 3}, TypeError, "string"),
        ({"callback": 3}, TypeError, "function"),
        ({"time_limit": -1}, multigrad.Error, "time_limit"),
        ({"least_squares": True, "transposed": True}, multigrad.Error, "combined"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], words: str, poisson: Any) -> None:
    solver = multigrad.solver(poisson)
    with pytest.raises(error, match=words):
        solver.solve(**({"b": np.ones(3600)} | arguments))


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ({"setup": "amg"}, multigrad.Error, "ruge-stueben"),
        ({"smoother": "jacobi"}, multigrad.Error, "without a setup"),
        ({"setup": "sa", "smoother": "magic"}, multigrad.Error, "chebyshev"),
        ({"setup": "sa", "cycle": "Z"}, multigrad.Error, "V, W, F, K"),
        ({"setup": "sa", "sweeps": 2}, TypeError, "pair"),
        ({"setup": "sa", "sweeps": (1, -1)}, multigrad.Error, "sweeps"),
        ({"B": np.ones(7)}, multigrad.Error, "7"),
        ({"B": np.ones((3600, 1, 1))}, multigrad.Error, "n × k"),
        ({"B": np.ones(3600), "setup": "classical"}, multigrad.Error, "near-nullspace"),
        ({"setup": 7}, TypeError, "string"),
    ],
)
def test_bad_parameters(arguments: dict[str, Any], error: type[Exception], words: str, poisson: Any) -> None:
    with pytest.raises(error, match=words):
        multigrad.solver(poisson, **arguments)


def test_the_class_names_the_function_that_builds_it(poisson: Any) -> None:
    with pytest.raises(TypeError, match=r"multigrad.solver\(A\)"):
        multigrad.Solver(poisson)


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ({"b": np.ones(7)}, multigrad.Error, "7"),
        ({"b": np.ones((3600, 2))}, multigrad.Error, "one right-hand side"),
        ({"coordinates": np.ones(3600)}, multigrad.Error, "n × k"),
        ({"coordinates": np.ones((7, 2))}, multigrad.Error, "7"),
        ({"B": np.ones(7)}, multigrad.Error, "7"),
        ({"solves": 0}, multigrad.Error, "solves"),
        ({"time_limit": "long"}, TypeError, "time_limit"),
        ({"path": "missing/folder/page.html"}, OSError, "missing"),
    ],
)
def test_bad_reports(arguments: dict[str, Any], error: type[Exception], words: str, poisson: Any, tmp_path: Any) -> None:
    given = {"path": tmp_path / "page.html", "time_limit": 1} | arguments
    with pytest.raises(error, match=words):
        multigrad.report(poisson, **given)
    assert not (tmp_path / "page.html").exists()


def test_a_report_is_one_page(poisson: Any, tmp_path: Any) -> None:
    path = tmp_path / "page.html"
    assert multigrad.report(poisson, path, time_limit=1, title="a <plate>").startswith("converged")
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and "a &lt;plate&gt;" in page

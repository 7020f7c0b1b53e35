"""The solver as a LinearOperator of SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla

import multigrad


# MINRES measures the residual relative to estimates of the norms of A and x.
@pytest.mark.parametrize(
    "method, rtol",
    [(spla.cg, 1e-8), (spla.minres, 1e-12), (spla.bicgstab, 1e-8), (spla.gmres, 1e-8), (spla.lgmres, 1e-8)],
)
def test_preconditioner_of_scipy(method: object, rtol: float, poisson: sp.csr_array) -> None:
    solver = multigrad.solver(poisson)
    b = np.ones(poisson.shape[0])
    x, info = method(poisson, b, M=solver, rtol=rtol, maxiter=60)
    assert info == 0
    assert np.linalg.norm(poisson @ x - b) < 1e-5 * np.linalg.norm(b)


def test_eigenvalues_by_lobpcg(poisson: sp.csr_array, rng: np.random.Generator) -> None:
    X = rng.standard_normal((poisson.shape[0], 4))
    values, _ = spla.lobpcg(poisson, X, M=multigrad.solver(poisson), largest=False, tol=1e-6, maxiter=60)
    h = np.pi / 61
    expected = sorted(4 - 2 * np.cos(i * h) - 2 * np.cos(j * h) for i in range(1, 4) for j in range(1, 4))[:4]
    assert np.allclose(sorted(values), expected, rtol=1e-4)


def test_products_agree(flow: sp.csr_array, rng: np.random.Generator) -> None:
    solver = multigrad.solver(flow)
    n = flow.shape[0]
    x, y = rng.standard_normal(n), rng.standard_normal(n)
    X = rng.standard_normal((n, 2))
    assert isinstance(solver, spla.LinearOperator) and solver.aspreconditioner() is solver
    assert solver.shape == (n, n) and solver.dtype == np.float64
    assert np.array_equal(solver @ x, solver.matvec(x))
    assert np.array_equal((solver @ X)[:, 0], solver @ X[:, 0])
    assert y @ (solver @ x) == pytest.approx(x @ (solver.T @ y), rel=1e-4)
    assert np.allclose(solver.rmatmat(X)[:, 1], solver.H @ X[:, 1])
    assert solver.matvec(x.reshape(-1, 1)).shape == (n, 1)
    assert np.allclose(solver @ x.astype(np.float32), solver @ x, rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError):
        solver @ np.ones(3)


def test_printed_solver(poisson: sp.csr_array) -> None:
    solver = multigrad.solver(poisson, setup="sa", smoother="chebyshev(2)")
    text = repr(solver)
    assert "3600 × 3600 multigrad.Solver" in text and "operator complexity" in text
    levels = solver.levels
    assert levels[0]["unknowns"] == 3600 and levels[0]["nonzeros"] == poisson.nnz
    assert levels[-1]["presmoother"] == "direct"
    assert sum(level["nonzeros"] for level in levels) / poisson.nnz == pytest.approx(solver.operator_complexity())
    assert sum(level["unknowns"] for level in levels) / 3600 == pytest.approx(solver.grid_complexity())
    assert "setup" in solver.report() and str(solver) in text and solver.setup_seconds > 0
    one = multigrad.solver(poisson, setup="none", smoother="jacobi")
    assert len(one.levels) == 1


def test_near_nullspace(rng: np.random.Generator) -> None:
    A, b, coordinates, modes = multigrad.gallery.problem("elasticity2d", 24)
    nodes = coordinates[::2]
    assert np.allclose(multigrad.gallery.rigid_body_modes(nodes), modes)
    constants = np.kron(np.ones((len(nodes), 1)), np.eye(2))
    with_modes = multigrad.smoothed_aggregation_solver(A, modes).solve(b, full_output=True)
    without = multigrad.smoothed_aggregation_solver(A, constants).solve(b, full_output=True)
    assert with_modes.converged and with_modes.iterations < without.iterations

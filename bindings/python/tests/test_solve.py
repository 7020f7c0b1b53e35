"""Solves against the direct solver of SciPy, and against PyAMG."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla

import multigrad

NAMES = [
    ("poisson2d", 40),
    ("poisson3d", 12),
    ("rotated-anisotropic", 40),
    ("recirculating-flow", 40),
    ("jumps2d", 32),
    ("stretched2d", 32),
    ("elasticity2d", 16),
    ("elasticity3d", 5),
    ("unstructured3d", 10),
    ("helmholtz2d", 24),
]


@pytest.mark.parametrize("name, n", NAMES)
def test_forward_errors_against_spsolve(name: str, n: int, rng: np.random.Generator) -> None:
    A, _, _, modes = multigrad.gallery.problem(name, n, seed=1)
    exact = rng.standard_normal(A.shape[0])
    b = A @ exact
    direct = spla.spsolve(sp.csc_array(A), b)
    x = multigrad.solver(A, modes).solve(b, tol=1e-12)
    own, other = np.linalg.norm(x - exact), np.linalg.norm(direct - exact)
    assert own <= 1e-6 * np.linalg.norm(exact) + 100 * other


@pytest.mark.parametrize("build", [multigrad.ruge_stuben_solver, multigrad.smoothed_aggregation_solver])
def test_iterations_are_those_of_pyamg(build: object, poisson: sp.csr_array) -> None:
    pyamg = pytest.importorskip("pyamg")
    theirs = getattr(pyamg, build.__name__)(sp.csr_matrix(poisson))
    residuals: list[float] = []
    b = np.ones(poisson.shape[0])
    theirs.solve(b, tol=1e-8, accel="cg", residuals=residuals)
    result = build(poisson).solve(b, tol=1e-8, full_output=True)
    assert result.converged
    assert result.iterations <= 1.5 * len(residuals) + 2


def test_a_block_of_right_hand_sides_is_solved_like_each_of_them(rng: np.random.Generator) -> None:
    # Large enough to be solved at once.
    A = multigrad.gallery.poisson((190, 190))
    solver = multigrad.solver(A)
    B = rng.standard_normal((A.shape[0], 3)) * [1.0, 1e3, 1e-3]
    together = solver.solve(B, tol=1e-10, full_output=True)
    alone = [solver.solve(b, tol=1e-10, full_output=True) for b in B.T]
    for one, many in zip(alone, together):
        assert abs(one.iterations - many.iterations) <= 1
        assert np.linalg.norm(one.x - many.x) <= 1e-7 * np.linalg.norm(one.x)


def test_several_right_hand_sides(poisson: sp.csr_array, rng: np.random.Generator) -> None:
    solver = multigrad.solver(poisson)
    B = rng.standard_normal((poisson.shape[0], 3))
    X = solver.solve(B, tol=1e-10)
    assert X.shape == B.shape
    assert np.linalg.norm(poisson @ X - B, axis=0).max() < 1e-8 * np.linalg.norm(B)
    for layout in (np.asfortranarray(B), B[:, ::-1][:, ::-1], B.astype(np.float32).astype(float)):
        assert np.allclose(solver.solve(layout, tol=1e-10), X, atol=1e-5)
    results = solver.solve(B, full_output=True)
    assert len(results) == 3 and all(r.converged for r in results)
    assert solver.solve(B[:, :0]).shape == (poisson.shape[0], 0)


def test_options(poisson: sp.csr_array) -> None:
    solver = multigrad.solver(poisson)
    b = np.ones(poisson.shape[0])
    seen: list[tuple[int, float]] = []
    result = solver.solve(b, rtol=1e-6, callback=lambda i, r: seen.append((i, r)), full_output=True)
    assert [i for i, _ in seen] == list(range(1, result.iterations + 1))
    assert result.residual == result.residuals[-1] <= 1e-6
    assert str(result).startswith("converged")
    again = solver.solve(b, x0=result.x, rtol=1e-5, full_output=True)
    assert again.iterations == 0
    loose = solver.solve(b, atol=1e3, full_output=True)
    assert loose.iterations == 0
    # Plain cycles need a hierarchy.
    levels = multigrad.smoothed_aggregation_solver(poisson)
    for accel in ("cg", "bicgstab", "fgmres", "GMRES", "none"):
        assert levels.solve(b, accel=accel, full_output=True).converged


def test_transposed_solves(flow: sp.csr_array) -> None:
    b = np.ones(flow.shape[0])
    x = multigrad.solver(flow).solve(b, transposed=True, tol=1e-10)
    assert np.linalg.norm(flow.T @ x - b) < 1e-8 * np.linalg.norm(b)


def test_a_solve_that_does_not_converge_is_an_exception_with_x(poisson: sp.csr_array) -> None:
    solver = multigrad.solver(poisson)
    b = np.ones((poisson.shape[0], 2))
    with pytest.raises(multigrad.NotConverged, match="right-hand side 1 of 2: not converged after 3") as caught:
        solver.solve(b, maxiter=3)
    error = caught.value
    assert error.x.shape == b.shape and len(error.results) == 2
    assert not error.result.converged and error.result.status == "maxiter"
    assert "maxiter" in error.result.advice
    assert isinstance(error, ValueError)


def test_singular_systems_say_what_is_wrong() -> None:
    A, _, _, _ = multigrad.gallery.problem("neumann2d", 20)
    solver = multigrad.solver(A)
    b = np.ones(A.shape[0])
    b[0] += 1
    with pytest.raises(multigrad.NotConverged, match="singular.*least_squares=True"):
        solver.solve(b)
    result = solver.solve(b, least_squares=True, full_output=True)
    assert result.converged and result.removed == pytest.approx(np.sqrt(A.shape[0]), rel=1e-2)


def test_condition_and_forward_error(poisson: sp.csr_array) -> None:
    solver = multigrad.solver(poisson)
    n = poisson.shape[0]
    inverse = np.linalg.norm(np.linalg.inv(poisson.toarray()), 1)
    assert solver.condition() == pytest.approx(inverse * spla.norm(poisson, 1), rel=0.7)
    exact = np.ones(n)
    b = poisson @ exact
    x = solver.solve(b, tol=1e-4)
    assert np.abs(x - exact).max() <= 10 * solver.forward_error(x, b)


def test_limits(poisson: sp.csr_array) -> None:
    with pytest.raises(multigrad.LimitExceeded, match="time limit"):
        multigrad.solver(poisson, time_limit=0)
    with pytest.raises(multigrad.LimitExceeded, match="memory limit"):
        multigrad.solver(poisson, memory_limit=1e6)
    with pytest.raises(multigrad.NotConverged):
        multigrad.solver(poisson).solve(np.ones(poisson.shape[0]), tol=1e-14, time_limit=0)

"""Updates, files, pickles, training, threads."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import multigrad


def test_update(poisson: sp.csr_array) -> None:
    solver = multigrad.solver(poisson)
    b = np.ones(poisson.shape[0])
    heat = sp.csr_array(poisson + 0.3 * sp.eye_array(poisson.shape[0]))
    solver.update(heat)
    assert np.linalg.norm(heat @ solver.solve(b) - b) < 1e-7 * np.linalg.norm(b)
    assert (solver.matrix != heat).nnz == 0
    with pytest.raises(multigrad.Error, match="pattern"):
        solver.update(sp.csr_array(poisson @ poisson))
    with pytest.raises(multigrad.Error, match="3600 × 10"):
        solver.update(sp.csr_array(poisson[:, :10]))
    assert np.linalg.norm(heat @ solver.solve(b) - b) < 1e-7 * np.linalg.norm(b)


def test_files(poisson: sp.csr_array, tmp_path: Path) -> None:
    path = tmp_path / "poisson.mgrad"
    solver = multigrad.solver(poisson)
    solver.save(path)
    b = np.ones(poisson.shape[0])
    assert np.array_equal(multigrad.load(path, poisson).solve(b), solver.solve(b))
    with pytest.raises(multigrad.Error, match="another matrix"):
        multigrad.load(path, 2 * poisson)
    with pytest.raises(FileNotFoundError, match="missing.mgrad"):
        multigrad.load(tmp_path / "missing.mgrad", poisson)
    with pytest.raises(OSError):
        solver.save(tmp_path / "no" / "folder" / "poisson.mgrad")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(multigrad.Error, match="truncated"):
        multigrad.load(path, poisson)


def test_pickles(flow: sp.csr_array) -> None:
    solver = multigrad.solver(flow)
    copy = pickle.loads(pickle.dumps(solver))
    b = np.ones(flow.shape[0])
    assert np.array_equal(copy.solve(b), solver.solve(b)) and str(copy) == str(solver)
    with pytest.raises(multigrad.NotConverged) as caught:
        solver.solve(b, maxiter=1)
    error = pickle.loads(pickle.dumps(caught.value))
    assert str(error) == str(caught.value) and np.array_equal(error.x, caught.value.x)
    assert isinstance(pickle.loads(pickle.dumps(multigrad.Error("text"))), multigrad.Error)


def test_training_by_steps() -> None:
    A, b = multigrad.gallery.problem("recirculating-flow", 40)[:2]
    solver = multigrad.solver(A, setup="san")
    before = solver.solve(b, full_output=True).iterations
    seen: list[multigrad.Progress] = []
    report = solver.train(steps=40, seed=1, progress=seen.append)
    assert 0 < report.steps <= 40 and len(seen) >= 40
    assert report.seconds > 0 and "trained" in str(report) and str(report) in solver.report()
    result = solver.solve(b, full_output=True)
    assert result.converged
    if report.replaced:
        assert result.iterations <= before
        with pytest.raises(multigrad.Error, match="LearnedSolver"):
            solver.update(A)


def test_training_for_solves(poisson: sp.csr_array) -> None:
    solver = multigrad.solver(poisson)
    phases: list[str] = []
    report = solver.train(solves=50, progress=lambda p: phases.append(p.phase))
    assert phases and report.text
    b = np.ones(poisson.shape[0])
    assert solver.solve(b, full_output=True).converged
    with pytest.raises(multigrad.Error, match="both given"):
        solver.train(10, steps=3)


def test_learned_solver() -> None:
    A, b = multigrad.gallery.problem("recirculating-flow3d", 10)[:2]
    solver = multigrad.LearnedSolver(A, share=0.5, seed=3)
    for _ in range(8):
        x = solver.solve(b, tol=1e-8)
    assert np.linalg.norm(A @ x - b) <= 1e-7 * np.linalg.norm(b)
    assert solver.solves == 8 and 0 <= solver.learned_solves <= 8
    scaled = 1.1 * A
    solver.update(scaled)
    x = solver.solve(b)
    assert np.linalg.norm(scaled @ x - b) <= 1e-7 * np.linalg.norm(b)
    assert "9 solves" in solver.report() and "LearnedSolver" in repr(solver)
    with pytest.raises(multigrad.Error):
        solver.update(sp.eye_array(3, format="csr"))


def test_an_exception_of_a_callback_ends_the_work(poisson: sp.csr_array) -> None:
    solver = multigrad.solver(poisson)
    b = np.ones(poisson.shape[0])
    calls: list[int] = []

    def fail(iteration: int, residual: float) -> None:
        calls.append(iteration)
        if iteration == 2:
            raise ZeroDivisionError("from the callback")

    with pytest.raises(ZeroDivisionError, match="from the callback"):
        solver.solve(b, callback=fail)
    assert calls == [1, 2]
    with pytest.raises(ZeroDivisionError):
        solver.train(steps=20, progress=lambda p: 1 / 0)
    assert solver.solve(b, full_output=True).converged


def test_callbacks_run_on_the_calling_thread(poisson: sp.csr_array) -> None:
    solver = multigrad.solver(poisson)
    names: set[int] = set()
    solver.solve(np.ones(poisson.shape[0]), callback=lambda i, r: names.add(threading.get_ident()))
    solver.train(solves=30, progress=lambda p: names.add(threading.get_ident()))
    assert names == {threading.get_ident()}
    # A callback may use the solver.
    products = []
    solver.solve(np.ones(poisson.shape[0]), callback=lambda i, r: products.append(solver @ np.ones(poisson.shape[0])))
    assert products


def test_threads_solve_at_the_same_time(poisson: sp.csr_array, rng: np.random.Generator) -> None:
    solver = multigrad.solver(poisson)
    sides = rng.standard_normal((4, poisson.shape[0]))
    expected = [solver.solve(b) for b in sides]
    found: list[list[np.ndarray]] = [[] for _ in sides]

    def work(k: int) -> None:
        for _ in range(20):
            found[k].append(solver.solve(sides[k]))
            solver @ sides[k]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(np.array_equal(x, expected[k]) for k in range(4) for x in found[k])
    assert all(len(list_) == 20 for list_ in found)


def test_the_interpreter_is_free_during_a_setup() -> None:
    A = multigrad.gallery.poisson((700, 700))
    stop, counted = threading.Event(), [0]

    def count() -> None:
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    begin = time.perf_counter()
    multigrad.solver(A)
    seconds = time.perf_counter() - begin
    stop.set()
    thread.join()
    assert counted[0] > 50 * seconds


SCRIPT = """
import multigrad, numpy as np, signal, sys, time
# A shell that starts the tests in the background has them ignore the signal.
signal.signal(signal.SIGINT, signal.default_int_handler)
A = multigrad.gallery.problem("recirculating-flow", 120).A
solver = multigrad.solver(A, setup="san")
started = False
def show(progress):
    global started
    if not started:
        print("training", flush=True)
        started = True
begin = time.perf_counter()
try:
    if "progress" in sys.argv:
        solver.train(steps=100000, progress=show)
    print("training", flush=True)
    if "solve" in sys.argv:
        solver.solve(np.ones((A.shape[0], 1000)))
    elif "setup" in sys.argv:
        multigrad.solver(multigrad.gallery.poisson((150, 150, 150)))
    else:
        solver.train(steps=100000)
    print("ended", flush=True)
except KeyboardInterrupt:
    now = time.time()
    ok = solver.solve(np.ones(A.shape[0]), full_output=True).converged
    print("interrupted", ok, now, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("argument", ["progress", "silent", "solve", "setup"])
def test_control_c_ends_the_work(argument: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", SCRIPT, argument], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        assert child.stdout.readline().strip() == "training"
        time.sleep(0.5)
        sent = time.time()
        child.send_signal(signal.SIGINT)
        rest = child.communicate(timeout=60)[0]
    finally:
        child.kill()
    assert rest.startswith("interrupted True")
    assert float(rest.split()[-1]) - sent < 3

"""Iterations of PyAMG on model problems of this crate: writes iterations.json beside itself.

    cargo build --release
    python tests/data/pyamg_iterations/make.py target/release/multigrad

Needs numpy, scipy and pyamg (made with 5.3.0). V(1,1), Gauss-Seidel forward before and backward
after, conjugate gradients, right-hand side of ones, ||b - A x|| <= 1e-8 ||b||.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pyamg
import scipy.io

PROBLEMS = [
    ("poisson2d", 64), ("poisson3d", 16), ("rotated-anisotropic", 48), ("anisotropic3d", 16),
    ("jumps2d", 48), ("jumps3d", 14), ("stretched2d", 48), ("unstructured3d", 12),
    ("power-law-grounded", 2000), ("elasticity2d", 24), ("elasticity3d", 7),
]
SWEEPS = dict(presmoother=("gauss_seidel", {"sweep": "forward"}), postsmoother=("gauss_seidel", {"sweep": "backward"}))


def iterations(ml, a):
    b, history = np.ones(a.shape[0]), []
    ml.solve(b, tol=1e-8, maxiter=500, accel="cg", residuals=history)
    return dict(
        iterations=len(history) - 1,
        rows=[level.A.shape[0] for level in ml.levels],
        operator_complexity=ml.operator_complexity(),
        converged=bool(np.linalg.norm(b - a @ ml.solve(b, tol=1e-8, maxiter=500, accel="cg")) <= 1.01e-8 * np.linalg.norm(b)),
    )


def main(program):
    result = []
    with tempfile.TemporaryDirectory() as folder:
        for name, n in PROBLEMS:
            path = pathlib.Path(folder) / "a.mtx"
            modes = pathlib.Path(folder) / "b.mtx"
            arguments = [program, "generate", name, "--n", str(n), "--seed", "1", "--output", str(path)]
            if name.startswith("elasticity"):
                arguments += ["--near-nullspace", str(modes)]
            subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
            a = scipy.io.mmread(path).tocsr()
            a.sort_indices()
            row = dict(problem=name, n=n, unknowns=a.shape[0], nonzeros=a.nnz)
            options = {}
            if name.startswith("elasticity"):
                options["B"] = np.asarray(scipy.io.mmread(modes))
                dofs = 2 if name.endswith("2d") else 3
                options["smooth"] = ("jacobi", {"omega": 4.0 / 3.0})
                blocked = a.tobsr((dofs, dofs))
                row["sa"] = iterations(pyamg.smoothed_aggregation_solver(blocked, max_coarse=40, strength=("symmetric", {"theta": 0.0}), **options, **SWEEPS), a)
            else:
                row["sa"] = iterations(pyamg.smoothed_aggregation_solver(a, max_coarse=40, strength=("symmetric", {"theta": 0.0}), **SWEEPS), a)
                row["classical"] = iterations(pyamg.ruge_stuben_solver(a, max_coarse=40, CF=("RS", {"second_pass": True}), **SWEEPS), a)
            result.append(row)
            print(row)
    document = dict(made_with=f"PyAMG {pyamg.__version__}, numpy {np.__version__}", problems=result)
    pathlib.Path(__file__).with_name("iterations.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

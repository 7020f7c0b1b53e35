"""Kinds of matrices for which the automatic choice is easily slow or wrong, with known solutions.

    python kinds.py FOLDER                        writes NAME.mtx and NAME.rhs.mtx
    python kinds.py FOLDER --programs OLD NEW     solves them by each program in turns: a table of milliseconds and errors

Needs NumPy and SciPy. A program is `multigrad` or one of an earlier commit, run on one thread.
"""

import argparse
import json
import os
import pathlib
import subprocess

import numpy as np
import scipy.io
import scipy.sparse as sp
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay, cKDTree


def laplacian_1d(n, closed=False):
    """Second differences; closed: no flux through the ends."""
    a = sp.diags([-np.ones(n - 1), 2 * np.ones(n), -np.ones(n - 1)], [-1, 0, 1]).tolil()
    if closed:
        a[0, 0] = a[-1, -1] = 1
    return a.tocsr()


def central_1d(n):
    """Central differences times the mesh size."""
    return sp.diags([-0.5 * np.ones(n - 1), 0.5 * np.ones(n - 1)], [-1, 1]).tocsr()


def along_axes(matrices, weights):
    """The sum of weighted operators, each along its axis of a grid."""
    sizes = [a.shape[0] for a in matrices]
    total = 0
    for axis, (a, weight) in enumerate(zip(matrices, weights)):
        before, after = np.prod(sizes[:axis], dtype=int), np.prod(sizes[axis + 1 :], dtype=int)
        total = total + weight * sp.kron(sp.kron(sp.identity(before), a), sp.identity(after))
    return total.tocsr()


def graph_laplacian(n, i, j, weights):
    a = sp.coo_matrix((np.r_[-weights, -weights], (np.r_[i, j], np.r_[j, i])), shape=(n, n)).tocsr()
    return a - sp.diags(np.asarray(a.sum(1)).ravel())


def advection3d(m=34):
    """A large time step of advection by Crank and Nicolson: the identity plus a dominant skew part."""
    return sp.identity(m**3) + along_axes([central_1d(m)] * 3, [0.1 * m, 0.05 * m, 0.02 * m])


def convection3d(m=34):
    """Convection and diffusion by central differences at a mesh Péclet number of 5."""
    laplacian = along_axes([laplacian_1d(m)] * 3, [1, 1, 1])
    return laplacian + along_axes([central_1d(m)] * 3, [10, 5, 2])


def schrodinger3d(m=24):
    """I + i H in real form, for a time step of Schrödinger's equation."""
    h = along_axes([laplacian_1d(m)] * 3, [1, 1, 1])
    real, rotated = sp.csr_matrix([[1, 0], [0, 1]]), sp.csr_matrix([[0, -1], [1, 0]])
    return sp.kron(sp.identity(m**3), real) + sp.kron(h, rotated)


def optimal_control3d(m=17):
    """State, control and multiplier of a distributed control problem with the weight 10⁻⁴."""
    laplacian, one = along_axes([laplacian_1d(m)] * 3, [1, 1, 1]), sp.identity(m**3)
    return sp.bmat([[one, None, laplacian], [None, 1e-4 * one, -one], [laplacian, -one, None]])


def radiosity(n=3500):
    """Radiative exchange between points at distances up to .17 in a cube."""
    random = np.random.default_rng(12)
    tree = cKDTree(random.random((n, 3)))
    f = tree.sparse_distance_matrix(tree, 0.17, output_type="coo_matrix")
    f.data = 1 / (f.data**2 + 1e-3)
    f = f.tocsr()
    f.setdiag(0)
    f.eliminate_zeros()
    share = (0.3 + 0.65 * random.random(n)) / np.asarray(f.sum(1)).ravel()
    return sp.identity(n) - sp.diags(share) @ f


def thin_layer(n=(60, 60, 4)):
    """Diffusion in a thin closed layer, 10⁶ times stronger across it, plus 10⁻¹⁰."""
    a = along_axes([laplacian_1d(m, closed=True) for m in n], [1e-6, 1e-6, 1.0])
    return a + 1e-10 * sp.identity(a.shape[0])


def roads(n=25000):
    """The Laplacian of a planar network with weights 1/length, plus 10⁻⁸: a spanning tree and an eighth of the other edges."""
    random = np.random.default_rng(62)
    p = random.random((n, 2))
    triangles = Delaunay(p).simplices
    sides = np.concatenate([triangles[:, :2], triangles[:, 1:], triangles[:, [0, 2]]])
    edges = np.unique(np.sort(sides, 1), axis=0)
    length = np.linalg.norm(p[edges[:, 0]] - p[edges[:, 1]], axis=1)
    tree = minimum_spanning_tree(sp.coo_matrix((length, (edges[:, 0], edges[:, 1])), shape=(n, n))).tocoo()
    kept = random.random(len(edges)) < 0.12
    i, j = np.r_[tree.row, edges[kept, 0]], np.r_[tree.col, edges[kept, 1]]
    return graph_laplacian(n, i, j, np.r_[1 / tree.data, 1 / length[kept]]) + 1e-8 * sp.identity(n)


KINDS = [
    advection3d,
    convection3d,
    schrodinger3d,
    optimal_control3d,
    radiosity,
    thin_layer,
    roads,
]


def solution(n):
    return 1 + np.sin(7 * np.linspace(0, 1, n)) + 0.3 * np.random.default_rng(n).standard_normal(n)


def write(folder, kind):
    a = sp.csr_matrix(kind())
    name = str(folder / kind.__name__)
    scipy.io.mmwrite(name + ".mtx", a, symmetry="general", precision=17)
    scipy.io.mmwrite(name + ".rhs.mtx", (a @ solution(a.shape[0]))[:, None], precision=17)


def solve(program, name, rounds):
    """The least time of setup and solve in milliseconds, and the largest error relative to the largest unknown."""
    best, error = np.inf, np.nan
    command = [program, "solve", name + ".mtx", "--rhs", name + ".rhs.mtx"]
    command += ["--json", name + ".json", "-o", name + ".x.mtx"]
    for _ in range(rounds):
        run = subprocess.run(command, env={**os.environ, "RAYON_NUM_THREADS": "1"}, capture_output=True)
        if run.returncode != 0:
            return np.nan, np.nan
        times = json.loads(pathlib.Path(name + ".json").read_text())
        best = min(best, 1e3 * (times["setup_seconds"] + times["solve_seconds"]))
        x = scipy.io.mmread(name + ".x.mtx").ravel()
        exact = solution(len(x))
        error = np.abs(x - exact).max() / np.abs(exact).max()
    return best, error


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--programs", nargs="*", default=[])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.programs:
        print("| kind |" + "".join(f" {p}, ms | error |" for p in options.programs))
        print("|---|" + "---|---|" * len(options.programs))
    for kind in KINDS:
        write(options.folder, kind)
        name = str(options.folder / kind.__name__)
        results = [solve(program, name, options.rounds) for program in options.programs]
        if results:
            print(f"| {kind.__name__} |" + "".join(f" {t:.0f} | {e:.0e} |" for t, e in results), flush=True)


if __name__ == "__main__":
    main()

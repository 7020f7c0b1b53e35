"""Smoothers on one hierarchy of PETSc: learned τ against those of PETSc and hypre, the time of learning included.

    python3 benches/petsc/smoothers.py FOLDER_OF_PROGRAMS [--ranks 1 2] [--size 1.0] [--solves 10] [--output TABLE.md]

Times are processor seconds of all ranks. "ten solves" is the hierarchy, learning with its verification, and ten solves. Every
solver reduces the residual by 10^8. All smoothers of a block of rows work on the same levels (GAMG or hypre); the last rows
are BoomerAMG with its own smoothers.
"""

import argparse
import json
import sys
from pathlib import Path

from common import FOLDER, run

# Name, arguments of `generate`, unknowns per direction, Krylov method.
PROBLEMS = [
    ("rotated anisotropy, 2-D", ["rotated-anisotropic"], 256, "cg"),
    ("rotated anisotropy, 3-D", ["rotated-anisotropic3d"], 36, "cg"),
    ("recirculating flow, SUPG", ["recirculating-flow", "--scheme", "supg"], 192, "fgmres"),
]

SOR = ["-mg_levels_pc_type", "sor"]
ONCE = ["-mg_levels_ksp_type", "richardson", "-mg_levels_ksp_max_it", "1"]
SMOOTHERS = {
    "learned τ": [],
    "Chebyshev(2), Jacobi": ["--learn", "nothing"],
    "Chebyshev(2), SOR": ["--learn", "nothing", *SOR],
    "SOR": ["--learn", "nothing", *ONCE, *SOR],
    "ILU(0) per rank": ["--learn", "nothing", *ONCE, "-mg_levels_pc_type", "bjacobi", "-mg_levels_sub_pc_type", "ilu"],
}
HYPRE = ["symmetric-SOR/Jacobi", "l1scaled-SOR/Jacobi", "l1scaled-Jacobi", "Chebyshev", "SOR/Jacobi"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--size", type=float, default=1.0, help="factor for the unknowns per direction")
    parser.add_argument("--solves", type=int, default=10)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    lines = ["| problem | ranks | hierarchy | smoother | iterations | one solve, s | learning, s | ten solves, s |", "|---|---|---|---|---|---|---|---|"]
    print("\n".join(lines))
    for title, words, n, krylov in PROBLEMS:
        matrix = FOLDER / "a.mtx"
        error = run(options.programs / "multigrad", "generate", *words, "--n", round(n * options.size), "-o", matrix)
        if error:
            sys.exit(error)
        cases = [(h, name, ["--hierarchy", h, *more]) for h in ("gamg", "hypre") for name, more in SMOOTHERS.items()]
        own = ["--hierarchy", "options", "-pc_type", "hypre", "-ksp_type", krylov, "-pc_hypre_boomeramg_relax_type_all"]
        cases += [("hypre's own", name, [*own, name]) for name in HYPRE]
        for ranks in options.ranks:
            for hierarchy, name, more in cases:
                result = FOLDER / "r.json"
                result.unlink(missing_ok=True)
                front = ["solve", matrix, "--solves", options.solves, "--json", result]
                error = run(options.programs / "multigrad-petsc", *front, *more, ranks=ranks)
                start = f"| {title} | {ranks} | {hierarchy} | {name} |"
                if error or not result.exists():
                    lines.append(f"{start} failed | | | |")
                    print(error, file=sys.stderr)
                else:
                    r = json.loads(result.read_text())
                    iterations = str(r["iterations"]) if r["converged"] else "not converged"
                    iterations += f", τ = {r['tau']}" if r["tau"] is not None else ""
                    iterations += " (fallback)" if r["notices"] else ""
                    total = r["setup_cpu_seconds"] + r["learning_cpu_seconds"] + 10 * r["solve_cpu_seconds"]
                    lines.append(f"{start} {iterations} | {r['solve_cpu_seconds']:.3f} | {r['learning_cpu_seconds']:.2f} | {total:.2f} |")
                print(lines[-1], flush=True)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")


main()

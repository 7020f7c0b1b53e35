"""Weak scaling of multigrad-petsc on 1 to 8 ranks, beside GAMG and hypre in the same run.

    python3 benches/petsc/scaling.py FOLDER_OF_PROGRAMS [--rows-per-rank N] [--repeat R] [--output TABLE.md] [--plot PLOT.svg]

Each case is one matrix per number of ranks, with the same number of rows per rank, distributed by METIS. Times are processor
seconds of all ranks for one solve, the least of the repetitions; a rank that waits for a message sleeps.
"""

import argparse
import json
import math
import sys
from pathlib import Path

from common import FOLDER, run

RANKS = [1, 2, 4, 8]


def solve(programs, ranks, repeat, solves, matrix, *words):
    """The result of the fastest of several runs."""
    best = None
    for _ in range(repeat):
        file = FOLDER / "result.json"
        error = run(programs / "multigrad-petsc", "solve", matrix, "--solves", solves, "--json", file, *words, ranks=ranks)
        if error:
            sys.exit(error)
        result = json.loads(file.read_text())
        if best is None or result["solve_cpu_seconds"] < best["solve_cpu_seconds"]:
            best = result
    return best


# Solvers by name: the options of a training before the run, or None; arguments of the program, then options of PETSc.
SOLVERS = {
    "exported, automatic": (None, []),
    "exported, learned scalars": (["--learn", "scalars", "--loss", "krylov", "--symmetric"], []),
    "GAMG, learned τ": (None, ["--hierarchy", "gamg"]),
    "GAMG, Chebyshev": (None, ["--hierarchy", "gamg", "--learn", "nothing"]),
    "hypre, learned τ": (None, ["--hierarchy", "hypre"]),
    "hypre, Chebyshev": (None, ["--hierarchy", "hypre", "--learn", "nothing"]),
    "hypre, its own": (None, ["--hierarchy", "options", "-ksp_type", "cg", "-pc_type", "hypre"]),
}


def plot(path, series, ylabel):
    """Lines of numbers over ranks, as SVG."""
    colours = ["#0b62a4", "#d1495b", "#2e8b57", "#7d5ba6", "#c58b00", "#555555", "#e377c2"]
    width, height, left, bottom = 640, 400, 70, 50
    largest = max(max(v) for v in series.values())
    # Four to eight ticks at 1, 2 or 5 times a power of ten.
    power = 10.0 ** math.floor(math.log10(largest))
    step = next(power * s for s in (0.1, 0.2, 0.5, 1.0, 2.0) if largest <= 8 * power * s)
    ticks = [step * q for q in range(math.ceil(largest / step) + 1)]
    top = ticks[-1]
    x = lambda r: left + (width - left - 200) * math.log2(r) / math.log2(RANKS[-1])
    y = lambda v: height - bottom - (height - bottom - 20) * v / top
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">']
    out.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for v in ticks:
        out.append(f'<line x1="{left}" x2="{x(RANKS[-1])}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.3g}</text>')
    for r in RANKS:
        out.append(f'<text x="{x(r):.1f}" y="{height - bottom + 18}" text-anchor="middle">{r}</text>')
    out.append(f'<text x="{x(RANKS[-1]) / 2 + 30}" y="{height - 10}" text-anchor="middle">ranks, with the same number of rows on each</text>')
    out.append(f'<text transform="translate(16 {height / 2}) rotate(-90)" text-anchor="middle">{ylabel}</text>')
    for (name, values), colour in zip(series.items(), colours):
        points = " ".join(f"{x(r):.1f},{y(v):.1f}" for r, v in zip(RANKS, values))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{x(RANKS[-1]) + 8:.1f}" y="{y(values[-1]) + 4:.1f}" fill="{colour}">{name}</text>')
    out.append("</svg>\n")
    Path(path).write_text("\n".join(out))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=Path)
    parser.add_argument("--rows-per-rank", type=int, default=40_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--solves", type=int, default=3)
    parser.add_argument("--problem", default="rotated-anisotropic")
    parser.add_argument("--without", nargs="+", default=[], help="names of solvers to leave out")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    dimension = 3 if options.problem.endswith("3d") else 2
    lines = ["| solver | ranks | rows | iterations | processor µs per unknown and solve | setup | learning |", "|---|---|---|---|---|---|---|"]
    times = {}
    for ranks in RANKS:
        n = round((options.rows_per_rank * ranks) ** (1 / dimension))
        matrix = FOLDER / f"{ranks}.mtx"
        error = run(options.programs / "multigrad", "generate", options.problem, "--n", n, "-o", matrix)
        if error:
            sys.exit(error)
        for name, (training, words) in SOLVERS.items():
            if name in options.without:
                continue
            if training is not None:
                solver = FOLDER / f"{ranks}.mgrad"
                train = ["train", matrix, "-o", solver, "--keep-trained", "--no-baselines"]
                error = run(options.programs / "multigrad", *train, *training)
                if error:
                    sys.exit(error)
                words = ["--preconditioner", solver, *words]
            r = solve(options.programs, ranks, options.repeat, options.solves, matrix, *words)
            per = lambda key: 1e6 * r[key] / r["rows"]
            times.setdefault(name, []).append(per("solve_cpu_seconds"))
            notice = (" (fallback)" if r["notices"] else "") + ("" if r["converged"] else " (not converged)")
            lines.append(
                f"| {name}{notice} | {ranks} | {r['rows']} | {r['iterations']} | {per('solve_cpu_seconds'):.2f} | "
                f"{per('setup_cpu_seconds'):.2f} | {per('learning_cpu_seconds'):.2f} |"
            )
            print(lines[-1], flush=True)
    if options.output:
        options.output.write_text("\n".join(lines) + "\n")
    if options.plot:
        plot(options.plot, times, "processor µs per unknown and solve")


main()

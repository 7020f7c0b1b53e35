"""This crate's sparse operations with gradients against PyTorch's: the same matrix, machine and run, one thread.

    python operations.py                                      everything that both have
    python operations.py --sizes 64 256 --match 'matvec|cg'   some of it

The interpreter needs torch (torch_requirements.txt). Ours is the bench program `operations`. Operation by operation and
size by size, both take turns; each turn is a process of its own, because the memory of earlier cases slows torch down.
The least time of all turns counts. For torch the table has the best way among its own operations with sparse tensors
(`csr`, `coo`, `values`, `tsgu`, `dense`) and the best way by hand (`gather`, `function`); best is the one whose forward
and backward together take least. Ways are explained in torch_cases.py, times in ../operations/main.rs.
"""

import argparse
import csv
import json
import math
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# The operations that both have.
BOTH = [
    "matvec", "matmul_16", "sparse_sparse", "add", "add_rotated", "multiply", "multiply_rotated", "transpose", "scale",
    "scale_rows", "row_sum", "frobenius", "sampled_16", "lower_solve", "select_rows", "small_systems", "layer_tanh",
    "gather_rows", "scatter_rows", "cg_10", "spai_step",
]  # fmt: skip
# Those that torchsparsegradutils has, and those that take no sparse tensor.
TSGU = ["matvec", "matmul_16", "lower_solve", "cg_10"]
DENSE = ["small_systems", "layer_tanh", "gather_rows", "scatter_rows"]
BY_HAND = ("gather", "function")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=[64, 256, 512, 1024], metavar="M", help="M × M points")
    parser.add_argument("--match", default="", help="only operations that this expression finds")
    parser.add_argument("--turns", type=int, default=2, help="processes of each side for every operation and size")
    parser.add_argument("--seconds", type=float, default=0.3, help="how long a measurement is repeated")
    parser.add_argument("--limit", type=float, default=20.0, help="torch: no further repeat after so many seconds")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="cpu", help="which time counts")
    parser.add_argument("--program", help="the bench program `operations`; built by cargo without it")
    parser.add_argument("--output", default=ROOT / "target/bench/operations_torch", type=pathlib.Path)
    return parser.parse_args()


def build():
    """The path of the bench program, built first."""
    command = ["cargo", "bench", "--bench", "operations", "--no-run", "--message-format", "json"]
    out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = (json.loads(line) for line in out.splitlines() if line.startswith("{"))
    return [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "operations"][-1]


def lines(command, label):
    """The lines of JSON that a program writes; what goes wrong is said and is no line."""
    env = dict(os.environ, OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    done = subprocess.run(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"{label}: {last}", file=sys.stderr)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def ways(operation):
    """Of torch: one process for each kind of way."""
    kinds = ["csr|coo|values|dense", "gather|function", *(["tsgu"] if operation in TSGU else [])]
    return [f"^{operation}: ({kind})" for kind in kinds if operation not in DENSE or kind.endswith("dense")]


def measure(options, operation, m):
    """All lines of one operation at one size."""
    ours = [options.program, "--bench", "--json", "--exact", "--match", operation, "--sizes", str(m)]
    ours += ["--seconds", str(options.seconds)]
    torch = [sys.executable, str(HERE / "torch_operations.py"), "--sizes", str(m), "--seconds", str(options.seconds)]
    torch += ["--limit", str(options.limit)]
    found = []
    for _ in range(options.turns):
        found += [dict(line, library="multigrad", how="") for line in lines(ours, f"multigrad {operation} {m}")]
        for way in ways(operation):
            found += lines([*torch, "--match", way], f"torch {way} {m}")
    return found


def least(found, prefix):
    """For every way its least times, forward and with backward; the fastest way of those."""
    best = {}
    for line in found:
        if "both_s" in line:
            key = line["library"], line["how"]
            old = best.get(key, (float("inf"), float("inf")))
            new = line[f"{prefix}forward_s"], line[f"{prefix}both_s"]
            best[key] = min(old[0], new[0]), min(old[1], new[1])
    pick = lambda wanted: min(((t, how) for (lib, how), t in best.items() if wanted(lib, how)),
                              key=lambda e: e[0][1], default=None)
    ours = pick(lambda lib, how: lib == "multigrad")
    own = pick(lambda lib, how: lib != "multigrad" and not how.startswith(BY_HAND))
    hand = pick(lambda lib, how: lib != "multigrad" and how.startswith(BY_HAND))
    return ours, own, hand


def anchors():
    """numml on PyTorch 2.6, median processor time on two cores of an AMD EPYC (Zen 4): another machine."""
    with open(HERE / "anchors.csv") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {(row["operation"], int(row["m"])): row for row in rows}


def milliseconds(entry):
    return " / ".join("–" if math.isnan(t) else f"{t * 1e3:.3f}" for t in entry[0]) if entry else "–"


def ratio(entry, ours):
    """How many times ours: forward, and with backward."""
    if not entry or not ours:
        return "–"
    return " / ".join("–" if math.isnan(t) else f"{t / own:.1f}" for t, own in zip(entry[0], ours[0]))


def row(operation, m, best, elsewhere):
    ours, own, hand = best
    names = [f" ({e[1]})" if e else "" for e in (own, hand)]
    numml = None
    if elsewhere:
        numml = ((float(elsewhere["forward_s"] or "nan"), float(elsewhere["both_s"])), "")
    cells = [operation, f"{m}²", milliseconds(ours), milliseconds(own) + names[0], ratio(own, ours)]
    cells += [milliseconds(hand) + names[1], ratio(hand, ours), milliseconds(numml), ratio(numml, ours)]
    return "| " + " | ".join(cells) + " |"


HEAD = """| operation | order | multigrad ms | torch's own ms | × | torch by hand ms | × | numml¹ ms | × |
|---|---|---|---|---|---|---|---|---|"""
NOTE = """
Forward / forward and backward. × is how many times the time of multigrad. ¹ On another machine, see `anchors.csv`:
two cores of an AMD EPYC (Zen 4), PyTorch 2.6, median processor time."""


def main():
    options = parse()
    options.program = options.program or build()
    options.output.mkdir(parents=True, exist_ok=True)
    elsewhere, table = anchors(), [HEAD]
    print(HEAD, flush=True)
    with open(options.output / "lines.jsonl", "w") as file:
        for operation in (o for o in BOTH if re.search(options.match, o)):
            for m in options.sizes:
                found = measure(options, operation, m)
                file.writelines(json.dumps(line) + "\n" for line in found)
                file.flush()
                best = least(found, "cpu_" if options.clock == "cpu" else "")
                table.append(row(operation, m, best, elsewhere.get((operation, m))))
                print(table[-1], flush=True)
    print(NOTE)
    (options.output / "table.md").write_text("\n".join(table) + "\n" + NOTE + "\n")


if __name__ == "__main__":
    sys.exit(main())

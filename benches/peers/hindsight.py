"""The automatic choice beside the fastest of all others in hindsight, from files `results.csv` of compare.py.

    target/peers/bin/python benches/peers/hindsight.py target/bench/peers/results.csv

Prints the table of `../results/*-real-peers.md` and its summary. A problem in a later file replaces that of an earlier one.
Milliseconds are medians of setup plus solve; differences below two milliseconds count as the ratio 1.
"""

import csv
import statistics
import sys
from pathlib import Path

LEAST_MS = 2.0
COLUMNS = ["auto", "candidate", "amgcl", "petsc", "pyamg", "umfpack"]


def read(files):
    """Milliseconds by problem and library, and rows and entries by problem."""
    times, sizes = {}, {}
    for file in files:
        with open(file, newline="") as lines:
            rows = list(csv.DictReader(lines))
        for problem in {row["problem"] for row in rows}:
            times[problem] = {}
        for row in rows:
            problem = row["problem"]
            sizes[problem] = (int(row["unknowns"]), int(row["nonzeros"]))
            if row["converged"] != "True":
                continue
            library = row["library"]
            if library == "multigrad":
                library = "auto" if row["configuration"] == "auto" else "candidate"
            ms = 1e3 * float(row["total_median_s"])
            times[problem][library] = min(ms, times[problem].get(library, ms))
    return times, sizes


def ratio(own, others):
    best = min([own, *others])
    return 1.0 if own - best < LEAST_MS else own / best


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: hindsight.py RESULTS.csv…")
    times, sizes = read(sys.argv[1:])
    print("| matrix | rows | entries | automatic | best candidate | AMGCL | PETSc | PyAMG | UMFPACK | to the best | to the best peer |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    ratios = {"to the best": [], "to the best peer": []}
    for problem in sorted(times, key=lambda p: sizes[p][1]):
        found = times[problem]
        if "auto" not in found:
            if found:
                print(f"the automatic choice failed on {problem}", file=sys.stderr)
            continue
        others = [ms for library, ms in found.items() if library != "auto"]
        peers = [ms for library, ms in found.items() if library not in ("auto", "candidate")]
        own = [ratio(found["auto"], others), ratio(found["auto"], peers)]
        for values, value in zip(ratios.values(), own):
            values.append(value)
        name = Path(problem).name.removesuffix(".gz").removesuffix(".mtx")
        cells = [name, *map(str, sizes[problem])]
        cells += [f"{found[c]:.2f}" if c in found else "–" for c in COLUMNS]
        print("| " + " | ".join(cells + [f"{value:.2f}" for value in own]) + " |")
    print()
    for name, values in ratios.items():
        above = ", ".join(f"{sum(v > limit for v in values)} above {limit}" for limit in (1.2, 2, 4))
        print(f"{name}: {len(values)} matrices, median {statistics.median(values):.2f}, {above}")


if __name__ == "__main__":
    main()

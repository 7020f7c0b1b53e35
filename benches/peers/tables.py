"""From runs to minima, medians and tables."""

import csv
import json
import math
import statistics

# A run counts if ‖b − A x‖ / ‖b‖, computed from x, is at most this.
RESIDUAL = 1.01e-8
OURS = "multigrad"


def total(run, clock):
    cpu = "_cpu" if clock == "cpu" else ""
    return run[f"setup{cpu}_s"] + run[f"solve{cpu}_s"]


def summarise(runs, clock):
    """One entry for each library and configuration: those that converged first, fastest first."""
    groups = {}
    for run in runs:
        groups.setdefault((run["problem"], run["threads"], run["library"], run["configuration"]), []).append(run)
    entries = []
    for (problem, threads, library, configuration), group in groups.items():
        good = [r for r in group if r.get("residual", math.nan) <= RESIDUAL]
        entry = dict(problem=problem, threads=threads, library=library, configuration=configuration)
        entry["converged"] = bool(good)
        if not good:
            last = group[-1]
            entry["why"] = last.get("error") or f"residual {last['residual']:.1e}, {last['iterations']} iterations"
            entry["total_min_s"] = math.inf
        else:
            for key in ("setup_s", "solve_s", "setup_cpu_s", "solve_cpu_s"):
                values = [r[key] for r in good]
                entry[key[:-1] + "min_s"], entry[key[:-1] + "median_s"] = min(values), statistics.median(values)
            totals = [total(r, clock) for r in good]
            entry["total_min_s"], entry["total_median_s"] = min(totals), statistics.median(totals)
            fastest = min(good, key=lambda r: total(r, clock))
            entry["iterations"], entry["runs"] = fastest["iterations"], len(good)
            entry["residual"] = max(r["residual"] for r in good)
        entries.append(entry)
    return sorted(entries, key=lambda e: e["total_min_s"])


def best_of_each(summary):
    """The fastest configuration of each library that converged, of those kept for all rounds."""
    best = {}
    for entry in summary:
        if entry["converged"]:
            old = best.get(entry["library"])
            # A configuration that was dropped after round one had one lucky or unlucky run.
            if old is None or (entry["runs"], -entry["total_min_s"]) > (old["runs"], -old["total_min_s"]):
                best[entry["library"]] = entry
    return sorted(best.values(), key=lambda e: e["total_min_s"])


def text(summary, problem, threads, clock):
    """The table of one problem as Markdown."""
    unknowns, nonzeros = (summary[0][k] for k in ("unknowns", "nonzeros")) if summary else (0, 0)
    plural = "" if threads == 1 else "s"
    cpu = "cpu_" if clock == "cpu" else ""
    lines = [
        f"\n## {problem}: {unknowns} unknowns, {nonzeros} nonzeros, {threads} thread{plural}\n",
        "| library | configuration | setup min (median) s | solve min (median) s | total s | iterations"
        " | residual | bytes per unknown | total / multigrad |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    best = best_of_each(summary)
    ours = next((e["total_min_s"] for e in best if e["library"] == OURS), math.nan)
    for e in best:
        parts = (f"{e[f'{p}_{cpu}min_s']:.4f} ({e[f'{p}_{cpu}median_s']:.4f})" for p in ("setup", "solve"))
        lines.append(
            f"| {e['library']} | {e['configuration']} | {' | '.join(parts)} | {e['total_min_s']:.4f} | {e['iterations']}"
            f" | {e['residual']:.1e} | {e.get('bytes_per_unknown', math.nan):.0f} | {e['total_min_s'] / ours:.2f} |"
        )
    return "\n".join(lines)


def processor():
    """The model of the processor, where Linux tells."""
    try:
        with open("/proc/cpuinfo") as lines:
            names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        return f"{len(names)} × {names[0]}"
    except (OSError, IndexError):
        return "unknown"


def write(folder, about, runs, summary, clock):
    """results.json with every run, results.csv with every configuration, results.md with the best."""
    with open(folder / "results.json", "w") as file:
        json.dump({"about": about, "summary": summary, "runs": runs}, file, indent=1)
    keys = list(dict.fromkeys(key for entry in summary for key in entry))
    with open(folder / "results.csv", "w", newline="") as file:
        table = csv.DictWriter(file, keys)
        table.writeheader()
        table.writerows(summary)
    with open(folder / "results.md", "w") as file:
        file.write("# Side by side\n\n" + "\n".join(f"* {k.replace('_', ' ')}: {v}" for k, v in about.items()) + "\n")
        for version in sorted({e["version"] for e in summary}):
            file.write(f"* {version}\n")
        for problem, threads in dict.fromkeys((e["problem"], e["threads"]) for e in summary):
            some = [e for e in summary if (e["problem"], e["threads"]) == (problem, threads)]
            file.write(text(some, problem, threads, clock) + "\n")

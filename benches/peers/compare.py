"""This crate against other libraries: the same matrices, the same machine, the same run.

    python compare.py                                    everything, one thread
    python compare.py --problems supg-256 --threads 1 2  some of it

See README.md for what is measured and how.
"""

import argparse
import datetime
import glob
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys

import numpy as np

import problems
import tables
from processes import Process, missing

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEERS = ["amgcl", "hypre", "petsc", "pyamg", "umfpack"]
OURS = "multigrad"
AUTO = "auto"


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", nargs="+", default=problems.ALL, metavar="NAME")
    parser.add_argument("--libraries", nargs="+", default=[OURS, *PEERS], choices=[OURS, *PEERS])
    parser.add_argument("--threads", nargs="+", type=int, default=[1])
    parser.add_argument("--rounds", type=int, default=5, help="runs of every configuration that is kept")
    parser.add_argument("--keep", type=int, default=3, help="configurations of a library kept after round one")
    parser.add_argument("--match", default="", help="only configurations 'library name' that this expression finds")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for one run")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall", help="which time ranks")
    parser.add_argument("--no-memory", action="store_true", help="do not measure memory")
    parser.add_argument("--program", help="the bench program `solve`; built by cargo without it")
    parser.add_argument("--python-petsc", default="/usr/bin/python3", help="the interpreter that has petsc4py")
    parser.add_argument("--output", default=ROOT / "target/bench/peers", type=pathlib.Path)
    return parser.parse_args()


def build():
    """The path of the bench program, built first."""
    command = ["cargo", "bench", "--bench", "solve", "--no-run", "--message-format", "json"]
    out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    messages = (json.loads(line) for line in out.splitlines() if line.startswith("{"))
    return [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "solve"][-1]


def environment(threads):
    """Every library's idea of the number of threads; and where Debian keeps petsc4py."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
    env = dict(os.environ, **{name: str(threads) for name in names})
    # Open MPI asks for both where it runs as root, as in a container.
    env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    folders = sorted(glob.glob("/usr/lib/petscdir/petsc*/*-real")) or sorted(glob.glob("/usr/lib/petscdir/petsc*/*"))
    if "PETSC_DIR" not in env and folders:
        env["PETSC_DIR"] = folders[-1]
    return env


def command(options, library, problem, threads, matrix, solution):
    """How to start the worker of a library; hypre and PETSc take processes for threads."""
    if library == OURS:
        return [options.program, "--bench", "--problem", problem, "--serve", str(solution)]
    words = [str(HERE / "worker.py"), "--library", library, "--matrix", str(matrix)]
    if library not in ("petsc", "hypre"):
        return [sys.executable, *words]
    several = ["mpiexec", "-n", str(threads)] if threads > 1 and shutil.which("mpiexec") else []
    return [*several, options.python_petsc, *words]


def memory_command(options, library, problem, threads, matrix, configuration):
    if library == OURS:
        return [options.program, "--bench", "--problem", problem, "--memory", "--configuration", configuration]
    return [*command(options, library, problem, threads, matrix, None), "--memory", configuration]


def compare(options, problem, threads):
    """All runs of one problem, interleaved: one run of every configuration, then the next round."""
    stem = pathlib.Path(problem).name
    matrix, solution = options.output / f"{stem}.matrix", options.output / f"{stem}.solution"
    subprocess.run([options.program, "--bench", "--problem", problem, "--export", matrix], check=True)
    a = problems.read(matrix)
    env, workers = environment(threads), {}
    for library in options.libraries:
        worker = Process(command(options, library, problem, threads, matrix, solution), env, options.limit)
        if worker.greeting is None or "missing" in worker.greeting:
            print(f"{library} is skipped: {missing(worker)}", flush=True)
            worker.stop()
        else:
            workers[library] = worker
    runs = []
    wanted = re.compile(options.match)
    waiting = {
        library: [name for name in w.greeting["configurations"] if wanted.search(f"{library} {name}")]
        for library, w in workers.items()
    }
    for round_ in range(options.rounds):
        # Turn by turn through the libraries, so that a slow spell of the machine hits all of them.
        for turn in range(max(map(len, waiting.values()), default=0)):
            for library, names in waiting.items():
                if turn < len(names):
                    line = workers[library].ask(names[turn])
                    if library == OURS and "error" not in line:
                        x = np.fromfile(solution)
                        line["residual"] = problems.residual(a, np.ones(len(x)), x)
                    runs.append(dict(line, library=library, problem=problem, threads=threads, round=round_))
        if round_ == 0:
            best = tables.summarise(runs, options.clock)
            for library in waiting:
                of_library = [s["configuration"] for s in best if s["library"] == library and s["converged"]]
                waiting[library] = of_library[: options.keep]
                # The automatic choice is compared with medians, so it needs as many runs.
                if library == OURS and AUTO in of_library[options.keep :]:
                    waiting[library].append(AUTO)
    versions = {library: w.greeting["version"] for library, w in workers.items()}
    for worker in workers.values():
        worker.stop()
    summary = tables.summarise(runs, options.clock)
    if not options.no_memory:
        for entry in tables.best_of_each(summary):
            words = memory_command(options, entry["library"], problem, threads, matrix, entry["configuration"])
            once = Process(words, env, options.limit)
            entry["bytes_per_unknown"] = (once.greeting or {}).get("memory_bytes", float("nan")) / a.shape[0]
            once.stop()
    for entry in summary:
        entry.update(unknowns=a.shape[0], nonzeros=a.nnz, version=versions[entry["library"]])
    return runs, summary


def main():
    options = parse()
    options.output = options.output.resolve()
    options.output.mkdir(parents=True, exist_ok=True)
    options.program = options.program or build()
    runs, summary = [], []
    about = {
        "date": datetime.datetime.now().isoformat(timespec="seconds"),
        "processor": tables.processor(),
        "system": platform.platform(),
        "clock": options.clock,
        "load_before": os.getloadavg()[0],
    }
    for threads in options.threads:
        for problem in options.problems:
            some_runs, some = compare(options, problem, threads)
            runs, summary = runs + some_runs, summary + some
            print(tables.text(some, problem, threads, options.clock), flush=True)
            # After every problem, so that an interrupted run leaves what it has.
            about["load_after"] = os.getloadavg()[0]
            tables.write(options.output, about, runs, summary, options.clock)
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()

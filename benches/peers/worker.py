"""Runs one library on one matrix: a line of JSON for every requested configuration.

    python worker.py --library amgcl --matrix FILE              configurations come as lines on standard input
    python worker.py --library amgcl --matrix FILE --memory C   one run of C and its peak memory
"""

import argparse
import importlib
import json
import sys
import time

import numpy as np

import problems

LIBRARIES = {
    "amgcl": "amgcl_peer",
    "pyamg": "pyamg_peer",
    "hypre": "petsc_peer",
    "petsc": "petsc_peer",
    "umfpack": "umfpack_peer",
}
RTOL = 1e-8
# What a residual may be above the tolerance: methods stop on a recurrence that drifts a little.
SLACK = 1.01


def load(library):
    """What knows the library: a module, or one of several in a module."""
    module = importlib.import_module(LIBRARIES[library])
    return getattr(module, "FAMILIES", {}).get(library, module)


def one_run(peer, prepared, a, configuration, rtol):
    """Setup and solve, timed."""
    b = np.ones(a.shape[0])
    start = time.perf_counter(), time.process_time()
    solver = peer.setup(prepared, configuration, rtol)
    middle = time.perf_counter(), time.process_time()
    x, iterations = peer.solve(solver, b)
    end = time.perf_counter(), time.process_time()
    return {
        "configuration": configuration,
        "setup_s": middle[0] - start[0],
        "solve_s": end[0] - middle[0],
        "setup_cpu_s": middle[1] - start[1],
        "solve_cpu_s": end[1] - middle[1],
        "iterations": int(iterations),
        "residual": problems.residual(a, b, peer.gather(x) if hasattr(peer, "gather") else x),
        "rtol": rtol,
    }


def measured(peer, prepared, a, configuration, tolerances):
    """One run; a library that stops on another norm gets a tolerance that gives RTOL in this one."""
    for _ in range(4):
        rtol = tolerances.get(configuration, RTOL)
        line = one_run(peer, prepared, a, configuration, rtol)
        residual = line["residual"]
        if residual <= SLACK * RTOL or not residual < 1e-2:
            break
        tolerances[configuration] = rtol * 0.8 * RTOL / residual
    return line


def memory():
    """Resident memory now and at its peak, in bytes (Linux)."""
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return tuple(1024 * int(fields[name].split()[0]) for name in ("VmRSS", "VmHWM"))


def peak_memory(peer, prepared, a, configuration):
    """Peak of one run beyond what was resident with the matrix and the right-hand side."""
    b = np.ones(a.shape[0])
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")
    before = memory()[0]
    solver = peer.setup(prepared, configuration, RTOL)
    peer.solve(solver, b)
    peak = memory()[1] - before
    return {"configuration": configuration, "memory_bytes": peer.total(peak) if hasattr(peer, "total") else peak}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True, choices=LIBRARIES)
    parser.add_argument("--matrix", required=True)
    parser.add_argument("--memory", metavar="CONFIGURATION")
    options = parser.parse_args()
    # Libraries that talk on standard output must not mix with the answers.
    answers = sys.stdout
    sys.stdout = sys.stderr

    def say(line):
        print(json.dumps(line), file=answers, flush=True)

    try:
        peer = load(options.library)
    except (ImportError, OSError) as e:
        say({"missing": f"{e}"})
        return
    leads = not hasattr(peer, "leads") or peer.leads()
    a = problems.read(options.matrix)
    prepared = peer.prepare(a)
    if options.memory:
        line = peak_memory(peer, prepared, a, options.memory)
        if leads:
            say(line)
        return
    names = peer.configurations(a, problems.is_symmetric(a))
    if leads:
        say({"library": peer.NAME, "version": peer.version(), "configurations": names})
    tolerances = {}
    lines = iter(sys.stdin.readline, "")
    commands = peer.commands(names, sys.stdin) if hasattr(peer, "commands") else map(str.strip, lines)
    for configuration in commands:
        try:
            line = measured(peer, prepared, a, configuration, tolerances)
        except Exception as e:  # whatever a library throws is a result
            line = {"configuration": configuration, "error": " ".join(repr(e).split())[:200]}
        if leads:
            say(line)


if __name__ == "__main__":
    main()

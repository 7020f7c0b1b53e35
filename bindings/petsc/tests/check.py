"""Tests of the export for PETSc and of multigrad-petsc: check.py FOLDER_OF_PROGRAMS WORK [names of tests]

Every function whose name begins with `test_` is a test. WORK holds the compiled example `solve` in C.
"""

import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS, WORK = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
RANKS = [1, 2, 4, 8]
# Seconds after which a run counts as hanging.
LIMIT = 120

ENVIRONMENT = dict(
    os.environ,
    OMPI_ALLOW_RUN_AS_ROOT="1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    OMPI_MCA_rmaps_base_oversubscribe="1",
    OMPI_MCA_mpi_yield_when_idle="1",
    OMP_NUM_THREADS="1",
    RAYON_NUM_THREADS="1",
    PYTHONPATH=str(HERE.parent),
)


def run(*words, ranks=None, code=0, limit=LIMIT):
    """Runs a command, on ranks of MPI if asked; returns its output. Another exit code than `code` is a failure."""
    words = [str(w) for w in words]
    if ranks is not None:
        words = ["mpirun", "--oversubscribe", "-n", str(ranks), *words]
    out = subprocess.run(words, cwd=WORK, env=ENVIRONMENT, capture_output=True, text=True, timeout=limit, check=False)
    text = out.stdout + out.stderr
    wrong = out.returncode == 0 if code is None else out.returncode != code
    assert not wrong, f"{' '.join(words)}\nended with {out.returncode}:\n{text}"
    return text


def multigrad(*words, **options):
    return run(PROGRAMS / "multigrad", *words, **options)


def parallel(ranks, *words, **options):
    return run(PROGRAMS / "multigrad-petsc", *words, ranks=ranks, **options)


def load(name):
    return json.loads((WORK / name).read_text())


def problem(name, *options):
    """Files of a model problem: A and b."""
    a, b = f"{name}.mtx", f"{name}-b.mtx"
    if not (WORK / a).exists():
        multigrad("generate", *options, "-o", a, "--rhs", b)
    return a, b


def flow():
    return problem("flow", "recirculating-flow", "--n", 48, "--epsilon", 0.005)


def rotated():
    return problem("rotated", "rotated-anisotropic", "--n", 48)


def poisson():
    return problem("poisson", "poisson2d", "--n", 48)


def trained(name, a, *options):
    """A trained solver in double precision."""
    file = f"{name}.mgrad"
    if not (WORK / file).exists():
        multigrad("train", a, "-o", file, "--keep-trained", "--no-baselines", *options)
    return file


def library(a, b, solver, *options):
    """Iterations and history of the library, relative to the first residual."""
    multigrad("solve", a, "--rhs", b, "--preconditioner", solver, "--json", "own.json", *options)
    own = load("own.json")
    first = own["residual_history"][0]
    return own["iterations"], [r / first for r in own["residual_history"]]


def exported(a, b, solver, ranks, *options):
    """Iterations and history of the example in C with the exported solver."""
    multigrad("export", a, "--preconditioner", solver, "-o", "s.petsc", "--ranks", ranks, *options)
    rhs = vector("b.petsc", b)
    text = run(WORK / "solve", "s.petsc", "-rhs", rhs, "-residuals", "residuals.txt", ranks=ranks)
    history = [float(line) for line in (WORK / "residuals.txt").read_text().split()]
    iterations = int(text.split("converged after ")[1].split()[0])
    return iterations, [r / history[0] for r in history]


def vector(name, matrix_market):
    """A Matrix Market vector as a binary file of PETSc."""
    lines = [line for line in (WORK / matrix_market).read_text().splitlines() if not line.startswith("%")]
    values = [float(line) for line in lines[1:]]
    (WORK / name).write_bytes(struct.pack(f">ii{len(values)}d", 1211214, len(values), *values))
    return name


def distance(v, w):
    """The largest difference, relative to the first residual."""
    assert len(v) == len(w), (len(v), len(w))
    return max(abs(x - y) for x, y in zip(v, w))


def compare(name, a, b, solver, most, *options):
    """The same solver in the library and in PETSc: histories on one rank, iterations on more; `options` of the export."""
    own, history = library(a, b, solver)
    counts = []
    for ranks in RANKS:
        iterations, theirs = exported(a, b, solver, ranks, *options)
        counts.append(iterations)
        if ranks == 1:
            difference = distance(history, theirs)
    print(f"  {name}: library {own}; PETSc on {RANKS} ranks {counts}; histories differ by {difference:.1e}")
    assert difference < 1e-10, difference
    assert counts[0] == own and all(abs(c - own) <= most for c in counts), (own, counts)


def test_a_learned_m_takes_the_same_iterations_on_any_number_of_ranks():
    a, b = flow()
    compare("flow, M", a, b, trained("flow-m", a, "--steps", 40, "--seed", 1), 0)


def test_a_symmetric_m_inside_cg():
    a, b = poisson()
    solver = trained("poisson-m", a, "--symmetric", "--steps", 40, "--loss", "krylov")
    compare("Poisson, M, CG", a, b, solver, 0)


def test_learned_factors_per_rank():
    a, b = flow()
    compare("flow, factors", a, b, trained("flow-ilu", a, "--learn", "ilu", "--steps", 40), 2, "--renumber")


def test_learned_scalars_per_rank():
    a, b = rotated()
    solver = trained("rotated-scalars", a, "--learn", "scalars", "--symmetric", "--loss", "krylov", "--steps", 40)
    compare("rotated anisotropy, scalars", a, b, solver, 2, "--renumber")


def test_a_learned_schwarz_method_takes_the_same_iterations():
    a, b = poisson()
    solver = trained("poisson-schwarz", a, "--learn", "schwarz", "--steps", 20)
    compare("Poisson, Schwarz", a, b, solver, 0)


def test_several_sweeps_and_a_w_cycle():
    a, b = flow()
    solver = trained("flow-w", a, "--steps", 10, "--hierarchy", "san", "--cycle", "W(2,1)")
    compare("flow, W(2,1)", a, b, solver, 0)


def test_rows_are_renumbered_by_metis():
    a, b = flow()
    solver = trained("flow-m", a, "--steps", 40, "--seed", 1)
    own, _ = library(a, b, solver)
    multigrad("export", a, "--preconditioner", solver, "-o", "p.petsc", "--ranks", 4, "--renumber")
    text = run(WORK / "solve", "p.petsc", "-rhs", vector("b.petsc", b), ranks=4)
    assert f"converged after {own} iterations" in text, (own, text)


def test_the_program_solves_on_ranks():
    a, b = flow()
    solver = trained("flow-m", a, "--steps", 40, "--seed", 1)
    own, _ = library(a, b, solver)
    for ranks in RANKS:
        text = parallel(
            ranks, "solve", a, "--rhs", b, "--preconditioner", solver, "-o", "x.mtx", "--json", "p.json", "-ksp_monitor"
        )
        out = load("p.json")
        assert out["iterations"] == own and out["converged"] and out["ranks"] == ranks, out
        assert text.count("KSP Residual norm") == own + 1, text
    multigrad("solve", a, "--rhs", b, "-o", "y.mtx", "--rtol", "1e-10")
    read = lambda name: [float(v) for v in (WORK / name).read_text().splitlines()[2:]]
    x, y = read("x.mtx"), read("y.mtx")
    size = max(map(abs, y))
    assert max(abs(p - q) for p, q in zip(x, y)) < 1e-5 * size


def test_hierarchies_of_petsc_with_learned_tau():
    a, b = problem("rotated-large", "rotated-anisotropic", "--n", 96)
    multigrad("export", a, "-o", "s.petsc", "--system", "large.petsc", "--rhs", b)
    for builder in ["gamg", "hypre"]:
        for ranks in RANKS:
            for file in ["large.petsc", a]:
                options = ["--parts", "rows"] if file == "large.petsc" else ["--rhs", b]
                parallel(ranks, "solve", file, "--hierarchy", builder, *options, "--json", "own.json")
                parallel(ranks, "solve", file, "--hierarchy", builder, *options, "--learn", "nothing", "--json", "theirs.json")
                own, theirs = load("own.json"), load("theirs.json")
                print(
                    f"  {builder} on {ranks} ranks, {file}: {own['iterations']} iterations with τ = {own['tau']}, "
                    f"{theirs['iterations']} with smoothers of PETSc"
                )
                assert own["converged"] and own["relative_residual"] < 2e-8, own
                # With 1152 rows on a rank they are hardly better: as many iterations are allowed there.
                assert own["iterations"] < theirs["iterations"] + (ranks == 8), (own, theirs)


def test_entries_are_trained_on_each_rank():
    a, b = problem("flow-large", "recirculating-flow", "--n", 80, "--epsilon", 0.005)
    counts = []
    for ranks in [1, 2, 4]:
        words = ["solve", a, "--rhs", b, "--hierarchy", "gamg", "--learn", "entries", "--steps", 60]
        parallel(ranks, *words, "--json", "own.json", limit=300)
        own = load("own.json")
        assert own["converged"] and not own["notices"], own
        counts.append(own["iterations"])
    parallel(2, "solve", a, "--rhs", b, "--hierarchy", "gamg", "--learn", "nothing", "--json", "theirs.json")
    theirs = load("theirs.json")["iterations"]
    print(f"  iterations on 1, 2, 4 ranks: {counts}; with smoothers of PETSc {theirs}")
    assert max(counts) < theirs, (counts, theirs)


def test_a_fallback_is_loud():
    # Every rank has too few rows to learn anything.
    a, b = problem("small", "poisson2d", "--n", 16)
    parallel(4, "solve", a, "--rhs", b, "--hierarchy", "gamg", "--json", "p.json")
    out = load("p.json")
    assert out["converged"] and out["tau"] is None and "not used" in out["notices"][0], out


def test_ranks_without_rows():
    a, b = problem("tiny", "poisson2d", "--n", 2)
    for ranks in [1, 4, 7]:
        parallel(ranks, "solve", a, "--rhs", b, "--json", "p.json")
        out = load("p.json")
        assert out["converged"] and out["rows"] == 4, out
        assert ranks < 7 or out["rows_of_ranks"][0] == 0, out


def test_a_python_program_loads_the_solver():
    # The interpreter of a distribution may be another one than that of this test.
    interpreters = [sys.executable, "/usr/bin/python3"]
    able = [p for p in interpreters if subprocess.run([p, "-c", "import petsc4py"], capture_output=True, check=False).returncode == 0]
    if not able:
        print("  petsc4py is not installed")
        return
    solver = trained("poisson-schwarz", poisson()[0], "--learn", "schwarz", "--steps", 20)
    for name, options in [("flow-m", []), ("flow-ilu", ["--learn", "ilu"]), ("poisson-schwarz", None)]:
        a = poisson()[0] if options is None else flow()[0]
        solver = trained(name, a, *(options or []), "--steps", 40)
        for ranks in [1, 4]:
            multigrad("export", a, "--preconditioner", solver, "-o", "s.petsc", "--ranks", ranks)
            c = run(WORK / "solve", "s.petsc", ranks=ranks)
            python = run(able[0], HERE.parent / "examples" / "solve.py", "s.petsc", ranks=ranks)
            word = "converged after " + c.split("converged after ")[1].split()[0]
            assert word in python, (c, python)
    wrong = run(able[0], HERE.parent / "examples" / "solve.py", "s.petsc", ranks=2, code=None)
    assert "exported for 4 ranks and this run has 2" in wrong, wrong


def test_the_program_of_the_manual_runs():
    if not (WORK / "manual").exists():
        print("  not compiled")
        return
    a, _ = flow()
    solver = trained("flow-m", a, "--steps", 40, "--seed", 1)
    multigrad("export", a, "--preconditioner", solver, "-o", "flow.petsc")
    assert run(WORK / "manual", "-ksp_monitor", ranks=4).count("KSP Residual norm") > 3


def refused(text, *sentences):
    for sentence in sentences:
        assert sentence in text, f"{sentence!r} is not in:\n{text}"


def test_errors_are_told_and_end_all_ranks():
    a, b = flow()
    solver = trained("flow-ilu", a, "--learn", "ilu", "--steps", 40)
    for ranks in [1, 4]:
        refused(parallel(ranks, "solve", "none.petsc", code=1), "none.petsc")
        refused(parallel(ranks, "solve", "none.petsc", "--hierarchy", "gamg", "--parts", "rows", code=1), "none.petsc")
        refused(parallel(ranks, "solve", a, "--preconditioner", "none.mgrad", code=1), "none.mgrad")
        refused(parallel(ranks, "solve", code=2), "Usage")
        refused(parallel(ranks, "solve", a, "--parts", "odd", code=2), "odd")
    text = parallel(4, "solve", "none.petsc", code=1)
    assert text.count("error:") == 1 and "error on rank" not in text, text
    other, _ = poisson()
    refused(parallel(2, "solve", other, "--preconditioner", solver, code=1), "another matrix")
    # Exported for four ranks, started on two.
    multigrad("export", a, "--preconditioner", solver, "-o", "four.petsc", "--ranks", 4)
    refused(run(WORK / "solve", "four.petsc", ranks=2, code=None), "exported for 4 ranks and this run has 2")
    # Other widths, other files, damaged files.
    multigrad("export", a, "--preconditioner", solver, "-o", "wide.petsc", "--wide")
    refused(run(WORK / "solve", "wide.petsc", ranks=1, code=None), "indices of 64 bits and this PETSc of 32")
    multigrad("export", a, "-o", "s.petsc", "--system", "a.petsc", "--preconditioner", solver)
    refused(run(WORK / "solve", "a.petsc", ranks=2, code=None), "not a solver that multigrad exported")
    refused(run(WORK / "solve", "none.petsc", ranks=2, code=None), "none.petsc")
    for length in [3, 11, 40, 2000]:
        (WORK / "cut.petsc").write_bytes((WORK / "four.petsc").read_bytes()[:length])
        (WORK / "cut.petsc.options").write_text("")
        run(WORK / "solve", "cut.petsc", ranks=4, code=None)
        (WORK / "cut.petsc").write_bytes((WORK / "a.petsc").read_bytes()[:length])
        parallel(2, "solve", "cut.petsc", code=1)
        parallel(2, "solve", "cut.petsc", "--hierarchy", "gamg", "--parts", "rows", code=None)


def test_a_killed_rank_ends_the_run():
    a, b = problem("rotated-large", "rotated-anisotropic", "--n", 96)
    words = ["mpirun", "--oversubscribe", "-n", "4", str(PROGRAMS / "multigrad-petsc"), "solve", a]
    words += ["--hierarchy", "gamg", "--solves", "1000000"]
    started = subprocess.Popen(words, cwd=WORK, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(5)
    children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text().split()
    assert len(children) >= 4, children
    os.kill(int(children[2]), signal.SIGKILL)
    clock = time.time()
    _, errors = started.communicate(timeout=LIMIT)
    print(f"  ended after {time.time() - clock:.1f} s with exit code {started.returncode}")
    assert started.returncode != 0
    refused(errors, "signal 9")


def main():
    wanted = sys.argv[3:]
    failed = []
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (wanted and not any(w in name for w in wanted)):
            continue
        print(name[5:].replace("_", " "), flush=True)
        try:
            test()
        except (AssertionError, subprocess.TimeoutExpired) as e:
            failed.append(name)
            print(f"FAILED: {e}", flush=True)
    print("passed" if not failed else f"failed: {', '.join(failed)}")
    sys.exit(1 if failed else 0)


main()

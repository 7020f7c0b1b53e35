"""Runs on ranks of MPI whose processor time is that of their work."""

import atexit
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp(prefix="multigrad-bench-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
ENVIRONMENT = dict(
    os.environ,
    OMPI_ALLOW_RUN_AS_ROOT="1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    OMPI_MCA_mpi_yield_when_idle="1",
    OMP_NUM_THREADS="1",
    RAYON_NUM_THREADS="1",
)


def _sleeper():
    library = FOLDER / "yield.so"
    source = Path(__file__).parent / "yield.c"
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
    return library


SLEEPER = _sleeper()


def run(*words, ranks=None, limit=300):
    """None, or what a run that failed has said."""
    words = [str(w) for w in words]
    if ranks is not None:
        words = ["mpirun", "-x", f"LD_PRELOAD={SLEEPER}", "--oversubscribe", "-n", str(ranks), *words]
    try:
        out = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return f"more than {limit} s"
    return None if out.returncode in (0, 3) else out.stdout + out.stderr

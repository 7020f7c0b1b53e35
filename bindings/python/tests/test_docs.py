"""Examples of the docstrings and of the manual run, and the types agree."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import multigrad

MODULES = ["", "._errors", "._functions", "._learned", "._results", "._solver", ".gallery"]
MANUAL = Path(__file__).parents[3] / "docs" / "python.md"
PACKAGE = Path(multigrad.__file__).parent


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    failed, attempted = doctest.testmod(importlib.import_module("multigrad" + name))
    assert attempted > 0 and failed == 0


def test_every_public_name_has_a_docstring() -> None:
    for name in multigrad.__all__:
        value = getattr(multigrad, name)
        assert isinstance(value, str) or value.__doc__, name
    for kind in (multigrad.Solver, multigrad.LearnedSolver):
        for name, value in vars(kind).items():
            assert name.startswith("_") or value.__doc__, name


def test_the_manual_names_every_function() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    for name in multigrad.__all__:
        assert name.startswith("_") or f"`{name}" in text or f".{name}" in text, name


def test_the_manual_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) > 8
    monkeypatch.chdir(tmp_path)
    for number, block in enumerate(blocks):
        # Every block runs by itself: a reader copies one.
        exec(compile(block, f"docs/python.md, block {number + 1}", "exec"), {"__name__": "__main__"})


def test_types(tmp_path: Path) -> None:
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    settings = tmp_path / "mypy.ini"
    settings.write_text("[mypy]\nstrict = True\n[mypy-scipy.*]\nignore_missing_imports = True\n")
    user = tmp_path / "user.py"
    user.write_text(
        "import numpy as np\nimport multigrad\n"
        "A = multigrad.gallery.poisson((9, 9))\n"
        "solver: multigrad.Solver = multigrad.solver(A, setup='sa', sweeps=(1, 2))\n"
        "x = solver.solve(np.ones(81), tol=1e-6)\n"
        "report: multigrad.TrainingReport = solver.train(solves=3, progress=lambda p: print(p.step))\n"
        "table: list[dict[str, object]] = [dict(level) for level in solver.levels]\n"
    )
    # A copy apart from the other installed packages, which mypy would check with it.
    copy = tmp_path / "copy" / "multigrad"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    command = [sys.executable, "-m", "mypy", "--config-file", str(settings), str(copy), str(user)]
    environment = os.environ | {"MYPY_CACHE_DIR": str(tmp_path / "cache"), "MYPYPATH": str(copy.parent)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr

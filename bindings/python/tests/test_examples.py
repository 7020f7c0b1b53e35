"""The examples run on small problems, and their errors are small."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import multigrad

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize(
    "name, arguments, needs",
    [
        ("pyamg_readme", ["60", "1"], "pyamg"),
        ("scikit_fem_ex09", ["10"], "skfem"),
        ("fipy_mesh20x20", ["20"], "fipy"),
    ],
)
def test_example(name: str, arguments: list[str], needs: str) -> None:
    for module in ("pyamg", needs):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    package = str(Path(multigrad.__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if "multigrad" in line and "e-" in line]
    assert rows, done.stdout
    for row in rows:
        assert all(float(value) < 1e-7 for value in re.findall(r"\d\.\de[-+]\d+", row)), row

#!/bin/sh
# Builds the package in a new virtual environment and tests it: sh bindings/python/test.sh [arguments of pytest]
#
# Needs Python 3.11 or later, a Rust compiler, and the network for NumPy, SciPy, PyAMG, pytest and mypy.
# CARGO_TARGET_DIR         keeps the compiled library between runs
# MULTIGRAD_PYTHON         "optional": a missing Python or network is no failure
# MULTIGRAD_SITE_PACKAGES  "system": uses the packages that are installed already
# PYTHON                   the interpreter; default python3
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}

missing() {
    echo "test.sh: $1"
    [ "${MULTIGRAD_PYTHON:-}" = optional ] && exit 0
    exit 1
}

"$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' || missing "there is no Python 3.11 or later"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

options=
[ "${MULTIGRAD_SITE_PACKAGES:-}" = system ] && options=--system-site-packages
"$python" -m venv $options "$work/venv" || missing "no virtual environment can be made"
bin=$work/venv/bin
[ -d "$bin" ] || bin=$work/venv/Scripts
pip="$bin/python -m pip install --quiet --disable-pip-version-check"

$pip "maturin>=1.7,<2" numpy scipy pyamg pytest mypy || missing "the packages for the tests cannot be installed"
# The package itself must build: from here on every failure counts.
# Without isolation pip looks for the program maturin in PATH.
PATH=$(cd "$bin" && pwd):$PATH
export PATH
$pip --no-build-isolation "$here"
cd "$work"
"$bin/python" -m pytest -q -p no:cacheprovider "$here/tests" "$@"

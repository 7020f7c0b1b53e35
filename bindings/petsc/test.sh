#!/bin/sh
# Builds the programs, then tests the export for PETSc and the solves on ranks of MPI: sh bindings/petsc/test.sh
#
# Needs PETSc 3.18 or later with real scalars, mpicc, mpirun, pkg-config, Python 3 and Rust; petsc4py is used where it is
# installed. On Debian and Ubuntu: apt install petsc-dev python3-petsc4py openmpi-bin pkg-config
#
# CARGO_TARGET_DIR  keeps the compiled programs between runs
# MULTIGRAD_PETSC   "optional": a missing PETSc is no failure
# PYTHON            the interpreter; default python3
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}

missing() {
    echo "test.sh: PETSc is not available: $1"
    [ "${MULTIGRAD_PETSC:-}" = optional ] && exit 0
    exit 1
}

command -v pkg-config >/dev/null 2>&1 || missing "there is no pkg-config"
pkg-config --atleast-version=3.18 PETSc 2>/dev/null || pkg-config --atleast-version=3.18 petsc 2>/dev/null ||
    missing "pkg-config finds no PETSc 3.18 or later"
for program in mpicc mpirun "$python"; do
    command -v "$program" >/dev/null 2>&1 || missing "there is no $program"
done

target=${CARGO_TARGET_DIR:-$here/../../target}
cargo build --release --manifest-path "$here/../../Cargo.toml" --features petsc --bins
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
name=PETSc
pkg-config --exists PETSc 2>/dev/null || name=petsc
# shellcheck disable=SC2046
mpicc -std=c99 -O2 -Wall -Wextra -Werror -I"$here" $(pkg-config --cflags "$name") "$here/examples/solve.c" \
    $(pkg-config --libs "$name") -lm -o "$work/solve"
# The program of the manual.
awk '/^```c$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$here/../../docs/petsc.md" >"$work/manual.c"
# shellcheck disable=SC2046
mpicc -std=c99 -O2 -Wall -Wextra -Werror -I"$here" $(pkg-config --cflags "$name") "$work/manual.c" \
    $(pkg-config --libs "$name") -lm -o "$work/manual"
"$python" "$here/tests/check.py" "$target/release" "$work"

#!/bin/sh
# Runs every short example and a small version of every measurement. Needs Rust and a C compiler.
#
# The environment: CARGO, by default `cargo`; CARGO_TARGET_DIR as for cargo.
set -eu
cd "$(dirname "$0")"
cargo=${CARGO:-cargo}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# run NAME ARGUMENTS: one example.
run() {
    name=$1
    shift
    printf '\n== %s\n' "$name $*"
    "$cargo" run --release --quiet --package multigrad-in-other-crates --example "$name" -- "$@"
}

# Every package in one go, so that the examples below run without another build.
"$cargo" build --release --package multigrad-in-other-crates --examples

short="faer_bicgstab faer_columns faer_lsmr faer_rows from_fenris from_nalgebra from_sprs in_diffsol in_russell matrix_free"
for name in $short; do
    run "$name"
done
run poisson_fenris 32
run heat_diffsol 24
run plate_fem 8
run poisson_russell 34
run other_solvers 48

# Every line of Rust in the manual is a line of an example or an adapter.
manual=../../docs/integrations.md
awk '/^```rust$/ { inside = 1; next } /^```/ { inside = 0 } inside && NF' "$manual" | sed 's/^ *//' |
    while read -r line; do
        sed 's/^ *//' examples/*.rs src/*.rs | grep -qxF -e "$line" || printf '%s\n' "$line"
    done >"$folder/missing"
if [ -s "$folder/missing" ]; then
    printf 'docs/integrations.md has lines that no example has:\n' >&2
    cat "$folder/missing" >&2
    exit 1
fi
printf '\nall examples passed\n'

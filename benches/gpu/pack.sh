#!/usr/bin/env bash
# Packs the tests, the benchmark and the program for a machine with an NVIDIA GPU, which needs neither Rust nor a network:
#
#   benches/gpu/pack.sh            # makes the folder target/card, or the one named as argument
#
# Copy that folder there and run card.sh in it. Needs Rust and a C compiler with its binutils, here.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-target/card}
# No scratch files in the system's folder: target/ may be on another disk, and a move within it is atomic.
mkdir -p "$(dirname "$folder")"
scratch=$(mktemp -d "$(dirname "$folder")/card.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
inner=$scratch/card
mkdir -p "$inner/deps" "$inner/tests" "$scratch/out"

built=$scratch/built.json
cargo test --release --no-run --features emulator --lib --test suite --bench gpu \
    --message-format=json-render-diagnostics > "$built"
# The file of the target with this kind and name; tests of the suite come with the program.
executable() {
    sed -n "/\"target\":{\"kind\":\[\"$1\"\][^}]*\"name\":\"$2\"/s/.*\"executable\":\"\([^\"]*\)\".*/\1/p" "$built" | tail -n 1
}
pack() {
    local from
    from=$(executable "$1" "$2")
    [ -n "$from" ] || { echo "pack.sh: cargo named no file for $1 $2" >&2; exit 1; }
    strip -o "$inner/$3" "$from"
}
pack lib multigrad deps/unit
pack test suite deps/suite
pack bench gpu deps/bench
pack bin multigrad multigrad

# Panics name source files of packages by where Cargo keeps them. Dots of the same length take the place of the folder.
hide() { printf '%s' "$1" | sed 's/[^/]/./g'; }
escaped() { printf '%s' "$1" | sed 's/[][\.*^$#]/\\&/g'; }
for path in "${CARGO_HOME:-$HOME/.cargo}" "$PWD"; do
    LC_ALL=C sed -i "s#$(escaped "$path")#$(hide "$path")#g" "$inner"/multigrad "$inner"/deps/*
    if LC_ALL=C grep -qrF "$path" "$inner"; then
        echo "pack.sh: a file still names $path" >&2
        exit 1
    fi
done

cp -r meshes kernels "$inner/"
cp -r tests/data "$inner/tests/data"
if commit=$(git rev-parse --short=12 HEAD 2>/dev/null); then
    git diff --quiet HEAD -- || commit="$commit with changes"
else
    commit=unknown
fi
printf '%s\n' "$commit" > "$inner/commit"
tar -czf "$scratch/out/card.tar.gz" -C "$inner" .
cp benches/gpu/card.sh benches/gpu/peers.py "$scratch/out/"

rm -rf "$folder"
mv "$scratch/out" "$folder"
kilobytes=$(du -sk "$folder" | cut -f 1)
echo "$folder: $((kilobytes / 1024)) MiB, of commit $commit"
if [ "$kilobytes" -gt $((60 * 1024)) ]; then
    echo "pack.sh: the folder has more than 60 MiB" >&2
    exit 1
fi

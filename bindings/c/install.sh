#!/bin/sh
# Builds the C interface and installs it: install.sh PREFIX
#
# PREFIX/include/multigrad.h              header
# PREFIX/lib/libmultigrad.so, .a          shared and static library (.dylib on macOS)
# PREFIX/lib/pkgconfig/multigrad.pc       compiler and linker flags
# PREFIX/share/multigrad/*.f90            modules for Fortran, to be compiled with the program
#
# The environment: CARGO (default: cargo), CARGO_TARGET_DIR as for cargo.
set -eu

if [ $# -ne 1 ] || [ -z "$1" ]; then
    echo "usage: $0 PREFIX" >&2
    exit 2
fi
prefix=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

cd "$root"
"${CARGO:-cargo}" build --release -p multigrad-c --target-dir "$target"

mkdir -p "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/share/multigrad"
prefix=$(cd "$prefix" && pwd)
built=$target/release
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/Cargo.toml" | head -n 1)

cp "$here/include/multigrad.h" "$prefix/include/"
cp "$here/fortran/multigrad_c.f90" "$here/fortran/multigrad.f90" "$prefix/share/multigrad/"
cp "$built/libmultigrad_c.a" "$prefix/lib/libmultigrad.a"
# System libraries that a program with the static library needs, as `rustc --print native-static-libs` lists them.
case $(uname -s) in
Darwin)
    private="-liconv -lSystem -lc -lm"
    cp "$built/libmultigrad_c.dylib" "$prefix/lib/libmultigrad.0.dylib"
    ln -sf libmultigrad.0.dylib "$prefix/lib/libmultigrad.dylib"
    ;;
*)
    private="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"
    cp "$built/libmultigrad_c.so" "$prefix/lib/libmultigrad.so.$version"
    ln -sf "libmultigrad.so.$version" "$prefix/lib/libmultigrad.so.0"
    ln -sf libmultigrad.so.0 "$prefix/lib/libmultigrad.so"
    ;;
esac
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" -e "s|@LIBS_PRIVATE@|$private|" \
    "$here/multigrad.pc.in" > "$prefix/lib/pkgconfig/multigrad.pc"
echo "multigrad $version is installed in $prefix"

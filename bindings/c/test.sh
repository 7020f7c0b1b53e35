#!/bin/sh
# Builds and installs the C interface into a temporary folder, then compiles and runs examples, tests and the programs
# of docs/c.md against it. Needs Rust and a C compiler; C++, Fortran, Python, cbindgen and valgrind are used where they
# are installed.
#
# The environment: CC, CXX, FC; CARGO and CARGO_TARGET_DIR as for install.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
prefix=$folder/prefix
cc=${CC:-cc}
cxx=${CXX:-c++}
fc=${FC:-gfortran}
has() { command -v "$1" >/dev/null 2>&1; }
step() { printf '\n== %s\n' "$*"; }
skip() { printf 'skipped: %s\n' "$*"; }
fail() { printf 'failed: %s\n' "$*" >&2; exit 1; }

step build and install
"$here/install.sh" "$prefix"
if has pkg-config; then
    export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
    flags=$(pkg-config --cflags multigrad)
    libs=$(pkg-config --libs multigrad)
    [ "$(pkg-config --modversion multigrad)" = "$(sed -n 's/^version = "\(.*\)"/\1/p' "$here/Cargo.toml" | head -n 1)" ]
else
    skip "pkg-config is not installed; plain flags in its place"
    flags="-I$prefix/include"
    libs="-L$prefix/lib -lmultigrad"
fi
private=$(sed -n 's/^Libs.private: //p' "$prefix/lib/pkgconfig/multigrad.pc")
run="-Wl,-rpath,$prefix/lib"
strict="-Wall -Wextra -Werror -pedantic"

# compile NAME FILE: a C99 program with the shared library.
compile() {
    # shellcheck disable=SC2086
    "$cc" -std=c99 -O1 -g $strict $flags -I"$here/tests" "$2" $libs $run -lm -pthread -o "$folder/$1"
}

step the header is that of the crate
if has cbindgen; then
    (cd "$here" && cbindgen --quiet --config cbindgen.toml --output "$folder/multigrad.h" .)
    diff -u "$here/include/multigrad.h" "$folder/multigrad.h" || fail "cbindgen.toml says how to write the header"
else
    skip "cbindgen is not installed"
fi
if has python3; then
    python3 "$here/fortran/interfaces.py" "$here/include/multigrad.h" >"$folder/multigrad_c.f90"
    diff -u "$here/fortran/multigrad_c.f90" "$folder/multigrad_c.f90" || fail "run fortran/interfaces.py"
else
    skip "python3 is not installed: the Fortran interfaces are not compared with the header"
fi
# Without cbindgen: every exported function is in the header, and is used by the test of all functions.
sed -n 's/.*extern "C" fn \(mg_[a-z0-9_]*\)(.*/\1/p' "$here"/src/*.rs | sort >"$folder/exported"
sed -n 's/^[a-z].*[ *]\(mg_[a-z0-9_]*\)(.*/\1/p' "$here/include/multigrad.h" | sort >"$folder/declared"
diff "$folder/exported" "$folder/declared" || fail "header and crate have other functions"
while read -r name; do
    grep -q "$name(" "$here/tests/functions.c" "$here/tests/bad_input.c" || fail "no test uses $name"
done <"$folder/declared"

step examples in C
for name in poisson time_steps; do
    compile "$name" "$here/examples/$name.c"
    "$folder/$name"
done

step "the static library, with the flags of Libs.private"
# shellcheck disable=SC2086
"$cc" -std=c99 $strict $flags "$here/examples/poisson.c" "$prefix/lib/libmultigrad.a" $private -lm -o "$folder/static"
"$folder/static" >/dev/null

step tests in C
for name in functions bad_input threads fuzz; do
    compile "$name" "$here/tests/$name.c"
    "$folder/$name" "$([ "$name" = functions ] && echo "$folder" || echo 1)"
done
if has valgrind; then
    valgrind --quiet --error-exitcode=9 --fair-sched=yes "$folder/bad_input"
    valgrind --quiet --error-exitcode=9 --fair-sched=yes "$folder/fuzz" 2 1500
else
    skip "valgrind is not installed"
fi

step the header in C++
if has "$cxx"; then
    # The example is valid C++ but for the casts from void pointers.
    # shellcheck disable=SC2086
    "$cxx" -x c++ -fpermissive -w $flags "$here/examples/poisson.c" -x none $libs $run -lm -o "$folder/cpp"
    "$folder/cpp" >/dev/null
    # shellcheck disable=SC2086
    printf '#include "multigrad.h"\nint main() { return mg_last_error()[0]; }\n' |
        "$cxx" -Wall -Wextra -Werror -pedantic $flags -x c++ - -x none $libs $run -o "$folder/strict"
    "$folder/strict"
else
    skip "there is no C++ compiler"
fi

step programs of docs/c.md
# Every fenced program goes into a file of its own: doc1.c, doc2.c, doc3.f90.
awk -v folder="$folder" '
    /^```(c|fortran)$/ { file = folder "/doc" ++count ($0 ~ /fortran/ ? ".f90" : ".c"); next }
    /^```/ { file = "" }
    file { print > file }
' "$here/../../docs/c.md"
for file in "$folder"/doc*.c; do
    compile doc "$file"
    (cd "$folder" && ./doc) | tee "$folder/output"
    case $file in */doc1.c)
        [ "$(cat "$folder/output")" = "2 3 3 2" ] || fail "another answer than in docs/c.md" ;;
    esac
done

step Fortran
if has "$fc"; then
    mkdir "$folder/fortran"
    cd "$folder/fortran"
    for file in "$here/examples/poisson.f90" "$folder"/doc*.f90; do
        # shellcheck disable=SC2086
        "$fc" -std=f2018 -O1 -Wall -Wextra -Werror "$prefix/share/multigrad/multigrad_c.f90" \
            "$prefix/share/multigrad/multigrad.f90" "$file" $libs $run -o program
        ./program
    done
else
    skip "there is no Fortran compiler"
fi

step passed

#!/usr/bin/env bash
# Tests and measures multigrad on the NVIDIA GPU of this machine, with the package that pack.sh has put beside this file:
#
#   card.sh                           # all parts, most important first, in at most 8 minutes
#   card.sh tests solve               # some parts
#   card.sh --out FOLDER --minutes 5  # folder of the results (default: results beside this file); time for all parts
#   card.sh emulated [PARTS]          # without a GPU, in miniature: tests the package; times have no meaning
#
# Parts: tests, solve, cycle, training, smoothers, peers, sanitizer, scan.
#
# Writes card-DATE.md, one section for each part, and card-DATE.log with all output. Ends with 1 where a part failed or
# ran out of time. Needs a driver and NVRTC (of the CUDA toolkit or the Python wheel nvidia-cuda-nvrtc); compute-sanitizer,
# CuPy, PyTorch and AMGX are used where they are there. MULTIGRAD_TUNING is passed on.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
parts="tests solve cycle training smoothers peers sanitizer scan"

fail() { echo "card.sh: $*" >&2; exit 2; }
emulated= wanted= out=$here/results minutes=
while [ $# -gt 0 ]; do
    case $1 in
        emulated) emulated=emulated ;;
        --out) [ $# -gt 1 ] || fail "--out needs a folder"; out=$2; shift ;;
        --minutes) [[ ${2:-} =~ ^[0-9]+$ ]] || fail "--minutes needs a whole number"; minutes=$2; shift ;;
        -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) [[ " $parts " == *" $1 "* ]] || fail "there is no part '$1'; there are $parts"; wanted="$wanted $1" ;;
    esac
    shift
done
# Emulated parts take longer than those on a GPU.
minutes=${minutes:-$([ -n "$emulated" ] && echo 30 || echo 8)}
end=$((SECONDS + 60 * minutes))

mkdir -p "$out" && out=$(cd "$out" && pwd) || fail "the folder $out cannot be made"
[ -r "$here/card.tar.gz" ] || fail "card.tar.gz is not beside card.sh: pack.sh makes both"
work=$(mktemp -d "${TMPDIR:-/tmp}/multigrad-card.XXXXXX") || fail "no folder for temporary files"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
tar -xzf "$here/card.tar.gz" -C "$work" || fail "card.tar.gz cannot be unpacked"
name=card-$(date -u +%Y-%m-%dT%H%M%SZ)
report=$out/$name.md log=$out/$name.log
: > "$log" && : > "$report" || fail "nothing can be written to $out"
cd "$work" || fail "the folder $work is not there"
# Compiled kernels are kept for all parts, and only for them.
export MULTIGRAD_CACHE=$work/cache

say() { printf '%s\n' "$*" | tee -a "$report"; }
# Prints the folder that holds NVRTC for the driver's version of CUDA: what the loader finds by itself, toolkit, wheel.
nvrtc() {
    local folder
    {
        printf '%s\n' "${LD_LIBRARY_PATH:-}" | tr ':' '\n'
        ldconfig -p 2>/dev/null | sed -n 's#.*=> \(.*\)/libnvrtc\.so.*#\1#p'
        printf '%s\n' "${CUDA_HOME:-}/lib64" "${CUDA_PATH:-}/lib64" /usr/local/cuda/lib64 /usr/local/cuda-*/lib64 \
            /opt/cuda/lib64
        python3 - <<'PYTHON' 2>/dev/null
import glob, importlib.util
spec = importlib.util.find_spec("nvidia")
for root in (spec.submodule_search_locations if spec else []):
    for file in glob.glob(f"{root}/**/libnvrtc.so*", recursive=True):
        print(file.rsplit("/", 1)[0])
PYTHON
    } | while read -r folder; do
        # Of the driver's own major version; the loader needs the name with or without it.
        if compgen -G "$folder/libnvrtc.so.${1:-}*" > /dev/null; then printf '%s\n' "$folder"; break; fi
    done
}

say "# multigrad on a card, $(date -u '+%Y-%m-%d %H:%M UTC'), commit $(cat commit)"
say ""
if [ -n "$emulated" ]; then
    say "EMULATED, without a card: every figure only shows that the package works."
    # What a test asks for; kernels run on the processor.
    unset MULTIGRAD_DEVICE
else
    export MULTIGRAD_DEVICE=card
    query=name,driver_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,clocks.max.mem,power.limit,temperature.gpu
    if command -v nvidia-smi > /dev/null; then
        timeout 20 nvidia-smi --query-gpu=$query --format=csv,noheader 2>&1 | paste -d, -s | sed 's/, */,/g' |
            awk -F, -v names="$query" '{ n = split(names, name, ","); for (i = 1; i <= n; i++) print "* " name[i] ": " $i }' |
            tee -a "$report"
        driver=$(timeout 20 nvidia-smi 2>/dev/null | sed -n 's/.*CUDA Version: *\([0-9]*\)\..*/\1/p')
    else
        say "* nvidia-smi is not there"
    fi
    folder=$(nvrtc "${driver:-}")
    if [ -n "$folder" ]; then
        say "* NVRTC in $folder"
        export LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    else
        say "* NVRTC${driver:+ for CUDA $driver} was not found: install the CUDA toolkit or \`pip install nvidia-cuda-nvrtc\`"
    fi
fi
say "* $(nproc) processors, $(uname -sr)"

state=0 summary=
# A part: its name, most seconds, and a command whose output is the log's, and the file's as `show` prints it.
part() {
    local name=$1 limit=$2 show=$3 from=$SECONDS left=$((end - SECONDS)) code verdict text=$work/part
    shift 3
    [ -n "$wanted" ] && [[ " $wanted " != *" $name "* ]] && return
    [ -n "$emulated" ] && limit=$((limit * 10))
    say "" && say "## $name" && say ""
    if [ "$left" -lt 5 ]; then
        say "left out: the $minutes minutes are over"
        summary="$summary\n* $name: left out" state=1
        return
    fi
    printf '\n==== %s\n' "$name: $*" >> "$log"
    timeout -k 5 $((limit < left ? limit : left)) "$@" > "$text" 2>&1 < /dev/null
    code=$?
    cat "$text" >> "$log"
    "$show" "$text" | tee -a "$report"
    case $code in
        0) verdict="done" ;;
        124 | 137) verdict="OUT OF TIME" ;;
        *) verdict="FAILED with $code" ;;
    esac
    [ $code -eq 0 ] || state=1
    say "" && say "$verdict in $((SECONDS - from)) s"
    summary="$summary\n* $name: $verdict in $((SECONDS - from)) s"
}
whole() { cat "$1"; }
# Failed tests with their first lines, and the closing line of each program.
tests() { grep -E '^(test result|running|test .*FAILED|thread .*panicked|assertion|  *left:|  *right:|error)|^Error' "$1" | head -80; }
sanitized() { grep -E 'ERROR SUMMARY|RACECHECK SUMMARY|^========= (Invalid|Error|Race|Uninit)|^test (result|.*FAILED)|not there' "$1" | head -60; }

tests_of_the_card() {
    local code=0
    deps/unit --test-threads=1 cuda:: resident || code=1
    deps/suite --test-threads=1 device || code=1
    return $code
}
# Small tests of every family of kernels.
checked="products::tests sweeps::tests triangular::tests sampled::tests reductions::tests refresh::tests"
sanitizer() {
    local tool sanitizer code=0
    sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -n 1)
    if [ -z "$sanitizer" ]; then
        echo "compute-sanitizer is not there; the emulator checks the same faults"
        [ -n "$emulated" ] || return 0
        # shellcheck disable=SC2086
        deps/unit --test-threads=1 $checked
        return
    fi
    for tool in memcheck racecheck; do
        echo "$tool"
        # shellcheck disable=SC2086
        "$sanitizer" --tool $tool --error-exitcode 9 deps/unit --test-threads=1 $checked || code=1
    done
    return $code
}
peers() {
    command -v python3 > /dev/null || { echo "python3 is not there: skipped"; return; }
    # shellcheck disable=SC2086
    python3 "$here/peers.py" $emulated
}
export -f tests_of_the_card sanitizer peers
export checked emulated here

bench="deps/bench $emulated"
part tests 120 tests bash -c tests_of_the_card
part solve 110 whole $bench solve
part cycle 80 whole $bench kernels cycle
part training 45 whole $bench training
part smoothers 180 whole $bench smoothers
part peers 60 whole bash -c peers
part sanitizer 110 sanitized bash -c sanitizer
part scan 90 whole $bench scan

say "" && say "## all parts" && say ""
printf '%b\n' "${summary#\\n}" | tee -a "$report"
echo "$report"
exit $state

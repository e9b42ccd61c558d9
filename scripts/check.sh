#!/usr/bin/env bash
# check.sh [STEP ...]: `make check`: the tests, and what takes longer than they may. Steps, in their order (all of them, if none is named):
#   tests       what `make test` runs
#   sanitizers  the same in a build with assertions, the address and the undefined-behaviour sanitizer
#   clang       a build by clang, without warnings
#   fuzz        each fuzz target under libFuzzer for FUZZ_SECONDS (60)
#   long        more seeds: lossy transfers, and their captures and the gauntlet's read by tshark
#   figures     `lilliput bench`, to look at: what they are depends on the machine
# A step that cannot run here is skipped, and says why. About an hour on 2 cores. What each printed is in build-check/STEP.log.
set -u
cd "$(dirname "$0")/.."
export LC_ALL=C
jobs=$(nproc) logs=build-check
skip() { echo "skipped: $*"; exit 77; }

step_tests() { scripts/test.sh; }

step_sanitizers() {
    cmake --preset asan-ubsan && cmake --build --preset asan-ubsan || return 1
    ctest --test-dir build-asan --output-on-failure -j "$jobs" -LE tidy
}

step_clang() {
    command -v clang >/dev/null || skip "no clang (Debian: clang, libclang-rt-dev)"
    cmake --preset fuzz && cmake --build --preset fuzz || return 1
    ! grep -q 'warning:' "$logs/clang.log"
}

step_fuzz() {
    local target name corpus
    compgen -G 'build-fuzz/fuzz_*' >/dev/null || skip "no build by clang"
    for target in build-fuzz/fuzz_*; do
        [ -x "$target" ] || continue
        name=${target##*/}
        case $name in fuzz_script) corpus=tests/script ;; fuzz_lab) corpus=labs ;; *) corpus=tests/fuzz/${name#fuzz_}/corpus ;; esac
        mkdir -p "build-fuzz/corpus-$name"
        "$target" -max_total_time="${FUZZ_SECONDS:-60}" -print_final_stats=1 -artifact_prefix=build-fuzz/ "build-fuzz/corpus-$name" $corpus || return 1
    done
}

step_long() { LILLIPUT_LONG=1 ctest --test-dir build --output-on-failure -j "$jobs" -R 'sim_test_(transfer|captures)'; }

step_figures() { build/lilliput bench; }

# On a terminal the last line of the step's log is shown while it runs.
watch_step() {
    while kill -0 "$1" 2>/dev/null; do
        printf '\r\033[K%-11s %3d:%02d  %.90s' "$2" $((SECONDS / 60)) $((SECONDS % 60)) "$(tail -c 400 "$logs/$2.log" | tr '\r' '\n' | tail -n 1)"
        sleep 1
    done
    printf '\r\033[K'
}

run_step() {
    local name=$1 status
    SECONDS=0
    if [ ! -t 1 ]; then printf '%-11s begins\n' "$name"; fi
    ("step_$name") >"$logs/$name.log" 2>&1 </dev/null &
    local pid=$!
    if [ -t 1 ]; then watch_step $pid "$name"; fi
    wait $pid
    status=$?
    case $status in
    0) result=ok ;;
    77) result=$(grep '^skipped: ' "$logs/$name.log" | tail -n 1) ;;
    *) result="FAILED: $logs/$name.log" failed=1 ;;
    esac
    printf '%-11s %3d min %02d s  %s\n' "$name" $((SECONDS / 60)) $((SECONDS % 60)) "$result"
    if [ $status -ne 0 ] && [ $status -ne 77 ]; then tail -n 40 "$logs/$name.log"; fi
}

[ $# -gt 0 ] || set -- tests sanitizers clang fuzz long figures
for name in "$@"; do
    declare -F "step_$name" >/dev/null || { sed -n 's/^# *//; 2,9p' "$0" >&2; exit 2; }
done
mkdir -p "$logs"
failed=0
for name in "$@"; do run_step "$name"; done
if [ -s "$logs/figures.log" ] && [[ " $* " == *" figures "* ]]; then cat "$logs/figures.log"; fi
exit $failed

#!/usr/bin/env bash
# check.sh: what `make check` runs beyond `make test`: the tests under the sanitizers, the fuzz targets for a minute each,
# clang's warnings, the long seeds. About 30 minutes on 2 cores.
set -eu
cd "$(dirname "$0")/.."
scripts/test.sh
cmake --preset asan-ubsan >/dev/null
cmake --build --preset asan-ubsan
ctest --test-dir build-asan --output-on-failure -j "$(nproc)" -L 'unit|fault|sim'
if command -v clang >/dev/null; then
  cmake --preset fuzz >/dev/null
  cmake --build --preset fuzz
  for target in build-fuzz/fuzz_*; do
    [ -x "$target" ] || continue
    name=$(basename "$target")
    printf '%s\n' "$name"
    case $name in fuzz_script) corpus=tests/script ;; fuzz_lab) corpus=labs ;; *) corpus=tests/fuzz/${name#fuzz_}/corpus ;; esac
    mkdir -p "build-fuzz/corpus-$name"
    "$target" -max_total_time="${FUZZ_SECONDS:-60}" -print_final_stats=0 -artifact_prefix=build-fuzz/ \
      "build-fuzz/corpus-$name" $corpus >"build-fuzz/$name.log" 2>&1 || { tail -30 "build-fuzz/$name.log"; exit 1; }
  done
fi
LILLIPUT_LONG=1 ctest --test-dir build --output-on-failure -j "$(nproc)" -L sim

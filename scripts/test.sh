#!/usr/bin/env bash
# test.sh: all the tests that `make test` promises, fast checks first. Arguments go to ctest.
set -eu
cd "$(dirname "$0")/.."
ctest --test-dir build --output-on-failure -j "$(nproc)" "$@"

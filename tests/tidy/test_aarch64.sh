#!/usr/bin/env bash
# The launcher for aarch64: compiled, not run (qemu-user has no seccomp listeners). Skipped without a cross compiler (gcc-aarch64-linux-gnu).
set -eu
cd "${SOURCE_DIR:-$(dirname "$0")/../..}"
cc=$(command -v aarch64-linux-gnu-gcc) || { echo "no aarch64-linux-gnu-gcc"; exit 77; }
echo '#include <stdio.h>' | "$cc" -fsyntax-only -x c - 2>/dev/null || { echo "no C library for aarch64 (libc6-dev-arm64-cross)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file in src/launch/*.c src/gauntlet/*.c src/cli/verb_doctor.c; do
    # the libraries' headers are the same for every processor
    "$cc" -std=gnu17 -D_GNU_SOURCE -Iinclude -Isrc -idirafter /usr/include -Wall -Wextra -Wno-missing-field-initializers -Werror -O0 -c "$file" -o "$work/$(basename "$file").o"
done
echo "$(find "$work" -name '*.o' | wc -l) objects"

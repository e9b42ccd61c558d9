#!/usr/bin/env bash
# build.sh: the release build in build/, as `make` does it. The first time gcc is told which way packets go: the binary is built
# instrumented, trained by `lilliput bench` for a second, and built again (docs/decisions/0401-fast-builds.md). Later calls are plain builds
# that keep this profile; `make clean` forgets it. PROFILE=no: without, in half the time (any build without it: cmake --preset release).
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C

train() {
    cmake --preset release -DLILLIPUT_PROFILE=make >/dev/null
    cmake --build build --target lilliput
    while read -r key rounds; do # as much work of each kind, counted in instructions, however busy the machine is
        build/lilliput bench --repeat 1 --rounds "$rounds" --only "$key" >/dev/null
    done <<<"bulk_1500_checksum_gbit_s 50
bulk_64k_checksum_gbit_s 100
round_trips_per_s 3000
connections_per_s 2000"
    cmake --preset release -DLILLIPUT_PROFILE=use >/dev/null
    touch build/.trained
}

if [ ! -e build/.trained ] && [ "${PROFILE:-yes}" != no ] && ${CC:-cc} --version 2>/dev/null | grep -q 'Free Software Foundation'; then
    train || { echo "build.sh: no profile could be made; building without" >&2; cmake --preset release -DLILLIPUT_PROFILE=OFF >/dev/null; }
elif [ ! -e build/.trained ]; then
    cmake --preset release >/dev/null
fi
cmake --build build

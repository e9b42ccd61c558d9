#!/usr/bin/env bash
# build-pgo.sh [DIR]: the release build with the compiler told which way packets go (gcc's profile-guided optimisation).
# DIR (build-pgo) is built twice: instrumented, trained by `lilliput bench`, then for use. A third more round trips a second than
# the plain release (docs/decisions/0401-fast-builds.md says why that is not the default).
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-$top/build-pgo}
export LC_ALL=C

find "$dir" -name '*.gcda' -delete 2>/dev/null || true
cmake -G Ninja -S "$top" -B "$dir" -DCMAKE_BUILD_TYPE=Release -DLILLIPUT_LTO=ON -DBUILD_TESTING=OFF \
    -DCMAKE_C_FLAGS="-fprofile-generate -fprofile-update=single" >/dev/null
cmake --build "$dir" --target lilliput
for key in bulk_1500_checksum_gbit_s bulk_64k_checksum_gbit_s round_trips_per_s connections_per_s; do
    "$dir/lilliput" bench --repeat 1 --seconds 0.3 --only "$key" >/dev/null
done
cmake -S "$top" -B "$dir" -DCMAKE_C_FLAGS="-fprofile-use -fprofile-partial-training -Wno-missing-profile" >/dev/null
cmake --build "$dir"

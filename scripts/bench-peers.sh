#!/usr/bin/env bash
# bench-peers.sh [LILLIPUT]: Lilliput's figures beside lwIP's (raw API, checksums with its AVX-512 hook) on this machine, in
# turns, so that whatever else runs here slows both. PEERS (/tmp/peers-build/lwip) is the harness that peers/lwip/build.sh makes;
# ROUNDS (3) how often. Prints a line a key: the medians and their ratio, and the ratio of the best runs (what else runs here only slows one
# down); exits 77 without the harness.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
lilliput=$(realpath "${1:-$top/build/lilliput}")
peers=${PEERS:-/tmp/peers-build/lwip}
rounds=${ROUNDS:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[ -x "$peers/lwbench" ] || { echo "bench-peers: no lwIP harness in $peers (set PEERS)" >&2; exit 77; }
cd "$peers"

ours() { # KEY
    "$lilliput" bench --only "$1" --repeat 1 --seconds 0.3 --json | sed -n 's/.*": *\([0-9.e+-]*\).*/\1/p' >>"$work/$1.ours"
}
theirs() { # KEY LIBRARY MODE
    SECS=0.3 REPS=1 ./lwbench "./$2.a.so" "./$2.b.so" "$2" "$3" | awk -F '\t' '{print $4}' >>"$work/$1.lwip"
}
median() { sort -g "$1" | sed -n "$(((rounds + 1) / 2))p"; }
best() { sort -g "$1" | tail -1; }

table="bulk_1500_checksum_gbit_s m1500_w256k_ck2 bulk
bulk_64k_checksum_gbit_s m65000_w1m_ck2 bulk
round_trips_per_s m1500_w256k_ck2 rr
connections_per_s m1500_w256k_ck2 ccc"
for ((i = 0; i < rounds; i++)); do
    while read -r key library mode; do
        ours "$key"
        theirs "$key" "$library" "$mode"
    done <<<"$table"
done
printf '%-28s %12s %12s %8s %8s\n' key lilliput lwip ratio best
while read -r key library mode; do
    awk -v key="$key" -v a="$(median "$work/$key.ours")" -v b="$(median "$work/$key.lwip")" -v c="$(best "$work/$key.ours")" -v d="$(best "$work/$key.lwip")" \
        'BEGIN { printf "%-28s %12.6g %12.6g %8.2f %8.2f\n", key, a, b, b ? a / b : 0, d ? c / d : 0 }'
done <<<"$table"

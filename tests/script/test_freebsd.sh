#!/usr/bin/env bash
# test_freebsd.sh: the scripts in freebsd/ say how FreeBSD's TCP behaves, state by state; they name their profile, and pass in both IP versions.
set -u
cd "$SOURCE_DIR"
out=$("$LILLIPUT" script --both --profile freebsd tests/script/freebsd) || { echo "$out" | grep -v '^ok'; exit 1; }
echo "$out" | tail -1 | grep -q '^[1-9][0-9]* passed, 0 failed, 0 skipped$' || { echo "$out" | tail -5; exit 1; }
echo "all as expected"

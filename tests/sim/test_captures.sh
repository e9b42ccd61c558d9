#!/usr/bin/env bash
# test_captures.sh: tshark's expert on what the tests capture: nothing malformed, no wrong checksum, and retransmissions only
# where the scenario causes them (captures.py has the list, with the reasons). LILLIPUT_LONG: forty lossy transfers for two,
# and the gauntlet's cases.
set -u
command -v tshark >/dev/null && command -v python3 >/dev/null || exit 77
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 "$SOURCE_DIR/tests/sim/captures.py" "$LILLIPUT" "$BUILD_DIR" "$work"

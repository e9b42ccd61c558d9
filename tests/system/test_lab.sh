#!/usr/bin/env bash
# Labs with real programs: several on several hosts, names, environment, start times, expected ends, prefixed output.
. "$(dirname "$0")/common.sh"
setup
check 'a lab with real programs' 0 '^client curl \| 200$' "$LILLIPUT" run "$SOURCE_DIR/tests/system/programs.yaml"
sed 's/{exited: 2}/{exited: 0}/' "$SOURCE_DIR/tests/system/programs.yaml" >"$work/wrong.yaml"
check 'an end that is not expected' 1 'sh on client: exited 2, not as expected' "$LILLIPUT" run "$work/wrong.yaml"
check 'one program in a lab' 0 '200' "$LILLIPUT" run --lab "$SOURCE_DIR/labs/unp.yaml" --on laptop -- bash -c 'ping -c 1 bsdi >/dev/null && echo 200'
finish

#!/usr/bin/env bash
# Threads that call often run on the supervisor's processor for a while (launch/place.c): programs do not notice.
. "$(dirname "$0")/common.sh"
${CC:-gcc} -O1 -o "$work/processors" "$SOURCE_DIR/tests/system/processors.c" || exit 1
check 'on the kernel' 0 '^kept; moved 0' "$work/processors"
check 'in the lab' 0 '^kept' "$LILLIPUT" run -- "$work/processors"
check 'in the lab, exact' 0 '^kept' "$LILLIPUT" run --exact -- "$work/processors"
finish

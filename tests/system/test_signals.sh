#!/usr/bin/env bash
# Signals and calls that block: in each mode what the kernel's own loopback does (signals.c prints the same there), and nothing is lost.
. "$(dirname "$0")/common.sh"
setup
here=$SOURCE_DIR/tests/system
cc=${CC:-gcc}
$cc -O1 -o "$work/signals" "$here/signals.c" -lpthread && $cc -O1 -o "$work/breaks" "$here/breaks.c" && $cc -O1 -o "$work/sigcalls" "$here/sigcalls.c" || exit 1
timeout 100 "$work/signals" >"$work/kernel" || exit 1
for mode in "" "--exact" "--time virtual"; do
  # shellcheck disable=SC2086
  timeout 100 "$LILLIPUT" run $mode -- "$work/signals" >"$work/lab" 2>&1
  diff "$work/kernel" "$work/lab" && echo "ok what signals do ${mode:-fast}" || failures=$((failures + 1))
  for i in 1 2 3; do
    # shellcheck disable=SC2086
    check "signals lose nothing ${mode:-fast} $i" 0 '^3000 bytes, 0 wrong, 60 connections.3000 bytes, 0 wrong, 60 connections.$' bash -c "'$LILLIPUT' run $mode -- '$work/breaks' | tr '\n' .; echo"
  done
  # shellcheck disable=SC2086
  check "a held connect() that was made again ${mode:-fast}" 0 '^(ECONNREFUSED ){2}signal -1 EINTR 1 (ECONNREFUSED ){2}-1 ETIMEDOUT 3 $' \
    "$LILLIPUT" run $mode -- python3 "$here/heldagain.py"
  # shellcheck disable=SC2086
  check "Ctrl-C ${mode:-fast}" 0 '^exit 3$' python3 "$here/ctrl_c.py" "$LILLIPUT" run $mode -- "$work/signals" ctrl-c
  # shellcheck disable=SC2086
  check "Ctrl-C, not caught ${mode:-fast}" 0 '^exit 130$' python3 "$here/ctrl_c.py" "$LILLIPUT" run $mode -- sh -c 'echo; exec cat'
done
check 'signals break only calls that wait' 0 '^0 broken, recv interrupted' "$LILLIPUT" run --time virtual -- "$work/sigcalls"
finish

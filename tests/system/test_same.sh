#!/usr/bin/env bash
# Programs that print the same on the kernel's loopback and in the lab, in all modes (same_exact/: in all but fast): each shows what once
# was not the same.
. "$(dirname "$0")/common.sh"
setup
python=/usr/bin/python3; [ -x $python ] || python=python3
for program in "$SOURCE_DIR"/tests/system/same{,_exact}/*.py; do
  name=$(basename "$program" .py)
  timeout 120 $python "$program" >"$work/native" 2>&1 || { echo "FAILED $name: on the kernel itself"; failures=$((failures + 1)); }
  for mode in "" "--exact" "--time virtual"; do
    [[ $program == */same_exact/* && ! $mode ]] && continue
    # shellcheck disable=SC2086
    timeout 120 "$LILLIPUT" run $mode -- $python "$program" >"$work/lab" 2>&1
    if diff "$work/native" "$work/lab"; then echo "ok $name ${mode:-fast}"; else echo "FAILED $name ${mode:-fast}"; failures=$((failures + 1)); fi
  done
done
finish

#!/usr/bin/env bash
# main-job.sh: what `make run` shows: the book's table (the daytime client under three stacks against six targets), then curl through
# the gauntlet. $1: the binary. Where the kernel forbids unmodified programs (exit 77) the reason is printed and the table is all.
set -eu
cd "$(dirname "$0")/.."
lilliput=${1:-build/lilliput}
"$lilliput" book
if ! command -v curl >/dev/null; then
  printf '\ncurl is not installed: the gauntlet is left out\n'
  exit 0
fi
printf '\n$ lilliput gauntlet -- curl -sS --max-time 150 http://server.test/\n'
status=0
"$lilliput" gauntlet -- curl -sS --max-time 150 http://server.test/ || status=$?
[ "$status" -eq 77 ] || exit "$status"

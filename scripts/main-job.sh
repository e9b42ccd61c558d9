#!/usr/bin/env bash
# main-job.sh: what `make run` shows: the daytime client under three stacks against six targets on the book's network. $1: the binary.
set -eu
cd "$(dirname "$0")/.."
exec "${1:-build/lilliput}" book

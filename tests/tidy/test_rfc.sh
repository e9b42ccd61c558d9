#!/usr/bin/env bash
# test_rfc.sh: every MUST of RFC 9293 is cited by what keeps it and by what shows it, or waived with a reason; docs/RFC.md is up to date.
set -eu
bash "$SOURCE_DIR/scripts/rfc-table.sh" --check

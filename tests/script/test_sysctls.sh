#!/usr/bin/env bash
# test_sysctls.sh: every parameter of networking that Linux 6.18 has in a fresh namespace (sysctl.names: `unshare -n sysctl -aN`) can be read, and
# written back, by a script's commands: with its effect, or without one on a virtual host; never unknown. docs/SCRIPT.md tells which is which.
set -u
cd "$SOURCE_DIR"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
time=0
while read -r name; do
  echo "$time \`value=\$(sysctl -n $name) && sysctl -q -w $name=\"\$value\" && test \"\$value\" = \"\$(sysctl -n $name)\"\`"
  time=+0
done < tests/script/sysctl.names > "$work/names.pkt"
out=$("$LILLIPUT" script "$work/names.pkt") || { echo "$out"; exit 1; }
echo "$out" | grep -q '^1 passed, 0 failed, 0 skipped$' || { echo "$out"; exit 1; }
echo "all as expected"

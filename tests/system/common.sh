# common.sh: sourced by the system tests: the lab's binary, a scratch directory, checks that count. A test is skipped (77) only
# when the kernel forbids it.
set -u
: "${LILLIPUT:=$PWD/build/lilliput}" "${SOURCE_DIR:=$PWD}"
"$LILLIPUT" doctor >/dev/null || { echo "the kernel forbids it: lilliput doctor"; exit 77; }
export LC_ALL=C
failures=0
work=$(mktemp -d) || exit 1
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
exec </dev/null

# The programs under test; one installation at a time.
setup() { (flock 9; "$SOURCE_DIR/scripts/setup-system.sh" "$@") 9>"/tmp/lilliput-setup.$(id -u).lock" || exit 1; }

# check NAME STATUS PATTERN COMMAND...: its exit status, and a pattern (egrep) in what it prints.
check() {
  local name=$1 status=$2 pattern=$3 output got
  shift 3
  output=$(timeout -k 5 300 "$@" 2>&1)
  got=$?
  if [ "$got" -ne "$status" ] || ! grep -qE -- "$pattern" <<<"$output"; then
    printf 'FAILED %s: exit %s, expected %s, and /%s/ in:\n%s\n  again: %s\n' "$name" "$got" "$status" "$pattern" "$output" "$*"
    failures=$((failures + 1))
  else
    printf 'ok %s\n' "$name"
  fi
}
finish() { [ "$failures" -eq 0 ] || { echo "$failures failed"; exit 1; }; exit 0; }

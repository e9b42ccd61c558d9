#!/usr/bin/env bash
# test_scripts.sh: every script below this folder passes, in both IP versions where it does not choose one; none is skipped. What the
# binary says for a failure, a skip and bad usage is checked on scripts made here.
set -u
cd "$SOURCE_DIR"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
fail() { echo "test_scripts: $*"; exit 1; }
"$LILLIPUT" script --help >/dev/null 2>&1 || exit 77
"$LILLIPUT" script --both --junit "$work/junit.xml" --capture "$work/all.pcapng" tests/script > "$work/out"; status=$?
grep -v '^ok' "$work/out"
[ $status = 0 ] || fail "exit status $status"
tail -1 "$work/out" | grep -q '^[1-9][0-9]* passed, 0 failed, 0 skipped$' || fail "the last line is: $(tail -1 "$work/out")"
grep -q '<testsuite .*failures="0"' "$work/junit.xml" || fail "JUnit"
# the same result every run
"$LILLIPUT" script --both --capture "$work/again.pcapng" tests/script > "$work/out2"
cmp -s "$work/out" "$work/out2" || fail "two runs differ"
cmp -s "$work/all.pcapng" "$work/again.pcapng" || fail "two captures differ"
# the scripts share their ports: what tshark would reassemble is of several
if command -v tshark >/dev/null; then
  tshark -r "$work/all.pcapng" -Y '(_ws.malformed || tcp.checksum.status == "Bad") && !icmp && !icmpv6' -o tcp.check_checksum:TRUE -o tcp.desegment_tcp_streams:FALSE > "$work/bad" 2>/dev/null
  [ -s "$work/bad" ] && { head -5 "$work/bad"; fail "tshark finds malformed packets or bad checksums"; }
fi
# failures, skips, usage
cat > "$work/wrong.pkt" <<'P'
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000 <mss 1000>
+0 > S. 0:0(0) ack 2 <mss 1460>
P
printf '0 `conntrack -F`\n' > "$work/unknown.pkt"
printf '0 close(3 = 0\n' > "$work/syntax.pkt"
"$LILLIPUT" script "$work/wrong.pkt" "$work/unknown.pkt" "$work/syntax.pkt" > "$work/out"; status=$?
[ $status = 1 ] || fail "a failing script exits with $status"
grep -q "^FAIL  $work/wrong.pkt:5: the acknowledgment is 1, not 2" "$work/out" || fail "no FAIL line: $(cat "$work/out")"
grep -q '^      expected  S. 0:0(0) ack 2 <mss 1460>$' "$work/out" || fail "no expected packet"
grep -q '^      actual    S. 0:0(0) ack 1 win [0-9]* <mss 1460>$' "$work/out" || fail "no actual packet"
grep -q '^skip .*conntrack' "$work/out" || fail "no skip line"
grep -q '^FAIL .*syntax.pkt:1: syntax: ' "$work/out" || fail "no syntax error"
tail -1 "$work/out" | grep -q '^0 passed, 2 failed, 1 skipped$' || fail "summary: $(tail -1 "$work/out")"
"$LILLIPUT" script --json "$work/wrong.pkt" | grep -q '"failed": 1' || fail "JSON"
# folders: sorted, links followed but not round, what cannot be read fails, an empty one is bad usage
mkdir -p "$work/tree/b" "$work/tree/a" "$work/empty"
for name in b/one a/two-v4 a/three-v6 a/four; do printf '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n' > "$work/tree/$name.pkt"; done
ln -s .. "$work/tree/b/up"; ln -s nowhere.pkt "$work/tree/b/zero.pkt"
"$LILLIPUT" script --all-versions "$work/tree" > "$work/out" 2> "$work/err"; status=$?
[ $status = 1 ] || fail "a dangling link exits with $status"
[ -s "$work/err" ] && fail "progress into a pipe: $(cat "$work/err")"
cut -d' ' -f3- "$work/out" | sed "s| *$work/tree/||; s/  (.*//; s/:.*//" > "$work/list"
cat > "$work/want" <<'L'
a/four.pkt [ipv4]
a/four.pkt [ipv6]
a/four.pkt [ipv4-mapped-ipv6]
a/three-v6.pkt
a/two-v4.pkt
b/one.pkt [ipv4]
b/one.pkt [ipv6]
b/one.pkt [ipv4-mapped-ipv6]
b/zero.pkt
L
head -9 "$work/list" | cmp -s - "$work/want" || fail "folders: $(cat "$work/out")"
tail -1 "$work/out" | grep -q '^8 passed, 1 failed, 0 skipped$' || fail "folders: $(tail -1 "$work/out")"
[ "$("$LILLIPUT" script --quiet --tolerance_usecs 5000 --mapped "$work/tree/a" | wc -l)" = 1 ] || fail "--quiet shows what passes"
"$LILLIPUT" script --json "$work/tree/a/three-v6.pkt" | grep -q '"ip": "ipv6"' || fail "a name with v6 is IPv6"
"$LILLIPUT" script --json --ipv4 "$work/tree/a/three-v6.pkt" | grep -q '"ip": "ipv4"' || fail "--ipv4 goes before the name"
"$LILLIPUT" script "$work/empty" >/dev/null 2>&1; [ $? = 2 ] || fail "a folder without scripts is bad usage"
"$LILLIPUT" script --jobs 3 --both tests/script/language > "$work/out"; "$LILLIPUT" script --jobs 0 --both tests/script/language > "$work/out2"
cmp -s "$work/out" "$work/out2" || fail "three workers tell another story than none"
"$LILLIPUT" script >/dev/null 2>&1; [ $? = 2 ] || fail "no file is bad usage"
"$LILLIPUT" script --nonsense x.pkt >/dev/null 2>&1; [ $? = 2 ] || fail "an unknown option is bad usage"
"$LILLIPUT" script --profile linus x.pkt 2>&1 | grep -q 'did you mean "linux"' || fail "no hint for the profile"
"$LILLIPUT" script "$work/none.pkt" >/dev/null 2>&1; [ $? = 2 ] || fail "a missing file is bad usage"
echo "all as expected"

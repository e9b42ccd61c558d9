#!/usr/bin/env bash
# test_run.sh: `lilliput run`: one-line errors with exit status 2, what programs see, JSON, and captures that tshark reads.
set -u
cd "$SOURCE_DIR"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
fails=0
check() { # NAME WANTED GOT
  if [ "$2" != "$3" ]; then printf '%s:\n  wanted %s\n  got    %s\n' "$1" "$2" "$3"; fails=$((fails + 1)); fi
}
bad() { # WANTED-LINE, the lab on stdin
  cat > "$work/x.yaml"
  got=$(cd "$work" && "$LILLIPUT" run x.yaml 2>&1); status=$?
  check "bad lab" "$1" "$got"; check "its exit status" 2 $status
}
bad 'x.yaml:4:35: unknown key "latency" in links[0]; did you mean "delay"?' <<'LAB'
hosts:
  a: {}
links:
  - {endpoints: ["a:e0", "a:e1"], latency: 10ms}
LAB
bad 'x.yaml:1:22: unknown profile "linus"; did you mean "linux"?' <<'LAB'
hosts: {a: {profile: linus}}
LAB
bad 'x.yaml:1:29: address "192.0.2/24": 192.0.2.1/24, 2001:db8::1/64 or auto is wanted' <<'LAB'
hosts: {a: {interfaces: {e: 192.0.2/24}}}
LAB
bad 'x.yaml:2:23: unknown host "alhpa"; did you mean "alpha"?' <<'LAB'
hosts: {alpha: {interfaces: {e: 192.0.2.1/24}}}
links: [{endpoints: ["alhpa:e", "alpha:e"]}]
LAB
bad 'x.yaml:1:31: program "builtin:nothing": there is no such builtin (docs/LABS.md lists them)' <<'LAB'
hosts: {a: {programs: [{path: builtin:nothing}]}}
LAB
bad 'x.yaml:1:25: unknown parameter "tcp.nonsense"; `lilliput profile show P` lists them' <<'LAB'
hosts: {a: {overrides: {tcp.nonsense: 1}}}
LAB
bad 'x.yaml:2:1: did not find expected node content; is a brace, a bracket or a quote before it not closed?' <<'LAB'
hosts: {a: {
LAB
bad 'x.yaml:3:3: duplicate key: each key of a mapping may stand once' <<'LAB'
hosts:
  a: {}
  a: {}
LAB
bad 'x.yaml:1:29: address "10.0.0.1": its prefix length is missing: 192.0.2.1/24' <<'LAB'
hosts: {a: {interfaces: {e: 10.0.0.1}}}
LAB
bad 'x.yaml:1:52: route "nowhere: 10.0.0.2": not understood; {default: 192.0.2.254} or {192.3.4.0/24: unreachable host} is wanted' <<'LAB'
hosts: {a: {interfaces: {e: 10.0.0.1/24}, routes: {nowhere: 10.0.0.2}}}
LAB
bad 'x.yaml:1:41: tcp.rto_min_ms "fast": not understood; a value like 200 is wanted' <<'LAB'
hosts: {a: {overrides: {tcp.rto_min_ms: fast}}}
LAB
bad 'x.yaml:2:23: unknown interface "eth0"; there is e' <<'LAB'
hosts: {a: {interfaces: {e: 10.0.0.1/24}}, b: {interfaces: {e: 10.0.0.2/24}}}
links: [{endpoints: ["a:eth0", "b:e"]}]
LAB
bad 'x.yaml:2:11: events[0] has no time: {at: 5s, ...}' <<'LAB'
hosts: {a: {}}
events: [{crash: a}]
LAB
bad 'x.yaml:1:1: the file is empty' <<'LAB'
# nothing but a comment
LAB
printf 'hosts: \0' >"$work/binary.yaml"
got=$(cd "$work" && "$LILLIPUT" run binary.yaml 2>&1); check "no text" "binary.yaml: not a text file" "$got"
got=$("$LILLIPUT" run labs 2>&1); check "a directory" "labs: the lab file cannot be read: Is a directory" "$got"
got=$("$LILLIPUT" run nowhere.yaml 2>&1); check "no file" "nowhere.yaml: the lab file cannot be read: No such file or directory" "$got"
got=$("$LILLIPUT" run curl 2>&1); check "no --" 'curl: the lab file cannot be read: No such file or directory (a program goes behind `--`)' "$got"
got=$("$LILLIPUT" run --shov all x.yaml 2>&1); check "option" "lilliput run: --shov: there is no such option; did you mean --show?" "$got"
got=$("$LILLIPUT" run --bogus x.yaml 2>&1); check "option, none near" "lilliput run: --bogus: there is no such option; \`lilliput run --help\` lists the options" "$got"
got=$("$LILLIPUT" run --time virtual x.yaml 2>&1); check "no --" 'lilliput run: x.yaml stands before `--`; a program goes behind it, a lab file is --lab FILE here' "$got"
# A program that ends otherwise than the lab says: exit status 1 and the place.
cat > "$work/fails.yaml" <<'LAB'
hosts: {a: {programs: [{path: builtin:daytime-client, args: 127.0.0.1}]}}
LAB
got=$(cd "$work" && "$LILLIPUT" run fails.yaml 2>&1 >/dev/null); status=$?
check "expectation" "fails.yaml:1:31: daytime-client on a exited 1, not exit 0 as expected" "$got"; check "status" 1 $status
# The book's network.
got=$("$LILLIPUT" run labs/unp.yaml | head -1)
check "unp.yaml" "   0.000000  solaris    daytime-client   Mon May 26 20:58:40 2003" "$got"
"$LILLIPUT" run labs/unp.yaml --json | grep -q '"as_expected": true' || { echo "no JSON"; fails=$((fails + 1)); }
# A packet to the host itself is drawn and captured, its drop too.
cat > "$work/lo.yaml" <<'LAB'
hosts:
  a:
    programs:
      - {path: builtin:daytime}
      - {path: builtin:daytime-client, args: 127.0.0.1, start_time: 1s}
      - {path: builtin:daytime-client, args: "-u ::1", start_time: 2s, expected_final_state: {exited: 1}}
LAB
got=$("$LILLIPUT" run "$work/lo.yaml" --show packets --ascii --no-color --capture "$work/lo.pcapng")
for want in '@ SYN ' '@ FIN PSH 1:27(26) ack 1' '@ UDP '; do grep -qF -- "$want" <<<"$got" || { echo "loopback: no \"$want\" in $got"; fails=$((fails + 1)); }; done
# Captures: the same twice; an interface block per NIC; the reason on what was dropped; tshark reads them without complaint.
"$LILLIPUT" run labs/unp.yaml --capture "$work/a.pcapng" >/dev/null; "$LILLIPUT" run labs/unp.yaml --capture "$work/b.pcapng" >/dev/null
cmp "$work/a.pcapng" "$work/b.pcapng" || fails=$((fails + 1))
if command -v tshark >/dev/null; then
  check "complaints" "" "$(tshark -r "$work/a.pcapng" 2>&1 >/dev/null | grep -v 'Running as user' | head -3)"
  check "malformed" "" "$(tshark -r "$work/a.pcapng" -Y _ws.malformed 2>/dev/null)"
  check "bad checksums" "" "$(tshark -r "$work/a.pcapng" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -Y 'tcp.checksum.status == 0 or ip.checksum.status == 0' 2>/dev/null | head -3)"
  names=$(tshark -r "$work/a.pcapng" -T fields -e frame.interface_name 2>/dev/null | sort -u)
  check "loopback's drop" "a:lo dropped: udp-no-port" "$(tshark -r "$work/lo.pcapng" -Y frame.comment -T fields -E separator=' ' -e frame.interface_name -e frame.comment 2>/dev/null)"
  grep -q '^solaris:le0$' <<<"$names" && grep -q '^bsdi:ef0$' <<<"$names" || { echo "interface names: $names"; fails=$((fails + 1)); }
  tshark -r "$work/a.pcapng" -T fields -e frame.comment 2>/dev/null | grep -q 'dropped: route-unreachable' || { echo "no drop comment"; fails=$((fails + 1)); }
fi
[ $fails -eq 0 ] || { echo "$fails failures"; exit 1; }

#!/usr/bin/env bash
# Labs with real programs: several on several hosts, names, environment, start times, expected ends, prefixed output, JSON, one program more.
. "$(dirname "$0")/common.sh"
setup
check 'a lab with real programs' 0 '^client curl \| 200$' "$LILLIPUT" run "$SOURCE_DIR/tests/system/programs.yaml"
sed 's/{exited: 2}/{exited: 0}/' "$SOURCE_DIR/tests/system/programs.yaml" >"$work/wrong.yaml"
check 'an end that is not expected' 1 'sh on client exited 2, not exit 0 as expected' "$LILLIPUT" run "$work/wrong.yaml"
check 'one program in a lab' 0 '200' "$LILLIPUT" run --lab "$SOURCE_DIR/labs/unp.yaml" --on laptop -- bash -c 'ping -c 1 bsdi >/dev/null && echo 200'
cat >"$work/site.yaml" <<'END'
hosts:
  web: {interfaces: {eth0: 10.0.0.1/24}, programs: [{path: "builtin:http"}]}
  client: {interfaces: {eth0: 10.0.0.2/24}}
links: [{endpoints: ["web:eth0", "client:eth0"], delay: 50ms}]
END
check "one program beside a lab's own, which are builtin" 0 'You asked web for /x' "$LILLIPUT" run --lab "$work/site.yaml" --on client -- curl -sS http://web/x
check "one program beside a lab's own, which are real" 0 '^200 0.300$' "$LILLIPUT" run --lab "$SOURCE_DIR/tests/system/programs.yaml" --on client --time virtual -- \
    bash -c "curl -sS -o /dev/null -w '%{http_code} %{time_total}' http://web:8000/ | cut -c1-9"
check 'no such host in the lab' 2 'no host "nobody" in the lab; --on takes' "$LILLIPUT" run --lab "$work/site.yaml" --on nobody -- true
cat >"$work/long.yaml" <<'END'
hosts: {a: {programs: [{path: sh, args: ["-c", "printf '%01000d\\n%01001d\\n\\n' 1 2"]}]}}
END
"$LILLIPUT" run "$work/long.yaml" | awk '{ print length }' >"$work/lengths"
check 'lines of 1,000 bytes are whole, longer ones come in pieces' 0 '^1007 1007 8 7 $' tr '\n' ' ' <"$work/lengths"
sed 's/{exited: 2}/any/' "$SOURCE_DIR/tests/system/programs.yaml" >"$work/any.yaml"
check 'any end will do' 0 '^client sh' "$LILLIPUT" run "$work/any.yaml"
"$LILLIPUT" run --json "$SOURCE_DIR/tests/system/programs.yaml" | python3 -c '
import json, sys
for p in json.load(sys.stdin)["programs"]:
    print(p["host"], p["path"], p["final"], *[(l["time_ns"], l["stream"], l["line"]) for l in p["output"] if p["path"] in ("curl", "sh")])' >"$work/programs"
check 'a lab with real programs as JSON: curl' 0 "^client curl exited 0 .2300000000, 'stdout', '200'.$" cat "$work/programs"
check 'a lab with real programs as JSON: sh' 0 "^client sh exited 2 .3000000000, 'stdout', 'hello lab'. .63000000000, 'stderr'" cat "$work/programs"
cat >"$work/crash.yaml" <<'END'
hosts:
  web:
    interfaces: {eth0: 10.0.0.1/24}
    programs:
      - {path: sh, args: ["-c", "(setsid sleep 100; echo alive) & exec sleep 100"], expected_final_state: {signaled: 9}}
      - {path: echo, args: never, start_time: 9s, expected_final_state: {signaled: 9}}
  client: {interfaces: {eth0: 10.0.0.2/24}, programs: [{path: sh, args: ["-c", "sleep 200; echo over"]}]}
links: [{endpoints: ["web:eth0", "client:eth0"]}]
events: [{at: 5s, crash: web}]
END
check 'the programs of a host that crashes' 0 '^over$' bash -c '"$0" run "$1" | sed "s/.*| //"' "$LILLIPUT" "$work/crash.yaml"
check 'and nothing is left of them to speak' 1 '' grep -c 'alive\|never' <("$LILLIPUT" run "$work/crash.yaml")

# what ends with the lab's last program still sends its FIN, or its RST
for time in real virtual; do
  for last in "FIN 2:2|pass" "RST 2:2|s.setsockopt(1, 13, bytes((1, 0, 0, 0)) + bytes(4))"; do
    cat >"$work/end.yaml" <<END
general: {time: $time}
hosts:
  web: {interfaces: {eth0: 10.0.0.1/24}, programs: [{path: "builtin:echo"}]}
  client:
    interfaces: {eth0: 10.0.0.2/24}
    programs:
      - path: python3
        args: ["-c", "import os, socket; s = socket.create_connection(('10.0.0.1', 7)); s.send(b'x'); s.recv(1); ${last#*|}; os.kill(os.getpid(), 9)"]
        expected_final_state: {signaled: 9}
links: [{endpoints: ["web:eth0", "client:eth0"], delay: 5ms}]
END
    check "the end of the lab's last program: ${last%%|*} ($time)" 0 "<-+ ${last%%|*}" "$LILLIPUT" run "$work/end.yaml" --show packets --ascii
  done
done
finish

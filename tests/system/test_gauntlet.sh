#!/usr/bin/env bash
# The gauntlet: curl's table by value, UDP's on dig, baselines, JSON, JUnit, own servers, one table for one seed.
. "$(dirname "$0")/common.sh"
setup
table=$work/table
gauntlet() { timeout -k 5 120 "$LILLIPUT" gauntlet "$@"; }
columns() { sed -E 's/ +[0-9]+ ms / /' "$1"; } # without the real time

gauntlet -- curl -s 'http://{host}:{port}/' >"$table"
status=$?
[ $status -eq 1 ] || { echo "FAILED: exit $status, expected 1 (curl hangs on a silent server)"; failures=1; }
row() { # CASE CALL ERRNO EXIT VIRTUAL
  awk -v c="$1" -v call="$2" -v e="$3" -v x="$4" -v v="$5" '$1 == c {found = 1; if ($2 != call || $3 != e || $4 != x || $5 !~ "^" v) bad = 1; print} END {exit bad || !found}' \
    "$table" >"$work/row" && { echo "ok $1"; return; }
  echo "FAILED $1: expected $*, got: $(cat "$work/row")"; failures=$((failures + 1))
}
row fine - - 0 '0\.'
row refused connect ECONNREFUSED 7 '0\.'
row blackhole connect ETIMEDOUT 28 '13[0-9]'
row no-route connect ENETUNREACH 7 '0\.0'
row unreachable-net connect ENETUNREACH 7 '0\.0'
row unreachable-host connect EHOSTUNREACH 7 '0\.0'
row unreachable-port connect ECONNREFUSED 7 '0\.0'
row prohibited connect EHOSTUNREACH 7 '0\.0'
row arp-silent connect EHOSTUNREACH 7 '3\.'
row gateway-silent connect EHOSTUNREACH 7 '3\.'
row ttl-exceeded connect EHOSTUNREACH 7 '0\.'
row accept-full connect ETIMEDOUT 28 '13[0-9]'
row accept-slow - - 0 '30\.'
row rst-after recvfrom ECONNRESET 56 '0\.6'
row fin-after - - 18 '0\.'
row half-open recvfrom ETIMEDOUT 56 '600\.'
row restart recvfrom ECONNRESET 56 '60\.'
row trickle - - 0 '12[0-9]\.'
row lost-final-ack - - 0 '0\.'
row delay-2s - - 0 '8\.'
row dns-fail - - 6 '0\.'
row dns-slow - - 0 '4\.'
row first-address-dead - - 0 '13[0-9]'
row ipv6-broken - - 0 '0\.2'
grep -q '^hang: silent waits in poll again and again; again: [^ ]*lilliput gauntlet --case silent ' "$table" || { echo "FAILED: no line for the hang"; failures=$((failures + 1)); }

gauntlet -- curl -s 'http://{host}:{port}/' >"$work/again"
if diff <(columns "$table") <(columns "$work/again"); then echo "ok the same table again"; else echo "FAILED: one seed, two tables"; failures=$((failures + 1)); fi
mkdir "$work/one" "$work/two"
for i in one two; do gauntlet --case loss-30 --capture "$work/$i" -- curl -s 'http://{host}/' >/dev/null; done
cmp "$work/one/loss-30.pcapng" "$work/two/loss-30.pcapng" && echo "ok the same capture again" || failures=$((failures + 1))

# and for every program that is one thread, or one process after the other: whole tables, whole captures
twice() { # NAME PROGRAM ARGUMENTS...
  local name=$1 i; shift
  for i in 1 2; do gauntlet --capture "$work/$name$i" -- "$@" | columns /dev/stdin >"$work/$name$i.table"; done
  if cmp "$work/${name}1.table" "$work/${name}2.table" && diff -r "$work/${name}1" "$work/${name}2"; then echo "ok $name twice"
  else echo "FAILED: $name: one seed, two histories"; failures=$((failures + 1)); fi
}
twice python python3 -c 'import os, urllib.request; urllib.request.urlopen("http://" + os.environ["LILLIPUT_HOST"] + "/?" + os.urandom(8).hex(), timeout=50).read()'
twice bash bash -c 'exec 3<>/dev/tcp/$LILLIPUT_HOST/$LILLIPUT_PORT; printf "GET /$(head -c 8 /dev/urandom | od -x | tr -d " \n") HTTP/1.0\r\n\r\n" >&3; timeout 50 cat <&3'
# what is random to a program is of the seed, too: query ids, TLS's random numbers
for i in one two; do
  gauntlet --case fine --capture "$work/$i" -- dig +short @{addr} -p {port} {host} >/dev/null
  gauntlet --case delay-2s --capture "$work/$i" -- curl -sSk 'https://{addr}/' >/dev/null
  "$LILLIPUT" run --time virtual --seed 5 -- python3 -c 'import os, sys; print(os.urandom(8), hash("name"), id(sys))' >"$work/$i/random"
  "$LILLIPUT" run --time virtual --seed 5 -- bash -c 'head -c 300000 /dev/urandom; perl -e "print rand()"' >"$work/$i/device"
  gauntlet --case fine --date 2026-11-30T12:00:00 --capture "$work/$i" --show -- bash -c 'ping -c 2 {addr}; date' | columns /dev/stdin >"$work/$i/date"
done
if diff -r "$work/one" "$work/two"; then echo 'ok the same random numbers'; else echo 'FAILED: one seed, other random numbers'; failures=$((failures + 1)); fi
check 'udp on dig' 0 '^udp-unreachable +recvmsg +ECONNREFUSED +9' "$LILLIPUT" gauntlet -- dig +tries=2 @{addr} -p {port} {host}
check 'record' 0 'cases' "$LILLIPUT" gauntlet --case refused --case trickle --record "$work/base.yaml" -- curl -s 'http://{host}/'
check 'expect: as recorded' 0 '2 ended' "$LILLIPUT" gauntlet --case refused --case trickle --expect "$work/base.yaml" -- curl -s 'http://{host}/'
check 'expect: otherwise' 1 'unexpected: trickle: exit 28, expected 0' "$LILLIPUT" gauntlet --case trickle --expect "$work/base.yaml" -- curl -m 5 -s 'http://{host}/'
check 'json' 0 '"errno": "ECONNREFUSED"' "$LILLIPUT" gauntlet --case refused --json -- curl -s 'http://{host}/'
check 'json with a baseline is JSON too' 1 '^exit 28, expected 0$' bash -c "'$LILLIPUT' gauntlet --case trickle --json --expect $work/base.yaml -- curl -m 5 -s 'http://{host}/' >$work/j.json; s=\$?
  python3 -c 'import json; print(json.load(open(\"$work/j.json\"))[\"cases\"][0][\"unexpected\"])'; exit \$s"
check 'a program that asks at the DNS port' 0 '^udp-unreachable +recvmsg +ECONNREFUSED +9' "$LILLIPUT" gauntlet -- dig +tries=2 @{addr} {host}
check 'a program that does not fit' 0 '^note: it fails where nothing is wrong' "$LILLIPUT" gauntlet --port 81 -- curl -s http://server.test/
check 'junit' 0 . bash -c "'$LILLIPUT' gauntlet --case refused --junit $work/j.xml -- curl -s 'http://{host}/' && grep '<testcase.*refused' $work/j.xml"
check 'junit: a hang names its call, and the line to paste' 1 'message="a hang: it waits in read for ever">[^ ]*lilliput gauntlet --case silent ' bash -c \
  "'$LILLIPUT' gauntlet --case silent --junit $work/h.xml -- bash -c 'cat </dev/tcp/{host}/{port}' >/dev/null; s=\$?; cat $work/h.xml; exit \$s"
# what the cases do to a connection, whatever it carries
net='import fcntl, os, socket, struct, sys, time
def connect(): s = socket.create_connection((os.environ["LILLIPUT_ADDR"], int(os.environ["LILLIPUT_PORT"]))); s.settimeout(150); return s
def ask(s, n=1 << 20): s.sendall(b"GET / HTTP/1.0\r\n\r\n"); return s.recv(n)
def lost(f):
    try: return not f()
    except OSError: return True
s = connect()
'
check 'loss-30: no router is lost' 0 '^loss-30 .* 0 ' "$LILLIPUT" gauntlet --case loss-30 --seed 3 -- curl -s 'http://{host}/'
check 'zero-window: a request does not fit' 0 '^1 case: 1 ended' "$LILLIPUT" gauntlet --case zero-window -- python3 -c "$net
s.sendall(b'x' * 50); time.sleep(9); sys.exit(struct.unpack('i', fcntl.ioctl(s, 0x5411, bytes(4)))[0] != 34)"
check 'rst-after: who has sent a FIN is reset, too' 0 '^rst-after +recvfrom +ECONNRESET +0 ' "$LILLIPUT" gauntlet --case rst-after -- python3 -c "$net
s.sendall(b'GET / HTTP/1.0\r\n\r\n'); s.shutdown(1); s.recv(1 << 20); assert lost(lambda: s.recv(1 << 20))"
check 'restart: who connects again is served' 0 '^restart .* 0 +15[0-9]\.' "$LILLIPUT" gauntlet --case restart -- python3 -c "$net
ask(s); assert lost(lambda: s.recv(1 << 20)); assert lost(lambda: ask(s)); assert len(ask(connect())) > 1000"
check 'nat-expiry-rst: the connection that was idle, and no other' 0 '^nat-expiry-rst .* 0 ' "$LILLIPUT" gauntlet --case nat-expiry-rst -- python3 -c "$net
time.sleep(70); t = connect(); assert lost(lambda: ask(s)); time.sleep(50); assert ask(t)"
check 'nat-expiry-rst: the router itself answers a probe' 0 '^nat-expiry-rst +recvfrom +ECONNRESET +0 +70\.0' "$LILLIPUT" gauntlet --case nat-expiry-rst -- python3 -c "$net
s.setsockopt(1, socket.SO_KEEPALIVE, 1); s.setsockopt(6, socket.TCP_KEEPIDLE, 70); assert lost(lambda: ask(s))"
check 'nat-expiry-silent: a new connection does not open the old one' 0 '^nat-expiry-silent .* 0 ' "$LILLIPUT" gauntlet --case nat-expiry-silent -- python3 -c "$net
time.sleep(70); t = connect(); assert lost(lambda: ask(s))"
pong="python3 -c '
import socket
while True: c = socket.create_server((\"\", {port}), reuse_port=True).accept()[0]; c.recv(99); c.sendall(b\"+PONG+\"); c.recv(99)'"
check 'own server: half an answer and a FIN' 0 '^fin-after .* 0 +0\.0' "$LILLIPUT" gauntlet --case fin-after --server "$pong" -- python3 -c "$net
assert ask(s) == b'+PO' and s.recv(9) == b''; s.close()"
check 'own server: slow' 0 '^accept-slow .* 0 +30\.0' "$LILLIPUT" gauntlet --case accept-slow --server "$pong" -- python3 -c "$net
assert ask(s) == b'+PONG+'"
check 'own server: its bytes, one a second' 0 '^trickle .* 0 +5\.0' "$LILLIPUT" gauntlet --case trickle --server "$pong" -- python3 -c "$net
assert [ask(s)] + [s.recv(9) for _ in range(5)] == [b'+', b'P', b'O', b'N', b'G', b'+']"
check 'own server: what keeps its place in the NAT has its answer' 0 '^nat-expiry-silent .* 0 +120\.0' "$LILLIPUT" gauntlet --case nat-expiry-silent --server "$pong" -- python3 -c "$net
s.sendall(b'1'); time.sleep(50); s.sendall(b'2'); time.sleep(50); s.sendall(b'3'); assert s.recv(9) == b'+PONG+'"
check 'own server: what was silent is reset, though the server has given it up' 0 '^nat-expiry-rst +recvfrom +ECONNRESET +0 +120\.0' "$LILLIPUT" gauntlet --case nat-expiry-rst --server 'python3 -c "
import socket
c = socket.create_server((\"\", {port})).accept()[0]; c.recv(99); c.sendall(b\"1\"); c.close()
while True: socket.socket().listen(); import time; time.sleep(900)"' -- python3 -c "$net
assert lost(lambda: ask(s))"
check 'own server: half of an answer of one packet' 0 '^half-open .* 0 +150\.' "$LILLIPUT" gauntlet --case half-open --server "$pong" -- python3 -c "$net
assert ask(s) == b'+PO'; assert lost(lambda: s.recv(9))"
check 'own server' 0 '^delay-2s .* 0 ' "$LILLIPUT" gauntlet --case delay-2s --server 'python3 -m http.server $LILLIPUT_PORT' -- curl -s 'http://{host}:{port}/'
check 'own server: it is told where, by words too' 0 '^fine .* 0 +0\.0' "$LILLIPUT" gauntlet --case fine --server 'python3 -m http.server {port}' -- curl -s -o /dev/null 'http://{host}:{port}/'
check 'own server: it crashes' 1 '^server: it ended in fine: SIGABRT' "$LILLIPUT" gauntlet --case fine --server 'python3 -c "
import os, socket
socket.create_server((\"\", {port})).accept(); os.abort()"' -- curl -s -m 50 -o /dev/null 'http://{host}:{port}/'
check 'own server: it does not listen' 0 '^note: the server does not listen on port 80' "$LILLIPUT" gauntlet --case fine --server 'exit 3' -- curl -s -m 50 'http://{host}:{port}/'
check 'own server: it computes, and whoever polls meanwhile without a pause does not lose the time for it' 0 '^fine .* 0 ' "$LILLIPUT" gauntlet --case fine --server 'python3 -c "
import socket
c = socket.create_server((\"\", {port})).accept()[0]; c.recv(99); sum(i for i in range(30000000)); c.sendall(b\"ok\"); c.recv(99)"' -- python3 -c "$net
s.sendall(b'x'); s.setblocking(False); end = time.time() + 20; got = b''
while not got and time.time() < end:
    try: got = s.recv(9)
    except BlockingIOError: pass
assert got"
check 'own server: nobody answers' 0 '^refused +connect +ECONNREFUSED +7 ' "$LILLIPUT" gauntlet --case refused --server false -- curl -s 'http://{host}:{port}/'
check 'own server: half open' 0 '^half-open +recvfrom +ETIMEDOUT +56 ' "$LILLIPUT" gauntlet --case half-open --server "head -c 300000 /dev/zero >$work/zeros; cd $work; python3 -m http.server \$LILLIPUT_PORT" -- curl -s -o /dev/null 'http://{host}:{port}/zeros'
check 'own server: reset' 0 '^rst-after +recvfrom +ECONNRESET +56 ' "$LILLIPUT" gauntlet --case rst-after --server "head -c 300000 /dev/zero >$work/zeros; cd $work; python3 -m http.server \$LILLIPUT_PORT" -- curl -s -o /dev/null 'http://{host}:{port}/zeros'
check 'own server: one that is slow to begin' 0 '^fine .* 0 +0\.0' "$LILLIPUT" gauntlet --case fine --server 'sleep 20; python3 -m http.server $LILLIPUT_PORT' -- curl -s -o /dev/null 'http://{host}:{port}/'
check 'own server: UDP' 0 '^udp-late .*15\.0' "$LILLIPUT" gauntlet --case udp-late --port 53 --server 'python3 -c "
import os, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((\"\", int(os.environ[\"LILLIPUT_PORT\"])))
while True: b, a = s.recvfrom(2000); s.sendto(b, a)"' -- dig @{addr} -p {port} {host}
echo_server='python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((\"\", {port}))
while True: b, a = s.recvfrom(2000); s.sendto(b, a)"'
for pair in udp-truncated:b\'12\' udp-wrong-source:None udp-duplicate:b\'1234\'; do
  check "own server: ${pair%%:*}" 0 '^1 case: 1 ended' "$LILLIPUT" gauntlet --case "${pair%%:*}" --server "$echo_server" -- python3 -c "
import os, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.connect((os.environ['LILLIPUT_ADDR'], 80)); s.send(b'1234')
try: answer = s.recv(99)
except TimeoutError: answer = None
assert answer == ${pair#*:}
if '${pair%%:*}' == 'udp-duplicate': assert s.recv(99) == answer"
done
check 'the line that repeats a hang can be pasted' 1 "again: [^ ]*lilliput gauntlet --case silent .* --date @86400 --server 'sleep 9' -- bash -c 'cat </dev/tcp/" \
  "$LILLIPUT" gauntlet --case silent --date 1970-01-02 --server 'sleep 9' -- bash -c 'cat </dev/tcp/$LILLIPUT_ADDR/$LILLIPUT_PORT'
$LILLIPUT gauntlet --case fine --json -- bash -c 'printf "%s\n" "$@" >"$0"; exit 4' "$work/words" $'a\nb\\c' "it's" $'\xff1' '' >"$work/j.json"
words=$(<"$work/words"); rm "$work/words"
bash -c "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["cases"][0]["again"])' "$work/j.json")" >/dev/null
[ "$words" = "$(<"$work/words")" ] && [ -n "$words" ] && echo "ok any word can be pasted" || { echo "FAILED: $words"; failures=$((failures + 1)); }
spins='import os, select, socket, sys
s = socket.create_connection((os.environ["LILLIPUT_HOST"], 80)); s.sendall(b"GET / HTTP/1.0\r\n\r\n"); p = select.epoll(); p.register(s, select.EPOLLIN)
while True: s.recv(9) if sys.argv[1] == "read" else p.poll(5)'
exec 8>"$work/lock"
flock 8
{ sleep 1; flock -u 8; } &
check 'a lock that is held outside is no hang' 0 '^1 case: 1 ended' "$LILLIPUT" gauntlet --case fine -- flock "$work/lock" true
check 'one that is held inside is' 1 '^hang: fine waits in flock for ever' "$LILLIPUT" gauntlet --case fine -- bash -c "exec 9>$work/lock2; flock 9; flock $work/lock2 true"
check 'a loop that reads the end of file for ever is a hang' 1 '^hang: fin-after calls recvfrom over and over' "$LILLIPUT" gauntlet --case fin-after -- python3 -c "$spins" read
check 'and one that waits and does not read' 1 '^fin-after +epoll_wait +\(spins\) +HANG +900' "$LILLIPUT" gauntlet --case fin-after -- python3 -c "$spins" wait
threads='import os, sys, threading, time, urllib.request
threading.Thread(target=lambda: [threading.Event().wait(.05) for _ in iter(int, 1)], daemon=True).start(); time.sleep(.3)
try: urllib.request.urlopen("http://" + os.environ["LILLIPUT_HOST"]).read()
except Exception: os._exit(3)'
check 'waits of threads beside are no time limit' 0 '^fin-after +- +- +3 ' "$LILLIPUT" gauntlet --case fine --case fin-after -- python3 -c "$threads"
check 'half-open: no FIN, though the request asks for one' 1 '^half-open +recvfrom +- +HANG' "$LILLIPUT" gauntlet --case half-open -- python3 -c \
  'import os, urllib.request; urllib.request.urlopen("http://" + os.environ["LILLIPUT_HOST"]).read()'
check 'a program that is not on the network at all' 0 '^note: it connects to nobody' "$LILLIPUT" gauntlet --case fine -- true
check 'no such case' 2 'did you mean "refused"' "$LILLIPUT" gauntlet --case refusd -- true
check 'a crash' 1 'SIGSEGV' "$LILLIPUT" gauntlet --case refused -- bash -c 'kill -SEGV $$'
check 'node' 0 '34 cases: 34 ended, 0 hangs' "$LILLIPUT" gauntlet -- node -e 'fetch("http://"+process.env.LILLIPUT_HOST+"/").then(r => r.text()).then(() => 0, () => process.exit(3))'
# a mistake is one line: what was wrong, and what to do
mistake() { # PATTERN ARGUMENTS...
  local pattern=$1; shift
  check "mistake: $*" 2 "^lilliput gauntlet: $pattern" "$LILLIPUT" gauntlet "$@"
  [ "$("$LILLIPUT" gauntlet "$@" 2>&1 | wc -l)" -eq 1 ] || { echo "FAILED: more than a line: $*"; failures=$((failures + 1)); }
}
mistake '--date soon: no date' --date soon -- true
mistake 'a program is wanted' --case refused
mistake '--seed x: a whole number is wanted' --seed x -- true
mistake '--port 70000: a whole number from 1 to 65535' --port 70000 -- true
mistake '--port needs a value' --port -- true
mistake 'no profile "linuz"; did you mean "linux"' --profile linuz -- true
mistake '--cases: there is no such option; did you mean --case' --cases fine -- true
mistake '/no/such cannot be read' --expect /no/such -- true
echo 'refusd: {exit: 0}' >"$work/wrong.yaml"
mistake '.*wrong.yaml:1: there is no case "refusd"; did you mean "refused"' --expect "$work/wrong.yaml" -- true
mistake '/no/such cannot be written' --record /no/such -- true
mistake 'no-such-program: no such program' -- no-such-program
mistake '"a b" is no name' --name 'a b' -- true
cat >"$work/check.py" <<'END'
import socket, unittest
class Timeouts(unittest.TestCase):
    def test(self):
        for address in ("192.0.2.1", "10.255.255.1", "240.0.0.1"):
            with self.assertRaises(TimeoutError): socket.create_connection((address, 80), timeout=20)
END
printf 'check:\n\tpython3 -m unittest -q check\n\ttimeout 9 bash -c "exec 3<>/dev/tcp/192.0.2.1/80"; test $$? = 124\n' >"$work/Makefile"
check "a project's make check, its black holes included" 0 'in 60\.[0-9]*s' "$LILLIPUT" run --time virtual -- make -C "$work" check
check 'list' 0 'nat-expiry-rst' "$LILLIPUT" gauntlet --list
finish

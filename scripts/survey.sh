#!/usr/bin/env bash
# survey.sh: real clients through all cases of the gauntlet; writes docs/SURVEY.md. Only what was seen in this run is written.
set -u
cd "$(dirname "$0")/.."
LILLIPUT=${LILLIPUT:-$PWD/build/lilliput}
out=${1:-docs/SURVEY.md}
"$LILLIPUT" doctor >/dev/null || { echo "the kernel forbids it: lilliput doctor"; exit 77; }
scripts/setup-system.sh --survey || exit 1
work=$(mktemp -d); chmod 777 "$work"; trap 'rm -rf "$work"' EXIT
export HOME=$work LILLIPUT_WORK=$work LC_ALL=C
python=/usr/bin/python3; [ -x $python ] || python=python3
cat >"$work/get.go" <<'END'
package main
import ("io"; "net/http"; "os")
func main() { r, err := http.Get(os.Args[1]); if err != nil { println(err.Error()); os.Exit(1) }; if _, err := io.Copy(io.Discard, r.Body); err != nil { println(err.Error()); os.Exit(2) } }
END
(cd "$work" && GOCACHE=$work/cache CGO_ENABLED=0 go build -o get get.go) || exit 1
cat >"$work/aio.py" <<'END'
import asyncio, sys
async def main():
    r, w = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))
    w.write(b"GET / HTTP/1.0\r\n\r\n"); await w.drain()
    head = await r.readuntil(b"\r\n\r\n")
    n = int([l for l in head.lower().split(b"\r\n") if l.startswith(b"content-length")][0].split(b":")[1])
    await r.readexactly(n)
asyncio.run(main())
END

survey() { # NAME PORT COMMAND...
  local name=$1 port=$2
  shift 2
  printf '%s ... ' "$name" >&2
  timeout -k 5 240 "$LILLIPUT" gauntlet --json --port "$port" -- "$@" >"$work/$name.json" 2>"$work/$name.err" </dev/null
  printf 'exit %s\n' $? >&2
  printf '%s\n' "$*" >"$work/$name.cmd"
  echo "$name" >>"$work/names"
}
url='http://{host}:{port}/'
survey curl 80 curl -s "$url"
survey wget 80 wget -q -O /dev/null "$url"
survey aria2 80 aria2c -q --allow-overwrite=true -d "$work" -o aria "$url"
survey git 80 git ls-remote "$url"
survey python-urllib 80 $python -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()' "$url"
survey python-asyncio 80 $python "$work/aio.py" '{host}' '{port}'
survey node-http 80 node -e 'require("http").get(process.argv[1], r => r.resume()).on("error", e => process.exit(1))' "$url"
survey node-fetch 80 node -e 'fetch(process.argv[1]).then(r => r.text()).catch(e => process.exit(1))' "$url"
survey go-http 80 "$work/get" "$url"
survey lftp 80 lftp -c "open $url; cat /"
survey links 80 links -source "$url"
survey openssl 443 openssl s_client -connect '{host}:{port}'
survey ssh 22 ssh -o BatchMode=yes -o StrictHostKeyChecking=no -p '{port}' '{host}' true
survey redis-cli 6379 redis-cli -h '{host}' -p '{port}' ping
survey psql 5432 psql -w -h '{host}' -p '{port}' -U nobody -c 'select 1' postgres
survey mysql 3306 mysql -h '{host}' -P '{port}' -u nobody -e 'select 1'
survey mosquitto_pub 1883 mosquitto_pub -h '{host}' -p '{port}' -t t -m m
survey rsync 873 rsync 'rsync://{host}:{port}/'
survey nc 80 bash -c 'printf "GET / HTTP/1.0\r\n\r\n" | nc -N $LILLIPUT_HOST $LILLIPUT_PORT'
survey bash-dev-tcp 80 bash -c 'exec 3<>/dev/tcp/$LILLIPUT_HOST/$LILLIPUT_PORT && printf "GET / HTTP/1.0\r\n\r\n" >&3 && cat <&3'
survey dig 53 dig '@{addr}' -p '{port}' '{host}'
survey snmpget 161 snmpget -v 2c -c public '{host}:{port}' 1.3.6.1.2.1.1.1.0
survey ntpdate 123 /usr/sbin/ntpdate -q '{host}'
$python scripts/survey.py "$work" "$out" "$(uname -r)" "$(date -u +%Y-%m-%d)"

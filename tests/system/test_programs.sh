#!/usr/bin/env bash
# Real packages, unmodified, in the zoo: fast, exact and in virtual time.
. "$(dirname "$0")/common.sh"
setup
python=/usr/bin/python3; [ -x $python ] || python=python3
cat >"$work/nginx.conf" <<END
worker_processes 2; daemon off; pid $work/pid; error_log $work/error.log;
events { worker_connections 512; }
http { access_log off; sendfile on; client_body_temp_path $work/a; proxy_temp_path $work/b; fastcgi_temp_path $work/c; uwsgi_temp_path $work/d;
  scgi_temp_path $work/e; server { listen 8088; root $work/www; } }
END
mkdir "$work/www"; chmod 755 "$work/www"; head -c 5000000 /dev/urandom >"$work/www/big"
cat >"$work/http.go" <<'END'
package main
import ("fmt"; "io"; "net"; "net/http"; "time")
func main() {
	l, err := net.Listen("tcp", "127.0.0.1:9000"); if err != nil { panic(err) }
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "go server") }))
	for _, u := range []string{"http://127.0.0.1:9000/", "http://server.test/"} {
		r, err := http.Get(u); if err != nil { panic(err) }
		b, _ := io.ReadAll(r.Body); fmt.Println("got", string(b))
	}
	c := http.Client{Timeout: time.Second}
	_, err = c.Get("http://silent.test/"); fmt.Println(err)
	_, err = c.Get("http://refused.test/"); fmt.Println(err)
}
END
(cd "$work" && GOCACHE=$work/cache CGO_ENABLED=0 go build -o http http.go) || exit 1

# retry COMMAND: a server needs a moment to listen
retry='retry() { for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do "$@" && return; sleep 0.3; done; return 1; };'
all() { # NAME PATTERN SCRIPT
  local mode
  for mode in "" "--exact" "--time virtual"; do
    # shellcheck disable=SC2086
    check "$1 ${mode:-fast}" 0 "$2" "$LILLIPUT" run $mode -- bash -c "cd $work; $retry $3"
  done
}
all curl 'hello from the lab' 'curl -s http://server.test/'
all wget 'hello from the lab' 'wget -q -O - http://server.test/'
all urllib 'hello from the lab' "$python -c 'import urllib.request; print(urllib.request.urlopen(\"http://server.test/\").read())'"
all asyncio 'b.asyncio' "$python -c '
import asyncio
async def main():
    r, w = await asyncio.open_connection(\"server.test\", 7)
    w.write(b\"asyncio\\n\")
    print(await r.readline())
    w.close()
asyncio.run(main())'"
all http.server '200' "$python -m http.server 8000 >/dev/null 2>&1 & retry curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8000/"
all node-http 'hello from the lab' "node -e 'require(\"http\").get(\"http://server.test/\", r => r.on(\"data\", d => process.stdout.write(d)))'"
all node-fetch 'hello from the lab' "node -e 'fetch(\"http://server.test/\").then(r => r.text()).then(t => process.stdout.write(t))'"
all go 'got go server' ./http
all go-refused 'connection refused' ./http
all redis '^value$' 'redis-server --port 6390 --save "" --dir . >/dev/null 2>&1 & retry redis-cli -p 6390 set key value >/dev/null 2>&1; redis-cli -p 6390 get key'
all nginx 'same' 'nginx -c $PWD/nginx.conf & retry curl -s -o /dev/null http://127.0.0.1:8088/big; curl -s http://127.0.0.1:8088/big | cmp - www/big && echo same; kill %1; wait'
all 'socat by UDP' '^by UDP$' 'echo by UDP | socat -t9 - UDP4:server.test:7'
all socat 'through socat' 'socat TCP-LISTEN:7777,reuseaddr,fork EXEC:cat & sleep 0.5; echo through socat | socat -t9 - TCP:127.0.0.1:7777'
all dig '^203.0.113.10$' 'dig +short server.test'
all dig-tcp '^203.0.113.10$' 'dig +short +tcp server.test'
all names '^all named' "$python $SOURCE_DIR/tests/system/names.py"
all pressure '^echoed' "$python $SOURCE_DIR/tests/system/pressure.py"
all iperf3 'iperf Done' 'iperf3 -s -1 >/dev/null & sleep 0.5; iperf3 -c 127.0.0.1 -n 1M; wait'
all ping '0% packet loss' 'ping -c 2 server.test'
all dev-tcp 'through bash' 'exec 3<>/dev/tcp/server.test/7; echo through bash >&3; head -1 <&3'
all 'preadv2 and pwritev2' '^b.x. True True$' "$python -c '
import os, socket
s = socket.create_connection((\"server.test\", 7)); b = bytearray(9)
def fails(error, f, *a):
    try: f(*a)
    except error: return True
was = fails(OSError, os.preadv, s.fileno(), [b], -1, os.RWF_NOWAIT)
os.pwritev(s.fileno(), [b\"x\"], -1, os.RWF_DSYNC); os.preadv(s.fileno(), [b], -1, os.RWF_HIPRI)
print(bytes(b[:1]), was, fails(OSError, os.preadv, s.fileno(), [b], 5, os.RWF_HIPRI))'"
all MSG_WAITALL '^40000 True 3$' "$python $SOURCE_DIR/tests/system/waitall.py"
all 'MSG_WAITALL and SO_RCVTIMEO' '^10000 2$' "$python $SOURCE_DIR/tests/system/waitall.py"
check 'bytes by reference' 0 '^read same.splice same.slowly same.shut same.$' bash -c '"$0" run -- "$1" "$2" | tr "\n" .' "$LILLIPUT" "$python" "$SOURCE_DIR/tests/system/lending.py"
all 'closed descriptors' '^all closed' "$python $SOURCE_DIR/tests/system/closing.py"
# The bench measures something in the lab and on the kernel; how much is not asked here.
check 'bench programs' 0 '^measured' bash -c '"$0" bench programs --only connections --repeat 1 --json | '"$python"' -c "
import json, sys
runs = json.load(sys.stdin)[\"connections\"]
print(\"measured\" if runs[\"lab\"][0] > 0 and runs[\"kernel\"][0] > 0 else runs)"' "$LILLIPUT"
check 'bench programs: a wrong key' 2 'nothing: no such key' "$LILLIPUT" bench programs --only nothing
all ipv6 'hello from the lab' 'curl -6 -s http://server.test/'
finish

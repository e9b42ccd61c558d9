#!/usr/bin/env bash
# Nothing leaks: no way to the real network, nothing outlives the lab, a hostile program harms only itself.
. "$(dirname "$0")/common.sh"
setup
here=$SOURCE_DIR/tests/system
${CC:-gcc} -w -O1 -o "$work/hostile" "$here/hostile.c" -lpthread || exit 1
for mode in "" "--exact" "--time virtual"; do
  # shellcheck disable=SC2086
  check "hostile ${mode:-fast}" 0 '^still here' "$LILLIPUT" run $mode -- "$work/hostile"
done

# a real listener that the lab must not reach
python3 -c '
import socket, sys
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True); s.settimeout(60)
try: s.accept(); open(sys.argv[1], "w").write("reached")
except TimeoutError: pass' "$work/reached" >"$work/port" &
real=$!
while [ ! -s "$work/port" ]; do sleep 0.1; done
for mode in "" "--exact" "--time virtual"; do
  # shellcheck disable=SC2086
  check "the real loopback is not there ${mode:-fast}" 7 '' "$LILLIPUT" run $mode -- curl -s "http://127.0.0.1:$(cat "$work/port")/"
done
kill $real
[ ! -e "$work/reached" ] || { echo "FAILED: the real network was reached"; failures=$((failures + 1)); }

check 'AF_PACKET is refused and logged' 0 'lilliput: .*socket\(family 17\).*EAFNOSUPPORT' "$LILLIPUT" run -- python3 -c '
import socket, errno
try: socket.socket(17, 3, 0)
except OSError as e: assert e.errno == errno.EAFNOSUPPORT'
check 'io_uring is not there' 0 'ENOSYS' "$LILLIPUT" run -- python3 -c '
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True); libc.syscall(425, 8, 0); print(errno.errorcode[ctypes.get_errno()])'
check 'descriptors are not inherited' 0 '^none$' bash -c "exec 7</etc/passwd; '$LILLIPUT' run -- bash -c 'ls -l /proc/self/fd | grep -q passwd || echo none'"
check 'exit status' 42 '' "$LILLIPUT" run -- bash -c 'exit 42'
check 'death by signal' 143 '' "$LILLIPUT" run -- bash -c 'kill $$'
check 'not found' 127 'No such file' "$LILLIPUT" run -- /no/such/program

for mode in "" "--time virtual"; do
  for victim in lab supervisor; do
    # shellcheck disable=SC2086
    "$LILLIPUT" run $mode -- bash -c "echo \$\$ >$work/pid; exec -a lab-orphan python3 -m http.server 8000" >/dev/null 2>&1 &
    lab=$!
    rm -f "$work/pid"; for i in $(seq 50); do [ -s "$work/pid" ] && break; sleep 0.1; done
    sleep 0.5
    if [ $victim = lab ]; then kill -KILL $lab; else kill -KILL "$(cat /proc/$lab/task/$lab/children | cut -d' ' -f1)"; fi
    for i in $(seq 50); do kill -0 "$(cat "$work/pid")" 2>/dev/null || break; sleep 0.1; done
    if kill -0 "$(cat "$work/pid")" 2>/dev/null; then
      echo "FAILED: the program outlives its $victim (${mode:-fast})"; failures=$((failures + 1)); kill -KILL "$(cat "$work/pid")"
    else
      echo "ok the program ends with its $victim ${mode:-fast}"
    fi
    wait $lab 2>/dev/null
  done
done

if [ "$(id -u)" -eq 0 ]; then
  cp "$LILLIPUT" "$work/lilliput"
  for mode in "" "--time virtual"; do
    # shellcheck disable=SC2086
    check "no root needed ${mode:-fast}" 0 'hello from the lab' setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp "$work/lilliput" run $mode -- curl -s http://server.test/
  done
fi
finish

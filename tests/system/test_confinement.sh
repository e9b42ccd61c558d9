#!/usr/bin/env bash
# Nothing leaks: no way to the real network, nothing outlives the lab, a hostile program harms only itself.
. "$(dirname "$0")/common.sh"
setup
here=$SOURCE_DIR/tests/system
${CC:-gcc} -w -O1 -o "$work/hostile" "$here/hostile.c" -lpthread || exit 1
${CC:-gcc} -w -O1 -o "$work/spite" "$here/spite.c" -lpthread || exit 1
${CC:-gcc} -O1 -o "$work/refuse" "$here/refuse.c" || exit 1
for mode in "" "--exact" "--time virtual"; do
  # shellcheck disable=SC2086
  check "hostile ${mode:-fast}" 0 '^still here' "$LILLIPUT" run $mode -- "$work/hostile"
  # shellcheck disable=SC2086
  check "spite ${mode:-fast}" 0 '^still here' "$LILLIPUT" run $mode -- "$work/spite"
  # shellcheck disable=SC2086
  check "hostile without pidfd_getfd ${mode:-fast}" 0 "^still here" "$work/refuse" 438 "$LILLIPUT" run $mode -- "$work/hostile"
done

# Signals to a whole group, or to all, reach the programs and not the lab; nor do a descriptor's.
cat >"$work/kills" <<'END'
trap 'echo term' TERM
sleep 100 & kill 0; wait $!; echo "sleep: $?"
sleep 100 & kill -TERM -1; wait $!; echo "sleep: $?"
python3 -c '
import fcntl, os, struct, time
r, w = os.pipe()
for owner in os.getppid(), -os.getpgrp():
    fcntl.fcntl(r, fcntl.F_SETOWN, owner); fcntl.fcntl(r, 15, struct.pack("ii", 1, int(open("/proc/%d/stat" % os.getppid()).read().split()[3])))
fcntl.fcntl(r, 10, 9); fcntl.fcntl(r, fcntl.F_SETFL, fcntl.fcntl(r, fcntl.F_GETFL) | 0o20000)
if fcntl.fcntl(r, fcntl.F_GETOWN) not in (os.getpid(), os.getppid()): os.write(w, b"x")'
kill -KILL 0
END
for mode in "" "--exact" "--time virtual"; do
  # shellcheck disable=SC2086
  check "kill(0), kill(-1) ${mode:-fast}" 137 '^term sleep: 143 sleep: 143 $' \
    setsid -w bash -c "'$LILLIPUT' run $mode -- bash '$work/kills' >'$work/killed'; status=\$?; tr '\n' ' ' <'$work/killed'; exit \$status"
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
check 'io_uring is not there' 0 'lilliput: python3.*: io_uring_setup: not in the lab .ENOSYS' "$LILLIPUT" run --verbose -- python3 -c '
import ctypes, errno
libc = ctypes.CDLL(None, use_errno=True); libc.syscall(425, 8, 0); print(errno.errorcode[ctypes.get_errno()])'
for mode in "" "--exact" "--time virtual"; do
  # shellcheck disable=SC2086
  check "no way round ${mode:-fast}" 0 '^refused all$' "$LILLIPUT" run $mode -- python3 -c '
import ctypes, errno, fcntl, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def fails(what, error, f, *a):
    try: f(*a)
    except OSError as e: assert e.errno == error, (what, e)
    else: raise SystemExit(what + " is possible")
for family in (17, 40, 16 + 1, 31, 38, 15, 8, 3):  # packet, vsock, bluetooth, alg, key, ...
    fails("family %d" % family, errno.EAFNOSUPPORT, socket.socket, family, 3, 0)
fails("uevent netlink", errno.EPROTONOSUPPORT, socket.socket, 16, 3, 15)
fails("generic netlink", errno.EPROTONOSUPPORT, socket.socket, 16, 3, 16)
fails("tun", errno.ENODEV, os.open, "/dev/net/tun", os.O_RDWR)
fails("sysfs", errno.ENOENT, os.listdir, "/sys/class/net")
for call in (425, 426, 427): # io_uring
    assert libc.syscall(call, 8, 0) == -1 and ctypes.get_errno() == errno.ENOSYS
for call, error in ((323, errno.ENOSYS), (249, errno.ENOKEY), (0x40000000 | 41, errno.ENOSYS)): # userfaultfd, request_key, x32 socket
    assert libc.syscall(call, 2, 1, 0) == -1 and ctypes.get_errno() == error, call
import time
fails("the machine s clock", errno.EPERM, time.clock_settime, time.CLOCK_REALTIME, time.time())
step = b"\1" + bytes(207)
for call, arguments in ((164, (0, 0)), (159, (step,)), (305, (0, step)), (430, (b"nfs", 0)), (165, (b"none", b"/mnt", b"nfs", 0, 0))):
    assert libc.syscall(call, *arguments) == -1 and ctypes.get_errno() == errno.EPERM, call # settimeofday, adjtimex, clock_adjtime, fsopen, mount
asked = ctypes.create_string_buffer(208)
assert libc.syscall(305, 0, asked) >= 0 and abs(struct.unpack_from("q", asked, 72)[0] - time.time()) < 5 # clock_adjtime that only asks
if os.access("/dev/net/tun", os.W_OK): # by another name
    os.symlink("/dev/net/tun", sys.argv[1]); tun = os.open(sys.argv[1], os.O_RDWR); os.unlink(sys.argv[1])
    fails("a tun interface", errno.EPERM, fcntl.ioctl, tun, 0x400454ca, struct.pack("16sH22x", b"lab", 1))
program = os.memfd_create("program"); os.write(program, open("/bin/cat", "rb").read())
if os.fork() == 0: os.execve(program, ["cat", "/dev/net/tun"], {})
assert os.wait()[1] >> 8 == 1 # the filter is there too
assert libc.syscall(438, 3, 0, 0) == -1 and ctypes.get_errno() == errno.EPERM # pidfd_getfd
how = (ctypes.c_uint64 * 3)(0, 0, 0)
fd = libc.syscall(437, -100, b"/proc/net/../net//dev".replace(b"../net/", b""), how, 24) # openat2
assert fd >= 0 and sorted(l.split(":")[0].strip() for l in os.read(fd, 9999).decode().splitlines()[2:]) == ["eth0", "lo"]
# an AF_UNIX socket knows the real machine in its ioctls
u = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
buffer = bytearray(4000)
address = (ctypes.c_char * 4000).from_buffer(buffer)
length = struct.unpack("iP", fcntl.ioctl(u, 0x8912, struct.pack("iP", 4000, ctypes.addressof(address))))[0]
assert length == 2 * 40 and bytes(buffer[60:64]) == bytes([10, 0, 0, 2]), (length, bytes(buffer[:80]))
fails("a device of the real machine", errno.ENODEV, fcntl.ioctl, u, 0x8927, struct.pack("16s24x", b"docker0"))
r = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); r.settimeout(5) # the raw sockets are the lab s own
s = socket.socket(); s.connect(("203.0.113.10", 7))
with open("/etc/hostname", "rb") as f: n = os.sendfile(s.fileno(), f.fileno(), 0, 5)
assert s.recv(n, socket.MSG_WAITALL) == open("/etc/hostname", "rb").read(n)
print("refused all")' "$work/tun"
done
cat >"$work/int80.c" <<'END'
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static void none(int sig) { (void)sig, write(1, "none\n", 5), _exit(0); }
int main(void)
{
    long result;
    signal(SIGSEGV, none); /* a kernel without 32-bit calls */
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(359), "b"(2), "c"(1), "d"(0) : "memory");
    return result != -38;
}
END
[ "$(uname -m)" != x86_64 ] || ${CC:-gcc} -w -o "$work/int80" "$work/int80.c" && check '32-bit calls' 0 'int80.*: a 32-bit or x32 system call.*ENOSYS|^none' "$LILLIPUT" run -- "$work/int80"
check 'a network socket as standard input, as inetd gives it' 0 "^/dev/null$" python3 -c '
import socket, subprocess, sys
l = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(l.getsockname()); s, _ = l.accept(); s.settimeout(0.1)
print(subprocess.run([sys.argv[1], "run", "--", "bash", "-c", "echo out >&0; readlink /proc/$$/fd/0"], stdin=c, stdout=subprocess.PIPE).stdout.decode(), end="")
try: raise SystemExit("reached: %r" % s.recv(9))
except TimeoutError: pass' "$LILLIPUT"

# a socket of the real network that a process outside passes is of no use
cat >"$work/outside.py" <<'END'
import socket, sys
u = socket.socket(socket.AF_UNIX); u.bind(sys.argv[1]); u.listen(8)
t = socket.create_server(("127.0.0.1", 0))
while True:
    c, _ = u.accept()
    s = socket.create_connection(t.getsockname())
    socket.send_fds(c, [b"x"], [s.fileno()])
END
python3 "$work/outside.py" "$work/outside" & outside=$!
while [ ! -S "$work/outside" ]; do sleep 0.1; done
for mode in "" "--exact" "--time virtual"; do
  # shellcheck disable=SC2086
  check "a passed socket ${mode:-fast}" 0 'a socket of the real network .EACCES' "$LILLIPUT" run $mode -- python3 -c '
import errno, os, socket, sys
mode = sys.argv[2]
def no(f, *a):
    try: raise SystemExit("reached: %r" % f(*a))
    except OSError as e: assert e.errno == errno.EACCES
u = socket.socket(socket.AF_UNIX); u.connect(sys.argv[1])
if not mode: # what waits, and what does not
    no(socket.recv_fds, u, 1, 1); u.setblocking(False); no(socket.recv_fds, u, 1, 1); sys.exit()
fd = socket.recv_fds(u, 1, 1)[1][0]
out, pipe = os.pipe(); os.write(pipe, b"out")
no(os.splice, out, fd, 3); no(os.splice, fd, pipe, 3)
no(os.pwritev, fd, [b"out"], -1, os.RWF_DSYNC); no(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=fd).send, b"out")' "$work/outside" "$mode"
done
kill $outside
check 'descriptors are not inherited' 0 '^none$' bash -c "exec 7</etc/passwd; '$LILLIPUT' run -- bash -c 'ls -l /proc/self/fd | grep -q passwd || echo none'"
check 'a refusal is one line in the log' 0 '^1$' bash -c '"$0" run -- bash -c "kill -9 \$PPID; kill -9 \$PPID" 2>&1 | grep -c "^lilliput: bash.[0-9]*.: kill: .*EPERM"' "$LILLIPUT"
check 'exit status' 42 '' "$LILLIPUT" run -- bash -c 'exit 42'
check 'death by signal' 143 '' "$LILLIPUT" run -- bash -c 'kill $$'
check 'not found' 127 'No such file' "$LILLIPUT" run -- /no/such/program

for mode in "" "--time virtual"; do
  for victim in lab supervisor; do
    rm -f "$work/pid"
    # shellcheck disable=SC2086
    "$LILLIPUT" run $mode -- bash -c "echo \$\$ >$work/pid; exec -a lab-orphan python3 -m http.server 8000" >/dev/null 2>&1 &
    lab=$!
    for i in $(seq 50); do [ -s "$work/pid" ] && break; sleep 0.1; done
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

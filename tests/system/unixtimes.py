"""unixtimes.py: SO_RCVTIMEO and SO_SNDTIMEO on the program's own AF_UNIX sockets, in virtual time."""
import os, socket, struct, threading, time

def option(s, name, seconds): s.setsockopt(socket.SOL_SOCKET, name, struct.pack("ll", seconds, 0))
def check(seconds, result, f, *arguments):
    began = time.monotonic()
    try: got = f(*arguments)
    except BlockingIOError: got = "EAGAIN"
    took = round(time.monotonic() - began)
    if took != seconds or (result is not None and got != result):
        raise SystemExit("%s: %r after %d s, expected %r after %d" % (f, got, took, result, seconds))

for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    a, b = socket.socketpair(socket.AF_UNIX, kind)
    option(a, socket.SO_RCVTIMEO, 20)
    for f in (a.recv, a.recvfrom, a.recvmsg): check(20, "EAGAIN", f, 10)
    check(20, "EAGAIN", os.read, a.fileno(), 10)
    check(0, "EAGAIN", a.recv, 10, socket.MSG_DONTWAIT)
    t = threading.Thread(target=lambda: (time.sleep(5), b.send(b"late")))
    t.start(); check(5, b"late", a.recv, 10); t.join()

a, b = socket.socketpair(); option(a, socket.SO_SNDTIMEO, 30)
def fill():
    while True: a.send(b"x" * 5000)
check(30, "EAGAIN", fill); check(30, "EAGAIN", a.send, b"more")
t = threading.Thread(target=lambda: (time.sleep(7), b.recv(1 << 22)))
t.start(); check(7, 4, a.send, b"more"); t.join()

r = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); r.bind("\0lilliput-dgram-%d" % os.getpid())
for connected in (False, True):
    a = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); option(a, socket.SO_SNDTIMEO, 25)
    if connected: a.connect(r.getsockname())
    def send(text): return a.send(text) if connected else a.sendto(text, r.getsockname())
    def fill():
        while True: send(b"x")
    check(25, "EAGAIN", fill); check(25, "EAGAIN", send, b"more")
    t = threading.Thread(target=lambda: (time.sleep(7), r.recv(10)))
    t.start(); check(7, 4, send, b"more"); t.join()
    time.sleep(100) # nothing is left of the time limits
    while True:
        try: r.recv(10, socket.MSG_DONTWAIT)
        except BlockingIOError: break

l = socket.socket(socket.AF_UNIX); l.bind("\0lilliput-%d" % os.getpid()); l.listen(); option(l, socket.SO_RCVTIMEO, 40)
check(40, "EAGAIN", l.accept)
if os.fork() == 0:
    time.sleep(10); socket.socket(socket.AF_UNIX).connect(l.getsockname()); os._exit(0)
check(10, None, l.accept); os.wait()
print("all in time")

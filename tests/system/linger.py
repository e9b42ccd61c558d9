"""linger.py: a close() that lingers (SO_LINGER with a time): for how many seconds, in each case; as Linux 6.18 was seen to do it."""
import os, signal, socket, struct, threading, time

def pair():
    l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096); l.bind(("127.0.0.1", 0)); l.listen()
    c = socket.socket(); c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 200000); c.connect(l.getsockname())
    s, _ = l.accept(); l.close()
    return c, s
def full(seconds):  # a connection whose peer does not read
    c, s = pair()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, seconds))
    c.setblocking(False)
    try:
        while True: c.send(b"x" * 10000)
    except BlockingIOError: c.setblocking(True)
    return c, s
def timed(f, *arguments):
    began = time.monotonic()
    f(*arguments)
    return round(time.monotonic() - began)

c, s = pair(); c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3)); c.send(b"x")
print("acknowledged at once", timed(c.close))
c, s = full(3); print("nobody reads", timed(c.close)); s.close()
c, s = full(3); c.setblocking(False); print("not blocking", timed(c.close)); s.close()
c, s = full(9)
def reader():
    time.sleep(2)
    while s.recv(100000): pass
t = threading.Thread(target=reader); t.start(); print("read after 2 s", timed(c.close)); t.join(); s.close()
c, s = full(3); d = c.dup(); print("not the last", timed(c.close), "the last", timed(d.close)); s.close()
c, s = full(5)
pid = os.fork()
if pid == 0: os._exit(0)
print("exit of a child", timed(os.waitpid, pid, 0), "close", timed(c.close)); s.close()
c, s = full(5); s.send(b"unread"); time.sleep(0.1); print("unread data", timed(c.close)); s.close()
c, s = full(5); fd = c.detach()
signal.signal(signal.SIGALRM, lambda *a: None); signal.alarm(2)
print("a signal", timed(os.close, fd), end=" ")
try: os.close(fd)
except OSError: print("closed")

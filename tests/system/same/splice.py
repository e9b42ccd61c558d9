# splice() into a socket from a pipe that was filled from elsewhere, as Go's io.Copy() does; and a UDP port that is free as soon as its socket is closed.
import ctypes, os, socket, threading, time

libc = ctypes.CDLL(None, use_errno=True)


def splice(source, target, size):
    n = libc.splice(source, None, target, None, ctypes.c_size_t(size), 0)
    if n < 0:
        raise OSError(ctypes.get_errno(), "splice")
    return n


listener = socket.create_server(("127.0.0.1", 0))
c = socket.socket()
c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000)
c.connect(listener.getsockname())
s, _ = listener.accept()
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20000)
near, far = socket.socketpair()
r, w = os.pipe()
body = bytes(range(256)) * 4000


def copy():
    left = len(body)
    while left:
        have = splice(far.fileno(), w, 65536)
        left -= have
        while have:
            have -= splice(r, s.fileno(), have)
    s.sendall(b"end")
    s.close()


threading.Thread(target=near.sendall, args=(body,), daemon=True).start()
threading.Thread(target=copy, daemon=True).start()
got = bytearray()
while piece := c.recv(10000):
    got += piece
    time.sleep(0.0005)
print(len(got), got == body + b"end")

for i in range(20):
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(("127.0.0.1", 0))
    port = u.getsockname()[1]
    u.close()
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(("127.0.0.1", port))
    u.close()
print("bound again")

# And from a socket: it waits for data, and for room in a pipe that another thread reads; at the end 0. A datagram is one piece.
c = socket.create_connection(listener.getsockname())
s, _ = listener.accept()
r, w = os.pipe()
taken = bytearray()


def drain():
    while piece := os.read(r, 3000):
        taken.extend(piece)
        if len(taken) % 9000 == 0:
            time.sleep(0.002)


drainer = threading.Thread(target=drain)
drainer.start()
threading.Timer(0.05, lambda: (c.sendall(body), c.close())).start()
while splice(s.fileno(), w, 1 << 20):
    pass
os.close(w)
drainer.join()
print(len(taken), taken == body)
r, w = os.pipe()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", 0))
u.sendto(b"one", u.getsockname())
u.sendto(b"two", u.getsockname())
print(splice(u.fileno(), w, 100), os.read(r, 100), splice(u.fileno(), w, 2), os.read(r, 100))

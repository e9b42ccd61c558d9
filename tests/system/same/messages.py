# Names on streams; empty datagrams, cut ones, control data, peeking, and plain reads between calls with addresses.
import ctypes, os, socket, threading, time

listener = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(listener.getsockname())
s, _ = listener.accept()
s.sendall(b"hello world")
print(c.recvfrom(5), c.recvmsg(6))
print(c.sendto(b"named", listener.getsockname()), s.recvfrom(100), c.sendmsg([b"a", b"b"], [], 0, listener.getsockname()), s.recv(10))
libc = ctypes.CDLL(None)
for one, peer in ((c, s), (s, c)):
    peer.send(b"x")
    buffer, address, length = ctypes.create_string_buffer(10), ctypes.create_string_buffer(128), ctypes.c_uint(128)
    print(libc.recvfrom(one.fileno(), buffer, 10, 0, address, ctypes.byref(length)), length.value, address.raw[:4])
    threading.Timer(0.2, peer.send, (b"yy",)).start()
    print(one.recvfrom(100))
total = 0


def read():
    global total
    while piece := s.recv(65536):
        total += len(piece)


reader = threading.Thread(target=read)
reader.start()
print(c.sendto(b"q" * 9000000, listener.getsockname()))
c.shutdown(socket.SHUT_WR)
reader.join()
print(total)

r = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
r.bind(("127.0.0.1", 0))
r.settimeout(5)
w = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
w.connect(r.getsockname())
w.send(b"")
w.send(b"one")
os.write(w.fileno(), b"two")
print(r.recvfrom(10)[0], r.recv(10), r.recv(10))
IP_PKTINFO, IP_RECVTTL = 8, 12
r.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
r.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)


def control(room):
    data, ancillary, flags, source = r.recvmsg(4, room)
    print(data, sorted((kind, len(value)) for _, kind, value in ancillary), int(flags), source == w.getsockname())


for room in (200, 30, 24, 8, 0):
    w.send(b"0123456789")
    time.sleep(0.1)
    control(room)
w.send(b"0123456789")
time.sleep(0.1)
print(r.recvmsg(4, 200, socket.MSG_PEEK)[0], r.recv(4))
for peeks in (False, True):
    for i in range(5):
        w.send(b"%d" % i)
    time.sleep(0.1)
    print([r.recvfrom(10, socket.MSG_PEEK if peeks else 0)[0] if i % 2 else r.recv(10) for i in range(9 if peeks else 5)])

# RFC 3542 6.3, 6.5: -1 is the default; a length that is not an int's is wrong
r = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
r.bind(("::1", 0))
r.settimeout(5)
r.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
w = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
w.connect(r.getsockname())
for hops in (3, -1, 256, -2):
    try:
        w.sendmsg([b"x"], [(socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, hops.to_bytes(4, "little", signed=True))])
        print(hops, int.from_bytes(r.recvmsg(9, 99)[1][0][2], "little"))
    except OSError as e:
        print(hops, e.strerror)
try:
    w.sendmsg([b"x"], [(socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, b"\3\0\0\0\0")])
except OSError as e:
    print("five bytes", e.strerror)

# closed with a datagram unread: its port is free
for _ in range(3):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as r:
        r.bind(("127.0.0.1", 19999))
        r.sendto(b"unread", r.getsockname())
print("bound three times")

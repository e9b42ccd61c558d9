"""A bulk transfer whose bytes reach the program by reference (launch/desc_lend.c): nothing that was read, is still to be read, or lies in a
pipe where splice(2) put it, may change when the supervisor goes on. Prints what was compared."""
import fcntl, hashlib, os, random, socket, time

SIZE = 20_000_000
pattern = random.Random(1).randbytes(1_000_003)


def expected(n):
    return (pattern * (n // len(pattern) + 1))[:n]


def serve(listener, count):
    for _ in range(count):
        peer, _ = listener.accept()
        try:
            for at in range(0, SIZE, len(pattern)):
                peer.sendall(pattern[:SIZE - at])
        except OSError:
            pass  # shut_and_wait
        peer.close()


def read_all(sock, sizes):
    got = bytearray()
    while True:
        part = sock.recv(sizes.choice([1, 700, 16384, 65536, 300000]))
        if not part:
            return bytes(got)
        got += part
        if sizes.random() < 0.002:
            time.sleep(0.01)


def splice_all(sock):
    """A pipe filled, left alone while the sender goes on, and only then read."""
    outlet, inlet = os.pipe()
    fcntl.fcntl(inlet, fcntl.F_SETPIPE_SZ, 1 << 20)
    got = bytearray(sock.recv(3_000_000))  # what came before the first splice was lent
    n = 1
    while n:
        waiting = 0
        while n and waiting < 700_000:  # more than the ring has
            n = os.splice(sock.fileno(), inlet, 65536)
            waiting += n
            time.sleep(0.003)
        while waiting:
            part = os.read(outlet, waiting)
            got += part
            waiting -= len(part)
    return bytes(got)


def shut_and_wait(sock):
    """Both directions shut with the queue full: what lies there is read when another transfer has come and gone."""
    got = bytearray(sock.recv(1_000_000))
    time.sleep(0.1)
    sock.shutdown(socket.SHUT_RDWR)
    other = socket.create_connection(listener.getsockname())
    read_all(other, random.Random(3))
    other.close()
    while part := sock.recv(65536):
        got += part
    return bytes(got) == expected(len(got))


listener = socket.create_server(("127.0.0.1", 0))
if os.fork() == 0:
    serve(listener, 5)
    os._exit(0)
want = hashlib.sha256(expected(SIZE)).hexdigest()
for name in ["read", "splice", "slowly"]:
    sock = socket.create_connection(listener.getsockname())
    if name == "slowly":
        time.sleep(0.5)  # the ring is full, the queue too
    data = splice_all(sock) if name == "splice" else read_all(sock, random.Random(2))
    sock.close()
    print(name, "same" if hashlib.sha256(data).hexdigest() == want else f"DIFFERENT ({len(data)} bytes)")
print("shut", "same" if shut_and_wait(socket.create_connection(listener.getsockname())) else "DIFFERENT")

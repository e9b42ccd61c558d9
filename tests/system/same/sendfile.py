# sendfile() between writes, to a slow reader with small buffers: every byte, in its order; and the file's place afterwards.
import hashlib, os, socket, tempfile, threading, time

body = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(100000))
file = tempfile.TemporaryFile()
file.write(body)
file.flush()
listener = socket.create_server(("127.0.0.1", 0))
ways = ("own place", "given place", "nonblocking", "then close")


def send(s, way):
    s.sendall(b"head")
    if way == "nonblocking":
        s.settimeout(0)
    at = 0
    file.seek(0)
    while at < len(body):
        try:
            at += os.sendfile(s.fileno(), file.fileno(), None if way == "own place" else at, len(body))
        except BlockingIOError:
            time.sleep(0.01)
    if way != "then close":
        s.settimeout(60)
        s.sendall(b"tail")
    s.close()


def serve():
    for way in ways:
        s, _ = listener.accept()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 50000)
        send(s, way)


threading.Thread(target=serve, daemon=True).start()
for way in ways:
    c = socket.socket()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000)
    c.connect(listener.getsockname())
    got = bytearray()
    while piece := c.recv(50000):
        got += piece
        time.sleep(0.001)
    print(way, len(got), got == b"head" + body + (b"" if way == "then close" else b"tail"), os.lseek(file.fileno(), 0, os.SEEK_CUR))

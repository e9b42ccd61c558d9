# The peer closes or resets while we go on writing: EPIPE at the next write but one, not success for ever.
import errno, socket, time

listener = socket.create_server(("127.0.0.1", 0))
for way in ("close", "close with unread bytes", "reset", "shutdown, then close"):
    c = socket.create_connection(listener.getsockname())
    s, _ = listener.accept()
    if way == "close with unread bytes":
        c.sendall(b"x" * 10)
        time.sleep(0.1)
    if way == "reset":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    if way == "shutdown, then close":
        s.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
    s.close()
    time.sleep(0.1)
    told = "no error"
    for i in range(40):
        try:
            c.send(b"y" * 1000)
        except OSError as e:
            told = "EPIPE or ECONNRESET" if e.errno in (errno.EPIPE, errno.ECONNRESET) else errno.errorcode[e.errno]
            break
        time.sleep(0.1)
    try:
        c.send(b"z")
    except OSError as e:
        print(way, told, i < 4, errno.errorcode[e.errno])

# a writer that was far ahead when the reset came hears of it, too
c = socket.create_connection(listener.getsockname())
s, _ = listener.accept()
c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 5000)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 5000)
c.setblocking(False)
sent = 0
try:
    for i in range(20):
        sent += c.send(b"x" * 4096)
except BlockingIOError:
    pass
s.recv(1000)
s.close()
time.sleep(0.2)
c.setblocking(True)
try:
    for i in range(40):
        c.send(b"x" * 4096)
        time.sleep(0.05)
    print("no error")
except OSError as e:
    print("far ahead", e.errno in (errno.EPIPE, errno.ECONNRESET), sent < 60000)

"""Each way's buffers run full: an edge-triggered loop (epoll(7), EPOLLET) sends faster than the echo comes back, then reads slowly."""
import hashlib
import select
import socket
import time

SIZE = 3_000_000
data = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(SIZE // 32))
s = socket.create_connection(("server.test", 7))
s.setblocking(False)
poll = select.epoll()
poll.register(s, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
sent, got, reading = 0, bytearray(), False
while len(got) < len(data):
    if not poll.poll(20):
        raise SystemExit(f"stuck: {sent} sent, {len(got)} back")
    try:
        while sent < len(data):
            sent += s.send(data[sent:sent + 100_000])
    except BlockingIOError:
        pass
    if not reading:  # nothing is read until nothing more can be sent
        reading = True
        time.sleep(0.2)
    try:
        while chunk := s.recv(7_777):
            got += chunk
            if sent < len(data):
                time.sleep(0.0001)
    except BlockingIOError:
        pass
print("echoed" if got == data else "damaged")

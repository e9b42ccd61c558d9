# Urgent data (MSG_OOB): POLLPRI, the mark, inline and out of line; and data that a reset must not overtake.
import select, socket, struct, time

listener = socket.create_server(("127.0.0.1", 0))


def pair():
    c = socket.create_connection(listener.getsockname())
    s, _ = listener.accept()
    return c, s


def events(s):
    poll = select.poll()
    poll.register(s, select.POLLIN | select.POLLPRI)
    return [e for _, e in poll.poll(1000)]


c, s = pair()
c.send(b"ab")
c.send(b"cd", socket.MSG_OOB)
time.sleep(0.2)
print(events(s), s.recv(10), s.recv(1, socket.MSG_OOB))
c.send(b"ef")
time.sleep(0.1)
print(events(s), s.recv(10))
try:
    s.recv(1, socket.MSG_OOB)
except OSError as e:
    print(e.strerror)
for i in range(3):
    c.send(b"%d!" % i, socket.MSG_OOB)
    time.sleep(0.1)
    print(events(s), s.recv(1, socket.MSG_OOB), s.recv(10))

c, s = pair()
s.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
c.sendall(b"abor\r\n", socket.MSG_OOB)
time.sleep(0.2)
got = b""
while len(got) < 6:
    got += s.recv(10)
print(got, s.getsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE))

for i in range(10):
    c, s = pair()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.send(b"last words")
    c.close()
    time.sleep(0.05)
    try:
        print(s.recv(100), end=" ")
        s.recv(100)
    except OSError as e:
        print(e.strerror)

"""closing.py: a socket ends with its last descriptor, wherever that is: after dup, fork, exit and SCM_RIGHTS; its port is free then, its
peer has the end of file, and no reset."""
import os, socket, threading, time

for i in range(3):  # a port is free as soon as its socket is closed, listening, bound or neither
    s = socket.socket(); s.bind(("", 5000)); s.listen(); s.close()
    s = socket.socket(); s.bind(("", 5000)); s.close()
    s = socket.socket(); s.bind(("", 0)); port = s.getsockname()[1]; s.close()
    socket.create_server(("", port)).close()
    try: socket.create_connection(("127.0.0.1", port))
    except ConnectionRefusedError: pass
    else: raise SystemExit("connected to a closed listener")

listener = socket.create_server(("127.0.0.1", 5000))
def serve():  # a child a connection, which exits with its socket open
    while True:
        c, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            while b := c.recv(100): c.send(b.upper())
            os._exit(0)
        c.close()
threading.Thread(target=serve, daemon=True).start()
for i in range(8):
    c = socket.create_connection(("127.0.0.1", 5000))
    d = c.dup(); c.close(); d.send(b"again"); assert d.recv(10) == b"AGAIN"
    d.shutdown(socket.SHUT_WR); assert d.recv(10) == b""; d.close()

a, b = socket.socketpair()  # on its way, a descriptor is in no process
c = socket.create_connection(("127.0.0.1", 5000))
socket.send_fds(a, [b"x"], [c.fileno()]); c.close(); time.sleep(0.3)
c = socket.socket(fileno=socket.recv_fds(b, 1, 1)[1][0]); c.send(b"passed"); assert c.recv(10) == b"PASSED"
c.settimeout(0.2)
try: c.recv(1)
except TimeoutError: print("timed out")

for i in range(20):  # each of its own kind of failure, over again
    s = socket.socket()
    try: s.connect(("127.0.0.1", 9))
    except ConnectionRefusedError: s.close()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(9); u.sendto(b"hi", ("server.test", 7)); assert u.recv(9) == b"hi"
print("all closed", flush=True)
os._exit(0)

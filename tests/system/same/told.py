# An error is told once: by the read that meets it or by SO_ERROR, and then poll shows it no more.
import select, socket, time

def ask(name, sock, *how):
    for way in how:
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        poll.poll(5000) if way != "recv" else time.sleep(0.1)
        try:
            told = sock.recv(9) if way == "recv" else sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        except OSError as error:
            told = error.strerror
        print(name, way, told, "POLLERR" if dict(poll.poll(0)).get(sock.fileno(), 0) & select.POLLERR else "")

listener = socket.create_server(("127.0.0.1", 0))
for how in ("recv", "error"), ("error", "error", "recv"):
    client = socket.create_connection(listener.getsockname())
    server = listener.accept()[0]
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    server.close()
    time.sleep(0.1)
    ask("reset", client, *how)
name = listener.getsockname()
listener.close()
client = socket.socket()
client.setblocking(False)
client.connect_ex(name)
ask("refused", client, "error", "error")
client = socket.socket()
client.setblocking(False)
client.connect_ex(name)
time.sleep(0.1)
print("room for more than a number", client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR, 256)) # Perl's IO::Socket::IP asks so

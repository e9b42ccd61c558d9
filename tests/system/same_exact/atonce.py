# What a call does to another socket of the same host is there when the call returns: nothing here waits.
import select, socket

def show(sock):
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLOUT | select.POLLRDHUP)
    print("  polls", hex(dict(poll.poll(0)).get(sock.fileno(), 0)))

def tell(name, function, *arguments):
    try:
        print(name, function(*arguments))
    except OSError as error:
        print(name, error.strerror)

def pair():
    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.socket()
    listener.setblocking(False), client.setblocking(False)
    tell("connect", client.connect_ex, listener.getsockname())
    server = listener.accept()[0]
    server.setblocking(False)
    return listener, client, server

listener, client, server = pair()
tell("send", client.send, b"hello"), show(server)
tell("recv", server.recv, 9), show(client)
tell("shutdown", client.shutdown, socket.SHUT_WR), show(server)
tell("close", server.close), show(client)
listener, client, server = pair()
server.send(b"unread")
tell("close", client.close)
tell("send", server.send, b"x"), tell("send", server.send, b"x"), show(server)
listener, client, server = pair()
server.send(b"unread")
client.close()
tell("recv", server.recv, 9), show(server)
tell("error", server.getsockopt, socket.SOL_SOCKET, socket.SO_ERROR)
listener, client, server = pair()
client.close()
for _ in range(2):
    tell("send", server.send, b"meow")
name = listener.getsockname()
tell("close", listener.close)
client = socket.socket()
client.setblocking(False)
tell("connect", client.connect_ex, name), show(client)
tell("error", client.getsockopt, socket.SOL_SOCKET, socket.SO_ERROR), show(client)
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) for _ in "ab")
a.bind(("127.0.0.1", 0))
tell("sendto", b.sendto, b"abc", a.getsockname()), show(a)
tell("recv", a.recv, 9), show(a)
b.connect(a.getsockname())
a.close()
tell("send", b.send, b"x"), tell("send", b.send, b"x"), tell("send", b.send, b"x")

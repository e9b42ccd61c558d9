"""epoll(7), EPOLLET: each arrival is an event, also when some of what came before is still unread, however often: nginx asks FIONREAD and
reads no more than that. Then for connections in a listener's queue."""
import select
import socket

ROUNDS = 50


def count(edge, cause, relieve):
    told = 0
    for _ in range(ROUNDS):
        cause()
        told += len(edge.poll(2))
        relieve()
    return told


def watch(s):
    edge = select.epoll()
    edge.register(s, select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLET)
    return edge


listener = socket.create_server(("127.0.0.1", 0), backlog=ROUNDS)
out = socket.create_connection(listener.getsockname())
into, _ = listener.accept()
print("stream", count(watch(into), lambda: out.send(b"ab"), lambda: into.recv(1)), len(into.recv(1000)))
print("stream, nothing read", count(watch(into), lambda: out.send(b"ab"), lambda: None), len(into.recv(1000)))

waiting = []
edge = watch(listener)
print("listener", count(edge, lambda: waiting.append(socket.create_connection(listener.getsockname())), lambda: None))

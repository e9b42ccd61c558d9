# SO_KEEPALIVE acts whenever it is set, is inherited by what a listener accepts, and is told as it was set.
import socket, struct, time

def heard_ms(sock): # tcpi_last_ack_recv
    return struct.unpack_from("I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 56)[0]

def is_probed(sock, seconds): # the peer has nothing to say but an answer to a probe
    before, end = heard_ms(sock), time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.1)
        now = heard_ms(sock)
        if now < before:
            return True
        before = now
    return False

def keepalive(sock):
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)

listener = socket.create_server(("127.0.0.1", 0))
listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
client = socket.create_connection(listener.getsockname())
server = listener.accept()[0]
print("listener", keepalive(listener), "accepted", keepalive(server), "client", keepalive(client))
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
print("off", is_probed(client, 2.5))
client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
print("on", keepalive(client), is_probed(client, 30))
client = socket.create_connection(listener.getsockname())
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
other = client.dup()
client.close()
other.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
print("a copy", keepalive(other), is_probed(other, 30))
first = socket.socket()
first.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
first.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
first.connect(listener.getsockname())
print("before connect()", keepalive(first), is_probed(first, 30))
server.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0)
print("off", keepalive(server))

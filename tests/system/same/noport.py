"""IP_BIND_ADDRESS_NO_PORT on UDP: the first send chooses the port, of the address that was bound."""
import select, socket
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); peer.bind(('127.0.0.1', 0)); peer.settimeout(5)
for kind in 'sendto', 'connect':
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.IPPROTO_IP, 24, 1); s.bind(('127.0.0.1', 0))
    print(kind, s.getsockname())
    if kind == 'connect': s.connect(peer.getsockname()); s.send(b'x')
    else: s.sendto(b'x', peer.getsockname())
    _, a = peer.recvfrom(9); print(s.getsockname() == a, a[1] != 0); peer.sendto(b'answer', a)
    print(select.select([s], [], [], 5)[0] == [s], s.recv(9))

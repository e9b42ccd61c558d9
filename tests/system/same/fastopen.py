"""MSG_FASTOPEN: connect() and the first write in one, with and without a cookie, blocking or not, refused, and on a connected socket."""
import errno, os, select, socket, struct, threading
host = '127.0.0.1'
free = socket.socket(); free.bind((host, 0)); nobody = free.getsockname(); free.close()
listener = socket.socket(); listener.bind((host, 0))
listener.setsockopt(socket.IPPROTO_TCP, 23, 16); listener.listen(16); somebody = listener.getsockname() # TCP_FASTOPEN

def serve():
    while True:
        c, _ = listener.accept(); total = 0
        while data := c.recv(65536): total += len(data)
        c.sendall(b'%d' % total); c.close()
threading.Thread(target=serve, daemon=True).start()

def attempt(s, data, to):
    try: return 'sent' if s.sendto(data, socket.MSG_FASTOPEN, to) else 'nothing'
    except OSError as e: return errno.errorcode[e.errno]

def state(s):
    p = select.poll(); p.register(s, select.POLLIN | select.POLLOUT)
    return [n for n in ('IN', 'OUT', 'ERR', 'HUP') if dict(p.poll(5000)).get(s.fileno(), 0) & getattr(select, 'POLL' + n)]

for kind in 'blocking', 'not blocking':
    for size in 100, 100, 300000 if kind == 'blocking' else 100:
        s = socket.socket(); s.setblocking(kind == 'blocking')
        said = attempt(s, b'x' * size, somebody); events = state(s)
        print(kind, size, said if kind == 'blocking' else said in ('sent', 'EINPROGRESS'), events, attempt(s, b'again', somebody))
        s.setblocking(True)
        if said == 'EINPROGRESS': s.sendall(b'x' * size)
        print(s.getpeername() == somebody); s.shutdown(socket.SHUT_WR); print(s.recv(100)); s.close()
    s = socket.socket(); s.setblocking(kind == 'blocking')
    said = attempt(s, b'x', nobody); print(kind, said, 'OUT' in state(s), errno.errorcode.get(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), 0)); s.close()

"""connect() again on one socket, after a failure and after connect(AF_UNSPEC): what poll and epoll say each time. The same everywhere."""
import ctypes, errno, os, select, socket, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
host = '127.0.0.1'
free = socket.socket(); free.bind((host, 0)); nobody = free.getsockname(); free.close()
listener = socket.socket(); listener.bind((host, 0)); listener.listen(5); somebody = listener.getsockname()

def dissolve(s):
    name = struct.pack('H14x', socket.AF_UNSPEC)
    return libc.connect(s.fileno(), name, len(name))

def names(mask):
    return '|'.join(n for n in ('IN', 'OUT', 'ERR', 'HUP', 'RDHUP') if mask & getattr(select, 'EPOLL' + n)) or '0'

def state(s, e):
    p = select.poll(); p.register(s, select.POLLIN | select.POLLOUT | select.POLLRDHUP)
    return 'poll %s, epoll %s' % (names(dict(p.poll(0)).get(s.fileno(), 0)), names(dict(e.poll(0)).get(s.fileno(), 0)))

def watched(s, flags=0):
    e = select.epoll(); e.register(s, select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | flags)
    return e

for kind in 'blocking', 'not blocking', 'with a time limit':
    s = socket.socket(); e = watched(s)
    if kind == 'not blocking': s.setblocking(False)
    if kind == 'with a time limit': s.settimeout(5)
    for to in nobody, nobody, somebody:
        rc = s.connect_ex(to)
        if rc == errno.EINPROGRESS:
            e.poll(5); rc = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if rc: s.connect_ex(to) # says ECONNABORTED, once
        print(kind, errno.errorcode.get(rc, rc))
    print(kind, state(s, e))
    peer, _ = listener.accept()
    peer.send(b'hello'); select.select([s], [], [], 5); s.settimeout(5)
    print(kind, state(s, e), s.recv(5))
    print(kind, 'dissolved', dissolve(s), state(s, e).replace('ERR|', '')) # Linux alone: ERR, for ECONNRESET
    peer.settimeout(5)
    try: print(kind, 'peer', peer.recv(1))
    except OSError as x: print(kind, 'peer', errno.errorcode[x.errno])
    peer.close()
    print(kind, errno.errorcode.get(s.connect_ex(somebody), 0), state(s, e))
    listener.accept()[0].close()
    print(kind, s.recv(1), os.get_inheritable(s.fileno()))
    s.close()

s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind((host, nobody[1])); s.listen(1); e = watched(s)
c = socket.create_connection(nobody); e.poll(5)
print('listener', state(s, e)); print('dissolved', dissolve(s), state(s, e), s.getsockname() == nobody)
c.close(); s.listen(1); print('again', state(s, e))
c = socket.create_connection(nobody); e.poll(5); print(state(s, e)); s.accept()

lost = 0 # whatever numbers the descriptors have, here and in the lab
for count in range(40):
    others = [open('/dev/null') for _ in range(count)]
    s = socket.socket(); epolls = [watched(s) for _ in range(3)]
    s.connect_ex(nobody); s.connect(somebody)
    c, _ = listener.accept(); c.send(b'x'); select.select([s], [], [], 5)
    lost += sum(not dict(e.poll(5)).get(s.fileno(), 0) & select.EPOLLIN for e in epolls)
    for x in others + epolls + [s, c]: x.close()
print(lost, 'lost')
# and whatever number of epolls watches it
free = socket.socket(); free.bind((host, 0)); later = free.getsockname()
s = socket.socket(); many = [select.epoll() for _ in range(40)]
for e in many: e.register(s, select.EPOLLOUT)
print('refused', errno.errorcode[s.connect_ex(later)])
free.listen(5)
print('again', s.connect_ex(later), sum(e.poll(0) == [(s.fileno(), select.EPOLLOUT)] for e in many))

# An int in a 64-bit register: the upper half is nobody's, and the kernel does not look at it (mpd's bind has something there).
import ctypes, fcntl, os, select, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
NR = dict(read=0, ioctl=16, select=23, socket=41, connect=42, accept=43, sendto=44, recvfrom=45, shutdown=48, bind=49, listen=50,
          getsockname=51, setsockopt=54, getsockopt=55, fcntl=72, epoll_wait=232, epoll_ctl=233, timerfd_create=283, timerfd_settime=286, accept4=288)
class Int(int): pass
DIRT = 0x5a5a5a5a << 32

def call(name, *args):
    words = [ctypes.c_uint64((a & 0xffffffff | DIRT) if isinstance(a, Int) else a if isinstance(a, int) else ctypes.addressof(a)) for a in args]
    r = libc.syscall(ctypes.c_long(NR[name]), *words)
    print(name, 'ok' if r >= 0 else os.strerror(ctypes.get_errno()), r if name in ('sendto', 'recvfrom', 'select', 'epoll_wait') else '')
    return Int(r)

def address(port=0): return ctypes.create_string_buffer(struct.pack('=H', socket.AF_INET) + struct.pack('!H', port) + socket.inet_aton('127.0.0.1') + bytes(8), 16)
i, one, four = Int, ctypes.c_int(1), ctypes.c_int(4)
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
    s, c = call('socket', i(socket.AF_INET), i(kind), i(0)), call('socket', i(socket.AF_INET), i(kind), i(0))
    call('setsockopt', s, i(socket.SOL_SOCKET), i(socket.SO_REUSEADDR), one, i(4))
    call('setsockopt', s, i(socket.SOL_SOCKET), i(socket.SO_RCVTIMEO), ctypes.create_string_buffer(16), i(16))
    call('getsockopt', s, i(socket.SOL_SOCKET), i(socket.SO_TYPE), one, four)
    name, length = address(), ctypes.c_int(16)
    call('bind', s, name, i(16)), call('getsockname', s, name, length)
    if kind == socket.SOCK_STREAM:
        call('listen', s, i(5))
    call('connect', c, name, i(16))
    if kind == socket.SOCK_STREAM:
        s = call('accept4', s, 0, 0, i(socket.SOCK_NONBLOCK))
    buffer, sets = ctypes.create_string_buffer(64), ctypes.create_string_buffer(128)
    call('sendto', c, buffer, 5, i(0), 0, i(0))
    sets[s // 8] = 1 << s % 8
    call('select', i(s + 1), sets, 0, 0, ctypes.create_string_buffer(struct.pack('qq', 5, 0)))
    e = select.epoll()
    call('epoll_ctl', i(e.fileno()), i(1), s, ctypes.create_string_buffer(struct.pack('=IQ', select.EPOLLIN, 7)))
    call('epoll_wait', i(e.fileno()), ctypes.create_string_buffer(120), i(9), i(5000))
    call('ioctl', s, i(0x541b), one), print(one.value)
    call('fcntl', s, i(fcntl.F_SETFL), os.O_NONBLOCK)
    call('recvfrom', s, buffer, 64, i(0), name, length), call('recvfrom', s, buffer, 64, i(socket.MSG_DONTWAIT), 0, 0)
    call('shutdown', c, i(2))
t = call('timerfd_create', i(1), i(0))
call('timerfd_settime', t, i(0), ctypes.create_string_buffer(struct.pack('qqqq', 0, 0, 0, 1)), 0), call('read', t, buffer, 8)

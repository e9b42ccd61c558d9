"""connect() again on one socket, held: it goes on until a signal comes that is caught, or until its time is over (its thread sleeps in state D)."""
import ctypes, errno, signal, socket, struct, time
libc = ctypes.CDLL(None, use_errno=True)
silent = struct.pack('H', socket.AF_INET) + struct.pack('!H4s8x', 80, socket.inet_aton('192.0.2.1'))


def again():
    s = socket.socket()
    print(*(errno.errorcode[s.connect_ex(('127.0.0.1', port))] for port in (1, 2)), end=' ')
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
    began = time.time()
    rc = libc.connect(s.fileno(), silent, len(silent))
    print(rc, errno.errorcode[ctypes.get_errno()], round(time.time() - began), end=' ')


signal.signal(signal.SIGALRM, lambda *_: print('signal', end=' '))
signal.siginterrupt(signal.SIGALRM, True)
signal.alarm(1)
again()
again()

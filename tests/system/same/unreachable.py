"""An ICMP error on a UDP socket is told once, by whichever call comes first; poll(2) then shows it no more."""
import errno, select, socket, time

def name(call):
    try:
        return call()
    except OSError as error:
        return errno.errorcode[error.errno]

def fresh():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("127.0.0.1", 9))
    s.sendmsg([b"x"])
    time.sleep(0.2)
    s.setblocking(False)
    return s

def ready(s):
    poller = select.poll()
    poller.register(s, select.POLLIN)
    return bool(poller.poll(0))

s = fresh()
print(ready(s), name(lambda: s.sendmsg([b"y"])), name(lambda: s.recvmsg(9)))
s = fresh()
print(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), ready(s), name(lambda: s.recvmsg(9)))
s = fresh()
print(name(lambda: s.recvmsg(9)), ready(s), name(lambda: s.sendto(b"z", ("127.0.0.1", 9))))

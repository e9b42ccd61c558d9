# A listener that is shut down: who waits for it wakes, poll(2) tells HUP and OUT, accept() EINVAL; it can listen again.
import select, socket, threading

LOOKS = select.POLLIN | select.POLLOUT | select.POLLRDHUP


def look(s):
    p = select.poll()
    p.register(s, LOOKS)
    return [hex(events) for _, events in p.poll(0)]


def waits_in_poll(s):
    p = select.poll()
    p.register(s, select.POLLIN)
    return bool(p.poll(20000)[0][1] & select.POLLHUP)


def waits_in_epoll(s):
    e = select.epoll()
    e.register(s, select.EPOLLIN | select.EPOLLET)
    first = e.poll(20)
    s.listen(5)
    c = socket.create_connection(s.getsockname())
    again = e.poll(20)
    a = s.accept()[0]
    a.close(), c.close(), e.close()
    return bool(first[0][1] & select.EPOLLHUP), [hex(events) for _, events in again]


def waits_in_accept(s):
    try:
        return s.accept()
    except OSError as e:
        return e.strerror


for wait in waits_in_poll, waits_in_epoll, waits_in_accept:
    for how in socket.SHUT_RD, socket.SHUT_RDWR:
        s = socket.create_server(("127.0.0.1", 0))
        t = threading.Timer(0.2, s.shutdown, [how])
        t.start()
        print(wait.__name__, how, wait(s))
        t.join()
        print(look(s))
        s.close()

s = socket.create_server(("127.0.0.1", 0))
s.setblocking(False)
s.shutdown(socket.SHUT_WR)  # means nothing
print(look(s), waits_in_accept(s))
s.shutdown(socket.SHUT_RDWR)
print(look(s), waits_in_accept(s))
s.listen(5)
print(look(s), waits_in_accept(s))
c = socket.create_connection(s.getsockname())
print(look(s), s.accept()[0].send(b"x"), c.recv(9))
try:
    s.shutdown(socket.SHUT_RD)
    s.shutdown(socket.SHUT_RD)
except OSError as e:
    print(e.strerror)

# A descriptor's number that is given to something else right after accept() and close(): names and options are asked of what it is now.
import ctypes, os, socket, threading

libc = ctypes.CDLL(None, use_errno=True)
one, length, name = ctypes.c_int(1), ctypes.c_uint(128), ctypes.create_string_buffer(128)
listener = socket.create_server(("127.0.0.1", 0))
answers = {}


def ask(fd):
    def told(answer):
        return os.strerror(ctypes.get_errno()) if answer < 0 else answer

    length.value = 128
    return (told(libc.setsockopt(fd, socket.IPPROTO_TCP, socket.TCP_NODELAY, ctypes.byref(one), 4)),
            told(libc.getpeername(fd, name, ctypes.byref(length))), told(libc.getsockname(fd, name, ctypes.byref(length))),
            told(libc.setsockopt(fd, socket.SOL_SOCKET, socket.SO_KEEPALIVE, ctypes.byref(one), 4)))


def replace(kind, fd):
    if kind == "pipe":
        return os.pipe()
    if kind == "pair":
        return [s.detach() for s in socket.socketpair()]
    if kind == "unix":
        return [socket.socket(socket.AF_UNIX).detach()]
    if kind == "stream":
        return [socket.socket().detach()]
    if kind == "thread": # closed by another thread
        thread = threading.Thread(target=os.close, args=(fd,))
        thread.start()
        thread.join()
        return os.pipe()
    return []


for turn in range(300):
    for kind in "pipe", "pair", "unix", "stream", "thread", "closed", "kept":
        client = socket.create_connection(listener.getsockname())
        fd = listener.accept()[0].detach()
        first = ask(fd)
        if kind not in ("thread", "kept"):
            os.close(fd)
        new = replace(kind, fd)
        answers.setdefault(kind, set()).add((first, fd in new, ask(fd)))
        for other in {fd, *new} if kind != "closed" else ():
            os.close(other)
        client.close()
for kind, seen in answers.items():
    for one in sorted(seen, key=str):
        print(kind, *one)

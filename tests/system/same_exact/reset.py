# A reset is one event to who waits for it: POLLIN, POLLERR and POLLHUP at once.
import collections, select, socket, struct, threading, time
listener, seen = socket.create_server(("127.0.0.1", 0)), collections.Counter()
for half in False, True:
    for n in range(15):
        client = socket.create_connection(listener.getsockname())
        server = listener.accept()[0]
        if half:
            client.shutdown(socket.SHUT_WR)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        timer = threading.Timer(.02, server.close)
        timer.start()
        poll = select.poll()
        poll.register(client, select.POLLIN)
        events = poll.poll(5000)[0][1]
        try:
            told = client.recv(9)
        except OSError as error:
            told = error.strerror
        seen[half, hex(events), told] += 1
        timer.join()
print(sorted(seen.items()))

"""waitall.py: MSG_WAITALL waits for all of it, for SO_RCVTIMEO, and for the end; in every mode as on a kernel."""
import socket, threading, time
s = socket.create_server(("127.0.0.1", 5000))
def feed():
    c, _ = s.accept()
    for i in range(5): c.send(b"0123456789" * 1000); time.sleep(1)
    time.sleep(3); c.send(b"tail"); c.close()
threading.Thread(target=feed).start()
c = socket.create_connection(("127.0.0.1", 5000))
t = time.monotonic(); b = bytearray(40000)
n = c.recv_into(b, 40000, socket.MSG_WAITALL)
print(n, bytes(b) == b"0123456789" * 4000, round(time.monotonic() - t))
c.settimeout(None)
import struct
c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 2, 0))
t = time.monotonic(); n = len(c.recv(20000, socket.MSG_WAITALL)); print(n, round(time.monotonic() - t))
c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 0))
t = time.monotonic(); n = len(c.recv(20000, socket.MSG_WAITALL)); print(n, "at the end")

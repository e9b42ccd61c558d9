"""Names are answered whatever server resolv.conf names, or none (then it is this host); two questions on one connection, too. But a server
of the program's own, and any other address of the lab, is asked itself. resolv.conf(5), RFC 1035 4.2.2, RFC 3596 2.5."""
import socket
import struct


def question(name, kind):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">6H", kind, 0x100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, kind, 1)


def tail(answer, length):
    assert answer[3] & 15 == 0 and answer[6:8] == b"\0\1", answer
    return answer[-length:]


A, PTR, AAAA = 1, 12, 28
FOUR, SIX = socket.inet_aton("203.0.113.10"), socket.inet_pton(socket.AF_INET6, "2001:db8:f::10")
for family, server in (2, "127.0.0.1"), (2, "10.0.0.1"), (2, "9.9.9.9"), (10, "::1"), (10, "2001:db8::53"):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(9)
        s.sendto(question("server.test", A), (server, 53))
        answer, source = s.recvfrom(600)
        assert tail(answer, 4) == FOUR and source[:2] == (server, 53), (server, answer, source)
    with socket.create_connection((server, 53), 9) as s:
        assert s.getpeername()[:2] == (server, 53)
        for kind in A, AAAA:
            q = question("server.test", kind)
            s.sendall(struct.pack(">H", len(q)) + q)
        answers = {}
        for _ in range(2):
            n, = struct.unpack(">H", s.recv(2, socket.MSG_WAITALL))
            answer = s.recv(n, socket.MSG_WAITALL)
            answers[answer[1]] = answer
        assert tail(answers[A], 4) == FOUR and tail(answers[AAAA], 16) == SIX, (server, answers)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(9)
    for name in "10.113.0.203.in-addr.arpa", ".".join(reversed(SIX.hex())) + ".ip6.arpa":
        s.sendto(question(name, PTR), ("9.9.9.9", 53))
        assert tail(s.recv(600), 13) == b"\6server\4test\0", name
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    own.bind(("127.0.0.1", 53))
    s.sendto(b"for you", ("127.0.0.1", 53))
    assert own.recv(99) == b"for you"
try:
    socket.create_connection(("refused.test", 53))
except ConnectionRefusedError:
    print("all named")

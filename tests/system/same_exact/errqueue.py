"""ip(7), IP_RECVERR: with an error come the control data that were asked for, those of the ICMP message: its TTL is where tracepath and mtr
find the way back, its time, TOS and interface. Not what IP_RECVORIGDSTADDR would tell."""
import socket

SO_TIMESTAMPNS, IP_PKTINFO, IP_RECVERR, IP_RECVTTL, IP_RECVTOS, IP_RECVORIGDSTADDR = 35, 8, 11, 12, 13, 20
IPV6_RECVERR, IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_RECVORIGDSTADDR = 25, 49, 51, 66, 74


def show(family, address, level, options, stamps):
    s = socket.socket(family, socket.SOCK_DGRAM)
    for option in options:
        s.setsockopt(level, option, 1)
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, stamps)
    s.sendto(b"abc", (address, 9))
    data, control, flags, name = s.recvmsg(100, 1000, socket.MSG_ERRQUEUE)
    print(data, [(level, kind, len(value), "" if kind == SO_TIMESTAMPNS else value.hex()) for level, kind, value in control], int(flags), name)


for stamps in (0, 1):
    show(socket.AF_INET, "127.0.0.1", socket.IPPROTO_IP, [IP_RECVERR, IP_RECVTTL, IP_RECVTOS, IP_RECVORIGDSTADDR], stamps)
    show(socket.AF_INET, "127.0.0.1", socket.IPPROTO_IP, [IP_RECVERR], stamps)
    show(socket.AF_INET6, "::1", socket.IPPROTO_IPV6,
         [IPV6_RECVERR, IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_RECVORIGDSTADDR], stamps)
    show(socket.AF_INET6, "::1", socket.IPPROTO_IPV6, [IPV6_RECVERR], stamps)

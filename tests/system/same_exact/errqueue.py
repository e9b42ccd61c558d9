"""ip(7), IP_RECVERR: with an error come the control data that were asked for, those of the ICMP message: its TTL is where tracepath and mtr
find the way back, its time, TOS and interface. Not what IP_RECVORIGDSTADDR would tell."""
import socket

SO_TIMESTAMPNS, IP_PKTINFO, IP_RECVERR, IP_RECVTTL, IP_RECVTOS, IP_RECVORIGDSTADDR = 35, 8, 11, 12, 13, 20
IPV6_2292HOPLIMIT, IPV6_RECVERR, IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_RECVORIGDSTADDR = 8, 25, 49, 51, 66, 74


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
         [IPV6_2292HOPLIMIT, IPV6_RECVERR, IPV6_RECVPKTINFO, IPV6_RECVHOPLIMIT, IPV6_RECVTCLASS, IPV6_RECVORIGDSTADDR], stamps)
    show(socket.AF_INET6, "::1", socket.IPPROTO_IPV6, [IPV6_RECVERR, IPV6_2292HOPLIMIT], stamps)

# What is too long for the path (IP_PMTUDISC_DO) or for any packet: an error of the host's own, that came no way.
for family, address, level, discover, option, most in ((socket.AF_INET, "127.0.0.1", socket.IPPROTO_IP, 10, IP_RECVERR, 65507),
                                                       (socket.AF_INET6, "::1", socket.IPPROTO_IPV6, 23, IPV6_RECVERR, 65527)):
    for policy, size, connects in ((0, most, False), (1, most + 1, False), (2, most + 1, True)):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setsockopt(level, discover, policy)
        s.setsockopt(level, option, 1)
        if connects:
            s.connect((address, 9))
        try:
            print(s.sendto(bytes(size), (address, 9)))
        except OSError as e:
            print(e.strerror)
        data, control, flags, name = s.recvmsg(0, 1000, socket.MSG_ERRQUEUE)
        print(policy, size, [(kind, value[:8].hex()) for _, kind, value in control], int(flags), name)

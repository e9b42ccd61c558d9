/* option_bsd.h: the names of FreeBSD's socket options that Linux has not, or has under numbers that mean something else. SOL_SOCKET's are
 * FreeBSD's own numbers (sys/socket.h); those of the IP and TCP levels, and the one that clashes, are its numbers and 0x1200. */
#ifndef SOCKET_OPTION_BSD_H
#define SOCKET_OPTION_BSD_H
#include <sys/socket.h>

enum bsd_option_name {
    SOCK_ACCEPTFILTER = 0x1000, SOCK_LISTENQLIMIT = 0x1011, SOCK_LISTENQLEN = 0x1012, SOCK_LISTENINCQLEN = 0x1013,
    BSD_SO_NOSIGPIPE = 0x800, BSD_SO_BINTIME = 0x2000, BSD_SO_NO_OFFLOAD = 0x4000, BSD_SO_NO_DDP = 0x8000, BSD_SO_REUSEPORT_LB = 0x10000,
    BSD_SO_RERROR = 0x20000, BSD_SO_SETFIB = 0x1014, BSD_SO_USER_COOKIE = 0x1015, BSD_SO_TS_CLOCK = 0x1017, BSD_SO_USELOOPBACK = 0x1240,
    BSD_IP_RECVRETOPTS = 0x1206, BSD_IP_RECVDSTADDR = 0x1207, BSD_IP_PORTRANGE = 0x1213, BSD_IP_RECVIF = 0x1214, BSD_IP_ONESBCAST = 0x1217,
    BSD_IP_BINDANY = 0x1218, BSD_IP_ORIGDSTADDR = 0x121b, BSD_IP_DONTFRAG = 0x1243, BSD_IP_VLAN_PCP = 0x124b, BSD_IP_FLOWID = 0x125a,
    BSD_IP_FLOWTYPE = 0x125b, BSD_IP_RECVFLOWID = 0x125d, BSD_IPV6_PORTRANGE = 0x130e, BSD_IPV6_RECVRTHDRDSTOPTS = 0x1329,
    BSD_IPV6_USE_MIN_MTU = 0x132a, BSD_IPV6_PREFER_TEMPADDR = 0x133f, BSD_IPV6_BINDANY = 0x1340, BSD_IPV6_FLOWID = 0x1343,
    BSD_IPV6_FLOWTYPE = 0x1344, BSD_IPV6_RECVFLOWID = 0x1346, BSD_IPV6_VLAN_PCP = 0x134b,
    BSD_TCP_LOG = 0x1222, BSD_TCP_LOGBUF = 0x1223, BSD_TCP_LOGID = 0x1224, BSD_TCP_LOGDUMP = 0x1225, BSD_TCP_LOGDUMPID = 0x1226,
    BSD_TCP_TXTLS_ENABLE = 0x1227, BSD_TCP_TXTLS_MODE = 0x1228, BSD_TCP_RXTLS_ENABLE = 0x1229, BSD_TCP_RXTLS_MODE = 0x122a,
    BSD_TCP_REUSPORT_LB_NUMA = 0x1402, BSD_TCP_STATS = 0x1221,
    BSD_UNKNOWN = 0x1fff /* options of other TCP stacks, or of kernels built otherwise */
};
struct sock;
/* An option that is FreeBSD's alone, or (EINVAL) of a level that the socket does not have: ip_ctloutput(),
 * ip6_ctloutput(). -EAGAIN: neither. */
int bsd_option_set(struct sock *sock, int level, int name, const void *value, socklen_t length);
int bsd_option_get(const struct sock *sock, int level, int name, void *value, socklen_t *length);

#endif

/* profile.h: a personality: the parameters of every leaf in one structure, by name. profile.c holds the only table, with the
 * source and confidence of each value; a host copies one, sysctls change the copy. A profile may derive from another. */
#ifndef HOST_PROFILE_H
#define HOST_PROFILE_H
#include "ip/ip_params.h"
#include "link/neighbor_params.h"
#include "tcp/tcp_params.h"
#include "udp/udp.h"

enum bind_policy { BIND_BSD, BIND_LINUX };
/* What calls and options of sockets answer: the errors, their order, which options there are, what an option's value means. */
enum call_policy {
    CALLS_PLAIN,
    CALLS_BSD, /* FreeBSD: a flag is told as its bit in so_options; SO_LISTENQ*; buffers beyond kern.ipc.maxsockbuf: ENOBUFS */
    CALLS_LINUX /* SO_RCVBUF and SO_SNDBUF are doubled; SO_ZEROCOPY, SO_BINDTODEVICE and others of its own */
};
enum connect_any { CONNECT_ANY_EADDRNOTAVAIL, CONNECT_ANY_PRIMARY, CONNECT_ANY_LOOPBACK, CONNECT_ANY_ENETUNREACH };
/* What a socket() or connect() does where stacks differ (FACTS 5, 6, 7). */
enum { KEPT_SPANS = 32 };
struct socket_params {
    uint8_t bind_policy;
    int error_unknown_family, error_unknown_type, error_bad_protocol;
    int error_type_range; /* Linux EINVAL for type >= 11 */
    int error_protocol_range;
    bool family_before_type;
    int reconnect_error;          /* connect() again after a failure: EINVAL; 0: allowed; ECONNREFUSED */
    bool reconnect_pending_error; /* macOS: the pending so_error first */
    int connect_listening_error;  /* EISCONN, EOPNOTSUPP */
    int connect_listening_error6; /* of an AF_INET6 socket; 0: the same */
    uint8_t connect_any;
    int connect_port0_error;      /* EADDRNOTAVAIL; 0: sent (ECONNREFUSED by the peer) */
    int connect_broadcast_error;  /* ENETUNREACH on Linux */
    int stream_multicast_error;   /* bind(), connect() of a stream to a group; 0: as any address */
    bool bind_broadcast_ok, bind_unspec_any_ok;
    int bind_wrong_family_error;
    uint32_t reserved_ports;      /* 1024 */
    struct port_span { uint16_t first, last; } kept_ports[KEPT_SPANS]; /* sorted: no port of these is chosen for a socket */
    uint8_t kept_count;
    bool nonlocal_bind;           /* any address may be bound */
    bool v6only;                  /* AF_INET6 sockets begin so */
    bool udp_name_after_send;     /* BSD: sendto binds the address? false: 0.0.0.0 stays (Linux) */
    bool has_reuseport, has_epoll, has_inet6;
    /* the connection vanished with no error stored: ECONNABORTED on Linux; 0: connect() succeeds (4.2's quirk) */
    int connect_lost_error;
    bool connect_done_zero;       /* Linux: connect() after a nonblocking one that succeeded returns 0 once; BSD: EISCONN */
    bool accept_inherits_nonblock; /* BSD */
    bool accept_inherits_few;     /* FreeBSD since 14: neither SO_REUSEADDR nor SO_BROADCAST, SO_TIMESTAMP ... */
    bool connect_unspec_ok;       /* connect(AF_UNSPEC): 0 (Linux); BSD: dissolves, but EAFNOSUPPORT */
    int send_unconnected_error;   /* EPIPE on Linux, else ENOTCONN (0) */
    int error_raw_privilege;      /* EPERM on Linux and FreeBSD, EACCES on 4.x */
    bool raw_protocol0_ok;        /* BSD: a raw socket with protocol 0 */
    uint8_t call_policy;          /* enum call_policy */
    bool eof_on_reset_queue;      /* data queued before an RST is still readable */
};
/* Kept for those who ask for them by number (ip_local_reserved_ports)? */
static inline bool profile_keeps_port(const struct socket_params *params, uint16_t port)
{
    for (unsigned i = 0; i < params->kept_count; i++)
        if (port >= params->kept_ports[i].first && port <= params->kept_ports[i].last)
            return true;
    return false;
}
struct profile {
    char name[24];
    char base[24];                /* "" for the roots */
    const char *summary;
    struct tcp_params tcp;
    struct ip_params ip;
    struct neighbor_params arp, nd;
    struct udp_params udp;
    struct socket_params socket;
};
const struct profile *profile_find(const char *name);  /* NULL; */
/* Derives TEXT "tcp.rto_min_ms=200" into PROFILE. -ENOENT: no such value, -EINVAL. */
int profile_set(struct profile *profile, const char *name, const char *value) MUST_CHECK;
int profile_get(const struct profile *profile, const char *name, char *value, size_t size) MUST_CHECK;

#endif

/* sock.h: a socket of the Internet families, and what all sockets of a host share. One object of 64 bytes is file and
 * socket; what few sockets need (timeouts, multicast, control data) is in an extension made at the first such option,
 * and what only bind() makes is a binding (port.h). The connection itself is TCP's: a socket holds a handle, never a
 * pointer. stream_socket.c TCP    dgram.c UDP, ping and raw    bind.c, port.c names    option.c    message.c control data */
#ifndef SOCKET_SOCK_H
#define SOCKET_SOCK_H
#include "base/slab.h"
#include "socket/file.h"
#include "socket/option_bsd.h"
#include "socket/port.h"

enum sock_flag {
    SF_REUSEADDR = 1 << 0,
    SF_REUSEPORT = 1 << 1,
    SF_V6ONLY = 1 << 2,
    SF_LISTENING = 1 << 3,
    SF_CONNECTING = 1 << 4, /* connect() was called; no call has seen its end yet */
    SF_CONNECTED = 1 << 5,  /* a call has seen the connection */
    SF_FAILED = 1 << 6,     /* a connect() failed (FACTS 5: must be closed, or may try again) */
    SF_SHUT_RD = 1 << 7,
    SF_SHUT_WR = 1 << 8,
    SF_BROADCAST = 1 << 9,
    SF_DONTROUTE = 1 << 10,
    SF_PKTINFO = 1 << 11,
    SF_RECVTTL = 1 << 12,
    SF_RECVTOS = 1 << 13,
    SF_TIMESTAMP = 1 << 14,
    SF_TIMESTAMPNS = 1 << 15,
    SF_RECVERR = 1 << 16,
    SF_HDRINCL = 1 << 17,
    SF_MULTICAST_LOOP_OFF = 1 << 18,
    SF_FREEBIND = 1 << 19,
    SF_PORT_AUTO = 1 << 20,      /* the port was chosen by the kernel */
    SF_DEBUG = 1 << 22,
    SF_V6_RECVERR = 1 << 23,
    SF_ADDR_AUTO = 1 << 24, /* the local address was chosen by connect() */
    SF_V6_PKTINFO = 1 << 28, /* these three: of IPv6 packets; the ones above of IPv4's, to an AF_INET6 socket, too */
    SF_V6_RECVTTL = 1 << 29,
    SF_V6_RECVTOS = 1 << 30,
    SF_STAMPS_NEW = 1 << 27, /* received times are told as of SO_TIMESTAMP*_NEW, whose structures are 64 bits everywhere */
    SF_STAMPS = 1 << 26,   /* SO_TIMESTAMPING asks for moments of what is sent */
    SF_DEFERRED = 1 << 25   /* TCP_FASTOPEN_CONNECT: connect() was called, the SYN waits for the first data (ext->deferred) */
};

/* bind.c: an address argument of bind, connect or sendto, checked: family, length, V6ONLY. */
struct sock_name {
    struct addr addr;
    uint16_t port;
    uint32_t scope, flow_label; /* flow_label: where IPV6_FLOWINFO_SEND lets it count */
};
struct sock_ext {                      /* options few sockets use */
    uint64_t rcvtimeo_ns, sndtimeo_ns; /* 0: none */
    uint32_t rcvbuf, sndbuf;           /* datagrams; 0: the profile's */
    uint32_t rcvlowat, sndlowat;
    uint64_t pacing_rate;              /* SO_MAX_PACING_RATE of datagrams: kept */
    uint32_t bind_ifindex, mark, multicast_ifindex;
    struct addr multicast_addr;
    int32_t priority;
    int16_t ttl, multicast_ttl; /* 0: the profile's; multicast -1 */
    uint8_t tos, pmtudisc[2];   /* pmtudisc: IP_PMTUDISC_* + 1, of IPv4 and IPv6; 0: the profile's */
    uint8_t has_multicast_ttl, min_ttl[2];
    struct { int on, seconds; } linger; /* SO_LINGER of datagrams: kept */
    uint16_t port_low, port_high; /* IP_LOCAL_PORT_RANGE; 0: the host's */
    int32_t error;           /* so_error of datagrams that TCP's and UDP's engines do not keep */
    uint32_t txtime[2];      /* SO_TXTIME: clock, flags */
    uint32_t icmp_filter[8]; /* a bit a type: not wanted */
    int owner, owner_signal; /* F_SETOWN, F_SETSIG: kept, no signal is sent */
    struct sock_name deferred; /* SF_DEFERRED */
    uint32_t tsflags, ts_base; /* SO_TIMESTAMPING; the sequence number that SOF_TIMESTAMPING_OPT_ID counts from */
    struct plain_options *plain; /* option_plain.c */
    bool has_zerocopy, reuseport_lb; /* reuseport_lb: what made it SF_REUSEPORT (FreeBSD) */
    struct zerocopy *zerocopy; /* zerocopy.c */
    struct cork *cork;         /* dgram_cork.c */
    struct ip_extra *extra;    /* of datagrams; a stream's is with its connection */
    struct sticky *sticky;     /* option_extra.c: IPv6's headers */
    struct addr sticky_source; /* IPV6_PKTINFO */
    uint32_t sticky_ifindex, flow_label; /* flow_label: of a connected datagram socket */
    struct datagram_stamps *datagram_stamps; /* stamp.c */
};
struct sock {
    struct file file;
    uint32_t flags; /* SF_* */
    uint32_t slot;  /* sockets->slab */
    union {
        struct handle tcb;             /* stream */
        struct tcp_listener *listener; /* SF_LISTENING */
        struct udp_pcb *pcb;           /* datagrams */
    };
    struct binding *binding; /* NULL: never bound by bind() */
    struct sock_ext *ext;    /* NULL: none */
};
_Static_assert(sizeof(struct sock) <= 72, "an idle connection costs what the budget says");

struct sockets { /* all that the processes of one host share */
    struct lil_host *host;
    struct tcp *tcp;
    struct udp *udp;
    struct pool *pool;
    const struct profile *profile; /* the host's copy */
    struct slab slab;              /* struct sock */
    struct list procs;
    struct list members;           /* struct netlink: those in multicast groups */
    struct ports tcp_ports, udp_ports, ping_ports;
    uint32_t file_count;
    int next_pid;
    bool is_dying;
};

static inline struct sock *sock_of(struct file *file)
{
    return (struct sock *)file;
}
static inline const struct socket_params *sock_params(const struct file *file)
{
    return &file->sockets->profile->socket;
}
static inline bool calls_are(const struct file *file, enum call_policy policy)
{
    return sock_params(file)->call_policy == policy;
}
static inline struct tcp *tcp_of(const struct sock *sock)
{
    return sock->file.sockets->tcp;
}
static inline uint64_t sock_now(const struct file *file)
{
    return host_now(file->sockets->host);
}

int socket_create(struct lil_proc *proc, int domain, int type, int protocol, struct file **out) MUST_CHECK;
struct sock *sock_new(struct sockets *sockets, const struct file_ops *ops, int family, int type,
                      int protocol);               /* NULL: memory */
void sock_free(struct sock *sock);                 /* with its binding and extension */
struct sock_ext *sock_need_ext(struct sock *sock); /* NULL: memory */
int sock_owner(struct file *file, int command, long argument); /* F_SETOWN, F_GETOWN, F_SETSIG, F_GETSIG of any file */
extern const struct file_ops stream_ops, dgram_ops;
int stream_open(struct sock *sock) MUST_CHECK;
int dgram_open(struct sock *sock, enum udp_kind kind) MUST_CHECK;
bool dgram_is_linux_udp(const struct file *file);
struct tcb *stream_tcb(const struct sock *sock); /* NULL: listening, or gone */
int stream_connect_start(struct sock *sock, const struct sock_name *name) MUST_CHECK;
int stream_connect_wait(struct lil_proc *proc, struct sock *sock, bool is_later) MUST_CHECK;
ssize_t stream_send_rest(struct lil_proc *proc, struct sock *sock, const struct msghdr *message, int flags, size_t done);
/* stream_data.c */
ssize_t stream_send(struct lil_proc *proc, struct file *file, const struct msghdr *message, int flags);
ssize_t stream_receive(struct lil_proc *proc, struct file *file, struct msghdr *message, int flags);
ssize_t stream_write_buffer(struct lil_proc *proc, struct file *file, const void *buffer, size_t size);
ssize_t stream_read_buffer(struct lil_proc *proc, struct file *file, void *buffer, size_t size);
/* stream_fastopen.c: MSG_FASTOPEN and TCP_FASTOPEN_CONNECT (RFC 7413, tcp(7)). */
ssize_t stream_fastopen(struct lil_proc *proc, struct sock *sock, const struct msghdr *message, int flags);
bool stream_defers_connect(struct sock *sock, const struct sock_name *name, int *result);
/* The options that TCP keeps: of the connection or of the listener's template. NULL: memory. */
struct tcb_options *stream_options(struct sock *sock);
const struct tcb_options *stream_options_peek(const struct sock *sock); /* to read */
void stream_pacing_changes(struct sock *sock); /* before SO_MAX_PACING_RATE is written */
void stream_options_changed(struct sock *sock);
void stream_check_events(struct sock *sock); /* an option may have made it readable: who waits looks again */
void stream_event(void *ctx, void *user, struct tcb *tcb, unsigned events);
void stream_acceptable(void *ctx, void *user, struct tcp_listener *listener);
int stream_syn_accept(void *ctx, struct lil_proc *proc, struct tcb *tcb);
void dgram_event(void *ctx, void *user, struct udp_pcb *pcb, unsigned events);
int dgram_error(struct sock *sock, bool clear);

int sock_parse(const struct sock *sock, const struct sockaddr *address, socklen_t length,
               struct sock_name *name) MUST_CHECK;
socklen_t sock_print(const struct sock *sock, const struct addr *addr, uint16_t port, uint32_t scope,
                     struct sockaddr_storage *out);
int sock_bind(struct lil_proc *proc, struct file *file, const struct sockaddr *address, socklen_t length);
int sock_autobind(struct sock *sock, const struct addr *addr) MUST_CHECK; /* a port of the kernel's choice */
bool sock_is_gone(const struct sock *sock);  /* FreeBSD: a connection that is over (INP_DROPPED) takes no option, TCP's nor IP's */
bool sock_is_over(const struct sock *sock);  /* its connection has ended, whoever ended it: Linux has no port for it any more */
static inline bool sock_is_stream(const struct sock *sock) { return sock->file.type == SOCK_STREAM; }
bool sock_takes_both(const struct sock *sock);                            /* AF_INET6, not V6ONLY */
struct ports *sock_ports(const struct sock *sock);
/* connect() to the wildcard: the profile's meaning. -EADDRNOTAVAIL ... */
int sock_resolve_any(struct sock *sock, struct addr *remote) MUST_CHECK;

/* option.c */
enum { MSG_BSD_EOF = 0x100 }; /* FreeBSD's MSG_EOF */
int accept_filter_set(struct sock *sock, const void *value, socklen_t length); /* accept_filter.c */
int accept_filter_get(const struct sock *sock, void *value, socklen_t *length);
int sock_setopt(struct lil_proc *proc, struct file *file, int level, int name, const void *value, socklen_t length);
int sock_getopt(struct lil_proc *proc, struct file *file, int level, int name, void *value, socklen_t *length);
int option_give(void *value, socklen_t *length, const void *from, socklen_t size);   /* as much as fits */
int option_give_int(void *value, socklen_t *length, int number);
int option_give_flag(const struct sock *sock, int level, int name, void *value, socklen_t *length, bool on);
int option_told_bit(int name);                                                       /* of SOL_SOCKET, as FreeBSD tells a flag */
int option_set_socket(struct lil_proc *proc, struct sock *sock, int called, const void *value, socklen_t length); /* option_socket.c */
int option_get_socket(struct sock *sock, int called, void *value, socklen_t *length);
void option_tell_of_room(struct sock *sock);
int option_set_ip(struct sock *sock, int name, const void *value, socklen_t length); /* option_ip.c */
int option_get_ip(struct sock *sock, int name, void *value, socklen_t *length);
int option_set_ipv6(struct sock *sock, int name, const void *value, socklen_t length);
int option_get_ipv6(struct sock *sock, int name, void *value, socklen_t *length);
int option_set_other(struct sock *sock, int level, int name, const void *value, socklen_t length);
/* option_extra.c */
void extra_free(struct sock *sock);
void extra_inherit(struct sock *sock); /* the extension is a copy of the listener's */
/* message.c: control data. */
struct control { /* what an outgoing message's control data say */
    bool has_pktinfo, has_ttl, has_tos;
    struct addr source;
    uint32_t ifindex;
    int ttl, tos;
    uint16_t segment; /* UDP_SEGMENT; 0: none */
    uint32_t flow_label; /* of the destination that the call named */
    struct ip_extra *extra; /* IP_RETOPTS: a reference; NULL: the socket's own */
};
int control_parse(const struct sock *sock, const struct msghdr *message, struct control *control) MUST_CHECK;
void control_print(const struct sock *sock, const struct udp_info *info, struct msghdr *message);
/* Appends one control message behind the MSG_CONTROLLEN bytes that are there; ROOM bytes in all. */
void control_put(struct msghdr *message, size_t room, int level, int type, const void *data, size_t length);
/* IP_PKTINFO and its kin of a message that came so. */
void control_put_arrival(const struct sock *sock, const struct udp_info *info, struct msghdr *message, size_t room);
/* MSG_ERRQUEUE: what happened, and who told of it: NULL: nobody. */
struct sock_extended_err;
void control_put_error(const struct sock *sock, struct msghdr *message, size_t room, const struct sock_extended_err *error,
                       const struct addr *offender);
ssize_t control_receive_error(struct sock *sock, struct msghdr *message, int flags); /* of datagrams that failed */
/* Where it came from, as far as the caller has room; nothing where it asks for no name. */
void message_put_name(struct msghdr *message, const struct sockaddr_storage *name, socklen_t length);
size_t message_put_text(struct msghdr *message, const void *bytes, size_t size); /* NULL: of zeros; how much had room */
/* dgram.c, dgram_cork.c: UDP_CORK, MSG_MORE, UDP_SEGMENT */
ssize_t dgram_send_once(struct sock *sock, const struct msghdr *message, size_t total, const struct flow *flow,
                        const struct control *control);
void cork_free(struct sock *sock);
bool cork_is_begun(const struct sock *sock);             /* something waits: where it goes is said already */
bool cork_is_wanted(const struct sock *sock, int flags); /* what this call writes is not all */
int cork_begin(struct sock *sock, const struct flow *flow, const struct control *control, uint32_t mtu) MUST_CHECK;
ssize_t cork_append(struct sock *sock, const struct msghdr *message, int flags); /* and sends, when nothing more comes */
uint16_t cork_segment(const struct sock *sock, const struct control *control);   /* bytes a datagram; 0: as written */
ssize_t cork_send_segments(struct sock *sock, const struct msghdr *message, const struct flow *flow,
                           const struct control *control, uint32_t mtu);
int cork_set_option(struct sock *sock, int name, const void *value, socklen_t length) MUST_CHECK; /* of IPPROTO_UDP */
int cork_get_option(const struct sock *sock, int name, int *number) MUST_CHECK;
/* SO_PEEK_OFF (socket(7)): where MSG_PEEK goes on, behind what was peeked at; reading moves the place back. -1: not in use. */
int peek_place(const struct sock *sock);
void peek_place_move(struct sock *sock, ssize_t by);
/* option_plain.c: options of Linux that are only kept, or told. -ENOENT: none of these. */
int plain_option_set(struct lil_proc *proc, struct sock *sock, int name, const void *value, socklen_t length);
int plain_option_get(struct sock *sock, int name, void *value, socklen_t *length);
void plain_option_free(struct sock *sock);
void plain_option_copy(struct sock *sock, const struct sock *from); /* best effort */
/* The same by level, and numbers alone: what is only kept. NAME must be one (has). */
bool plain_option_has(int level, int name);
int plain_option_put(struct sock *sock, int level, int name, int number);
int plain_option_value(const struct sock *sock, int level, int name);
/* stamp.c: SO_TIMESTAMPING of streams. */
int stamp_enable(struct sock *sock, uint32_t flags, bool is_new) MUST_CHECK;
int stamp_check_control(const struct sock *sock, const struct msghdr *message) MUST_CHECK;
void stamp_note(struct sock *sock, const struct msghdr *message, size_t taken); /* a send took so much */
bool stamp_is_ready(const struct sock *sock);
/* one left, SIZE with headers */
void stamp_datagram(struct sock *sock, const struct msghdr *message, const struct addr *source, uint32_t size);
void stamp_datagram_free(struct sock *sock);
ssize_t stamp_receive_datagram(struct sock *sock, struct msghdr *message, size_t room); /* -EAGAIN: none */
ssize_t stamp_receive_icmp(struct sock *sock, struct msghdr *message, size_t room); /* -EAGAIN: none */
ssize_t stamp_receive(struct sock *sock, struct msghdr *message, size_t room);
void stamp_print_received(struct sock *sock, struct msghdr *message, size_t room); /* when what was read came */
/* the same of a datagram or an error */
void stamp_print_arrival(const struct sock *sock, struct msghdr *message, size_t room, uint64_t time_ns);
/* zerocopy.c */
int zerocopy_enable(struct sock *sock, bool on);
void zerocopy_free(struct sock *sock);
enum { SEND_UNREADABLE = 0x1000000 /* with MSG_FASTOPEN: there are bytes, which cannot be read */ };
ssize_t zerocopy_send(struct lil_proc *proc, struct file *file, const struct msghdr *message, int flags); /* MSG_ZEROCOPY */
bool zerocopy_is_ready(const struct sock *sock); /* of datagrams; a stream's are among its stamps */
/* MSG_ERRQUEUE: which sends are done; of datagrams, -EAGAIN: none. */
ssize_t zerocopy_tell(struct sock *sock, const struct tcp_stamp *done, struct msghdr *message, size_t room);
ssize_t zerocopy_receive_datagram(struct sock *sock, struct msghdr *message, size_t room);
static inline size_t iov_total(const struct iovec *iov, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += iov[i].iov_len;
    return total;
}

#endif

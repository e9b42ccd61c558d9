/* option_plain.c: options of Linux that change nothing here but are kept and told (socket(7), ip(7), ipv6(7)): busy polling, hashing, CPU
 * affinity, what only raw sockets or labels would need. Those with an effect of their own (pacing, timestamping) are handed on. */
#include "socket/sock.h"

enum {
    OPT_LOCK_FILTER = 44,
    OPT_BPF_EXTENSIONS = 48,
    OPT_CNX_ADVICE = 53,
    OPT_PEERGROUPS = 59,
    OPT_NETNS_COOKIE = 71,
    OPT_BUF_LOCK = 72,
    OPT_RCVMARK = 75,
    OPT_PASSPIDFD = 76,
    OPT_PEERPIDFD = 77,
    OPT_RCVPRIORITY = 82,
    OPT_PASSRIGHTS = 83,
    PEEK_NONE = -1,
    CPU_NONE = -1,
    MEMINFO_VARS = 9
};
#ifndef SO_RESERVE_MEM
#define SO_RESERVE_MEM 73
#endif
#ifndef SO_TXREHASH
#define SO_TXREHASH 74
#endif
#ifndef SO_PREFER_BUSY_POLL
#define SO_PREFER_BUSY_POLL 69
#define SO_BUSY_POLL_BUDGET 70
#endif
#ifndef IP_RECVERR_RFC4884
#define IP_RECVERR_RFC4884 26
#endif
#ifndef IPV6_RECVERR_RFC4884
#define IPV6_RECVERR_RFC4884 31
#endif
enum {
    V6_FLOWINFO = 11,
    V6_MULTICAST_ALL = 29,
    V6_PREFERENCES = 72,
    V6_ISOLATE = 30,
    V6_FLOWINFO_SEND = 33,
    V6_UNICAST_IF = 76,
    IP_CHECKSUM_OPTION = 23,
    IP_NODEFRAG_OPTION = 22,
    RECVFRAGSIZE_OPTION = 25
};
static const struct plain_option {
    int level, name;
    int initial, least, most; /* outside: EINVAL */
    bool is_flag;             /* any number but 0 is 1 */
} plains[] = {
#define FLAG(level, name) {level, name, 0, INT32_MIN, INT32_MAX, true}
    FLAG(SOL_SOCKET, SO_KEEPALIVE), /* of datagram sockets: they have neither */
    FLAG(SOL_SOCKET, SO_OOBINLINE),
    FLAG(SOL_SOCKET, OPT_RCVMARK),
    FLAG(SOL_SOCKET, SO_NO_CHECK),
    FLAG(SOL_SOCKET, SO_RXQ_OVFL),
    FLAG(SOL_SOCKET, SO_WIFI_STATUS),
    FLAG(SOL_SOCKET, SO_NOFCS),
    FLAG(SOL_SOCKET, SO_SELECT_ERR_QUEUE),
    FLAG(SOL_SOCKET, OPT_LOCK_FILTER),
    FLAG(SOL_SOCKET, OPT_RCVPRIORITY),
    FLAG(SOL_SOCKET, SO_PREFER_BUSY_POLL),
    {SOL_SOCKET, SO_BUSY_POLL, 0, 0, INT32_MAX, false},
    {SOL_SOCKET, SO_BUSY_POLL_BUDGET, 8, 0, UINT16_MAX, false},
    {SOL_SOCKET, SO_INCOMING_CPU, CPU_NONE, INT32_MIN, INT32_MAX, false},
    {SOL_SOCKET, SO_TXREHASH, 1, -1, 1, false},
    {SOL_SOCKET, SO_MAX_PACING_RATE, 0, INT32_MIN, INT32_MAX, false}, /* FreeBSD's: for interfaces that pace */
    {SOL_SOCKET, SO_PEEK_OFF, PEEK_NONE, INT32_MIN, INT32_MAX, false},
    FLAG(IPPROTO_IP, IP_RECVOPTS),
    FLAG(IPPROTO_IP, IP_RETOPTS),
    FLAG(IPPROTO_IP, IP_PASSSEC),
    FLAG(IPPROTO_IP, IP_TRANSPARENT),
    FLAG(IPPROTO_IP, IP_RECVORIGDSTADDR),
    FLAG(IPPROTO_IP, IP_CHECKSUM_OPTION),
    FLAG(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
    FLAG(IPPROTO_IP, RECVFRAGSIZE_OPTION),
    {IPPROTO_IP, IP_ROUTER_ALERT, 0, 1, 0, false}, /* of raw sockets: told of others, but not set */
    {IPPROTO_IP, IP_NODEFRAG_OPTION, 0, 1, 0, false},
    {IPPROTO_IP, IP_UNICAST_IF, 0, INT32_MIN, INT32_MAX, false},
    {IPPROTO_IP, IP_RECVERR_RFC4884, 0, 0, 1, false},
    {IPPROTO_IP, IP_MULTICAST_ALL, 1, 0, 1, false},
    FLAG(IPPROTO_IPV6, V6_FLOWINFO),
    FLAG(IPPROTO_IPV6, V6_FLOWINFO_SEND),
    FLAG(IPPROTO_IPV6, IPV6_DONTFRAG),
    FLAG(IPPROTO_IPV6, IPV6_TRANSPARENT),
    FLAG(IPPROTO_IPV6, IPV6_RECVRTHDR),
    FLAG(IPPROTO_IPV6, IPV6_RECVHOPOPTS),
    FLAG(IPPROTO_IPV6, IPV6_RECVDSTOPTS),
    FLAG(IPPROTO_IPV6, IPV6_RECVPATHMTU),
    FLAG(IPPROTO_IPV6, IPV6_RECVORIGDSTADDR),
    FLAG(IPPROTO_IPV6, IPV6_RECVFRAGSIZE),
    FLAG(IPPROTO_IPV6, IPV6_2292PKTINFO),
    FLAG(IPPROTO_IPV6, IPV6_2292HOPOPTS),
    FLAG(IPPROTO_IPV6, IPV6_2292DSTOPTS),
    FLAG(IPPROTO_IPV6, IPV6_2292RTHDR),
    FLAG(IPPROTO_IPV6, IPV6_2292HOPLIMIT),
    FLAG(IPPROTO_IPV6, V6_ISOLATE),
    {IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 1, INT32_MIN, INT32_MAX, true},
    {IPPROTO_IPV6, V6_MULTICAST_ALL, 1, INT32_MIN, INT32_MAX, true},
    {IPPROTO_IPV6, V6_PREFERENCES, 0x500, INT32_MIN, INT32_MAX, false},
    {IPPROTO_IPV6, V6_UNICAST_IF, 0, INT32_MIN, INT32_MAX, false},
    {IPPROTO_IPV6, IPV6_RECVERR_RFC4884, 0, 0, 1, false},
    FLAG(SOL_SOCKET, BSD_SO_NOSIGPIPE), /* option_bsd.c */
    FLAG(SOL_SOCKET, BSD_SO_BINTIME),
    FLAG(SOL_SOCKET, BSD_SO_NO_OFFLOAD),
    FLAG(SOL_SOCKET, BSD_SO_NO_DDP),
    FLAG(SOL_SOCKET, BSD_SO_RERROR),
    FLAG(SOL_SOCKET, BSD_SO_USELOOPBACK),
    {SOL_SOCKET, BSD_SO_TS_CLOCK, 0, 0, 3, false},
    FLAG(IPPROTO_IP, BSD_IP_RECVRETOPTS),
    FLAG(IPPROTO_IP, BSD_IP_RECVDSTADDR),
    {IPPROTO_IP, BSD_IP_PORTRANGE, 0, 0, 2, false},
    FLAG(IPPROTO_IP, BSD_IP_RECVIF),
    FLAG(IPPROTO_IP, BSD_IP_ONESBCAST),
    FLAG(IPPROTO_IP, BSD_IP_BINDANY),
    FLAG(IPPROTO_IP, BSD_IP_ORIGDSTADDR),
    FLAG(IPPROTO_IP, BSD_IP_DONTFRAG),
    {IPPROTO_IP, BSD_IP_VLAN_PCP, -1, -1, 7, false},
    FLAG(IPPROTO_IP, BSD_IP_RECVFLOWID),
    {IPPROTO_IPV6, BSD_IPV6_PORTRANGE, 0, 0, 2, false},
    FLAG(IPPROTO_IPV6, BSD_IPV6_BINDANY),
    FLAG(IPPROTO_IPV6, BSD_IPV6_RECVRTHDRDSTOPTS),
    FLAG(IPPROTO_IPV6, BSD_IPV6_RECVFLOWID),
    {IPPROTO_IPV6, BSD_IPV6_USE_MIN_MTU, -1, -1, 1, false},
    {IPPROTO_IPV6, BSD_IPV6_PREFER_TEMPADDR, -1, -1, 1, false},
    {IPPROTO_IPV6, BSD_IPV6_VLAN_PCP, -1, -1, 7, false},
    {IPPROTO_TCP, BSD_TCP_LOG, 0, 0, 6, false},
#undef FLAG
};
struct plain_options {
    int value[ARRAY_COUNT(plains)];
};

static int find(int level, int name)
{
    for (unsigned i = 0; i < ARRAY_COUNT(plains); i++)
        if (plains[i].name == name && plains[i].level == level)
            return (int)i;
    return -1;
}

static struct plain_options *need(struct sock *sock)
{
    struct sock_ext *ext = sock_need_ext(sock);

    if (!ext || ext->plain)
        return ext ? ext->plain : NULL;
    ext->plain = pool_alloc(sock->file.sockets->pool, sizeof *ext->plain);
    for (unsigned i = 0; ext->plain && i < ARRAY_COUNT(plains); i++)
        ext->plain->value[i] = plains[i].initial;
    return ext->plain;
}

void plain_option_free(struct sock *sock)
{
    pool_free(sock->file.sockets->pool, sock->ext->plain, sizeof *sock->ext->plain);
    sock->ext->plain = NULL;
}

void plain_option_copy(struct sock *sock, const struct sock *from)
{
    struct plain_options *options = from->ext->plain ? need(sock) : NULL;

    if (options)
        *options = *from->ext->plain;
}

static int set_pacing(struct sock *sock, const void *value, socklen_t length)
{
    struct tcb_options *options = sock_is_stream(sock) ? stream_options(sock) : NULL;
    uint64_t rate = 0;
    struct sock_ext *ext = options ? NULL : sock_need_ext(sock);

    memcpy(&rate, value, length >= sizeof rate ? sizeof rate : sizeof(uint32_t));
    if (rate == UINT64_MAX || (length < sizeof rate && rate == UINT32_MAX))
        rate = 0; /* no limit */
    else if (rate == 0)
        rate = UINT64_MAX;
    if (options) {
        stream_pacing_changes(sock);
        options->max_pacing_rate = rate;
        options->is_paced |= rate != 0;
        stream_options_changed(sock);
    } else if (ext) {
        ext->pacing_rate = rate;
    }
    return 0;
}

static int get_pacing(struct sock *sock, void *value, socklen_t *length)
{
    const struct tcb_options *options = sock_is_stream(sock) ? stream_options_peek(sock) : NULL;
    uint64_t set = options     ? options->max_pacing_rate
                   : sock->ext ? sock->ext->pacing_rate
                               : 0,
             rate = !set                ? UINT64_MAX
                    : set == UINT64_MAX ? 0
                                        : set;
    uint32_t less = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate;

    return *length >= sizeof rate ? option_give(value, length, &rate, sizeof rate) : option_give(value, length, &less, sizeof less);
}

bool plain_option_has(int level, int name)
{
    return find(level, name) >= 0;
}

int plain_option_put(struct sock *sock, int level, int name, int number)
{
    int i = find(level, name);
    struct plain_options *options;

    if (level == IPPROTO_IP && name == IP_NODEFRAG_OPTION)
        return -ENOPROTOOPT;
    if (number < plains[i].least || number > plains[i].most)
        return -EINVAL;
    if (level == IPPROTO_IP && name == RECVFRAGSIZE_OPTION && sock_is_stream(sock))
        return -EINVAL; /* it can be read, though */
    options = need(sock);
    if (!options)
        return -ENOBUFS;
    options->value[i] = plains[i].is_flag ? number != 0 : number;
    return 0;
}

int plain_option_value(const struct sock *sock, int level, int name)
{
    int i = find(level, name);

    return sock->ext && sock->ext->plain ? sock->ext->plain->value[i] : plains[i].initial;
}

int peek_place(const struct sock *sock)
{
    return sock->ext && sock->ext->plain ? plain_option_value(sock, SOL_SOCKET, SO_PEEK_OFF) : PEEK_NONE;
}

void peek_place_move(struct sock *sock, ssize_t by)
{
    int at = peek_place(sock);

    if (at >= 0 && by)
        (void)plain_option_put(sock, SOL_SOCKET, SO_PEEK_OFF, at + by < 0 ? 0 : (int)(at + by));
}

/* SO_BUF_LOCK: which of the buffers has a size that autotuning leaves alone. */
static int get_locks(struct sock *sock)
{
    const struct tcb_options *options = sock_is_stream(sock) ? stream_options_peek(sock) : NULL;
    const struct sock_ext *ext = sock->ext;

    if (options)
        return (options->sndbuf ? 1 : 0) | (options->rcvbuf ? 2 : 0);
    return ext ? (ext->sndbuf ? 1 : 0) | (ext->rcvbuf ? 2 : 0) : 0;
}

static int set_locks(struct sock *sock, int locks)
{
    struct tcb_options *options = sock_is_stream(sock) ? stream_options(sock) : NULL;
    socklen_t length = sizeof(int);
    int size;

    if (locks & ~3)
        return -EINVAL;
    struct sock_ext *ext = options ? NULL : sock_need_ext(sock);
    if (!options && !ext)
        return -ENOBUFS;
    for (int i = 0; i < 2; i++) {
        uint32_t *own = options ? (i ? &options->rcvbuf : &options->sndbuf) : i ? &ext->rcvbuf : &ext->sndbuf;

        if (!(locks & 1 << i))
            *own = 0;
        else if (!*own && sock_getopt(NULL, &sock->file, SOL_SOCKET, i ? SO_RCVBUF : SO_SNDBUF, &size, &length) == 0)
            *own = (uint32_t)size;
    }
    if (options)
        stream_options_changed(sock);
    return 0;
}

static int set_txtime(struct sock *sock, const void *value, socklen_t length) /* struct sock_txtime: clock and flags */
{
    uint32_t request[2];

    if (length != sizeof request)
        return -EINVAL;
    if (!sock_need_ext(sock))
        return -ENOBUFS;
    memcpy(request, value, sizeof request);
    if (request[1] & ~3u)
        return -EINVAL;
    memcpy(sock->ext->txtime, request, sizeof request);
    return 0;
}

int plain_option_set(struct lil_proc *proc, struct sock *sock, int name, const void *value, socklen_t length)
{
    int number;

    (void)proc;
    memcpy(&number, value, sizeof number); /* the caller has checked the length */
    switch (name) {
    case SO_MAX_PACING_RATE:
        return set_pacing(sock, value, length);
    case SO_TIMESTAMPING:
    case SO_TIMESTAMPING_NEW:
        return stamp_enable(sock, (uint32_t)number, name == SO_TIMESTAMPING_NEW);
    case SO_RESERVE_MEM:
        return number < 0 ? -EINVAL : -EOPNOTSUPP;
    case SO_PASSCRED:
    case SO_PASSSEC:
    case OPT_PASSPIDFD:
    case OPT_PASSRIGHTS:
        return -EOPNOTSUPP;
    case SO_BSDCOMPAT:
    case OPT_CNX_ADVICE:
        return 0;
    case SO_DETACH_FILTER: /* there is none to be taken away */
        return -ENOENT;
    case SO_DETACH_REUSEPORT_BPF:
        return -EINVAL;
    case OPT_BUF_LOCK:
        return set_locks(sock, number);
    case SO_TXTIME:
        return set_txtime(sock, value, length);
    case OPT_LOCK_FILTER:
        if (number == 0 && plain_option_value(sock, SOL_SOCKET, name))
            return -EPERM;
        break;
    case SO_TXREHASH:
        if (!sock_is_stream(sock))
            return -EOPNOTSUPP;
        if (number == -1)
            number = 1;
        if ((number == 0 || number == 1) && stream_options(sock))
            stream_options(sock)->no_rehash = number == 0;
        break;
    default:
        break;
    }
    return plain_option_has(SOL_SOCKET, name) ? plain_option_put(sock, SOL_SOCKET, name, number) : -ENOPROTOOPT;
}

static int get_meminfo(struct sock *sock, void *value, socklen_t *length)
{
    struct tcb *tcb = sock_is_stream(sock) && !(sock->flags & SF_LISTENING) ? stream_tcb(sock) : NULL;
    uint32_t info[MEMINFO_VARS] = {0};
    int number = 0;
    socklen_t size = sizeof number;

    struct tcp_memory memory = tcb ? tcp_get_memory(tcb) : (struct tcp_memory){0};
    info[0] = memory.received;
    info[4] = memory.forward;
    info[5] = memory.queued;
    if (sock_getopt(NULL, &sock->file, SOL_SOCKET, SO_RCVBUF, &number, &size) == 0)
        info[1] = (uint32_t)number;
    if (sock_getopt(NULL, &sock->file, SOL_SOCKET, SO_SNDBUF, &number, &size) == 0)
        info[3] = (uint32_t)number;
    return option_give(value, length, info, sizeof info);
}

/* getpeername() by another way: what does not fit is cut off. */
static int get_peer(struct sock *sock, void *value, socklen_t *length)
{
    struct sockaddr_storage peer;
    const struct tcb *tcb = sock_is_stream(sock) ? stream_tcb(sock) : NULL;
    int size = sock->file.ops->name(&sock->file, tcb ? NAME_ACCEPTED : NAME_PEER, &peer); /* Linux: also when it is over */

    if (size < 0 || (tcb && !(sock->flags & (SF_CONNECTED | SF_CONNECTING))))
        return size < 0 ? size : -ENOTCONN;
    return (socklen_t)size < *length ? -EINVAL : option_give(value, length, &peer, (socklen_t)size);
}

/* What is more than a number, or none of Internet sockets. -EAGAIN: a number. */
static int get_special(struct sock *sock, int name, void *value, socklen_t *length)
{
    static const struct { uint32_t pid, uid, gid; } nobody = {0, UINT32_MAX, UINT32_MAX}; /* struct ucred */
    uint64_t cookie = (uint64_t)sock->slot + 1;
    int stamping[2] = {sock->ext ? (int)sock->ext->tsflags : 0, 0};

    switch (name) {
    case SO_MAX_PACING_RATE:
        return get_pacing(sock, value, length);
    case SO_TIMESTAMPING_NEW: /* strict, unlike the old one */
        if (!(sock->flags & SF_STAMPS_NEW))
            stamping[0] = 0;
        /* fall through */
    case SO_TIMESTAMPING:
        return option_give(value, length, stamping, sizeof stamping);
    case SO_COOKIE:
    case OPT_NETNS_COOKIE:
        return *length < sizeof cookie || (name == OPT_NETNS_COOKIE && *length != sizeof cookie)
                   ? -EINVAL
                   : option_give(value, length, &cookie, sizeof cookie);
    case SO_MEMINFO:
        return get_meminfo(sock, value, length);
    case SO_TXTIME:
        if (sock->ext)
            memcpy(stamping, sock->ext->txtime, sizeof stamping);
        return option_give(value, length, stamping, sizeof stamping);
    case SO_PEERNAME:
        return get_peer(sock, value, length);
    case SO_PEERCRED:
        return option_give(value, length, &nobody, sizeof nobody);
    case OPT_PEERGROUPS:
    case OPT_PEERPIDFD:
        return -ENODATA;
    case SO_BUSY_POLL_BUDGET:
        return -ENOPROTOOPT;
    case SO_TXREHASH:
        return sock_is_stream(sock) ? -EAGAIN : -EOPNOTSUPP;
    case SO_PASSCRED:
    case SO_PASSSEC:
    case OPT_PASSPIDFD:
    case OPT_PASSRIGHTS:
        return -EOPNOTSUPP;
    default:
        return -EAGAIN;
    }
}

int plain_option_get(struct sock *sock, int name, void *value, socklen_t *length)
{
    int number = 0, error = get_special(sock, name, value, length);

    if (error != -EAGAIN)
        return error;
    if (plain_option_has(SOL_SOCKET, name))
        number = plain_option_value(sock, SOL_SOCKET, name);
    else if (name == OPT_BPF_EXTENSIONS)
        number = 64;
    else if (name == OPT_BUF_LOCK)
        number = get_locks(sock);
    else if (name != SO_RESERVE_MEM && name != SO_INCOMING_NAPI_ID && name != SO_BSDCOMPAT)
        return -ENOPROTOOPT;
    if (name == SO_INCOMING_CPU && number == CPU_NONE && sock->flags & SF_CONNECTED && sock_is_stream(sock))
        number = 0; /* a host of one processor */
    return option_give(value, length, &number, sizeof number);
}

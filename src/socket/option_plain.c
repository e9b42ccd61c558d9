/* option_plain.c: SOL_SOCKET options of Linux that change nothing here but are kept and told (socket(7), sock_setsockopt): busy
 * polling, hashing, CPU affinity ... Those with an effect of their own (pacing, timestamping) are handed on. */
#include "socket/sock.h"

enum { OPT_LOCK_FILTER = 44, OPT_BPF_EXTENSIONS = 48, OPT_BUF_LOCK = 72, OPT_NETNS_COOKIE = 71, PEEK_NONE = -1, CPU_NONE = -1, MEMINFO_VARS = 9 };
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
static const struct plain_option {
    int name;
    int initial, least, most; /* outside: EINVAL */
    bool is_flag;             /* any number but 0 is 1 */
} plains[] = {
    {SO_NO_CHECK, 0, INT32_MIN, INT32_MAX, true},
    {SO_RXQ_OVFL, 0, INT32_MIN, INT32_MAX, true},
    {SO_WIFI_STATUS, 0, INT32_MIN, INT32_MAX, true},
    {SO_NOFCS, 0, INT32_MIN, INT32_MAX, true},
    {SO_SELECT_ERR_QUEUE, 0, INT32_MIN, INT32_MAX, true},
    {SO_BUSY_POLL, 0, 0, INT32_MAX, false},
    {SO_PREFER_BUSY_POLL, 0, 0, 1, false},
    {SO_BUSY_POLL_BUDGET, 8, 0, UINT16_MAX, false},
    {SO_INCOMING_CPU, CPU_NONE, INT32_MIN, INT32_MAX, false},
    {SO_TXREHASH, 1, -1, 1, false},
    {SO_PEEK_OFF, PEEK_NONE, INT32_MIN, INT32_MAX, false},
    {OPT_LOCK_FILTER, 0, INT32_MIN, INT32_MAX, true},
    {OPT_BUF_LOCK, 0, 0, 3, false},
    {82 /* SO_RCVPRIORITY */, 0, INT32_MIN, INT32_MAX, true},
};
struct plain_options {
    int value[ARRAY_COUNT(plains)];
};

static int find(int name)
{
    for (unsigned i = 0; i < ARRAY_COUNT(plains); i++)
        if (plains[i].name == name)
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
    struct tcb_options *options = sock->file.type == SOCK_STREAM ? stream_options(sock) : NULL;
    uint64_t rate = 0;

    memcpy(&rate, value, length >= sizeof rate ? sizeof rate : sizeof(uint32_t));
    if (rate == UINT64_MAX || (length < sizeof rate && rate == UINT32_MAX))
        rate = 0; /* no limit */
    if (options) {
        options->max_pacing_rate = rate;
        stream_options_changed(sock);
    }
    return 0;
}

static int get_pacing(struct sock *sock, void *value, socklen_t *length)
{
    const struct tcb_options *options = sock->file.type == SOCK_STREAM ? stream_options_peek(sock) : NULL;
    uint64_t rate = options && options->max_pacing_rate ? options->max_pacing_rate : UINT64_MAX;
    uint32_t less = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate;

    return *length >= sizeof rate ? option_give(value, length, &rate, sizeof rate) : option_give(value, length, &less, sizeof less);
}

int plain_option_set(struct lil_proc *proc, struct sock *sock, int name, const void *value, socklen_t length)
{
    struct plain_options *options;
    int number, i = find(name);

    (void)proc;
    memcpy(&number, value, sizeof number); /* the caller has checked the length */
    if (name == SO_MAX_PACING_RATE)
        return set_pacing(sock, value, length);
    if (name == SO_TIMESTAMPING)
        return stamp_enable(sock, (uint32_t)number);
    if (name == SO_RESERVE_MEM || name == 83)
        return -EOPNOTSUPP;
    if (i < 0)
        return -ENOPROTOOPT;
    if (number < plains[i].least || number > plains[i].most)
        return -EINVAL;
    options = need(sock);
    if (!options)
        return -ENOBUFS;
    options->value[i] = plains[i].is_flag ? number != 0 : name == SO_TXREHASH && number < 0 ? 1 : number;
    return 0;
}

static int get_meminfo(struct sock *sock, void *value, socklen_t *length)
{
    struct tcb *tcb = sock->file.type == SOCK_STREAM && !(sock->flags & SF_LISTENING) ? stream_tcb(sock) : NULL;
    uint32_t info[MEMINFO_VARS] = {0};
    int number = 0;
    socklen_t size = sizeof number;

    info[0] = tcb ? (uint32_t)tcp_readable(tcb) : 0;
    if (sock_getopt(NULL, &sock->file, SOL_SOCKET, SO_RCVBUF, &number, &size) == 0)
        info[1] = (uint32_t)number;
    if (sock_getopt(NULL, &sock->file, SOL_SOCKET, SO_SNDBUF, &number, &size) == 0)
        info[3] = (uint32_t)number;
    info[5] = tcb ? (uint32_t)(tcp_unacked(tcb)) : 0;
    return option_give(value, length, info, sizeof info);
}

int plain_option_get(struct sock *sock, int name, void *value, socklen_t *length)
{
    int i = find(name), number;
    uint64_t cookie = (uint64_t)sock->slot + 1;
    int stamping[2] = {sock->ext ? (int)sock->ext->tsflags : 0, 0};

    switch (name) {
    case SO_MAX_PACING_RATE:
        return get_pacing(sock, value, length);
    case SO_TIMESTAMPING:
        return option_give(value, length, stamping, sizeof stamping);
    case SO_COOKIE:
    case OPT_NETNS_COOKIE:
        return *length < sizeof cookie || (name == OPT_NETNS_COOKIE && *length != sizeof cookie) ? -EINVAL : option_give(value, length, &cookie, sizeof cookie);
    case SO_MEMINFO:
        return get_meminfo(sock, value, length);
    case SO_TXTIME:
        stamping[0] = 0;
        return option_give(value, length, stamping, sizeof stamping);
    default:
        break;
    }
    if (name == 83)
        return -EOPNOTSUPP;
    number = i < 0 ? 0 : sock->ext && sock->ext->plain ? sock->ext->plain->value[i] : plains[i].initial;
    if (i < 0 && name != SO_RESERVE_MEM && name != SO_INCOMING_NAPI_ID && name != OPT_BPF_EXTENSIONS)
        return -ENOPROTOOPT;
    if (name == OPT_BPF_EXTENSIONS)
        number = 64;
    if (name == SO_INCOMING_CPU && number == CPU_NONE && sock->flags & SF_CONNECTED)
        number = 0; /* a host of one processor */
    return option_give(value, length, &number, sizeof number);
}

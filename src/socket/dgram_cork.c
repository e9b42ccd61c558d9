/* dgram_cork.c: UDP's own options as Linux has them (udp(7)): UDP_CORK and MSG_MORE gather what several calls write into one datagram, to
 * where the first of them went; UDP_SEGMENT cuts one call's bytes into datagrams of a size. UDP_GRO is kept: no device here joins any. */
#include <netinet/udp.h>
#include "socket/sock.h"

enum { MOST = 65507, SEGMENTS = 128 /* UDP_MAX_SEGMENTS */, NO_CHECK6_TX = 101, NO_CHECK6_RX = 102, SEGMENT = 103, GRO = 104 };
struct cork {
    bool is_on;      /* UDP_CORK */
    bool has_target; /* something waits, be it empty */
    bool gro, no_check_tx, no_check_rx;
    uint16_t segment;
    uint32_t length, mtu;
    struct flow flow;
    struct control control;
    uint8_t *bytes;  /* MOST of them, while anything waits */
};

static struct cork *cork_of(const struct sock *sock) { return sock->ext ? sock->ext->cork : NULL; }

static struct cork *need_cork(struct sock *sock)
{
    struct sock_ext *ext = sock_need_ext(sock);

    if (ext && !ext->cork)
        ext->cork = pool_alloc(sock->file.sockets->pool, sizeof *ext->cork);
    return ext ? ext->cork : NULL;
}

static void forget(struct sock *sock, struct cork *cork)
{
    if (cork->bytes)
        pool_free(sock->file.sockets->pool, cork->bytes, MOST);
    cork->bytes = NULL;
    ip_extra_unref(sock->file.sockets->pool, cork->control.extra);
    cork->control.extra = NULL;
    cork->length = 0;
    cork->has_target = false;
}

void cork_free(struct sock *sock)
{
    forget(sock, sock->ext->cork);
    pool_free(sock->file.sockets->pool, sock->ext->cork, sizeof *sock->ext->cork);
    sock->ext->cork = NULL;
}

bool cork_is_begun(const struct sock *sock) { return cork_of(sock) && cork_of(sock)->has_target; }
bool cork_is_wanted(const struct sock *sock, int flags) { return flags & MSG_MORE || (cork_of(sock) && cork_of(sock)->is_on); }

uint16_t cork_segment(const struct sock *sock, const struct control *control)
{
    return control->segment ? control->segment : cork_of(sock) ? cork_of(sock)->segment : 0;
}

int cork_begin(struct sock *sock, const struct flow *flow, const struct control *control, uint32_t mtu)
{
    struct cork *cork = need_cork(sock);

    if (!cork || (!cork->bytes && !(cork->bytes = pool_alloc(sock->file.sockets->pool, MOST))))
        return -ENOBUFS;
    cork->flow = *flow;
    cork->control = *control;
    (void)ip_extra_ref(cork->control.extra);
    cork->control.segment = cork_segment(sock, control);
    cork->mtu = mtu;
    cork->has_target = true;
    return 0;
}

static int flush(struct sock *sock)
{
    struct cork *cork = cork_of(sock);
    struct iovec iov = {cork->bytes, cork->length};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    uint16_t segment = cork->control.segment;
    ssize_t n = segment && cork->length > segment ? cork_send_segments(sock, &message, &cork->flow, &cork->control, cork->mtu)
                                                  : dgram_send_once(sock, &message, cork->length, &cork->flow, &cork->control);

    forget(sock, cork);
    return n < 0 ? (int)n : 0;
}

ssize_t cork_append(struct sock *sock, const struct msghdr *message, int flags)
{
    struct cork *cork = cork_of(sock);
    size_t total = iov_total(message->msg_iov, message->msg_iovlen);
    int result;

    if (total > MOST - cork->length) {
        forget(sock, cork);
        return -EMSGSIZE;
    }
    for (size_t i = 0; i < message->msg_iovlen; cork->length += (uint32_t)message->msg_iov[i++].iov_len)
        if (message->msg_iov[i].iov_len)
            memcpy(cork->bytes + cork->length, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    result = cork_is_wanted(sock, flags) ? 0 : flush(sock);
    return result < 0 ? result : (ssize_t)total;
}

/* UDP_SEGMENT: MTU is the path's. */
ssize_t cork_send_segments(struct sock *sock, const struct msghdr *message, const struct flow *flow,
                           const struct control *control, uint32_t mtu)
{
    size_t total = iov_total(message->msg_iov, message->msg_iovlen), size = cork_segment(sock, control);
    uint8_t *bytes;
    ssize_t result = 0;

    if ((total < size ? total : size) + (addr_is_v4(&flow->remote) ? 28 : 48) > mtu)
        return -EMSGSIZE;
    if (total > size * SEGMENTS)
        return -EINVAL;
    bytes = pool_alloc(sock->file.sockets->pool, total);
    if (!bytes)
        return -ENOBUFS;
    for (size_t i = 0, at = 0; i < message->msg_iovlen; at += message->msg_iov[i++].iov_len)
        if (message->msg_iov[i].iov_len)
            memcpy(bytes + at, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    for (size_t at = 0; at < total && result >= 0; at += size) {
        struct iovec iov = {bytes + at, total - at < size ? total - at : size};
        struct msghdr piece = {.msg_iov = &iov, .msg_iovlen = 1};

        result = dgram_send_once(sock, &piece, iov.iov_len, flow, control);
        if (result < 0 && at > 0) /* a queue that is full: lost, as on the way */
            result = 0;
    }
    pool_free(sock->file.sockets->pool, bytes, total);
    return result < 0 ? result : (ssize_t)total;
}

int cork_set_option(struct sock *sock, int name, const void *value, socklen_t length)
{
    struct cork *cork;
    int number;

    if (length < sizeof number)
        return -EINVAL;
    memcpy(&number, value, sizeof number);
    if (name != UDP_CORK && name != SEGMENT && name != GRO && name != NO_CHECK6_TX && name != NO_CHECK6_RX)
        return -ENOPROTOOPT;
    cork = need_cork(sock);
    if (!cork)
        return -ENOBUFS;
    switch (name) {
    case UDP_CORK:
        cork->is_on = number != 0;
        if (!number && cork->has_target)
            (void)flush(sock);
        return 0;
    case SEGMENT:
        if (number < 0 || number > UINT16_MAX)
            return -EINVAL;
        cork->segment = (uint16_t)number;
        return 0;
    case GRO:
        cork->gro = number != 0;
        return 0;
    default:
        *(name == NO_CHECK6_TX ? &cork->no_check_tx : &cork->no_check_rx) = number != 0;
        return 0;
    }
}

int cork_get_option(const struct sock *sock, int name, int *number)
{
    static const struct cork none = {0};
    const struct cork *cork = cork_of(sock) ? cork_of(sock) : &none;

    switch (name) {
    case UDP_CORK: *number = cork->is_on; return 0;
    case SEGMENT: *number = cork->segment; return 0;
    case GRO: *number = cork->gro; return 0;
    case NO_CHECK6_TX: *number = cork->no_check_tx; return 0;
    case NO_CHECK6_RX: *number = cork->no_check_rx; return 0;
    default: return -ENOPROTOOPT;
    }
}

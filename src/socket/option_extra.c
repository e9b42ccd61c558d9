/* option_extra.c: what a socket adds to the IP headers of its packets (wire/ip_extra.h): IP_OPTIONS (ip(7)), and IPv6's sticky headers
 * (RFC 3542 8, 9; ipv6(7)). A stream's segments are smaller by it. */
#include "socket/option_ip.h"

struct sticky { /* IPv6's headers as they were given, in the order of RFC 8200 4.1 */
    uint16_t length[IP_EXTRA_HEADERS];
    uint8_t bytes[IP_EXTRA_HEADERS][IP_EXTRA_MAX];
};

static int put_extra(struct sock *sock, struct ip_extra *extra)
{
    struct pool *pool = sock->file.sockets->pool;

    if (sock_is_stream(sock)) {
        struct tcb *tcb = sock->flags & SF_LISTENING ? NULL : stream_tcb(sock);

        if (tcb || sock->flags & SF_LISTENING)
            return tcp_set_extra(tcp_of(sock), tcb, tcb ? NULL : sock->listener, extra, sock_now(&sock->file));
    } else if (sock_need_ext(sock)) {
        ip_extra_unref(pool, sock->ext->extra);
        sock->ext->extra = extra;
        return 0;
    }
    ip_extra_unref(pool, extra);
    return -ENOBUFS;
}

static const struct ip_extra *get_extra(const struct sock *sock)
{
    const struct tcb_options *options = sock_is_stream(sock) ? stream_options_peek(sock) : NULL;

    return options ? options->extra : sock->ext ? sock->ext->extra : NULL;
}

void extra_free(struct sock *sock)
{
    ip_extra_unref(sock->file.sockets->pool, sock->ext->extra);
    if (sock->ext->sticky)
        pool_free(sock->file.sockets->pool, sock->ext->sticky, sizeof *sock->ext->sticky);
}

/* The child of a listener has the listener's headers as they are now; what reads them back is its own. */
void extra_inherit(struct sock *sock)
{
    struct sock_ext *ext = sock->ext;
    const struct sticky *from = ext->sticky;

    (void)ip_extra_ref(ext->extra);
    if (!from)
        return;
    ext->sticky = pool_alloc(sock->file.sockets->pool, sizeof *ext->sticky);
    if (ext->sticky)
        *ext->sticky = *from;
}

int extra_set_options(struct sock *sock, const void *value, socklen_t length)
{
    struct ip_extra *extra;
    int result = ip_extra_options(sock->file.sockets->pool, value, length, true, &extra);

    return result < 0 ? result : put_extra(sock, extra);
}

int extra_get_options(struct sock *sock, void *value, socklen_t *length)
{
    uint8_t bytes[IP_OPTIONS_MAX];

    return option_give(value, length, bytes, (socklen_t)ip_extra_told(get_extra(sock), bytes));
}

/* --- IPv6 ----------------------------------------------------------------------------------------------------------------------- */
static const int header_names[IP_EXTRA_HEADERS] = {IPV6_HOPOPTS, IPV6_RTHDRDSTOPTS, IPV6_RTHDR, IPV6_DSTOPTS};

static int index_of(int name)
{
    for (int i = 0; i < IP_EXTRA_HEADERS; i++)
        if (header_names[i] == name)
            return i;
    return -1;
}

bool extra_is_header(int name)
{
    return index_of(name) >= 0;
}

/* RFC 3542 7, RFC 5095: of routing headers type 2 alone (RFC 6275 6.4), with one segment left. */
static bool is_routable(const uint8_t *header)
{
    return header[2] == 2 && header[1] == 2 && header[3] == 1;
}

int extra_set_header(struct sock *sock, int name, const void *value, socklen_t length)
{
    const uint8_t *bytes = value, *headers[IP_EXTRA_HEADERS];
    struct sock_ext *ext = sock_need_ext(sock);
    int which = index_of(name), result;
    struct ip_extra *extra;

    if (length && (length < 8 || length % 8 || length > 2048 || (bytes[1] + 1u) * 8 > length))
        return -EINVAL;
    if (length && name == IPV6_RTHDR && !is_routable(bytes))
        return -EINVAL;
    if (length > IP_EXTRA_MAX || !ext)
        return -ENOBUFS;
    if (!ext->sticky)
        ext->sticky = pool_alloc(sock->file.sockets->pool, sizeof *ext->sticky);
    if (!ext->sticky)
        return -ENOBUFS;
    ext->sticky->length[which] = length ? (uint16_t)((bytes[1] + 1u) * 8) : 0;
    memcpy(ext->sticky->bytes[which], bytes, ext->sticky->length[which]);
    for (int i = 0; i < IP_EXTRA_HEADERS; i++)
        headers[i] = ext->sticky->bytes[i];
    result = ip_extra_chain(sock->file.sockets->pool, headers, ext->sticky->length, &extra);
    return result < 0 ? result : put_extra(sock, extra);
}

int extra_get_header(struct sock *sock, int name, void *value, socklen_t *length)
{
    const struct sticky *sticky = sock->ext ? sock->ext->sticky : NULL;
    int which = index_of(name);

    return option_give(value, length, sticky ? sticky->bytes[which] : NULL, sticky ? sticky->length[which] : 0);
}

/* sock_seen.c: the walk over all sockets of a host. */
#include "socket/sock_seen.h"

struct walk {
    struct lil_host *host;
    int protocol;
    void (*visit)(void *ctx, struct sock_seen *seen);
    void *ctx;
};

static bool see_tcp(void *ctx, const struct tcp_seen *seen)
{
    static const uint8_t states[] = {
        [TCPS_CLOSED] = SEEN_CLOSE,           [TCPS_LISTEN] = SEEN_LISTEN,         [TCPS_SYN_SENT] = SEEN_SYN_SENT,
        [TCPS_SYN_RECEIVED] = SEEN_SYN_RECEIVED, [TCPS_ESTABLISHED] = SEEN_ESTABLISHED, [TCPS_FIN_WAIT_1] = SEEN_FIN_WAIT_1,
        [TCPS_FIN_WAIT_2] = SEEN_FIN_WAIT_2,  [TCPS_CLOSE_WAIT] = SEEN_CLOSE_WAIT, [TCPS_CLOSING] = SEEN_CLOSING,
        [TCPS_LAST_ACK] = SEEN_LAST_ACK,      [TCPS_TIME_WAIT] = SEEN_TIME_WAIT};
    struct walk *walk = ctx;
    struct sock_seen e = {.flow = *seen->flow, .state = states[seen->state], .tcb = seen->tcb, .sock = seen->user};
    struct tcp_timer_view timer = {.expires_ns = seen->deadline_ns, .retransmits = seen->retransmits};

    e.family = addr_is_v4(&seen->flow->remote) ? AF_INET : AF_INET6;
    if (e.sock)
        e.family = e.sock->file.family;
    e.timer = seen->state == TCPS_TIME_WAIT ? 3 : seen->state == TCPS_SYN_RECEIVED ? 1 : 0;
    memcpy(e.cookie, &(uint64_t){(uint64_t)seen->flow->local_port << 32 | seen->flow->remote_port}, sizeof e.cookie);
    if (seen->tcb) {
        struct handle handle = tcp_handle(host_tcp(walk->host), seen->tcb);

        memcpy(e.cookie, &handle, sizeof e.cookie);
        tcp_get_timer(seen->tcb, &timer);
        e.timer = timer.kind;
        e.unread = (uint32_t)tcp_readable(seen->tcb);
        e.unsent = tcp_write_seq(seen->tcb) - tcp_acked_seq(seen->tcb);
        e.interface = tcp_options_peek(seen->tcb)->bind_ifindex;
    }
    e.expires_ns = timer.expires_ns;
    e.retransmits = timer.retransmits;
    walk->visit(walk->ctx, &e);
    return true;
}

static void see_listener(struct walk *walk, struct sock *sock)
{
    struct sock_seen e = {.family = sock->file.family,
                          .state = SEEN_LISTEN,
                          .sock = sock,
                          .listener = sock->listener,
                          .cookie = {sock->slot, 1}};
    unsigned incomplete, complete, backlog;

    tcp_listener_queues(sock->listener, &incomplete, &complete, &backlog);
    e.unread = complete;
    e.unsent = backlog;
    if (sock->binding) {
        e.flow.local = sock->binding->addr;
        e.flow.local_port = sock->binding->port;
        e.interface = sock->binding->ifindex;
    }
    e.flow.remote = addr_any(e.family);
    if (addr_is_any(&e.flow.local))
        e.flow.local = addr_any(e.family);
    walk->visit(walk->ctx, &e);
}

static void see_dgram(struct walk *walk, struct sock *sock)
{
    struct sock_seen e = {.family = sock->file.family, .flow = *udp_get_flow(sock->pcb), .sock = sock, .cookie = {sock->slot, 2}};

    if (sock->file.type == SOCK_RAW)
        e.flow.local_port = sock->file.protocol;
    if (!e.flow.local_port) /* not bound: Linux has no place to list it */
        return;
    e.state = udp_is_connected(sock->pcb) ? SEEN_ESTABLISHED : SEEN_CLOSE;
    if (addr_is_any(&e.flow.local))
        e.flow.local = addr_any(e.family);
    if (e.state == SEEN_CLOSE)
        e.flow.remote = addr_any(e.family);
    e.unread = (uint32_t)udp_readable(sock->pcb);
    walk->visit(walk->ctx, &e);
}

static void see_sock(void *ctx, void *object, uint32_t slot)
{
    struct walk *walk = ctx;
    struct sock *sock = object;
    bool is_udp = sock->file.type == SOCK_DGRAM && sock->file.protocol == IPPROTO_UDP;

    (void)slot;
    if (sock->file.ops == &stream_ops && sock->flags & SF_LISTENING && walk->protocol == IPPROTO_TCP)
        see_listener(walk, sock);
    else if (sock->file.ops == &dgram_ops && sock->pcb &&
             ((walk->protocol == IPPROTO_UDP && is_udp) || (walk->protocol == IPPROTO_RAW && sock->file.type == SOCK_RAW)))
        see_dgram(walk, sock);
}

void sock_each_seen(struct lil_host *host, int protocol, void (*visit)(void *ctx, struct sock_seen *seen), void *ctx)
{
    struct walk walk = {host, protocol, visit, ctx};
    struct sockets *sockets = host_get_sockets(host);

    if (sockets)
        slab_each(&sockets->slab, see_sock, &walk);
    if (protocol == IPPROTO_TCP)
        tcp_each(host_tcp(host), 0, see_tcp, &walk);
}

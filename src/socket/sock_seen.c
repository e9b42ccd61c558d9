/* sock_seen.c: the walk over all sockets of a host, and the files of /proc/net that list them. */
#include <stdio.h>
#include <stdlib.h>
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
        e.unread = tcp_unread_seq(seen->tcb);
        e.unsent = tcp_end_seq(seen->tcb) - tcp_acked_seq(seen->tcb);
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

/* --- /proc/net/tcp and its like ------------------------------------------------------------------------------------------------- */
struct table {
    FILE *out;
    uint64_t now_ns;
    uint8_t family;
    bool is_udp; /* not TCP: the lines are a little wider */
    int number;
    unsigned long (*inode)(const struct sock *sock);
};

/* An address is printed as the machine's own words of four bytes. */
static void put_end(const struct table *table, const struct addr *addr, uint16_t port)
{
    for (unsigned i = table->family == AF_INET ? 3 : 0; i < 4; i++)
        fprintf(table->out, "%08X", addr->u32[i]);
    fprintf(table->out, ":%04X ", port);
}

static void put_line(void *ctx, struct sock_seen *seen)
{
    struct table *table = ctx;
    bool is_timed = seen->timer && seen->expires_ns > table->now_ns && seen->expires_ns != LIL_NEVER;
    unsigned long ticks = is_timed ? (seen->expires_ns - table->now_ns) / (10 * NS_PER_MS) : 0;

    if (seen->family != table->family)
        return;
    fprintf(table->out, table->is_udp ? "%5d: " : "%4d: ", table->number++);
    put_end(table, &seen->flow.local, seen->flow.local_port);
    put_end(table, &seen->flow.remote, seen->flow.remote_port);
    fprintf(table->out, "%02X %08X:%08X %02X:%08lX %08X %5u %8d %lu %d 0000000000000000", seen->state,
            seen->state == SEEN_LISTEN ? 0 : seen->unsent, seen->unread, seen->timer, ticks, seen->retransmits, 0, 0,
            seen->sock ? table->inode(seen->sock) : 0, table->is_udp ? 2 : 1);
    fputs(table->is_udp ? " 0\n" : seen->tcb || seen->listener ? " 20 0 0 10 -1\n" : "\n", table->out);
}

char *sock_table(struct lil_host *host, const char *name, unsigned long (*inode)(const struct sock *sock))
{
    static const struct { const char *name; int protocol; } kinds[] = {
        {"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"raw", IPPROTO_RAW}, {"udplite", IPPROTO_MAX /* none */}, {"icmp", IPPROTO_MAX}};
    size_t length = strcspn(name, "6"), size;
    bool is_v6 = name[length] == '6';
    unsigned kind = 0;
    char *text = NULL;
    while (kind < ARRAY_COUNT(kinds) && (strlen(kinds[kind].name) != length || strncmp(kinds[kind].name, name, length) != 0))
        kind++;
    FILE *out = kind < ARRAY_COUNT(kinds) && name[length + is_v6] == 0 ? open_memstream(&text, &size) : NULL;
    if (!out)
        return NULL;
    struct table table = {.out = out, .now_ns = lil_host_now(host), .family = is_v6 ? AF_INET6 : AF_INET,
                          .is_udp = kinds[kind].protocol != IPPROTO_TCP, .inode = inode};
    fprintf(out, "%s st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode%s\n",
            is_v6          ? "  sl  local_address                         remote_address                       "
            : table.is_udp ? "   sl  local_address rem_address  "
                           : "  sl  local_address rem_address  ",
            table.is_udp ? " ref pointer drops" : "");
    sock_each_seen(host, kinds[kind].protocol, put_line, &table);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

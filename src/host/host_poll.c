/* host_poll.c: the joint of input and output: timers run, output is pulled from TCP and UDP and emitted, interfaces are flushed, the
 * loopback goes round; then the next deadline. Nothing here is fair or unfair by itself: TCP's own round-robin decides. */
#include "host/host_inner.h"

enum { ROUNDS_MAX = 64, PULL_MAX = 4096 };

static bool is_blocked(const struct lil_host *host)
{
    for (int i = 1; i < host->interface_count; i++)
        if (interface_is_full(host->interfaces[i]))
            return true;
    return false;
}

/* True: stopped before everything was sent, for lack of room, of memory or of turns. */
INLINE bool pull_output(struct lil_host *host)
{
    struct udp_sent sent;
    struct tcp_segment segment;
    struct tcp_plain plain;
    for (int i = 0; udp_is_due(host->udp); i++) {
        if (i == PULL_MAX || !udp_output_next(host->udp, &sent))
            return true;
        host_send_udp(host, &sent);
        ip_extra_unref(host->pool, sent.extra);
    }
    for (int i = 0; i < PULL_MAX; i++) {
        if (!tcp_is_due(host->tcp))
            return false;
        if (!host->long_ways && tcp_output_plain(host->tcp, host->now_ns, &plain))
            host_send_plain(host, &plain);
        else if (tcp_output_next(host->tcp, host->now_ns, &segment))
            host_send_tcp(host, &segment);
        else
            return false;
        /* what was last sent went to a full queue: leave the rest with TCP until the driver takes packets again; each
         * poll moves one segment on, so that other interfaces are not shut out by one that is stuck */
        if (host->has_backlog && is_blocked(host))
            return true;
    }
    return true;
}

static bool loopback_round(struct lil_host *host)
{
    struct interface *lo = host->interfaces[HOST_LOOPBACK - 1];
    uint32_t turns = lo->queue.count;
    for (uint32_t i = 0; i < turns; i++)
        host_input_frame(host, lo, packet_queue_pop(&lo->queue));
    return turns > 0;
}

static uint64_t next_deadline(const struct lil_host *host)
{
    return min_u64(tcp_deadline(host->tcp), host->next_ns);
}

static void run_timers(struct lil_host *host)
{
    tcp_poll(host->tcp, host->now_ns);
    if (host->next_ns > host->now_ns)
        return;
    host->next_ns = LIL_NEVER;
    neighbor_poll(&host->arp, host->now_ns);
    neighbor_poll(&host->nd, host->now_ns);
    reass_poll(&host->reass, host->now_ns);
}

/* Queues hold packets, or did: what can leave leaves, the loopback goes round. True: there is more. */
static bool backlog_round(struct lil_host *host)
{
    bool more = loopback_round(host), left = false;
    for (int i = 0; i < host->interface_count; i++) {
        const struct interface *interface = host->interfaces[i];
        more |= i > 0 && interface->queue.count && !interface->blocked;
        left |= interface->queue.count || interface->blocked;
    }
    host->has_backlog = left;
    return more;
}

/* Queues are not empty or a neighbour failed: after that there may be more to send. */
COLD static bool settle(struct lil_host *host, bool more)
{
    more = more && !is_blocked(host);
    if (host->failed.count) {
        host_neighbor_failures(host);
        more = true;
    }
    return (host->has_backlog && backlog_round(host)) || more;
}

COLD static void flush_all(struct lil_host *host)
{
    for (int i = 1; i < host->interface_count; i++)
        if (host->interfaces[i]->queue.count)
            interface_flush(host->interfaces[i]);
}

/* Output until nothing more comes of it. True: it was cut short. */
INLINE bool run_output(struct lil_host *host)
{
    bool more = true;
    for (int round = 0; more && round < ROUNDS_MAX; round++) {
        if (host->has_backlog)
            flush_all(host);
        more = pull_output(host);
        if (host->has_backlog || host->failed.count)
            more = settle(host, more);
    }
    return more;
}

static bool has_output(const struct lil_host *host)
{
    return tcp_is_due(host->tcp) || udp_is_due(host->udp) || host->failed.count || host->has_backlog;
}

static __attribute__((noinline)) uint64_t poll_all(struct lil_host *host, uint64_t next)
{
    host->in_poll = true;
    host->due = false;
    if (next <= host->now_ns)
        run_timers(host);
    bool more = run_output(host);
    host->in_poll = false;
    host->due = more;
    return more ? host->now_ns : next_deadline(host);
}

/* A poll after input that owes no answer finds nothing: that is told first. */
uint64_t lil_host_poll(struct lil_host *host, uint64_t now_ns)
{
    if (now_ns > host->now_ns)
        host->now_ns = now_ns;
    uint64_t next = next_deadline(host);
    if (host->due || next <= host->now_ns || has_output(host))
        return poll_all(host, next);
    return next;
}

void host_set_now(struct lil_host *host, uint64_t now_ns)
{
    assert(!host->due && next_deadline(host) > now_ns);
    if (now_ns > host->now_ns)
        host->now_ns = now_ns;
}

/* pair.h: two TCPs back to back, by structures only: no IP, no clock. A segment that one gives is handed to the other DELAY later
 * in virtual time; a filter may drop it. Also a log of all segments with their times, to compare with the RFC or the book. */
#ifndef TESTS_TCP_PAIR_H
#define TESTS_TCP_PAIR_H
#include <stdlib.h>
#include "unit/check.h"
#include "tcp/tcb.h"

enum { PAIR_LOG = 4096, PAIR_QUEUE = 65536 };
struct pair_segment {
    uint64_t sent_ns, due_ns;
    int from;
    struct flow flow; /* the sender's */
    struct tcphdr_ header;
    uint32_t payload;
    uint16_t gso_size;
    bool dropped;
    struct lil_packet *packet;
};
struct pair {
    struct pool *pool;
    struct tcp *tcp[2];
    struct addr addr[2];
    uint64_t now_ns, delay_ns;
    uint32_t mtu, gso_max;
    struct pair_segment *queue;
    unsigned first, count;
    struct pair_segment log[PAIR_LOG]; /* packets NULL */
    unsigned logged;
    bool (*filter)(struct pair *pair, const struct pair_segment *segment); /* true: drop */
    unsigned events[2];
    struct tcp_listener *listener;
    unsigned acceptable;
    char states[2][512];
    enum lil_drop last_drop[2];
    int path_error;
    unsigned seen, drop_at;
    uint64_t held;
    struct prng prng;
    unsigned loss_percent, reorder_percent, dup_percent;
};

static inline void pair_params_linux(struct tcp_params *p)
{
    *p = (struct tcp_params){0};
    p->syn.retries = 6;
    p->syn_linear_timeouts = 4;
    p->synack.retries = 5;
    p->rfc5961 = true;
    p->icmp_policy = TCP_ICMP_ABORT;
    p->icmp_check_seq = p->icmp_established_soft = true;
    static const uint8_t errors[] = {ENETUNREACH,  EHOSTUNREACH, ENOPROTOOPT,  ECONNREFUSED, EMSGSIZE,     EOPNOTSUPP,
                                     ENETUNREACH,  EHOSTDOWN,    ENONET,       ENETUNREACH,  EHOSTUNREACH, ENETUNREACH,
                                     EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH};
    for (int i = 0; i < 16; i++)
        p->icmp4[i] = (struct tcp_icmp_row){i == 4 ? TCP_ICMP_PMTU : TCP_ICMP_BY_POLICY, errors[i]};
    p->backlog_count = TCP_COUNT_COMPLETE;
    p->backlog_rule = TCP_BACKLOG_B_PLUS_1;
    p->full_ack_policy = TCP_FULL_ACK_IGNORE;
    p->backlog_negative = p->somaxconn = 4096;
    p->syncookies = 1;
    p->max_syn_backlog = 1024;
    p->syn_queue_by_backlog = true;
    p->mss_default = 536;
    p->offer_wscale = p->offer_sack = p->offer_timestamps = p->timestamp_offsets = true;
    p->timestamp_hz_ms = 1;
    p->rcvbuf = 131072;
    p->rcvbuf_max = 6291456;
    p->sndbuf = 16384;
    p->sndbuf_max = 4194304;
    p->moderate_rcvbuf = p->autotune_sndbuf = true;
    p->adv_win_scale = 1;
    p->rto_policy = TCP_RTO_LINUX;
    p->rto_initial_ms = 1000;
    p->rto_min_ms = 200;
    p->rto_max_ms = 120000;
    p->retries1 = 3;
    p->retries2 = 15;
    p->cc = TCP_CC_CUBIC;
    p->initial_window = 10;
    p->sack = p->dsack = p->rack = p->tlp = p->prr = p->frto = p->limited_transmit = true;
    p->hystart = TCP_HYSTART_LINUX;
    p->reordering = 3;
    p->slow_start_after_idle = true;
    p->ack_policy = TCP_ACK_LINUX;
    p->input_policy = TCP_INPUT_LINUX;
    p->output_policy = TCP_OUTPUT_LINUX;
    p->call_policy = TCP_CALLS_LINUX;
    p->pingpong_thresh = 1;
    p->comp_sack_delay_us = 1000;
    p->comp_sack_nr = 44;
    p->challenge_ack_limit = INT32_MAX;
    p->invalid_ratelimit_ms = 500;
    p->time_wait_ms = 60000;
    p->time_wait_reuse = true;
    p->time_wait_limit = 262144;
    p->fin_wait2_ms = 60000;
    p->orphan_limit = 65536;
    p->rst_on_unread_close = true;
    p->keepalive_idle_ms = 7200000;
    p->keepalive_interval_ms = 75000;
    p->keepalive_probes = 9;
    p->pmtu_discovery = true;
    p->min_snd_mss = 48;
    p->base_mss = 1024;
    p->ttl = 64;
}

static inline void pair_params_bsd(struct tcp_params *p) /* 4.4BSD-Lite */
{
    *p = (struct tcp_params){0};
    p->tick_ms = 500;
    p->fast_tick_ms = 200;
    p->syn = (struct tcp_schedule){.interval_ms = {6000, 24000, 48000}, .count = 3, .give_up_ms = 75000};
    p->synack = p->syn;
    p->synack_expiry_rst = true;
    p->isn_policy = TCP_ISN_BSD;
    p->icmp_policy = TCP_ICMP_SOFT;
    for (int i = 0; i < 13; i++)
        p->icmp4[i] =
            (struct tcp_icmp_row){i == 2 || i == 3 ? TCP_ICMP_NOW : TCP_ICMP_BY_POLICY, i == 2 || i == 3 ? ECONNREFUSED
                                                                                        : i == 4         ? EMSGSIZE
                                                                                                 : EHOSTUNREACH};
    p->icmp_established_soft = true;
    p->backlog_count = TCP_COUNT_BOTH;
    p->backlog_rule = TCP_BACKLOG_3B_2_PLUS_1;
    p->full_ack_policy = TCP_FULL_ACK_QUEUE;
    p->somaxconn = 5;
    p->mss_default = 512;
    p->mss_off_net = 512;
    p->rcvbuf = p->sndbuf = 8192;
    p->window_clamp = 65535;
    p->rto_policy = TCP_RTO_BSD;
    p->rto_initial_ms = 6000;
    p->rto_min_ms = 1000;
    p->rto_max_ms = 64000;
    p->retries2 = 12;
    static const uint8_t backoff[16] = {1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64};
    memcpy(p->backoff, backoff, sizeof backoff);
    p->cc = TCP_CC_RENO;
    p->initial_window = 1;
    p->reordering = 3;
    p->ack_policy = TCP_ACK_BSD;
    p->delack_ms = 200;
    p->delack_segments = 2;
    p->time_wait_ms = 60000;
    p->fin_wait2_ms = 675000;
    p->keepalive_idle_ms = 7200000;
    p->keepalive_interval_ms = 75000;
    p->keepalive_probes = 8;
    p->persist_min_ms = 5000;
    p->persist_max_ms = 60000;
    p->persist_data = true;
    p->min_snd_mss = 32;
    p->ttl = 64;
}

struct pair_end {
    struct pair *pair;
    int index;
    struct tcp_path path;
};

static void pair_event(void *ctx, void *user, struct tcb *tcb, unsigned events)
{
    struct pair_end *end = ctx;
    (void)user;
    (void)tcb;
    end->pair->events[end->index] |= events;
}
static void pair_acceptable(void *ctx, void *user, struct tcp_listener *listener)
{
    struct pair_end *end = ctx;
    (void)user;
    (void)listener;
    end->pair->acceptable++;
}
static int pair_path(void *ctx, const struct addr *local, const struct addr *remote, const struct tcp_path **path)
{
    struct pair_end *end = ctx;
    (void)local;
    (void)remote;
    if (end->pair->path_error)
        return end->pair->path_error;
    end->path = (struct tcp_path){.local = end->pair->addr[end->index],
                                  .ifindex = 1,
                                  .mtu = end->pair->mtu,
                                  .gso_max = end->pair->gso_max,
                                  .is_local_net = true};
    *path = &end->path;
    return 0;
}
static void pair_trace(void *ctx, const struct lil_trace *event)
{
    struct pair_end *end = ctx;
    if (event->kind != LIL_TRACE_STATE)
        return;
    char *states = end->pair->states[end->index];
    size_t used = strlen(states);
    snprintf(states + used, sizeof end->pair->states[0] - used, "%s%s", used ? " " : "", event->new_state);
}
static bool pair_stray(void *ctx, const struct flow *flow, int ifindex, uint64_t id)
{
    struct pair_end *end = ctx;
    (void)flow;
    (void)ifindex;
    end->pair->held = id;
    return true;
}

static struct pair_end pair_ends[2];

static inline struct pair *pair_new(const struct tcp_params *a, const struct tcp_params *b)
{
    struct pair *pair = calloc(1, sizeof *pair);
    pair->queue = calloc(PAIR_QUEUE, sizeof *pair->queue);
    pair->pool = pool_new(NULL);
    pair->mtu = 1500;
    pair->delay_ns = 1000000;
    prng_seed(&pair->prng, 7);
    for (int i = 0; i < 2; i++) {
        pair->addr[i] = addr_v4(0xc0000201u + (uint32_t)i);
        pair_ends[i] = (struct pair_end){pair, i};
        struct tcp_config config = {.pool = pair->pool, .seed = 42 + (uint64_t)i,
                                    .hooks = {&pair_ends[i], pair_event, pair_acceptable, pair_path, pair_trace, NULL, pair_stray}};
        pair->tcp[i] = tcp_new(i ? b : a, &config);
    }
    return pair;
}

static inline struct pair *pair_new_linux(void)
{
    struct tcp_params params;
    pair_params_linux(&params);
    return pair_new(&params, &params);
}

static inline void pair_free(struct pair *pair)
{
    while (pair->count--)
        packet_free(pair->queue[pair->first++ % PAIR_QUEUE].packet);
    tcp_free(pair->tcp[0]);
    tcp_free(pair->tcp[1]);
    struct pool_stats stats;
    pool_get_stats(pair->pool, &stats);
    assert_int_equal(stats.packets_now, 0);
    assert_int_equal(stats.blocks_now, 0);
    pool_unref(pair->pool);
    free(pair->queue);
    free(pair);
}

static inline void pair_enqueue(struct pair *pair, const struct pair_segment *segment)
{
    assert_true(pair->count < PAIR_QUEUE);
    unsigned at = pair->count++;
    while (at > 0 && pair->queue[(pair->first + at - 1) % PAIR_QUEUE].due_ns > segment->due_ns) {
        pair->queue[(pair->first + at) % PAIR_QUEUE] = pair->queue[(pair->first + at - 1) % PAIR_QUEUE];
        at--;
    }
    pair->queue[(pair->first + at) % PAIR_QUEUE] = *segment;
}

/* Reads out what both have to send now. */
static inline void pair_drain(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        struct tcp_segment out;
        while (tcp_output_next(pair->tcp[i], pair->now_ns, &out)) {
            struct pair_segment segment = {.sent_ns = pair->now_ns, .due_ns = pair->now_ns + pair->delay_ns, .from = i, .flow = out.flow,
                                           .header = out.header, .payload = out.packet ? out.packet->length : 0, .gso_size = out.gso_size};
            segment.dropped = pair->filter && pair->filter(pair, &segment);
            if (!segment.dropped && pair->loss_percent)
                segment.dropped = prng_below(&pair->prng, 100) < pair->loss_percent;
            if (pair->logged < PAIR_LOG)
                pair->log[pair->logged++] = segment;
            segment.packet = out.packet;
            if (segment.dropped) {
                packet_free(out.packet);
                continue;
            }
            if (pair->reorder_percent && prng_below(&pair->prng, 100) < pair->reorder_percent)
                segment.due_ns += prng_below(&pair->prng, 4 * pair->delay_ns + 1);
            if (pair->dup_percent && prng_below(&pair->prng, 100) < pair->dup_percent) {
                struct pair_segment twice = segment;
                twice.packet = out.packet ? packet_clone(out.packet) : NULL;
                pair_enqueue(pair, &twice);
            }
            pair_enqueue(pair, &segment);
        }
    }
}

static inline void pair_give(struct pair *pair, struct pair_segment *segment)
{
    int to = !segment->from;
    struct tcp_in in = {.header = segment->header, .payload = segment->payload, .gso_size = segment->gso_size};
    in.flow = (struct flow){.local = segment->flow.remote,
                            .remote = segment->flow.local,
                            .local_port = segment->flow.remote_port,
                            .remote_port = segment->flow.local_port};
    struct lil_packet *packet = segment->packet;
    if (!packet)
        packet = packet_new(pair->pool);
    pair->last_drop[to] = tcp_input(pair->tcp[to], &in, packet, pair->now_ns);
}

/* Runs until UNTIL: deliveries and timers in order of time. */
static inline void pair_run(struct pair *pair, uint64_t until_ns)
{
    pair_drain(pair);
    for (;;) {
        uint64_t next = pair->count ? pair->queue[pair->first].due_ns : LIL_NEVER;
        next = min_u64(next, min_u64(tcp_deadline(pair->tcp[0]), tcp_deadline(pair->tcp[1])));
        if (next > until_ns)
            break;
        pair->now_ns = max_u64(pair->now_ns, next);
        if (pair->count && pair->queue[pair->first].due_ns <= pair->now_ns) {
            struct pair_segment segment = pair->queue[pair->first];
            pair->first = (pair->first + 1) % PAIR_QUEUE;
            pair->count--;
            pair_give(pair, &segment);
        } else {
            tcp_poll(pair->tcp[0], pair->now_ns);
            tcp_poll(pair->tcp[1], pair->now_ns);
        }
        pair_drain(pair);
    }
    pair->now_ns = until_ns;
    tcp_poll(pair->tcp[0], until_ns);
    tcp_poll(pair->tcp[1], until_ns);
}
static inline void pair_run_ms(struct pair *pair, uint64_t ms) { pair_run(pair, pair->now_ns + ms * NS_PER_MS); }

static inline struct flow pair_flow(const struct pair *pair, uint16_t local_port)
{
    return (struct flow){.local = pair->addr[0], .remote = pair->addr[1], .local_port = local_port, .remote_port = 13};
}
static inline struct tcb *pair_connect(struct pair *pair, uint16_t port)
{
    struct tcb *tcb = tcp_open(pair->tcp[0]);
    struct flow flow = pair_flow(pair, port);
    assert_non_null(tcb);
    tcp_set_user(tcb, pair);
    assert_int_equal(tcp_connect(pair->tcp[0], tcb, &flow, pair->now_ns), 0);
    return tcb;
}
static inline void pair_listen(struct pair *pair, int backlog)
{
    assert_int_equal(tcp_listen(pair->tcp[1], &pair->addr[1], 13, false, backlog, false, pair, &pair->listener), 0);
}
static inline struct tcb *pair_accept(struct pair *pair)
{
    struct tcb *tcb = tcp_accept(pair->tcp[1], pair->listener);
    if (tcb)
        tcp_set_user(tcb, pair);
    return tcb;
}
static inline ssize_t pair_send(struct pair *pair, int end, struct tcb *tcb, const void *bytes, size_t size)
{
    struct iovec iov = {(void *)bytes, size};
    return tcp_send(pair->tcp[end], tcb, &iov, 1, size, 0, pair->now_ns);
}
static inline ssize_t pair_recv(struct pair *pair, int end, struct tcb *tcb, void *bytes, size_t size)
{
    struct iovec iov = {bytes, size};
    return tcp_receive(pair->tcp[end], tcb, &iov, 1, size, 0, pair->now_ns);
}
/* A connected pair: [0] the client's, [1] the server's. */
static inline void pair_open(struct pair *pair, struct tcb *tcb[2])
{
    pair_listen(pair, 5);
    tcb[0] = pair_connect(pair, 1024);
    pair_run_ms(pair, 100);
    tcb[1] = pair_accept(pair);
    assert_non_null(tcb[1]);
    assert_int_equal(tcp_get_state(tcb[0]), TCPS_ESTABLISHED);
    assert_int_equal(tcp_get_state(tcb[1]), TCPS_ESTABLISHED);
}
static inline void pair_print(const struct pair *pair)
{
    for (unsigned i = 0; i < pair->logged; i++) {
        char text[200];
        const struct pair_segment *s = &pair->log[i];
        tcphdr_print(&s->header, s->payload, text, sizeof text);
        fprintf(stderr, "%12.6f %c %s%s\n", (double)s->sent_ns / 1e9, s->from ? '<' : '>', text, s->dropped ? "  DROPPED" : "");
    }
}
#endif

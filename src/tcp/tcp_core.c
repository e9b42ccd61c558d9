/* tcp_core.c: what one TCP owns: its making and end, its tcbs with their options and extensions, the list of
 * connections that have something to send. Read tcb.h first. */
#include "tcp/tcb.h"
#include "tcp/sockopt/tcp_stamp.h"

const struct tcb_ext tcb_ext_none;

struct tcp *tcp_new(const struct tcp_params *params, const struct tcp_config *config)
{
    struct tcp *tcp = pool_alloc(config->pool, sizeof *tcp);
    if (!tcp)
        return NULL;
    tcp_set_params(tcp, params);
    tcp->hooks = config->hooks;
    tcp->pool = pool_ref(config->pool);
    prng_seed(&tcp->prng, config->seed);
    struct siphash_key *keys[] = {&tcp->flow_key, &tcp->isn_key, &tcp->offset_key, &tcp->cookie_key, &tcp->fastopen_key[0]};
    for (unsigned i = 0; i < ARRAY_COUNT(keys); i++)
        *keys[i] = (struct siphash_key){prng_next(&tcp->prng), prng_next(&tcp->prng)};
    if (tcp->params.tick_phase_ms == UINT32_MAX)
        tcp->params.tick_phase_ms = (uint32_t)prng_below(&tcp->prng, max_u32(tcp->params.tick_ms, 1));
    tcp->bsd_iss = 1;
    table_init(&tcp->flows, tcp->pool);
    slab_init(&tcp->tcbs, tcp->pool, sizeof(struct tcb), config->tcb_limit ? config->tcb_limit : 10000000);
    slab_init(&tcp->syns, tcp->pool, sizeof(struct syn_entry), config->syn_limit ? config->syn_limit : 1000000);
    slab_init(&tcp->waits, tcp->pool, sizeof(struct wait_record), 0);
    heap_init(&tcp->heap, tcp->pool);
    tcp->syn_due_first = tcp->syn_due_last = TCP_NONE;
    tcp->wait_first = tcp->wait_last = TCP_NONE;
    tcp->wait_deadline_ns = LIL_NEVER;
    for (unsigned i = 0; i < SYN_LEVELS; i++)
        tcp->levels[i].first = tcp->levels[i].last = TCP_NONE;
    tcp->default_opts.refs = 1;
    return tcp;
}

static void free_tcb(void *ctx, void *object, uint32_t slot)
{
    (void)ctx;
    (void)slot;
    tcb_free(object);
}

void tcp_free(struct tcp *tcp)
{
    if (!tcp)
        return;
    tcp->hooks = (struct tcp_hooks){0}; /* vanishes without a word */
    slab_each(&tcp->tcbs, free_tcb, NULL);
    listeners_fini(tcp);
    for (unsigned i = 0; i < TX_CLASSES; i++) {
        while (tcp->tx_free[i]) {
            struct txring *ring = tcp->tx_free[i];
            tcp->tx_free[i] = ring->next_free;
            pool_free(tcp->pool, ring, sizeof *ring + (ring->mask + 1ul) * sizeof ring->seg[0]);
        }
    }
    if (tcp->listeners)
        pool_free(tcp->pool, tcp->listeners, tcp->listener_capacity * sizeof *tcp->listeners);
    if (tcp->replies)
        pool_free(tcp->pool, tcp->replies, REPLY_LIMIT * sizeof *tcp->replies);
    for (unsigned i = 0; i < ARRAY_COUNT(tcp->port_uses); i++)
        if (tcp->port_uses[i])
            pool_free(tcp->pool, tcp->port_uses[i], PORT_PAGE * sizeof *tcp->port_uses[i]);
    table_fini(&tcp->flows);
    slab_fini(&tcp->tcbs);
    slab_fini(&tcp->syns);
    guard_wait_fini(tcp);
    slab_fini(&tcp->waits);
    heap_fini(&tcp->heap);
    struct pool *pool = tcp->pool;
    pool_free(pool, tcp, sizeof *tcp);
    pool_unref(pool);
}

void tcp_new_ms(struct tcp *tcp, uint64_t now_ns)
{
    uint64_t ms = now_ns / NS_PER_MS;
    tcp->ms_start_ns = ms * NS_PER_MS;
    tcp->now_ms = (uint32_t)ms;
    tcp->now_s = (uint32_t)(ms / 1000);
    tcp->now_ts = tcp_ts_at(tcp, tcp->ms_start_ns);
}

const struct tcp_params *tcp_get_params(const struct tcp *tcp)
{
    return &tcp->params;
}

void tcp_set_params(struct tcp *tcp, const struct tcp_params *params)
{
    if (params->input_policy == TCP_INPUT_BSD && (tcp->params.fastopen & 1) && !(params->fastopen & 1))
        memset(tcp->fastopen_cache, 0, sizeof tcp->fastopen_cache); /* client_enable=0 empties it */
    tcp->params = *params;
    tcp->has_short_way = params->output_policy == TCP_OUTPUT_LINUX && params->rto_policy == TCP_RTO_LINUX &&
                         !params->tick_ms && params->adv_win_scale;
    bool is_plain = params->backoff[0] <= 1 && params->rto_slop_ms == 0;
    tcp->rto_plain_most = params->rto_policy == TCP_RTO_LINUX ? 255 : is_plain ? 0 : -1;
    tcp->rto_max_us = (params->rto_max_ms ? params->rto_max_ms : 120000) * 1000;
}

/* --- tcbs ------------------------------------------------------------------------------------------------------ */

struct tcb *tcb_new(struct tcp *tcp, struct tcb_opts *opts)
{
    uint32_t slot;
    struct tcb *tcb = slab_new(&tcp->tcbs, &slot);
    if (!tcb)
        return NULL;
    tcb->tcp = tcp;
    tcb->slot = slot;
    tcb->heap_position = HEAP_NONE;
    tcb->due_prev = tcb->due_next = TCP_NONE;
    tcb->opt = opts;
    opts->refs++;
    tcb->is_guarded = opts_are_guarded(opts);
    tcb->pingpong = opts->is_pingpong ? PINGPONG_MOST : 0;
    tcb->sndbuf = opts->socket.sndbuf ? opts->socket.sndbuf : tcp->params.sndbuf;
    tcb->rcvbuf = window_first_buffer(&tcp->params, opts);
    rtt_init(tcb);
    tcb->ssthresh = INT32_MAX;
    return tcb;
}

/* And all that hangs on it. */
void tcb_ext_free(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    if (!tcb->ext)
        return;
    reass_free(tcb);
    if (tcb->ext->stamps)
        stamp_free(tcb);
    saved_syn_free(tcp, &tcb->ext->saved_syn);
    board_free(tcb);
    blocks_free(tcb);
    ertt_free(tcb);
    pool_free(tcp->pool, tcb->ext, sizeof *tcb->ext);
    tcb->ext = NULL;
    tcp->ext_count--;
}

void tcb_free(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    tcb_clear_due(tcb);
    heap_remove(&tcp->heap, &tcb->heap_position);
    if (tcb->snd_stream)
        stream_free(&tcb->snd_stream);
    txring_release(tcb);
    if (tcb->rcv_stream)
        stream_free(&tcb->rcv_stream);
    if (tcb->ext && tcb->ext->fastopen_request)
        fastopen_on_end(tcb);
    tcb_ext_free(tcb);
    tcb_opts_unref(tcp, tcb->opt);
    tcp->freed++;
    slab_free(&tcp->tcbs, tcb->slot);
}

struct tcb_ext *tcb_ext_get(struct tcb *tcb)
{
    if (!tcb->ext) {
        tcb->ext = pool_alloc(tcb->tcp->pool, sizeof *tcb->ext);
        if (tcb->ext) {
            tcb->tcp->ext_count++;
            tcb->ext->reordering = recovery_first_reordering(tcb);
            tcb->ext->cwnd_clamp = UINT32_MAX;
            tcb->ext->rack_reo_steps = 1;
            tcb->ext->app_limited = tcb->is_passive ? UINT32_MAX : 0; /* until something is delivered, our SYN too */
            tcb->ext->segs_in = info_early_segs_in(tcb);
            tcb->ext->segs_out = info_early_segs_out(tcb);
            rtt_begin_min(tcb, tcb->last_rcv_ms);
            tcb->ext->rcv_last_ms = tcb_is_synchronized(tcb) ? tcb->last_rcv_ms : tcb_now_ms(tcb);
            tcb->ext->cwnd_stamp_ns = tcb_now(tcb) - (uint32_t)(tcb_now_ms(tcb) - tcb->ext->rcv_last_ms) * NS_PER_MS;
            tcb->ext->high_seq = tcb->ext->snd_sml = tcb->snd_una;
            tcb->ext->rtt_seq = tcb->snd_nxt;
            tcb->ext->pushed_seq = tcb->write_seq;
        }
    }
    return tcb->ext;
}

struct tcb_opts *opts_own(struct tcp *tcp, struct tcb_opts **opts)
{
    struct tcb_opts *shared = *opts;
    if (shared->refs == 1 && shared != &tcp->default_opts)
        return shared;
    struct tcb_opts *own = pool_alloc(tcp->pool, sizeof *own);
    if (!own)
        return NULL;
    *own = *shared;
    own->refs = 1;
    (void)md5_keys_ref(own->md5);
    (void)ip_extra_ref(own->socket.extra);
    shared->refs--;
    *opts = own;
    return own;
}

struct tcb_opts *tcb_opts_own(struct tcb *tcb)
{
    return opts_own(tcb->tcp, &tcb->opt);
}

void tcb_opts_unref(struct tcp *tcp, struct tcb_opts *opts)
{
    if (--opts->refs == 0) {
        md5_keys_unref(tcp, opts->md5);
        ip_extra_unref(tcp->pool, opts->socket.extra);
        pool_free(tcp->pool, opts, sizeof *opts);
    }
}

struct tcb *tcp_find(struct tcp *tcp, struct handle handle)
{
    return slab_find(&tcp->tcbs, handle);
}

struct handle tcp_handle(struct tcp *tcp, const struct tcb *tcb)
{
    return slab_handle(&tcp->tcbs, tcb->slot);
}

/* --- due: an intrusive list by slots, round robin ----------------------------------------------------------------- */

void tcb_mark_due(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    if (tcb->is_due)
        return;
    bool was_idle = !tcp->due;
    tcp->due |= DUE_TCB;
    tcb->is_due = true;
    tcb->due_next = TCP_NONE;
    if (tcp->due_last) {
        tcb->due_prev = tcp->due_last->slot;
        tcp->due_last->due_next = tcb->slot;
    } else {
        tcb->due_prev = TCP_NONE;
        tcp->due_first = tcb;
    }
    tcp->due_last = tcb;
    if (was_idle && tcp->hooks.due)
        tcp->hooks.due(tcp->hooks.ctx);
}

void tcb_clear_due(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    if (!tcb->is_due)
        return;
    struct tcb *prev = tcb->due_prev == TCP_NONE ? NULL : tcp_tcb(tcp, tcb->due_prev);
    struct tcb *next = tcb->due_next == TCP_NONE ? NULL : tcp_tcb(tcp, tcb->due_next);
    tcb->is_due = false;
    if (prev) {
        prev->due_next = tcb->due_next;
    } else {
        tcp->due_first = next;
        tcp->due_left = 0;
        if (!next)
            tcp->due &= ~(uint32_t)DUE_TCB;
    }
    if (next)
        next->due_prev = tcb->due_prev;
    else
        tcp->due_last = prev;
    tcb->due_prev = tcb->due_next = TCP_NONE;
}

bool tcp_is_due(const struct tcp *tcp)
{
    return tcp->due;
}

enum { DUE_QUANTUM = 16 }; /* segments of one connection in a row */

void tcb_note_turn(struct tcb *tcb)
{
    if (++tcb->tcp->due_left >= DUE_QUANTUM && tcb->due_next != TCP_NONE) {
        tcb_clear_due(tcb); /* to the end of the queue */
        tcb_mark_due(tcb);
    }
}

/* A connection without text, whose output is soon told: the next look at it would find nothing. */
static bool has_said_all(const struct tcb *tcb)
{
    return !tcb->ext && !tcb->acks_due && !tcb->ack_want && !tcb_has_unsent(tcb) && !tcb->want_syn && !tcb->want_probe &&
           !tcb->want_keepalive && !tcb->want_tlp;
}

bool tcp_output_next(struct tcp *tcp, uint64_t now_ns, struct tcp_segment *segment)
{
    tcp_set_now(tcp, now_ns);
    segment->extra = NULL;
    segment->flow_label = 0;
    if (tcp->due & DUE_REPLY && reply_output(tcp, segment))
        return true;
    if (tcp->due & DUE_SYN && synq_output(tcp, segment))
        return true;
    struct tcb *tcb;
    while ((tcb = tcp->due_first) != NULL) {
        if (output_tcb(tcb, segment)) {
            tcb_check(tcb);
            tcb_note_less_unsent(tcb);
            if (__builtin_expect(tcb->ecn_ok && tcb->ext, 0))
                tcb->ext->sent_ecn = segment->tos & 3;
            if (__builtin_expect(tcb->is_guarded || !tcb->is_v4, 0) && !guard_output(tcb, segment))
                continue;
            if (has_said_all(tcb))
                tcb_clear_due(tcb);
            else
                tcb_note_turn(tcb);
            return true;
        }
        tcb_clear_due(tcb);
    }
    return false;
}

static __attribute__((noinline)) uint64_t all_deadlines(const struct tcp *tcp, uint64_t first)
{
    if (tcp->heap_retry_ns)
        first = min_u64(first, tcp->heap_retry_ns);
    return min_u64(first, synq_deadline(tcp));
}

uint64_t tcp_deadline(const struct tcp *tcp)
{
    uint64_t first = min_u64(heap_first(&tcp->heap), tcp->wait_deadline_ns);
    return tcp->syn_count | tcp->heap_retry_ns ? all_deadlines(tcp, first) : first;
}

static void arm_again(void *ctx, void *object, uint32_t slot)
{
    (void)ctx;
    (void)slot;
    timer_rearm(object);
}

void tcp_poll(struct tcp *tcp, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    if (tcp->heap_retry_ns && tcp->heap_retry_ns <= now_ns) {
        tcp->heap_retry_ns = 0;
        slab_each(&tcp->tcbs, arm_again, NULL);
    }
    while (heap_first(&tcp->heap) <= now_ns)
        tcb_run_timers(container_of(tcp->heap.entries[0].position, struct tcb, heap_position));
    timewait_poll(tcp);
    synq_poll(tcp);
}

/* --- traces -------------------------------------------------------------------------------------------------------- */
void tcp_set_trace(struct tcp *tcp, void (*trace)(void *ctx, const struct lil_trace *event)) { tcp->hooks.trace = trace; }

void tcp_trace(struct tcp *tcp, struct lil_trace *event, const struct flow *flow)
{
    event->now_ns = tcp->now_ns;
    memcpy(event->local, flow->local.b, 16);
    memcpy(event->remote, flow->remote.b, 16);
    event->local_port = flow->local_port;
    event->remote_port = flow->remote_port;
    tcp->hooks.trace(tcp->hooks.ctx, event);
}

void tcp_trace_text(struct tcb *tcb, const char *text)
{
    if (!tcb->tcp->hooks.trace)
        return;
    struct lil_trace event = {.kind = LIL_TRACE_TCP, .text = text};
    uint32_t numbers[8] = {tcb->snd_una, tcb->snd_nxt, tcb->snd_wnd, tcb->cwnd, tcb->ssthresh, tcb->srtt_us / 8,
                           (uint32_t)(rtt_rto_ns(tcb) / NS_PER_MS), tcb_in_flight(tcb)};
    memcpy(event.numbers, numbers, sizeof numbers);
    tcp_trace(tcb->tcp, &event, &tcb->flow);
}

#ifndef NDEBUG
void tcb_check(const struct tcb *tcb)
{
    INVARIANT(1, seq_le(tcb->snd_una, tcb->snd_nxt) && seq_le(tcb->snd_nxt, tcb->write_seq + tcb->fin_queued));
    if (tcb->state >= TCPS_ESTABLISHED && tcb->state != TCPS_TIME_WAIT) {
        uint32_t seq = tcb->snd_una, packets = 0, sacked = 0, lost = 0, resent = 0;
        for (uint32_t i = 0; tcb->tx && i < tcb->tx->count; i++) {
            const struct txseg *seg = txring_at(tcb->tx, i);
            if (i == 0 && seg->start == seq + 1) /* a SYN not yet acknowledged: closed in SYN-RECEIVED */
                seq++;
            INVARIANT(2, seg->start == seq && seq_gt(seg->end, seq));
            seq = seg->end;
            packets += txseg_packets(seg);
            sacked += seg->flags & TX_SACKED ? txseg_packets(seg) : 0;
            lost += seg->flags & TX_LOST ? txseg_packets(seg) : 0;
            resent += seg->flags & TX_RETRANS ? txseg_packets(seg) : 0;
        }
        INVARIANT(2, seq == tcb->snd_nxt && packets == tcb_packets_out(tcb));
        INVARIANT(6, seq_le(tcb->rcv_wup, tcb->rcv_nxt));
        const struct tcb_ext *ext = tcb_ext_peek(tcb);
        INVARIANT(4, ext->sacked_out + ext->lost_out <= packets && ext->lost_out == lost && ext->retrans_out >= resent &&
                         (!tcb->sack_ok || ext->sacked_out == sacked));
    }
    INVARIANT(3, tcb->ext || (!tcb->rcv_stream && !tcb->snd_stream));
    INVARIANT(7, !tcb->is_orphan || tcb->user == NULL);
}
#endif

void tcp_set_fastopen_key(struct tcp *tcp, const uint64_t words[4], unsigned keys)
{
    tcp->fastopen_key[0] = (struct siphash_key){words[0], words[1]};
    tcp->has_fastopen_key = true;
    tcp->has_fastopen_backup = keys > 1;
    if (keys > 1)
        tcp->fastopen_key[1] = (struct siphash_key){words[2], words[3]};
}

unsigned tcp_get_fastopen_key(const struct tcp *tcp, uint64_t words[4])
{
    memcpy(words, tcp->fastopen_key, sizeof tcp->fastopen_key);
    return tcp->has_fastopen_key ? 1 + tcp->has_fastopen_backup : 0;
}

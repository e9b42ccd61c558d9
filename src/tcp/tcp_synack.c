/* tcp_synack.c: the SYN/ACK: when it goes, how often, and what it says (RFC 9293 3.10.7.2, 3.8.1; the queue: tcp_synq.c). */
#include "tcp/tcp_synq.h"

/* How many SYN/ACKs more TCP_SYNCNT of the listener wants, or TCP_DEFER_ACCEPT after the bare ACK; 0: the host decides. */
static uint32_t own_retries(const struct syn_entry *entry, const struct tcp_listener *listener)
{
    if (!listener)
        return 0;
    uint32_t deferred = entry->acked ? listener->opt->defer_accept : 0;
    if (listener->opt->syn_retries)
        return max_u32(listener->opt->syn_retries, deferred);
    return deferred > listener->tcp->params.synack.retries ? deferred : 0;
}

/* The host's end of a request, which is by the clock; one that has retries of its own (IS_OWN) ends by their count. */
static uint64_t end_ns(const struct tcp *tcp, const struct syn_entry *entry, bool is_own)
{
    uint64_t wait_ns = tcp->params.synack.give_up_ms * NS_PER_MS;
    return wait_ns && !entry->keep_reset && !is_own ? timer_tick(tcp, synq_started_ns(entry), wait_ns) : LIL_NEVER;
}

/* What TCP's own backoff has where the schedule has its end, which no longer counts (keep_reset): 4.4BSD's 6, 24, 48, 64, 64 ... */
static uint64_t unended_ns(const struct tcp *tcp, const struct syn_entry *entry)
{
    const struct tcp_schedule *schedule = &tcp->params.synack;
    uint64_t interval_ms = schedule->interval_ms[schedule->count - 2];
    interval_ms <<= min_u32(entry->retransmits - (schedule->count - 2u), 20);
    return min_u64(interval_ms, tcp->params.rto_max_ms) * NS_PER_MS;
}

static bool is_unended(const struct tcp *tcp, const struct syn_entry *entry)
{
    return entry->keep_reset && tcp->params.synack.count >= 2 && entry->retransmits + 1u >= tcp->params.synack.count;
}

/* A SYN/ACK went out: when comes the next, or the end? */
void synq_schedule(struct tcp *tcp, uint32_t slot)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    const struct tcp_listener *listener = synq_listener(tcp, entry);
    unsigned level = min_u32(entry->retransmits, LEVEL_HELD - 1);
    if (!entry->start_ns)
        entry->start_ns = tcp->now_ns ? tcp->now_ns : 1;
    synq_unlink(tcp, entry);
    uint64_t interval_ns = timer_schedule(tcp, &tcp->params.synack, entry->retransmits, 0), first_ms = tcp->params.rto_initial_ms;
    bool is_own = own_retries(entry, listener) != 0;
    if (is_unended(tcp, entry))
        interval_ns = unended_ns(tcp, entry);
    if (is_own) /* the host's schedule may be shorter */
        interval_ns = min_u64(first_ms << min_u32(entry->retransmits, 20), tcp->params.rto_max_ms) * NS_PER_MS;
    if (listener && listener->opt->rto_max_ms)
        interval_ns = min_u64(interval_ns, listener->opt->rto_max_ms * NS_PER_MS);
    entry->deadline_ns = timer_on_wheel(tcp, min_u64(timer_tick(tcp, tcp->now_ns, interval_ns), end_ns(tcp, entry, is_own)));
    synq_append(tcp, slot, level);
}

/* 4.4BSD: a segment for the request: from now on the retransmissions alone have an end. */
void synq_keep_on(struct tcp *tcp, uint32_t slot)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    bool was_kept = entry->keep_reset, is_last = entry->retransmits + 1u == tcp->params.synack.count;
    entry->keep_reset = true;
    if (was_kept || !is_last || entry->level == LEVEL_NONE || entry->is_held || !is_unended(tcp, entry))
        return;
    synq_unlink(tcp, entry);
    entry->deadline_ns += unended_ns(tcp, entry) - timer_schedule(tcp, &tcp->params.synack, entry->retransmits, 0);
    synq_append(tcp, slot, LEVEL_HELD - 1);
}

uint64_t synq_deadline(const struct tcp *tcp)
{
    uint64_t first = LIL_NEVER;
    for (uint32_t left = tcp->levels_used; left; left &= left - 1)
        first = min_u64(first, tcp_syn(tcp, tcp->levels[__builtin_ctz(left)].first)->deadline_ns);
    return first;
}

static void expire(struct tcp *tcp, uint32_t slot)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    if (tcp->params.synack_expiry_rst && !entry->is_held) { /* 4.4: tcp_drop on a SYN_RECEIVED pcb answers with an RST */
        struct tcp_reply *reply = reply_push(tcp);
        if (reply)
            *reply = (struct tcp_reply){.flow = entry->flow, .seq = entry->iss + 1, .ack = entry->irs + 1, .flags = TCP_RST | TCP_ACK};
    }
    if (tcp->params.input_policy != TCP_INPUT_LINUX) /* which counts what a segment ended alone */
        TCP_MIB(tcp, AttemptFails);
    synq_end(tcp, slot);
}

void synq_resend(struct tcp *tcp, uint32_t slot, bool syn_again)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    entry->resent++;
    entry->syn_again = syn_again;
    entry->accecn_fail |= entry->accecn_ok && entry->resent > 1 ? ACCECN_ACE_FAIL_SEND : 0;
    TCP_MIB(tcp, RetransSegs);
    TCP_MIB(tcp, SynRetrans);
    synq_mark_due(tcp, slot);
}

/* Half of the room is for requests that no timeout has met yet: while old ones take more, they go after fewer SYN/ACKs (Linux's
 * reqsk_timer_handler). */
static uint32_t prune(const struct tcp_listener *listener, uint32_t retries)
{
    if (!listener->tcp->params.syn_queue_by_backlog || listener->incomplete * 2 <= max_u32(8, listener_backlog(listener)))
        return retries;
    for (uint32_t young = listener->young * 2; retries > 2 && listener->incomplete >= young; young *= 2)
        retries--;
    return retries;
}

static void on_timeout(struct tcp *tcp, uint32_t slot)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    struct tcp_listener *listener = synq_listener(tcp, entry);
    uint32_t retries = listener && listener->opt->syn_retries ? listener->opt->syn_retries : tcp->params.synack.retries;
    if (entry->keep_reset)
        retries = tcp->params.retries2;
    if (listener)
        retries = prune(listener, retries);
    TCP_MIB(tcp, Timeouts);
    bool over = tcp->now_ns >= end_ns(tcp, entry, own_retries(entry, listener) != 0);
    if (listener && listener->opt->defer_accept && entry->acked)
        retries = max_u32(retries, listener->opt->defer_accept);
    if (over || entry->is_held || (retries && entry->retransmits >= retries) || entry->retransmits >= LEVEL_HELD - 1) {
        expire(tcp, slot);
        return;
    }
    if (listener)
        listener->young -= entry->retransmits == 0;
    entry->retransmits++;
    if (tcp->params.byte_recovery && !may_ask_ecn(tcp, entry->retransmits)) /* syncache_timer(): for good */
        entry->ecn_ok = entry->accecn_ok = false;
    entry->is_migrated = false;
    synq_schedule(tcp, slot);
    /* TCP_DEFER_ACCEPT: after the bare ACK nothing is sent until the last round (Linux's syn_ack_recalc) */
    if (listener && listener->opt->defer_accept && entry->acked && entry->retransmits < listener->opt->defer_accept)
        return;
    synq_resend(tcp, slot, false);
}

void synq_poll(struct tcp *tcp)
{
    uint32_t left = tcp->levels_used;
    while (left) { /* downwards: what moves up a level is not met again */
        unsigned i = 31u - (unsigned)__builtin_clz(left);
        left &= ~(1u << i);
        while (tcp->levels[i].first != TCP_NONE && tcp_syn(tcp, tcp->levels[i].first)->deadline_ns <= tcp->now_ns)
            on_timeout(tcp, tcp->levels[i].first);
    }
}

static void synq_segment(struct tcp *tcp, const struct syn_entry *entry, struct tcp_segment *segment)
{
    memset(segment, 0, sizeof *segment);
    struct tcphdr_ *header = &segment->header;
    segment->flow = entry->flow;
    header->source_port = entry->flow.local_port;
    header->dest_port = entry->flow.remote_port;
    header->seq = entry->iss;
    header->ack = entry->irs + 1;
    bool may_ask = may_ask_ecn(tcp, entry->retransmits + entry->syn_again);
    header->flags = TCP_SYN | TCP_ACK | (entry->ecn_ok && !entry->accecn_ok && may_ask ? TCP_ECE : 0);
    /* RFC 9768 3.1.4.2: lost twice, it may be for that */
    if (entry->accecn_ok && (entry->retransmits + entry->syn_again <= 1 || tcp->params.byte_recovery))
        header->flags |= accecn_reflect(entry->syn_ect);
    header->window = (uint16_t)min_u32(entry->window, 65535);
    header->options.has_mss = !entry->no_options;
    header->options.mss = entry->advmss;
    header->options.has_wscale = entry->wscale_ok;
    header->options.wscale = entry->rcv_wscale;
    header->options.sack_permitted = entry->sack_ok;
    if (entry->ts_ok) {
        header->options.has_timestamp = true;
        header->options.ts_value = tcp->now_ts + entry->ts_offset;
        header->options.ts_echo = entry->ts_recent;
    }
    bool in_first_alone = tcp->params.output_policy == TCP_OUTPUT_LINUX || tcp->params.input_policy == TCP_INPUT_BSD;
    if (entry->offers_fastopen && !(entry->resent && in_first_alone))
        fastopen_add_to_synack(tcp, entry, &header->options);
    if (entry->accecn_ok && !entry->resent && tcp->params.ecn_option)
        accecn_put_opening(&header->options);
    segment->option_order = tcp->params.option_order;
    if (!addr_is_v4(&entry->flow.remote))
        segment->flow_label = path_synack_label(tcp, entry, synq_listener(tcp, entry));
    segment->tos = entry->tos;
    segment->ttl = 0;
    segment->dont_fragment = tcp->params.pmtu_discovery && !entry->keep_whole;
    TCP_MIB(tcp, OutSegs);
}

bool synq_output(struct tcp *tcp, struct tcp_segment *segment)
{
    uint32_t slot = tcp->syn_due_first;
    struct syn_entry *entry = tcp_syn(tcp, slot);
    tcp->syn_due_first = entry->due_next;
    if (tcp->syn_due_first == TCP_NONE) {
        tcp->syn_due_last = TCP_NONE;
        tcp->due &= ~(uint32_t)DUE_SYN;
    }
    entry->is_due = false;
    synq_segment(tcp, entry, segment);
    const struct tcb_opts *opts = synq_opts(tcp, entry);
    if (cc_needs_ecn(tcp, opts)) /* Linux: whatever was agreed on */
        segment->tos |= 2;
    bool is_v6 = !addr_is_v4(&entry->flow.remote);
    if (tcp->params.input_policy == TCP_INPUT_LINUX && !tcp->params.reflect_tos && synq_listener(tcp, entry))
        segment->tos = (uint8_t)(opts->socket.tos[is_v6] | (segment->tos & 3)); /* as the listener has it now */
    const struct ip_extra *extra = is_v6 ? opts->socket.extra : NULL;
    segment->ttl = opts->socket.ttl[is_v6];
    if (extra && extra->version == 6) /* Linux: IPv4's answer what came with the SYN */
        segment->extra = extra;
    if (opts->md5)
        md5_sign(opts, &segment->flow, &segment->header, NULL);
    if (entry->level == LEVEL_NONE)
        synq_schedule(tcp, slot);
    entry->last_ms = synq_age_ms(tcp, entry);
    return true;
}

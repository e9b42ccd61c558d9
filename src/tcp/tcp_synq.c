/* tcp_synq.c: the incomplete queue: a small entry for each SYN not yet answered by the final ACK (RFC 9293 3.10.7.2-4, SYN-RECEIVED;
 * RFC 4987 3.4). Entries wait in FIFO lists by the number of SYN/ACKs sent, since each interval of the schedule is fixed. */
#include "tcp/tcb.h"

enum { LEVEL_HELD = SYN_LEVELS - 1, HELD_SECONDS = 60 };

static void unlink_entry(struct tcp *tcp, struct syn_entry *entry)
{
    if (entry->level == 0xff)
        return;
    if (entry->prev != TCP_NONE)
        tcp_syn(tcp, entry->prev)->next = entry->next;
    else if ((tcp->levels[entry->level].first = entry->next) == TCP_NONE)
        tcp->levels_used &= ~(1u << entry->level);
    if (entry->next != TCP_NONE)
        tcp_syn(tcp, entry->next)->prev = entry->prev;
    else
        tcp->levels[entry->level].last = entry->prev;
    entry->level = 0xff;
}

static void append_entry(struct tcp *tcp, uint32_t slot, unsigned level)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    entry->level = (uint8_t)level;
    entry->prev = tcp->levels[level].last;
    entry->next = TCP_NONE;
    if (entry->prev != TCP_NONE)
        tcp_syn(tcp, entry->prev)->next = slot;
    else
        tcp->levels[level].first = slot;
    tcp->levels[level].last = slot;
    tcp->levels_used |= 1u << level;
}

static void trace_state(struct tcp *tcp, const struct syn_entry *entry, const char *from, const char *to)
{
    if (!tcp->hooks.trace)
        return;
    struct lil_trace event = {.kind = LIL_TRACE_STATE, .old_state = from, .new_state = to};
    tcp_trace(tcp, &event, &entry->flow);
}

static struct tcp_listener *listener_of(const struct tcp *tcp, const struct syn_entry *entry)
{
    return entry->listener == TCP_NONE ? NULL : tcp->listeners[entry->listener];
}

uint32_t synq_new(struct tcp *tcp, const struct tcp_in *in)
{
    uint32_t slot;
    struct syn_entry *entry = slab_new(&tcp->syns, &slot);
    if (!entry)
        return TCP_NONE;
    entry->flow = in->flow;
    entry->hash = flow_hash(tcp, &in->flow);
    entry->level = 0xff;
    entry->listener = TCP_NONE;
    if (flow_insert(tcp, &entry->flow, FLOW_SYN, slot, false) < 0) {
        slab_free(&tcp->syns, slot);
        return TCP_NONE;
    }
    tcp->syn_count++;
    entry->irs = in->header.seq;
    entry->ifindex = in->ifindex;
    return slot;
}

static void clear_due(struct tcp *tcp, uint32_t slot)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    if (!entry->is_due)
        return;
    entry->is_due = false;
    uint32_t *link = &tcp->syn_due_first, last = TCP_NONE;
    while (*link != TCP_NONE && *link != slot) {
        last = *link;
        link = &tcp_syn(tcp, *link)->due_next;
    }
    if (*link == slot) {
        *link = entry->due_next;
        if (tcp->syn_due_last == slot)
            tcp->syn_due_last = last;
        if (last == TCP_NONE)
            tcp->due &= ~(uint32_t)DUE_SYN;
    }
}

void synq_mark_due(struct tcp *tcp, uint32_t slot)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    if (entry->is_due)
        return;
    bool was_idle = !tcp->due;
    tcp->due |= DUE_SYN;
    entry->is_due = true;
    entry->due_next = TCP_NONE;
    if (tcp->syn_due_last != TCP_NONE)
        tcp_syn(tcp, tcp->syn_due_last)->due_next = slot;
    else
        tcp->syn_due_first = slot;
    tcp->syn_due_last = slot;
    if (was_idle && tcp->hooks.due)
        tcp->hooks.due(tcp->hooks.ctx);
}

/* The entry's end; its flow is not its own any more. */
static void free_entry(struct tcp *tcp, uint32_t slot)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    struct tcp_listener *listener = listener_of(tcp, entry);
    clear_due(tcp, slot);
    unlink_entry(tcp, entry);
    if (listener) {
        listener->incomplete--;
        listener->young -= entry->retransmits == 0;
    }
    saved_syn_free(tcp, &entry->saved_syn);
    slab_free(&tcp->syns, slot);
    tcp->syn_count--;
}

void synq_remove(struct tcp *tcp, uint32_t slot)
{
    flow_remove(tcp, &tcp_syn(tcp, slot)->flow, tcp_syn(tcp, slot)->hash, FLOW_SYN, slot, false);
    free_entry(tcp, slot);
}

/* What the SYN asks for: ECN (RFC 3168 6.1.1), or that with accurate feedback (RFC 9768 3.1.1). */
static void take_ecn(struct tcp *tcp, struct syn_entry *entry, const struct tcb_opts *opts, const struct tcp_path *path,
                     const struct tcp_in *in)
{
    const struct tcp_params *params = &tcp->params;
    bool asks = (in->header.flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
    bool is_on = params->ecn || (path->metrics && path->metrics->ecn);
    bool is_plain = !(in->ecn & 3) || (in->header.flags & TCP_AE) || params->input_policy == TCP_INPUT_BSD;
    entry->accecn_ok = params->ecn >= 3 && accecn_is_asked(in->header.flags);
    entry->syn_ect = in->ecn & 3;
    entry->ecn_ok = entry->accecn_ok || (asks && (cc_needs_ecn(tcp, opts) || (is_on && is_plain)));
}

/* What the SYN offered and what is answered (RFC 9293 3.10.7.2; 7323; 2018; 3168). */
void synq_fill(struct tcp *tcp, struct syn_entry *entry, struct tcp_listener *listener, const struct tcp_in *in)
{
    const struct tcp_params *params = &tcp->params;
    const struct tcp_options *options = &in->header.options;
    const struct tcb_opts *opts = listener ? listener->opt : &tcp->default_opts;
    bool v4 = addr_is_v4(&entry->flow.remote);
    int error;
    const struct tcp_path *path = mss_path(tcp, &entry->flow, &error);
    struct isn isn = isn_make(tcp, &entry->flow);
    entry->iss = tcp->tw_isn ? tcp->tw_isn : isn.iss;
    entry->mss = (uint16_t)mss_of_syn(params, v4, options);
    entry->advmss = (uint16_t)mss_offer(tcp, path, &entry->flow, opts);
    entry->is_loopback = path->is_loopback;
    entry->hop_limit = path->metrics ? path->metrics->hop_limit : 0;
    entry->keep_whole = path->metrics && path->metrics->mtu_lock;
    entry->snd_wnd = in->header.window;
    entry->ts_ok = options->has_timestamp && params->offer_timestamps;
    entry->sack_ok = options->sack_permitted && params->offer_sack;
    entry->wscale_ok = options->has_wscale && params->offer_wscale;
    entry->snd_wscale = entry->wscale_ok ? (uint8_t)min_u32(options->wscale, 14) : 0;
    entry->ts_recent = options->ts_value;
    entry->ts_offset = isn.ts_offset;
    if (opts->md5 && entry->sack_ok && md5_is_signed(opts, &entry->flow.remote))
        entry->ts_ok = false; /* no SACK block fits beside both */
    entry->flow_label = v4 || !(params->flow_label_reflect & FLOW_LABEL_CONNECTIONS) ? 0 : in->flow_label;
    entry->no_options = opts->no_options;
    if (entry->no_options)
        entry->ts_ok = entry->sack_ok = entry->wscale_ok = false;
    take_ecn(tcp, entry, opts, path, in);
    entry->tos = params->reflect_tos ? (uint8_t)((in->tos & 0xfc) | (opts->socket.tos[!v4] & 3)) : opts->socket.tos[!v4];
    uint8_t wscale;
    uint32_t mss = entry->advmss - (entry->ts_ok ? 12u : 0);
    entry->window = window_initial(tcp, opts, path->metrics, window_first_space(params, opts), mss, entry->wscale_ok, &wscale);
    entry->rcv_wscale = wscale & 15;
    trace_state(tcp, entry, "LISTEN", "SYN_RECEIVED");
}

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

static uint64_t started_ns(const struct syn_entry *entry) { return entry->start_ns == 1 ? 0 : entry->start_ns; }

/* The host's end of a request, which is by the clock; one that has retries of its own (IS_OWN) ends by their count. */
static uint64_t end_ns(const struct tcp *tcp, const struct syn_entry *entry, bool is_own)
{
    uint64_t wait_ns = tcp->params.synack.give_up_ms * NS_PER_MS;
    return wait_ns && !entry->keep_reset && !is_own ? timer_tick(tcp, started_ns(entry), wait_ns) : LIL_NEVER;
}

/* A SYN/ACK went out: when comes the next, or the end? */
static void synq_schedule(struct tcp *tcp, uint32_t slot)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    unsigned level = min_u32(entry->retransmits, LEVEL_HELD - 1);
    if (!entry->start_ns)
        entry->start_ns = tcp->now_ns ? tcp->now_ns : 1;
    unlink_entry(tcp, entry);
    uint64_t interval_ns = timer_schedule(tcp, &tcp->params.synack, entry->retransmits, 0), first_ms = tcp->params.rto_initial_ms;
    bool is_own = own_retries(entry, listener_of(tcp, entry)) != 0;
    if (is_own) /* the host's schedule may be shorter */
        interval_ns = min_u64(first_ms << min_u32(entry->retransmits, 20), tcp->params.rto_max_ms) * NS_PER_MS;
    entry->deadline_ns = timer_on_wheel(tcp, min_u64(timer_tick(tcp, tcp->now_ns, interval_ns), end_ns(tcp, entry, is_own)));
    append_entry(tcp, slot, level);
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
    struct tcp_listener *listener = listener_of(tcp, entry);
    if (tcp->params.synack_expiry_rst && !entry->is_held) { /* 4.4: tcp_drop on a SYN_RECEIVED pcb answers with an RST */
        struct tcp_reply *reply = reply_push(tcp);
        if (reply)
            *reply = (struct tcp_reply){.flow = entry->flow, .seq = entry->iss + 1, .ack = entry->irs + 1, .flags = TCP_RST | TCP_ACK};
    }
    if (tcp->params.input_policy != TCP_INPUT_LINUX) /* which counts what a segment ended alone */
        TCP_MIB(tcp, AttemptFails);
    trace_state(tcp, entry, "SYN_RECEIVED", "CLOSED");
    synq_remove(tcp, slot);
    if (listener)
        listener_trace(listener);
}

static void count_repeat(struct tcp *tcp) /* a SYN/ACK goes again */
{
    TCP_MIB(tcp, RetransSegs);
    TCP_MIB(tcp, SynRetrans);
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
    struct tcp_listener *listener = listener_of(tcp, entry);
    uint32_t retries = listener && listener->opt->syn_retries ? listener->opt->syn_retries : tcp->params.synack.retries;
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
    entry->resent++;
    entry->syn_again = false;
    entry->accecn_fail |= entry->accecn_ok && entry->resent > 1 ? ACCECN_ACE_FAIL_SEND : 0;
    count_repeat(tcp);
    synq_mark_due(tcp, slot);
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

static uint16_t since_start_ms(const struct tcp *tcp, const struct syn_entry *entry)
{
    return (uint16_t)min_u64((tcp->now_ns - started_ns(entry)) / NS_PER_MS, UINT16_MAX);
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
        segment->flow_label = path_synack_label(tcp, entry, listener_of(tcp, entry));
    segment->tos = entry->tos;
    segment->ttl = entry->hop_limit ? entry->hop_limit : tcp_ttl(tcp, addr_is_v4(&entry->flow.remote));
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
    const struct tcb_opts *opts = listener_of(tcp, entry) ? listener_of(tcp, entry)->opt : &tcp->default_opts;
    segment->tos |= cc_needs_ecn(tcp, opts) ? 2 : 0; /* Linux: whatever was agreed on */
    bool is_v6 = !addr_is_v4(&entry->flow.remote);
    if (tcp->params.input_policy == TCP_INPUT_LINUX && !tcp->params.reflect_tos && listener_of(tcp, entry))
        segment->tos = (uint8_t)(opts->socket.tos[is_v6] | (segment->tos & 3)); /* as the listener has it now */
    segment->ttl = opts->socket.ttl[is_v6] ? opts->socket.ttl[is_v6] : segment->ttl;
    if (is_v6 && opts->socket.extra && opts->socket.extra->version == 6) /* Linux: IPv4's answer what came with the SYN */
        segment->extra = opts->socket.extra;
    if (opts->md5)
        md5_sign(opts, &segment->flow, &segment->header, NULL);
    if (entry->level == 0xff)
        synq_schedule(tcp, slot);
    entry->last_ms = since_start_ms(tcp, entry);
    return true;
}

/* --- from entry to connection ------------------------------------------------------------------------------------------- */

/* What TCP_INFO tells of the SYN/ACKs that went again. */
COLD static void note_resent(struct tcb *tcb, const struct syn_entry *entry)
{
    struct tcb_ext *ext = tcb->ext;
    ext->path = path_of_synack(tcb->tcp, entry, listener_of(tcb->tcp, entry));
    ext->total_retrans = entry->resent;
    ext->total_rto = entry->retransmits;
    ext->total_rto_recoveries = entry->retransmits != 0;
    ext->total_rto_time_ms = entry->retransmits ? (uint32_t)((tcb_now(tcb) - entry->start_ns) / NS_PER_MS) : 0;
}

struct tcb *synq_make_tcb(struct tcp *tcp, const struct syn_entry *entry, struct tcp_listener *listener)
{
    struct tcb *tcb = tcb_new(tcp, listener ? listener->opt : &tcp->default_opts);
    if (!tcb)
        return NULL;
    tcb->flow = entry->flow;
    tcb->is_v4 = addr_is_v4(&entry->flow.remote);
    const struct ip_extra *extra = tcb->is_guarded ? tcb->opt->socket.extra : NULL;
    if (extra && extra->version == 4 && tcp_set_extra(tcp, tcb, NULL, NULL, tcp->now_ns) < 0) {
        tcb_free(tcb);
        return NULL;
    }
    tcb->is_passive = true;
    tcb->is_unaccepted = listener != NULL;
    tcb->accept_next = TCP_NONE;
    if (!listener)
        tcb->user = NULL;
    tcb->reuseaddr = tcb->reuseport = true; /* until accept() knows its listener's */
    tcb->snd_una = entry->iss;
    tcb->snd_nxt = tcb->write_seq = entry->iss + 1;
    tcb->rcv_nxt = tcb->rcv_wup = entry->irs + 1;
    tcb->ts_offset = entry->ts_offset;
    tcb->ts_recent = entry->ts_recent;
    tcb->ts_recent_s = tcp->now_s;
    tcb->ts_ok = entry->ts_ok;
    tcb->sack_ok = entry->sack_ok;
    tcb->ecn_ok = entry->ecn_ok;
    if (entry->accecn_ok) {
        struct tcb_ext *ext = tcb_ext_get(tcb);
        tcb->ecn_ok = ext != NULL;
        if (ext) {
            ext->accecn.on = true;
            ext->accecn.syn_received = entry->syn_ect;
            ext->accecn.received_ce = tcp->params.byte_recovery && entry->syn_ect == 3;
            ext->accecn.syn_sent = listener && cc_needs_ecn(tcp, listener->opt) ? 2 : 0;
            ext->accecn.seen = entry->accecn_seen;
            ext->accecn.fail = entry->accecn_fail;
        }
    }
    struct tcb_ext *challenged = entry->challenge_count ? tcb_ext_get(tcb) : NULL;
    if (challenged) { /* the limit goes on */
        challenged->challenge_end_ms = entry->challenge_end_ms;
        challenged->challenge_count = entry->challenge_count;
    }
    tcb->wscale_ok = entry->wscale_ok;
    tcb->snd_wscale = entry->snd_wscale;
    tcb->rcv_wscale = entry->rcv_wscale;
    tcb->snd_wnd = entry->snd_wnd; /* BSD forgets the SYN's, Linux counts the largest from the ACK on: a SYN's is not scaled */
    tcb->max_window = tcp->params.input_policy == TCP_INPUT_BSD || tcp->params.input_policy == TCP_INPUT_LINUX ? 0 : entry->snd_wnd;
    tcb->snd_wl1 = entry->irs;
    tcb->dont_nagle = tcb->opt->socket.nodelay;
    bool keeps_tos = tcp->params.input_policy != TCP_INPUT_LINUX || tcp->params.reflect_tos; /* else it is the listener's, as it is now */
    if (keeps_tos && entry->tos != tcb->opt->socket.tos[!tcb->is_v4] && tcb_opts_own(tcb))
        tcb->opt->socket.tos[!tcb->is_v4] = entry->tos;
    if ((tcb->opt->defer_accept || tcb->opt->fastopen_qlen) && tcp->params.input_policy == TCP_INPUT_LINUX && tcb_opts_own(tcb))
        tcb->opt->defer_accept = tcb->opt->fastopen_qlen = 0; /* the listener's queue is its own (inet_csk_clone) */
    if (mss_init(tcb, entry->mss) < 0) {
        tcb_free(tcb);
        return NULL;
    }
    window_round_buffers(tcb);
    tcb->rcv_wnd = entry->window;
    tcb->rcv_ssthresh = tcb->rcv_wnd;
    tcb->syn_start_ns = entry->start_ns == 1 ? 0 : entry->start_ns;
    tcb->retransmits = entry->retransmits;
    if ((entry->resent || entry->retransmits) && tcb_ext_get(tcb))
        note_resent(tcb, entry);
    return tcb;
}

/* The entry becomes a connection in SYN_RECEIVED; its flow now names the tcb. NULL: memory, the entry stays. */
struct tcb *synq_promote(struct tcp *tcp, uint32_t slot, struct tcp_listener *listener)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    struct tcb *tcb = synq_make_tcb(tcp, entry, listener);
    if (!tcb)
        return NULL;
    flow_replace(tcp, entry->hash, FLOW_SYN, slot, FLOW_TCB, tcb->slot);
    tcb->is_counted = true;
    *tcp_recent_of(tcp, &tcb->flow) = tcb;
    if (entry->saved_syn && tcb_ext_get(tcb)) {
        tcb->ext->saved_syn = entry->saved_syn;
        entry->saved_syn = NULL;
    }
    free_entry(tcp, slot);
    tcb_adopt_syn_received(tcb);
    TCP_MIB(tcp, PassiveOpens);
    return tcb;
}

static enum lil_drop take_final_ack(struct tcp *tcp, uint32_t slot, const struct tcp_in *in, struct lil_packet **packet)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    struct tcp_listener *listener = listener_of(tcp, entry);
    const struct tcp_params *params = &tcp->params;
    bool full = params->full_ack_policy != TCP_FULL_ACK_QUEUE && listener->complete >= listener_backlog(listener) + 1;
    if (full && params->backlog_count == TCP_COUNT_COMPLETE)
        full = listener_is_full(listener);
    if (full) {
        TCP_MIB(tcp, ListenOverflows);
        TCP_MIB(tcp, ListenDrops);
        tcp->mib[MIB_MigrateReqFailure] += entry->is_migrated;
        if (params->full_ack_policy == TCP_FULL_ACK_RST || params->abort_on_overflow) {
            reset_reply(tcp, in);
            TCP_MIB(tcp, EmbryonicRsts);
            trace_state(tcp, entry, "SYN_RECEIVED", "CLOSED");
            synq_remove(tcp, slot);
            listener_trace(listener);
        } else {
            entry->acked = true; /* the ACK and its data are ignored, the request is kept, the SYN/ACK goes again */
        }
        return LIL_DROP_TCP_ACCEPT_QUEUE;
    }
    if (entry->accecn_ok && in->header.options.has_accecn && entry->accecn_seen < 2)
        entry->accecn_seen = accecn_look_at_option(&in->header.options) & 3;
    if (listener->opt->defer_accept && entry->retransmits < listener->opt->defer_accept && in->payload == 0 &&
        !(in->header.flags & TCP_FIN) && in->header.seq == entry->irs + 1) {
        entry->acked = true;
        TCP_MIB(tcp, DeferAcceptDrop);
        return LIL_DROP_NONE;
    }
    bool is_migrated = entry->is_migrated;
    struct tcb *tcb = synq_promote(tcp, slot, listener);
    if (!tcb) {
        TCP_MIB(tcp, ListenDrops);
        return LIL_DROP_TCP_MEMORY;
    }
    if (tcb->ts_ok && in->header.options.has_timestamp && seq_le(in->header.seq, tcb->rcv_nxt))
        tcb->ts_recent = in->header.options.ts_value; /* it is no progress of the connection's (RFC 9768 3.2.2.5) */
    if (params->flow_label_reflect & FLOW_LABEL_CONNECTIONS && !tcb->is_v4)
        (void)!tcp_set_flow_label(tcb, in->flow_label); /* without memory it goes without */
    tcp->mib[MIB_MigrateReqSuccess] += is_migrated;
    enum lil_drop drop = tcp_input_tcb(tcb, in, packet);
    listener_enqueue(listener, tcb);
    return drop;
}

static bool is_paws_reject(const struct tcp *tcp, const struct syn_entry *entry, const struct tcphdr_ *header)
{
    bool ignored = tcp->params.input_policy == TCP_INPUT_LINUX && entry->ts_recent == 0; /* a reset is not excepted there */
    return entry->ts_ok && header->options.has_timestamp && (int32_t)(entry->ts_recent - header->options.ts_value) > 0 && !ignored;
}

/* Linux: a timestamp that none of our SYN/ACKs had is not echoed by the peer that got them. */
static bool is_foreign_echo(const struct tcp *tcp, const struct syn_entry *entry, const struct tcphdr_ *header)
{
    uint32_t echo = header->options.ts_echo;
    if (tcp->params.input_policy != TCP_INPUT_LINUX || !entry->ts_ok || !header->options.has_timestamp || echo == 0)
        return false;
    uint64_t last_ns = started_ns(entry) + entry->last_ms * NS_PER_MS + NS_PER_MS - 1;
    return !seq_between(echo - entry->ts_offset, tcp_ts_at(tcp, started_ns(entry)), tcp_ts_at(tcp, last_ns));
}

/* Linux: one answer to invalid segments each invalid_ratelimit_ms; data without a SYN is no part of an ACK loop (tcp_oow_rate_limited). */
static bool is_answer_limited(struct tcp *tcp, struct syn_entry *entry, const struct tcp_in *in, enum tcp_mib skipped)
{
    uint32_t limit = tcp->params.invalid_ratelimit_ms, now = min_u32(since_start_ms(tcp, entry) + 1u, UINT16_MAX);
    bool text = in->payload || in->header.flags & TCP_FIN;
    if (tcp->params.input_policy != TCP_INPUT_LINUX || !limit || (text && !(in->header.flags & TCP_SYN)))
        return false;
    if (entry->oow_ack_ms && now - entry->oow_ack_ms < limit) {
        tcp->mib[skipped]++;
        return true;
    }
    entry->oow_ack_ms = (uint16_t)now;
    return false;
}

static void send_ack(struct tcp *tcp, const struct syn_entry *entry, const struct tcp_in *in)
{
    const struct tcp_listener *listener = listener_of(tcp, entry);
    bool is_linux = tcp->params.input_policy == TCP_INPUT_LINUX, is_bsd = tcp->params.input_policy == TCP_INPUT_BSD;
    struct tcp_reply *reply = reply_push(tcp);
    if (!reply)
        return;
    *reply = (struct tcp_reply){.flow = entry->flow, .seq = entry->iss + 1, .ack = entry->irs + 1, .flags = TCP_ACK,
                                .tos = is_linux ? in->tos & 0xfc : entry->tos,
                                .ttl = is_bsd && listener ? listener->opt->socket.ttl[!addr_is_v4(&entry->flow.remote)] : 0};
    reply->window = (uint16_t)min_u32(entry->window >> (is_bsd ? 0 : entry->rcv_wscale), 65535); /* syncache_respond() scales nothing */
    if (entry->ts_ok && (entry->ts_recent || !is_linux)) { /* tcp_v4_send_ack() takes 0 for none */
        reply->has_ts = true;
        reply->ts_value = tcp->now_ts + entry->ts_offset;
        reply->ts_echo = entry->ts_recent;
    }
    reply_sign(reply, listener ? listener->opt : NULL);
}

static void abandon(struct tcp *tcp, uint32_t slot)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    struct tcp_listener *listener = listener_of(tcp, entry);
    TCP_MIB(tcp, AttemptFails);
    trace_state(tcp, entry, "SYN_RECEIVED", "CLOSED");
    synq_remove(tcp, slot);
    if (listener)
        listener_trace(listener);
}

/* The SYN again: its timestamp and ECN are taken anew, the SYN/ACK goes at once, and the schedule begins again. */
static void answer_again(struct tcp *tcp, uint32_t slot, const struct tcp_in *in)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    const struct tcp_options *options = &in->header.options;
    if (entry->level == 0xff)
        return; /* the first SYN/ACK is still to go */
    entry->ts_ok = entry->ts_ok && options->has_timestamp;
    if (entry->ts_ok)
        entry->ts_recent = options->ts_value;
    struct tcp_listener *listener = listener_of(tcp, entry);
    int error;
    if (entry->ecn_ok)
        take_ecn(tcp, entry, listener ? listener->opt : &tcp->default_opts, mss_path(tcp, &entry->flow, &error), in);
    if (listener)
        listener->young += entry->retransmits != 0;
    entry->retransmits = 0;
    entry->start_ns = 0;
    synq_schedule(tcp, slot);
    synq_mark_due(tcp, slot);
}

COLD static enum lil_drop input_bsd(struct tcp *tcp, uint32_t slot, const struct tcp_in *in, struct lil_packet **packet)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    enum lil_drop drop;
    switch (bsd_synq(tcp, entry, in, &drop)) {
    case BSD_SYN_AGAIN:
        answer_again(tcp, slot, in);
        break;
    case BSD_SYN_REFUSE:
        abandon(tcp, slot);
        /* fall through */
    case BSD_SYN_RESET:
        if (tcp->params.blackhole < 3)
            reset_reply(tcp, in);
        break;
    case BSD_SYN_REMOVE:
        abandon(tcp, slot);
        break;
    case BSD_SYN_CHALLENGE:
        if (bsd_challenge_allowed(tcp, &entry->challenge_end_ms, &entry->challenge_count))
            send_ack(tcp, entry, in);
        break;
    case BSD_SYN_ACCEPT:
        if (!in->header.options.has_timestamp)
            entry->ts_ok = false; /* tolerate_missing_ts */
        return take_final_ack(tcp, slot, in, packet);
    case BSD_SYN_DROP:
        break;
    }
    return drop;
}

static void adopt_entry(struct syn_entry *entry, struct tcp_listener *listener)
{
    entry->listener = listener->slot;
    listener->incomplete++;
    listener->young += entry->retransmits == 0;
}

/* Its listener closes, LISTENER goes on in its place. */
void synq_migrate(struct syn_entry *entry, struct tcp_listener *listener)
{
    struct tcp_listener *before = listener_of(listener->tcp, entry);
    before->incomplete--;
    before->young -= entry->retransmits == 0;
    adopt_entry(entry, listener);
    entry->is_migrated = true;
}

/* An entry that outlived its listener belongs to the next one on its port. False: there is none. */
bool synq_has_listener(struct tcp *tcp, uint32_t slot)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    if (entry->listener != TCP_NONE || entry->is_held)
        return true;
    struct tcp_listener *listener = listener_find(tcp, &entry->flow, entry->ifindex);
    if (!listener)
        return false;
    adopt_entry(entry, listener);
    return true;
}

/* RFC 9293 3.10.7.4 for SYN-RECEIVED after a passive open, on the small entry. */
enum lil_drop synq_input(struct tcp *tcp, uint32_t slot, const struct tcp_in *in, struct lil_packet **packet)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    const struct tcphdr_ *header = &in->header;
    uint32_t end_seq = header->seq + in->payload + !!(header->flags & TCP_SYN) + !!(header->flags & TCP_FIN), rcv_nxt = entry->irs + 1;
    if (tcp->params.input_policy == TCP_INPUT_BSD && !entry->is_held)
        return input_bsd(tcp, slot, in, packet);
    bool paws = is_paws_reject(tcp, entry, header);
    if (tcp->params.synrcvd_keep_reset)
        entry->keep_reset = true;
    if (entry->is_held)
        return LIL_DROP_TCP_DUPLICATE;
    if (header->seq == entry->irs && (header->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && !paws) {
        if (entry->level == 0xff)
            return LIL_DROP_TCP_DUPLICATE; /* the first SYN/ACK is still to go */
        if (is_answer_limited(tcp, entry, in, MIB_ACKSkippedSynRecv))
            return LIL_DROP_TCP_DUPLICATE;
        entry->resent++;
        entry->syn_again = true;
        if (entry->accecn_ok) {
            entry->syn_ect = in->ecn & 3;
            entry->accecn_fail |= (header->flags & (TCP_AE | TCP_CWR | TCP_ECE)) ? 0 : ACCECN_ACE_FAIL_RECV;
            entry->accecn_fail |= entry->resent > 1 ? ACCECN_ACE_FAIL_SEND : 0;
        }
        if (tcp->params.synack.give_up_ms == 0 || tcp->params.input_policy == TCP_INPUT_LINUX)
            synq_schedule(tcp, slot); /* the SYN again: the SYN/ACK again, and its timer from now */
        count_repeat(tcp);
        synq_mark_due(tcp, slot);
        return LIL_DROP_TCP_DUPLICATE;
    }
    /* whatever it acknowledges */
    bool is_linux = tcp->params.input_policy == TCP_INPUT_LINUX, resets = is_linux && (header->flags & TCP_RST);
    if ((header->flags & TCP_ACK) && header->ack != entry->iss + 1 && !resets) { /* 3.5.2 group 2: an unacceptable ACK -> RST */
        if (!(header->flags & TCP_RST))
            reset_reply(tcp, in);
        return LIL_DROP_TCP_BAD_ACK;
    }
    bool in_window = header->seq == end_seq ? seq_between(header->seq, rcv_nxt, rcv_nxt + entry->window)
                                            : seq_gt(end_seq, rcv_nxt) && seq_lt(header->seq, rcv_nxt + entry->window);
    if (!is_linux && header->seq == entry->irs && (header->flags & TCP_SYN))
        in_window = true;
    bool is_foreign = !paws && in_window && is_foreign_echo(tcp, entry, header);
    if (paws || !in_window || is_foreign) {
        if (paws)
            TCP_MIB(tcp, PAWSEstab);
        else if (is_foreign)
            TCP_MIB(tcp, TSEcrRejected);
        if (!(header->flags & TCP_RST) && !is_answer_limited(tcp, entry, in, MIB_ACKSkippedSynRecv))
            send_ack(tcp, entry, in);
        return paws ? LIL_DROP_TCP_PAWS : LIL_DROP_TCP_BAD_SEQ;
    }
    if (resets && header->seq != rcv_nxt) { /* RFC 5961 3.2 */
        if (!is_answer_limited(tcp, entry, in, MIB_ACKSkippedChallenge)) {
            TCP_MIB(tcp, ChallengeACK);
            send_ack(tcp, entry, in);
        }
        return LIL_DROP_TCP_BAD_SEQ;
    }
    if (header->flags & (TCP_RST | TCP_SYN)) { /* RST, or a SYN in the window: back to LISTEN */
        if (!(header->flags & TCP_RST))
            reset_reply(tcp, in);
        TCP_MIB(tcp, EmbryonicRsts);
        abandon(tcp, slot);
        return LIL_DROP_NONE;
    }
    if (!(header->flags & TCP_ACK))
        return LIL_DROP_TCP_BAD_FLAGS;
    return take_final_ack(tcp, slot, in, packet);
}

void synq_on_icmp(struct tcp *tcp, uint32_t slot, uint32_t seq, int error)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    struct tcp_listener *listener = listener_of(tcp, entry);
    bool noted = entry->unreachable && entry->retransmits >= 3; /* FreeBSD: the second error counts, once four SYN/ACKs have gone */
    if (seq != entry->iss)
        TCP_MIB(tcp, OutOfWindowIcmps);
    if (seq != entry->iss || error == 0)
        return;
    entry->unreachable = true;
    if (tcp->params.icmp_policy != TCP_ICMP_ABORT && !(noted && tcp->params.input_policy == TCP_INPUT_BSD))
        return;
    TCP_MIB(tcp, ListenDrops);
    synq_remove(tcp, slot);
    if (listener)
        listener_trace(listener);
}

/* --- accept-any interfaces: a SYN for nobody is held until the embedder answers --------------------------------------------- */

enum lil_drop synq_hold(struct tcp *tcp, const struct tcp_in *in)
{
    uint32_t slot = synq_new(tcp, in);
    if (slot == TCP_NONE)
        return LIL_DROP_TCP_MEMORY;
    struct syn_entry *entry = tcp_syn(tcp, slot);
    synq_fill(tcp, entry, NULL, in);
    entry->is_held = true;
    entry->deadline_ns = tcp->now_ns + HELD_SECONDS * NS_PER_S;
    append_entry(tcp, slot, LEVEL_HELD);
    struct handle handle = slab_handle(&tcp->syns, slot);
    if (tcp->hooks.stray_syn && tcp->hooks.stray_syn(tcp->hooks.ctx, &in->flow, in->ifindex, (uint64_t)handle.generation << 32 | slot))
        return LIL_DROP_NONE;
    synq_remove(tcp, slot);
    reset_reply(tcp, in);
    return LIL_DROP_TCP_NO_PORT;
}

void tcp_hold_answer(struct tcp *tcp, uint64_t id, bool accept, struct tcb **out, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    struct handle handle = {(uint32_t)id, (uint32_t)(id >> 32)};
    struct syn_entry *entry = slab_find(&tcp->syns, handle);
    if (out)
        *out = NULL;
    if (!entry || !entry->is_held)
        return;
    struct flow flow = entry->flow;
    uint32_t ack = entry->irs + 1;
    struct tcb *tcb = accept ? synq_promote(tcp, handle.slot, NULL) : NULL;
    if (tcb) {
        tcb->want_syn = true;
        tcb->syn_start_ns = now_ns;
        tcb_mark_due(tcb);
        if (out)
            *out = tcb;
        return;
    }
    synq_remove(tcp, handle.slot);
    struct tcp_reply *reply = reply_push(tcp);
    if (reply)
        *reply = (struct tcp_reply){.flow = flow, .ack = ack, .flags = TCP_RST | TCP_ACK};
}

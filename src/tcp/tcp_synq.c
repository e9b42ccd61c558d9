/* tcp_synq.c: the incomplete queue: a small entry for each SYN not yet answered by the final ACK (RFC 9293 3.10.7.2, RFC 4987 3.4): what
 * it takes from the SYN, whose it is, how it ends. tcp_synack.c answers it, tcp_synrcvd.c has what arrives next. Entries wait in FIFO
 * lists by the number of SYN/ACKs sent, since each interval of the schedule is fixed. */
#include "tcp/tcp_synq.h"

enum { HELD_SECONDS = 60 };

void synq_unlink(struct tcp *tcp, struct syn_entry *entry)
{
    if (entry->level == LEVEL_NONE)
        return;
    if (entry->prev != TCP_NONE)
        tcp_syn(tcp, entry->prev)->next = entry->next;
    else if ((tcp->levels[entry->level].first = entry->next) == TCP_NONE)
        tcp->levels_used &= ~(1u << entry->level);
    if (entry->next != TCP_NONE)
        tcp_syn(tcp, entry->next)->prev = entry->prev;
    else
        tcp->levels[entry->level].last = entry->prev;
    entry->level = LEVEL_NONE;
}

void synq_append(struct tcp *tcp, uint32_t slot, unsigned level)
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

uint32_t synq_new(struct tcp *tcp, const struct tcp_in *in)
{
    uint32_t slot;
    struct syn_entry *entry = slab_new(&tcp->syns, &slot);
    if (!entry)
        return TCP_NONE;
    entry->flow = in->flow;
    entry->hash = flow_hash(tcp, &in->flow);
    entry->level = LEVEL_NONE;
    entry->listener = TCP_NONE;
    if (flow_insert(tcp, &entry->flow, entry->hash, FLOW_SYN, slot, false) < 0) {
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

void synq_free(struct tcp *tcp, uint32_t slot)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    struct tcp_listener *listener = synq_listener(tcp, entry);
    clear_due(tcp, slot);
    synq_unlink(tcp, entry);
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
    const struct syn_entry *entry = tcp_syn(tcp, slot);
    flow_remove(tcp, &entry->flow, entry->hash, FLOW_SYN, slot, false);
    synq_free(tcp, slot);
}

void synq_end(struct tcp *tcp, uint32_t slot)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    struct tcp_listener *listener = synq_listener(tcp, entry);
    trace_state(tcp, entry, "SYN_RECEIVED", "CLOSED");
    synq_remove(tcp, slot);
    if (listener)
        listener_trace(listener);
}

/* What the SYN asks for: ECN (RFC 3168 6.1.1), or that with accurate feedback (RFC 9768 3.1.1). */
void synq_take_ecn(struct tcp *tcp, struct syn_entry *entry, const struct tcb_opts *opts, const struct tcp_path *path,
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
    synq_take_ecn(tcp, entry, opts, path, in);
    entry->tos = params->reflect_tos ? (uint8_t)((in->tos & 0xfc) | (opts->socket.tos[!v4] & 3)) : opts->socket.tos[!v4];
    uint8_t wscale;
    uint32_t mss = entry->advmss - (entry->ts_ok ? 12u : 0);
    entry->window = window_initial(tcp, opts, path->metrics, window_first_space(params, opts), mss, entry->wscale_ok, &wscale);
    entry->rcv_wscale = wscale & 15;
    trace_state(tcp, entry, "LISTEN", "SYN_RECEIVED");
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
    struct tcp_listener *before = synq_listener(listener->tcp, entry);
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

void synq_on_icmp(struct tcp *tcp, uint32_t slot, uint32_t seq, int error)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    struct tcp_listener *listener = synq_listener(tcp, entry);
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
    synq_append(tcp, slot, LEVEL_HELD);
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

/* tcp_timewait.c: TIME-WAIT as a small record (RFC 9293 3.6.1, 3.10.7.4; RFC 1337; RFC 6191). The wait has one length, so the
 * records form a FIFO list; when time_wait_limit is reached the oldest is recycled, or (time_wait_refuse) a connection ends without one. */
#include "tcp/tcb.h"

enum { PAWS_MSL_S = 60 /* Linux: TCP_PAWS_MSL */, ANSWER_MS = 2 /* the clock of wait_record.answered: it goes round in 131 s */ };

static void unlink_record(struct tcp *tcp, struct wait_record *record)
{
    struct wait_record *next = record->next == TCP_NONE ? NULL : tcp_wait(tcp, record->next);
    if (record->prev != TCP_NONE) {
        tcp_wait(tcp, record->prev)->next = record->next;
    } else {
        tcp->wait_first = record->next;
        tcp->wait_deadline_ns = next ? next->deadline_ns : LIL_NEVER;
    }
    if (next)
        next->prev = record->prev;
    else
        tcp->wait_last = record->prev;
}

static void append_record(struct tcp *tcp, uint32_t slot)
{
    struct wait_record *record = tcp_wait(tcp, slot);
    record->deadline_ns = timer_tick(tcp, tcp->now_ns, (uint64_t)tcp->params.time_wait_ms * NS_PER_MS);
    record->prev = tcp->wait_last;
    record->next = TCP_NONE;
    if (tcp->wait_last != TCP_NONE) {
        tcp_wait(tcp, tcp->wait_last)->next = slot;
    } else {
        tcp->wait_first = slot;
        tcp->wait_deadline_ns = record->deadline_ns;
        if (!tcp->due && tcp->hooks.due) /* the host's next deadline may be this one */
            tcp->hooks.due(tcp->hooks.ctx);
    }
    tcp->wait_last = slot;
}

void timewait_remove(struct tcp *tcp, uint32_t slot)
{
    struct wait_record *record = tcp_wait(tcp, slot);
    if (tcp->hooks.trace) {
        struct lil_trace event = {.kind = LIL_TRACE_STATE, .old_state = "TIME_WAIT", .new_state = "CLOSED"};
        tcp_trace(tcp, &event, &record->flow);
    }
    if (record->is_signed)
        guard_wait_forget(tcp, slot);
    unlink_record(tcp, record);
    flow_remove(tcp, &record->flow, record->hash, FLOW_WAIT, slot, !record->reuseaddr);
    slab_free(&tcp->waits, slot);
    tcp->wait_count--;
}

/* The table is full: the oldest goes. The next one will go soon, too, and nobody has looked at it for long: it is fetched early. */
static void recycle(struct tcp *tcp)
{
    timewait_remove(tcp, tcp->wait_first);
    if (tcp->wait_first == TCP_NONE)
        return;
    const struct wait_record *next = tcp_wait(tcp, tcp->wait_first);
    table_prefetch(&tcp->flows, next->hash);
    if (next->next != TCP_NONE) { /* a record lies in two lines */
        const char *after = (const char *)tcp_wait(tcp, next->next);
        __builtin_prefetch(after);
        __builtin_prefetch(after + sizeof *next - 1);
    }
}

bool timewait_refuses(const struct tcp *tcp) { return tcp->params.time_wait_refuse && tcp->wait_count >= tcp->params.time_wait_limit; }

static uint16_t answer_time(uint64_t now_ns)
{
    uint16_t time = (uint16_t)(now_ns / (ANSWER_MS * NS_PER_MS));
    return time ? time : 1;
}

/* The record takes TCB's place in the flow table. False: there is none, the flow is still TCB's. */
bool timewait_new(struct tcp *tcp, const struct tcb *tcb)
{
    if (tcp->params.time_wait_ms == 0)
        return false;
    if (!tcp->params.time_wait_refuse && tcp->params.time_wait_limit && tcp->wait_count >= tcp->params.time_wait_limit)
        recycle(tcp);
    uint32_t slot;
    struct wait_record *record = timewait_refuses(tcp) ? NULL : slab_new(&tcp->waits, &slot);
    if (!record) {
        TCP_MIB(tcp, TimeWaitOverflow);
        return false;
    }
    record->flow = tcb->flow;
    record->hash = flow_hash(tcp, &tcb->flow);
    flow_replace(tcp, record->hash, FLOW_TCB, tcb->slot, FLOW_WAIT, slot);
    record->snd_nxt = tcb->snd_nxt;
    record->rcv_nxt = tcb->rcv_nxt;
    bool is_bsd = tcp->params.input_policy == TCP_INPUT_BSD;
    record->window = (uint16_t)min_u32((is_bsd ? window_room(tcb) : tcb_receive_window(tcb)) >> tcb->rcv_wscale, 65535);
    record->ttl = is_bsd ? tcb->opt->socket.ttl[!tcb->is_v4] : 0;
    record->ts_ok = tcb->ts_ok;
    record->ts_recent = tcb->ts_recent;
    record->ts_recent_s = tcb->ts_recent_s;
    record->ts_offset = tcb->ts_offset;
    record->tos = tcb->opt->socket.tos[!tcb->is_v4] | tcp_get_ecn(tcb);
    if (tcb->is_fin_waiter && tcb_ext_peek(tcb)->oow_ack_ns) /* it is one record there */
        record->answered = answer_time(tcb->ext->oow_ack_ns);
    record->reuseaddr = tcb->reuseaddr;
    record->reuseport = tcb->reuseport;
    record->is_signed = tcb_is_signed(tcb) && guard_wait_keep(tcp, tcb, slot);
    tcp->wait_count++;
    if (!tcb->is_fin_waiter) /* else it is one already */
        TCP_MIB(tcp, TW);
    append_record(tcp, slot);
    return true;
}

/* Linux: what is out of the window is answered without ECN's bits. */
static void send_ack(struct tcp *tcp, uint32_t slot, bool is_outside)
{
    const struct wait_record *record = tcp_wait(tcp, slot);
    struct tcp_reply *reply = reply_push(tcp);
    if (!reply)
        return;
    *reply = (struct tcp_reply){.flow = record->flow, .seq = record->snd_nxt, .ack = record->rcv_nxt, .flags = TCP_ACK,
                                .window = record->window,
                                .tos = is_outside ? record->tos & 0xfc : record->tos, .ttl = record->ttl};
    if (record->ts_ok) {
        reply->has_ts = true;
        reply->ts_value = tcp->now_ts + record->ts_offset;
        reply->ts_echo = record->ts_recent;
    }
    if (record->is_signed)
        guard_wait_sign(tcp, slot, reply);
}

/* PAWS for a record (RFC 7323 5.3). Linux (tcp_paws_reject()): a reset's timestamp counts, too, for an MSL. */
bool timewait_paws(const struct tcp *tcp, uint32_t ts_recent, uint32_t ts_recent_s, const struct tcphdr_ *header)
{
    uint32_t age_s = tcp->now_s - ts_recent_s;
    bool is_free = (header->flags & TCP_RST) && (age_s >= PAWS_MSL_S || tcp->params.input_policy != TCP_INPUT_LINUX);
    return header->options.has_timestamp && (int32_t)(ts_recent - header->options.ts_value) > 0 && age_s <= 24 * 86400 && ts_recent &&
           !is_free;
}

/* Linux: segments without text are answered once in invalid_ratelimit_ms (tcp_timewait_check_oow_rate_limit). */
static bool may_answer(struct tcp *tcp, struct wait_record *record)
{
    uint16_t now = answer_time(tcp->now_ns);
    if (tcp->params.input_policy != TCP_INPUT_LINUX || !tcp->params.invalid_ratelimit_ms)
        return true;
    if (record->answered && (uint16_t)(now - record->answered) * ANSWER_MS < tcp->params.invalid_ratelimit_ms)
        return false;
    record->answered = now;
    return true;
}

/* A new incarnation, if somebody listens; else the packet is for nobody. */
static bool begin_anew(struct tcp *tcp, uint32_t slot, const struct tcp_in *in, struct lil_packet *packet, enum lil_drop *drop)
{
    struct tcp_listener *listener = listener_find(tcp, &in->flow, in->ifindex);
    if (!listener)
        return false;
    tcp->tw_isn = tcp_wait(tcp, slot)->snd_nxt + 65535 + 2;
    if (tcp->tw_isn == 0)
        tcp->tw_isn = 1;
    timewait_remove(tcp, slot);
    *drop = listen_input(listener, in, packet);
    tcp->tw_isn = 0;
    return true;
}

COLD static enum lil_drop input_bsd(struct tcp *tcp, uint32_t slot, const struct tcp_in *in, struct lil_packet *packet)
{
    struct wait_record *record = tcp_wait(tcp, slot);
    enum lil_drop drop = LIL_DROP_TCP_AFTER_CLOSE;
    switch (bsd_timewait(tcp, record, in)) {
    case BSD_WAIT_NEW:
        if (begin_anew(tcp, slot, in, packet, &drop))
            return drop;
        timewait_remove(tcp, slot);
        drop = refuse_closed(tcp, in, packet);
        break;
    case BSD_WAIT_END:
        timewait_remove(tcp, slot);
        drop = LIL_DROP_NONE;
        break;
    case BSD_WAIT_AGAIN:
        unlink_record(tcp, record);
        append_record(tcp, slot);
        drop = LIL_DROP_NONE;
        /* fall through */
    case BSD_WAIT_ACK:
        send_ack(tcp, slot, false);
        break;
    case BSD_WAIT_DROP:
        break;
    }
    packet_free(packet);
    return drop;
}

/* RFC 9293 3.10.7.4 for TIME-WAIT: a retransmitted FIN is acknowledged and the wait starts anew; a new SYN may begin a new
 * incarnation when its number (MAY-2) or its timestamp (RFC 6191) is beyond the old one's. */
enum lil_drop timewait_input(struct tcp *tcp, uint32_t slot, const struct tcp_in *in, struct lil_packet *packet)
{
    struct wait_record *record = tcp_wait(tcp, slot);
    const struct tcphdr_ *header = &in->header;
    uint32_t end_seq = header->seq + in->payload + !!(header->flags & TCP_SYN) + !!(header->flags & TCP_FIN);
    if (tcp->params.input_policy == TCP_INPUT_BSD)
        return input_bsd(tcp, slot, in, packet);
    bool paws = record->ts_ok && timewait_paws(tcp, record->ts_recent, record->ts_recent_s, header);
    if (!paws && header->seq == record->rcv_nxt && (header->seq == end_seq || (header->flags & TCP_RST))) {
        packet_free(packet);
        bool is_reset = header->flags & TCP_RST;
        if (is_reset && !tcp->params.rfc1337) { /* RFC 1337: TIME-WAIT assassination */
            timewait_remove(tcp, slot);
            return LIL_DROP_NONE;
        }
        if (header->options.has_timestamp && record->ts_ok) {
            record->ts_recent = header->options.ts_value;
            record->ts_recent_s = tcp->now_s;
        }
        if (is_reset) /* no longer a wait for that */
            return LIL_DROP_TCP_AFTER_CLOSE;
        unlink_record(tcp, record);
        append_record(tcp, slot);
        return LIL_DROP_NONE;
    }
    if ((header->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_SYN && !paws &&
        (seq_gt(header->seq, record->rcv_nxt) ||
         (record->ts_ok && header->options.has_timestamp && (int32_t)(record->ts_recent - header->options.ts_value) < 0))) {
        enum lil_drop drop;
        if (begin_anew(tcp, slot, in, packet, &drop))
            return drop;
        send_ack(tcp, slot, false); /* nobody listens any more */
        packet_free(packet);
        return LIL_DROP_TCP_AFTER_CLOSE;
    }
    packet_free(packet);
    if (paws)
        TCP_MIB(tcp, PAWSTimewait);
    if (header->flags & TCP_RST)
        return LIL_DROP_TCP_BAD_SEQ;
    if (paws || (header->flags & TCP_ACK)) { /* an ACKless SYN may be old or new: it does not restart the wait */
        unlink_record(tcp, record);
        append_record(tcp, slot);
    }
    if ((header->seq != end_seq && !(header->flags & TCP_SYN)) || may_answer(tcp, record))
        send_ack(tcp, slot, true);
    else
        TCP_MIB(tcp, ACKSkippedTimeWait);
    return paws ? LIL_DROP_TCP_PAWS : (header->flags & TCP_FIN) ? LIL_DROP_NONE : LIL_DROP_TCP_AFTER_CLOSE;
}

/* Timestamps tell the old connection's segments (RFC 6191). Linux (tcp_twsk_unique()) asks tcp_tw_reuse where it looks
 * for a port itself. */
bool timewait_may_reuse(struct tcp *tcp, const struct wait_record *record, bool is_search)
{
    const struct tcp_params *params = &tcp->params;
    bool is_linux = params->input_policy == TCP_INPUT_LINUX;
    if (!record->ts_ok || (is_linux && !is_search))
        return record->ts_ok;
    if (params->time_wait_reuse == 2 ? !addr_is_loopback(&record->flow.local) : !params->time_wait_reuse)
        return false;
    if (!is_linux)
        return tcp->now_s - record->ts_recent_s > 1;
    uint64_t since_ns = record->deadline_ns - params->time_wait_ms * NS_PER_MS;
    return tcp->now_ns - since_ns > params->time_wait_reuse_delay_ms * NS_PER_MS;
}

bool tcp_is_over(struct tcp *tcp, const struct tcb *tcb)
{
    enum flow_kind kind;
    return tcb->state == TCPS_CLOSED ||
           (tcb->state == TCPS_TIME_WAIT && (flow_find(tcp, &tcb->flow, &kind) == TCP_NONE || kind != FLOW_WAIT));
}

void timewait_poll(struct tcp *tcp)
{
    while (tcp->wait_deadline_ns <= tcp->now_ns)
        timewait_remove(tcp, tcp->wait_first);
}

/* tcp_synrcvd.c: SEGMENT ARRIVES in SYN-RECEIVED after a passive open (RFC 9293 3.10.7.4, on the small entry of tcp_synq.c), and the
 * connection that the final ACK makes of it. */
#include "tcp/tcp_synq.h"

/* --- from entry to connection ------------------------------------------------------------------------------------------- */

/* What TCP_INFO tells of the SYN/ACKs that went again. */
COLD static void note_resent(struct tcb *tcb, const struct syn_entry *entry)
{
    struct tcb_ext *ext = tcb->ext;
    ext->path = path_of_synack(tcb->tcp, entry, synq_listener(tcb->tcp, entry));
    ext->total_retrans = entry->resent;
    ext->total_rto = entry->is_cookie ? 0 : entry->retransmits;
    ext->total_rto_recoveries = ext->total_rto != 0;
    ext->total_rto_time_ms = ext->total_rto ? (uint32_t)((tcb_now(tcb) - entry->start_ns) / NS_PER_MS) : 0;
    if (ext->total_rto)
        ext->undo_marker = entry->iss ? entry->iss : 1; /* Linux: until an ACK that is looked at */
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
    tcb->syn_start_ns = synq_started_ns(entry);
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
    synq_free(tcp, slot);
    tcb_adopt_syn_received(tcb);
    TCP_MIB(tcp, PassiveOpens);
    return tcb;
}

static bool has_room(const struct tcp_listener *listener) /* the completed queue, for a final ACK */
{
    const struct tcp_params *params = &listener->tcp->params;
    if (params->full_ack_policy == TCP_FULL_ACK_QUEUE || listener->complete <= listener_backlog(listener))
        return true;
    return params->backlog_count == TCP_COUNT_COMPLETE && !listener_is_full(listener);
}

static void refuse_final_ack(struct tcp *tcp, uint32_t slot, const struct tcp_in *in)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    TCP_MIB(tcp, ListenOverflows);
    TCP_MIB(tcp, ListenDrops);
    tcp->mib[MIB_MigrateReqFailure] += entry->is_migrated;
    if (tcp->params.full_ack_policy != TCP_FULL_ACK_RST && !tcp->params.abort_on_overflow) {
        entry->acked = true; /* the ACK and its data are ignored, the request is kept, the SYN/ACK goes again */
        return;
    }
    reset_reply(tcp, in);
    TCP_MIB(tcp, EmbryonicRsts);
    synq_end(tcp, slot);
}

static enum lil_drop take_final_ack(struct tcp *tcp, uint32_t slot, const struct tcp_in *in, struct lil_packet **packet)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    struct tcp_listener *listener = synq_listener(tcp, entry);
    if (!has_room(listener)) {
        refuse_final_ack(tcp, slot, in);
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
    if (tcp->params.flow_label_reflect & FLOW_LABEL_CONNECTIONS && !tcb->is_v4)
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
    uint64_t last_ns = synq_started_ns(entry) + entry->last_ms * NS_PER_MS + NS_PER_MS - 1;
    return !seq_between(echo - entry->ts_offset, tcp_ts_at(tcp, synq_started_ns(entry)), tcp_ts_at(tcp, last_ns));
}

/* Linux: one answer to invalid segments each invalid_ratelimit_ms; data without a SYN is no part of an ACK loop (tcp_oow_rate_limited). */
static bool is_answer_limited(struct tcp *tcp, struct syn_entry *entry, const struct tcp_in *in, enum tcp_mib skipped)
{
    uint32_t limit = tcp->params.invalid_ratelimit_ms, now = min_u32(synq_age_ms(tcp, entry) + 1u, UINT16_MAX);
    bool bare = in->payload == 0 && !(in->header.flags & TCP_FIN);
    if (tcp->params.input_policy != TCP_INPUT_LINUX || !limit || !(bare || (in->header.flags & TCP_SYN)))
        return false;
    if (entry->oow_ack_ms && now - entry->oow_ack_ms < limit) {
        tcp->mib[skipped]++;
        return true;
    }
    entry->oow_ack_ms = (uint16_t)now;
    return false;
}

/* What the SYN/ACK offered: its window is not scaled (RFC 7323 2.2), so that it was 65,535 at most. */
static uint32_t told_window(const struct tcp *tcp, const struct syn_entry *entry)
{
    return tcp->params.input_policy == TCP_INPUT_LINUX ? min_u32(entry->window, 65535) : entry->window;
}

static void send_ack(struct tcp *tcp, const struct syn_entry *entry, const struct tcp_in *in)
{
    const struct tcp_listener *listener = synq_listener(tcp, entry);
    bool is_linux = tcp->params.input_policy == TCP_INPUT_LINUX, is_bsd = tcp->params.input_policy == TCP_INPUT_BSD;
    struct tcp_reply *reply = reply_push(tcp);
    if (!reply)
        return;
    *reply = (struct tcp_reply){.flow = entry->flow, .seq = entry->iss + 1, .ack = entry->irs + 1, .flags = TCP_ACK,
                                .tos = is_linux ? in->tos & 0xfc : entry->tos,
                                .ttl = is_bsd && listener ? listener->opt->socket.ttl[!addr_is_v4(&entry->flow.remote)] : 0};
    unsigned scale = is_bsd ? 0 : entry->rcv_wscale; /* syncache_respond() scales nothing */
    reply->window = (uint16_t)min_u32(told_window(tcp, entry) >> scale, 65535);
    if (entry->ts_ok && (entry->ts_recent || !is_linux)) { /* tcp_v4_send_ack() takes 0 for none */
        reply->has_ts = true;
        reply->ts_value = tcp->now_ts + entry->ts_offset;
        reply->ts_echo = entry->ts_recent;
    }
    reply_sign(reply, listener ? listener->opt : NULL);
}

/* RST, or a SYN in the window: back to LISTEN. */
static void abandon(struct tcp *tcp, uint32_t slot)
{
    TCP_MIB(tcp, AttemptFails);
    synq_end(tcp, slot);
}

/* The SYN again: the SYN/ACK again, and (Linux) its timer from now. */
static void answer_again(struct tcp *tcp, uint32_t slot, const struct tcp_in *in)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    if (entry->level == LEVEL_NONE /* no SYN/ACK went yet */ || is_answer_limited(tcp, entry, in, MIB_ACKSkippedSynRecv))
        return;
    if (entry->accecn_ok) {
        entry->syn_ect = in->ecn & 3;
        entry->accecn_fail |= (in->header.flags & (TCP_AE | TCP_CWR | TCP_ECE)) ? 0 : ACCECN_ACE_FAIL_RECV;
    }
    if (tcp->params.synack.give_up_ms == 0 || tcp->params.input_policy == TCP_INPUT_LINUX)
        synq_schedule(tcp, slot);
    synq_resend(tcp, slot, true);
}

/* FreeBSD: the SYN again: its timestamp and ECN are taken anew, the SYN/ACK goes at once, and the schedule begins again. */
COLD static void answer_again_bsd(struct tcp *tcp, uint32_t slot, const struct tcp_in *in)
{
    struct syn_entry *entry = tcp_syn(tcp, slot);
    const struct tcp_options *options = &in->header.options;
    if (entry->level == LEVEL_NONE) /* no SYN/ACK went yet */
        return;
    entry->ts_ok = entry->ts_ok && options->has_timestamp;
    if (entry->ts_ok)
        entry->ts_recent = options->ts_value;
    struct tcp_listener *listener = synq_listener(tcp, entry);
    int error;
    if (entry->ecn_ok)
        synq_take_ecn(tcp, entry, synq_opts(tcp, entry), mss_path(tcp, &entry->flow, &error), in);
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
        answer_again_bsd(tcp, slot, in);
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
        return take_final_ack(tcp, slot, in, packet);
    case BSD_SYN_DROP:
        break;
    }
    return drop;
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
        synq_keep_on(tcp, slot);
    if (entry->is_held)
        return LIL_DROP_TCP_DUPLICATE;
    if (header->seq == entry->irs && (header->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && !paws) {
        answer_again(tcp, slot, in);
        return LIL_DROP_TCP_DUPLICATE;
    }
    bool is_linux = tcp->params.input_policy == TCP_INPUT_LINUX;
    bool resets = is_linux && (header->flags & TCP_RST); /* whatever it acknowledges */
    if ((header->flags & TCP_ACK) && header->ack != entry->iss + 1 && !resets) { /* 3.5.2 group 2: an unacceptable ACK -> RST */
        if (!(header->flags & TCP_RST))
            reset_reply(tcp, in);
        return LIL_DROP_TCP_BAD_ACK;
    }
    uint32_t window = told_window(tcp, entry);
    bool in_window = header->seq == end_seq ? seq_between(header->seq, rcv_nxt, rcv_nxt + window)
                                            : seq_gt(end_seq, rcv_nxt) && seq_lt(header->seq, rcv_nxt + window);
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
    if (header->flags & (TCP_RST | TCP_SYN)) {
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

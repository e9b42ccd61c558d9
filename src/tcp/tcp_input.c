/* tcp_input.c: SEGMENT ARRIVES, RFC 9293 3.10.7, in the RFC's order: tcp_step1_sequence ... tcp_step8_fin.
 * Input only changes state; what is to be sent is read out by tcp_output.c. Each step returns LIL_DROP_NONE to go on. */
#include "tcp/tcb.h"
#include "tcp/tcp_rmem.h"

static void rx_init(struct rx *rx, const struct tcb *tcb, const struct tcp_in *in, struct lil_packet *packet)
{
    rx->in = in;
    rx->packet = packet;
    rx->seq = in->header.seq;
    rx->ack = in->header.ack;
    rx->flags = in->header.flags;
    rx->length = in->payload;
    rx->gso_size = in->gso_size;
    rx->options_length = (uint8_t)(in->header.header_length - min_u32(TCP_LENGTH, in->header.header_length));
    rx->is_discarded = rx->is_answered = rx->is_text_first = rx->is_expected_ack = false;
    rx->ts_progress = rx->tells_window = rx->is_expected = false;
    rx->ts_echo = in->header.options.has_timestamp ? in->header.options.ts_echo : 0;
    rx->end_seq = rx->seq + rx->length + !!(rx->flags & TCP_SYN) + !!(rx->flags & TCP_FIN);
    rx->window = (rx->flags & TCP_SYN) ? in->header.window : (uint32_t)in->header.window << tcb->snd_wscale;
}

/* 3.10.7.1: CLOSED. Nobody listens there. */
enum lil_drop refuse_closed(struct tcp *tcp, const struct tcp_in *in, const struct lil_packet *packet)
{
    enum lil_drop drop = (in->header.flags & TCP_RST) ? LIL_DROP_TCP_RESET_CLOSED : LIL_DROP_TCP_NO_PORT;
    if (__builtin_expect(in->header.options.has_md5, 0) && !guard_may_refuse(tcp, in, packet))
        return drop;
    if (tcp->params.blackhole && (tcp->params.blackhole > 1 || (in->header.flags & TCP_SYN)))
        return drop;
    reset_reply(tcp, in);
    return drop;
}

/* RFC 9293 3.9.1.1 (MUST-42): a connection's segments are found before a listener is, so one port has both. */
static __attribute__((noinline)) enum lil_drop input_by_table(struct tcp *tcp, const struct tcp_in *in, struct lil_packet *packet)
{
    enum flow_kind kind;
    uint32_t slot = flow_find(tcp, &in->flow, &kind);
    enum lil_drop drop;
    struct tcp_listener *listener;
    if (__builtin_expect(in->header.options.has_md5 || tcp->has_guards, 0)) {
        if (guard_comes_astray(tcp, in, kind, slot)) {
            reset_reply(tcp, in);
            packet_free(packet);
            return LIL_DROP_TCP_NO_PORT;
        }
        drop = guard_check(tcp, in, packet, kind, slot);
        if (drop) {
            packet_free(packet);
            return drop;
        }
    }
    switch (kind) {
    case FLOW_TCB:
        *tcp_recent_of(tcp, &in->flow) = tcp_tcb(tcp, slot);
        drop = tcp_input_tcb(tcp_tcb(tcp, slot), in, &packet);
        break;
    case FLOW_SYN:
        drop = synq_has_listener(tcp, slot) ? synq_input(tcp, slot, in, &packet) : refuse_closed(tcp, in, packet);
        break;
    case FLOW_WAIT:
        return timewait_input(tcp, slot, in, packet);
    default:
        listener = listener_find(tcp, &in->flow, in->ifindex);
        if (listener)
            return listen_input(listener, in, packet);
        if (in->accept_any && (in->header.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN) {
            drop = synq_hold(tcp, in);
            break;
        }
        drop = refuse_closed(tcp, in, packet);
    }
    packet_free(packet);
    return drop;
}

/* The connections that segments came for of late are asked first. */
enum lil_drop tcp_input(struct tcp *tcp, const struct tcp_in *in, struct lil_packet *packet, uint64_t now_ns)
{
    tcp_set_now(tcp, now_ns);
    TCP_MIB(tcp, InSegs);
    struct tcb *recent = *tcp_recent_of(tcp, &in->flow);
    if (!recent || !flow_equal(&recent->flow, &in->flow) || in->header.options.has_md5 || tcp->has_guards)
        return input_by_table(tcp, in, packet);
    enum lil_drop drop = tcp_input_tcb(recent, in, &packet);
    packet_free(packet);
    return drop;
}

/* Header prediction (Van Jacobson): the next segment in order, nothing unusual about it. */
static bool is_predicted(const struct tcb *tcb, const struct rx *rx)
{
    const struct tcp_options *options = &rx->in->header.options;
    if (tcb->state != TCPS_ESTABLISHED || (rx->flags & ~(uint32_t)TCP_PSH) != TCP_ACK || rx->seq != tcb->rcv_nxt || !tcb->ext ||
        tcb->ext->ooo || tcb->ext->rcv_urgent || rx->length > tcb_receive_window(tcb) || options->sack_count)
        return false;
    if (tcb->ts_ok && (!options->has_timestamp || (int32_t)(tcb->ts_recent - options->ts_value) > 0))
        return false;
    return seq_between(rx->ack, tcb->snd_una, tcb->snd_nxt);
}

static void note_timestamp(struct tcb *tcb, struct rx *rx)
{
    /* RFC 7323 4.3: TS.Recent follows a segment that covers Last.ACK.sent */
    const struct tcp_options *options = &rx->in->header.options;
    if (tcb->ts_ok && options->has_timestamp && seq_le(rx->seq, tcb->rcv_wup) &&
        ((int32_t)(tcb->ts_recent - options->ts_value) <= 0 || !tcb->ts_recent)) { /* 0: some say so in a SYN and mean nothing by it */
        rx->ts_progress = options->ts_value != tcb->ts_recent;
        tcb->ts_recent = options->ts_value;
        tcb->ts_recent_s = tcb->tcp->now_s;
    }
}

/* RFC 9293 3.10.7.4: what one segment and the queue behind it ask for is one ACK (MUST-58), made when all is processed (MUST-59).
 * WAS_DUE: there was something to send before it came. */
static void finish(struct tcb *tcb, const struct rx *rx, bool was_due)
{
    if (tcb->state == TCPS_CLOSED || tcb->state == TCPS_TIME_WAIT || rx->is_answered)
        return;
    if (rx->is_discarded && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX) {
        if (tcb->is_due && !was_due && tcb->ext)
            tcb->ext->nothing_new = true; /* the answer goes alone */
        return;
    }
    if (!rx->is_expected_ack)
        delack_check(tcb, tcb->ext && tcb->ext->ooo);
    if (rx->tells_window && tcb->ext && tcb->ext->snd_urgent && tcb_params(tcb)->byte_recovery && seq_gt(tcb->ext->snd_up, tcb->snd_una))
        tcb->ack_want = 1; /* base_tell_urgent(), with what goes */
    bool has_more = tcb_params(tcb)->byte_recovery ? rx->tells_window : tcb_has_unsent(tcb) || (tcb->ext && tcb->ext->lost_out);
    if (tcb->acks_due || tcb->ack_now || has_more)
        tcb_mark_due(tcb);
}

/* Nothing that a connection without data goes through from SYN to TIME-WAIT: it wants a place where it is counted. */
static bool is_worth_counting(const struct tcb *tcb, const struct rx *rx)
{
    const uint32_t quiet = 1u << TCPS_ESTABLISHED | 1u << TCPS_FIN_WAIT_2 | 1u << TCPS_CLOSE_WAIT;
    bool is_its_fin = (rx->flags & (TCP_FIN | TCP_RST)) == TCP_FIN && rx->seq == tcb->rcv_nxt && !tcb->fin_rcvd;
    return rx->length || ((quiet >> tcb->state & 1) && !is_its_fin) ||
           (tcb->state == TCPS_SYN_RECEIVED && (rx->flags & TCP_FIN)) /* the handshake's end has it */ ||
           (tcb->state == TCPS_SYN_SENT && (rx->ack != tcb->snd_nxt || (rx->flags & (TCP_AE | TCP_ECE | TCP_CWR)) ||
                                            tcb_params(tcb)->mtu_probing /* wants the place, too */));
}

INLINE enum lil_drop tcp_steps(struct tcb *tcb, struct rx *rx);

enum lil_drop tcp_input_tcb(struct tcb *tcb, const struct tcp_in *in, struct lil_packet **packet)
{
    struct rx rx;
    enum lil_drop drop;
    rx_init(&rx, tcb, in, *packet);
    struct tcp *tcp = tcb->tcp;
    uint32_t freed = tcp->freed; /* input frees no tcb but its own */
    bool was_due = tcb->is_due;
    if (tcb->ext || (is_worth_counting(tcb, &rx) && tcb_ext_get(tcb))) {
        tcb->ext->segs_in++;
        tcb->ext->data_segs_in += rx.length != 0;
        if (tcb_params(tcb)->input_policy == TCP_INPUT_BSD) {
            tcb->ext->rcv_last_ms = tcb_now_ms(tcb);
            if (tcb->ext->keep_ns && tcb->timer != TIMER_PERSIST)
                tcb->ext->keep_probes_out = 0;
        }
    }
    if (__builtin_expect(tcb->ecn_ok, 0) && tcb->state != TCPS_SYN_SENT && tcb_params(tcb)->byte_recovery)
        bsd_ecn_on_segment(tcb, &rx);
    if (is_predicted(tcb, &rx)) {
        bool acceptable;
        note_timestamp(tcb, &rx);
        if (__builtin_expect(rx.in->ecn || tcb->ecn_ok, 0))
            accecn_on_segment(tcb, rx.in, rx.in->payload);
        drop = ack_process(tcb, &rx, &acceptable);
        if (acceptable)
            window_note_echo(tcb, &rx);
        if (rx.length)
            reass_text(tcb, &rx, &drop);
    } else if (tcb->state == TCPS_SYN_SENT) {
        drop = synsent_input(tcb, &rx);
        if (tcp->freed == freed && tcb->state == TCPS_SYN_SENT && !tcb->ext && tcb_ext_get(tcb)) /* what changed nothing is counted, too */
            tcb->ext->segs_in++;
    } else {
        drop = tcp_steps(tcb, &rx);
    }
    *packet = rx.packet;
    if (tcp->freed == freed) {
        finish(tcb, &rx, was_due);
        tcb_check(tcb);
    }
    return drop;
}

/* --- step 1: sequence number --------------------------------------------------------------------------------------------- */

static bool is_bare_ack(const struct rx *rx)
{
    return (rx->flags & TCP_ACK) && rx->seq == rx->end_seq;
}

/* RFC 7323 5.3 R1: an old timestamp. A pure ACK out of order is let through, as Linux does. */
static bool is_paws_reject(const struct tcb *tcb, const struct rx *rx)
{
    const struct tcp_options *options = &rx->in->header.options;
    if (!tcb->ts_ok || !options->has_timestamp ||
        (int32_t)(tcb->ts_recent - options->ts_value) <= (tcb_params(tcb)->input_policy != TCP_INPUT_BSD)) /* Linux: one tick is forgiven */
        return false;
    bool is_linux = tcb_params(tcb)->input_policy == TCP_INPUT_LINUX;
    if (tcb->tcp->now_s - tcb->ts_recent_s > 24 * 86400 || (is_linux && tcb->ts_recent == 0))
        return false;
    bool updates = seq_gt(rx->seq, tcb->snd_wl1) || (rx->seq == tcb->snd_wl1 && (rx->window > tcb->snd_wnd || rx->window == 0));
    if (is_bare_ack(rx) && rx->seq == tcb->rcv_nxt && rx->ack == tcb->snd_una && !updates &&
        (int32_t)(tcb->ts_recent - options->ts_value) <= (int32_t)(tcb->rto_us / 1000 * 6 / 5)) /* tcp_tsval_replay() */
        return false;
    return true;
}

/* A segment outside the window: an empty ACK says where we are (3.10.7.4, first check), with a DSACK for old data (RFC 2883). */
COLD static void send_dup_ack(struct tcb *tcb, const struct rx *rx)
{
    if (rx->end_seq != rx->seq && seq_lt(rx->seq, tcb->rcv_nxt)) {
        TCP_MIB(tcb->tcp, DelayedACKLost);
        delack_enter_quickack(tcb, 16);
        if (tcb->sack_ok && tcb_params(tcb)->dsack) {
            path_on_old_data(tcb, rx);
            accecn_on_old_data(tcb, rx->seq);
            sack_dsack(tcb, rx->seq, seq_min(rx->end_seq, tcb->rcv_nxt));
        }
    }
    delack_ack_now(tcb);
}

COLD static bool syn_challenge(struct tcb *tcb)
{
    TCP_MIB(tcb->tcp, SYNChallenge);
    if (tcb->state == TCPS_ESTABLISHED)
        TCP_MIB(tcb->tcp, InErrs); /* Linux: there alone */
    return challenge_ack(tcb);
}

COLD static bool is_reset_after_fin(const struct tcb *tcb, const struct rx *rx)
{
    return rx->seq == tcb->rcv_nxt - 1 && (tcb->state == TCPS_CLOSE_WAIT || tcb->state == TCPS_LAST_ACK || tcb->state == TCPS_CLOSING);
}

/* RFC 9293 3.5, 3.10.7.4: a reset in SYN-RECEIVED means refusal only after an active open (MUST-11); a listener's requests return to
 * LISTEN in tcp_synrcvd.c. Linux's tcp_reset() calls it so in SYN-SENT alone. */
COLD static void on_reset(struct tcb *tcb)
{
    switch ((enum tcp_state)tcb->state) {
    case TCPS_SYN_SENT:
        tcb_fail(tcb, ECONNREFUSED);
        break;
    case TCPS_SYN_RECEIVED:
        tcb_fail(tcb, tcb->is_passive || tcb_params(tcb)->input_policy == TCP_INPUT_LINUX ? ECONNRESET : ECONNREFUSED);
        break;
    case TCPS_CLOSE_WAIT:
        tcb_fail(tcb, tcb_params(tcb)->input_policy == TCP_INPUT_LINUX ? EPIPE : ECONNRESET);
        break;
    case TCPS_CLOSING:
    case TCPS_LAST_ACK:
        if (!tcb->is_orphan && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX) {
            tcb_fail(tcb, ECONNRESET);
            break;
        }
        /* fall through */
    case TCPS_TIME_WAIT:
        tcb_done(tcb);
        break;
    default:
        tcb_fail(tcb, ECONNRESET);
    }
}

COLD static void on_old_timestamp(struct tcb *tcb, const struct rx *rx)
{
    if ((rx->flags & TCP_SYN) && tcb_params(tcb)->rfc5961) {
        (void)syn_challenge(tcb);
        return;
    }
    if (is_bare_ack(rx) && seq_lt(rx->seq, tcb->rcv_nxt) && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX) {
        TCP_MIB(tcb->tcp, PAWSOldAck); /* most likely reordered: not worth an answer */
        return;
    }
    TCP_MIB(tcb->tcp, PAWSEstab);
    if (rx->seq != rx->end_seq || oow_ack_allowed(tcb)) /* data is no part of an ACK loop; its DSACK is wanted */
        send_dup_ack(tcb, rx);
    else
        TCP_MIB(tcb->tcp, ACKSkippedPAWS);
}

/* Its FIN may be. Linux: more than was offered is taken only when nothing waits to be read, a FIN included. */
COLD static bool is_beyond_window(const struct tcb *tcb, const struct rx *rx)
{
    uint32_t edge = tcb->rcv_nxt + tcb_largest_window(tcb), text_end = rx->end_seq - !!(rx->flags & TCP_FIN);
    bool is_strict = (tcb->readable || tcb->fin_rcvd) && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX;
    return seq_gt(text_end, edge) && (is_strict || seq_gt(rx->seq, edge));
}

/* RFC 9293 3.4 (MUST-66): at a closed window a segment at RCV.NXT passes, so that its RST, ACK and URG count;
 * reass_text() drops its text. */
static enum lil_drop tcp_step1_sequence(struct tcb *tcb, struct rx *rx)
{
    if (is_paws_reject(tcb, rx) && !(rx->flags & TCP_RST)) {
        on_old_timestamp(tcb, rx);
        return LIL_DROP_TCP_PAWS;
    }
    bool is_old = seq_lt(rx->end_seq, tcb->rcv_wup), is_within = seq_le(rx->end_seq, tcb->rcv_nxt + tcb_receive_window(tcb));
    bool is_beyond = !is_old && !is_within && is_beyond_window(tcb, rx);
    if (!is_old && !is_beyond)
        return LIL_DROP_NONE;
    if (is_beyond && !(rx->flags & (TCP_RST | TCP_SYN)))
        TCP_MIB(tcb->tcp, BeyondWindow);
    if (rx->flags & TCP_RST) {
        if (is_reset_after_fin(tcb, rx))
            on_reset(tcb);
        return LIL_DROP_TCP_BAD_SEQ;
    }
    if ((rx->flags & TCP_SYN) && tcb_params(tcb)->rfc5961)
        (void)syn_challenge(tcb);
    else if (rx->seq == rx->end_seq && !oow_ack_allowed(tcb))
        TCP_MIB(tcb->tcp, ACKSkippedSeq);
    else
        send_dup_ack(tcb, rx);
    return LIL_DROP_TCP_BAD_SEQ;
}

/* --- step 2: RST (RFC 9293 3.10.7.4 second, RFC 5961 3) ----------------------------------------------------------------------- */

/* RFC 9293 3.10.7.4 second, Linux: where the rightmost block of those that are told ends. */
COLD static bool is_reset_at_edge(const struct tcb *tcb, const struct rx *rx)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    uint32_t edge = tcb->rcv_nxt;
    for (unsigned i = 0; i < ext->recent_count; i++)
        edge = seq_max(edge, ext->recent[i].end);
    return ext->recent_count && rx->seq == edge;
}

static enum lil_drop tcp_step2_reset(struct tcb *tcb, struct rx *rx)
{
    if (!(rx->flags & TCP_RST))
        return LIL_DROP_NONE;
    bool matches = rx->seq == tcb->rcv_nxt || is_reset_after_fin(tcb, rx) || !tcb_params(tcb)->rfc5961;
    if (!matches && tcb->sack_ok) /* the peer sent it at what it believes is our edge */
        matches = is_reset_at_edge(tcb, rx);
    if (matches) {
        on_reset(tcb);
        return LIL_DROP_TCP_AFTER_CLOSE; /* told apart by the caller only: the tcb is gone */
    }
    challenge_ack(tcb);
    return LIL_DROP_TCP_BAD_SEQ;
}

/* --- step 4: SYN ------------------------------------------------------------------------------------------------------------- */

static enum lil_drop tcp_step4_syn(struct tcb *tcb, struct rx *rx)
{
    if (!(rx->flags & TCP_SYN))
        return LIL_DROP_NONE;
    bool is_accurate = tcb->ecn_ok && accecn_is_on(tcb);
    if (is_accurate)
        accecn_on_syn_again(tcb, rx);
    bool again = tcb->state == TCPS_SYN_RECEIVED && rx->seq + 1 == tcb->rcv_nxt;
    bool is_linux = tcb_params(tcb)->input_policy == TCP_INPUT_LINUX;
    if (again && (rx->flags & TCP_ACK) && rx->seq + 1 == rx->end_seq && rx->ack == tcb->snd_nxt && !(is_linux && tcb->is_orphan))
        return LIL_DROP_NONE; /* simultaneous open: the peer's SYN/ACK */
    if (again && !(rx->flags & TCP_ACK) && !is_linux) {
        tcb->want_syn = true; /* its SYN again: ours again */
        tcb_mark_due(tcb);
        return LIL_DROP_TCP_DUPLICATE;
    }
    if (tcb_params(tcb)->rfc5961) {
        if (syn_challenge(tcb) && is_accurate) /* RFC 5961 4 (SHLD): whatever the sequence number */
            tcb->ext->accecn.reflect = true;
        return LIL_DROP_TCP_BAD_FLAGS;
    }
    if (seq_lt(rx->seq, tcb->rcv_nxt)) { /* an old SYN or SYN/ACK lies before the window: it is trimmed (RFC 793 3.9, p. 69) */
        if (seq_le(rx->end_seq, tcb->rcv_nxt)) {
            send_dup_ack(tcb, rx);
            return LIL_DROP_TCP_DUPLICATE;
        }
        rx->flags &= (uint16_t)~TCP_SYN;
        rx->seq++;
        return LIL_DROP_NONE;
    }
    reset_send(tcb); /* RFC 793: an error; reset */
    tcb_fail(tcb, ECONNRESET);
    return LIL_DROP_TCP_BAD_FLAGS;
}

/* --- step 5: ACK --------------------------------------------------------------------------------------------------------------- */

static void begin_clocks(struct tcb *tcb)
{
    rtt_begin_min(tcb, tcb_now_ms(tcb));
    tcb->ext->rcv_last_ms = tcb_now_ms(tcb);
    tcb->ext->soft_error = 0;
    tcb->ext->cwnd_stamp_ns = tcb_now(tcb);
}

/* SYN_RECEIVED -> ESTABLISHED: the window's and the round trip's beginnings. */
void tcp_establish(struct tcb *tcb, const struct rx *rx)
{
    /* RFC 7323 2.2 */
    bool unscaled = (rx->flags & TCP_SYN) && (tcb->state == TCPS_SYN_SENT || tcb_params(tcb)->input_policy != TCP_INPUT_LINUX);
    tcb->snd_wnd = (uint32_t)rx->in->header.window << (unscaled ? 0 : tcb->snd_wscale);
    tcb->max_window = max_u32(tcb->max_window, rx->flags & TCP_SYN ? rx->in->header.window : tcb->snd_wnd);
    bool is_child = fastopen_is_pending_child(tcb); /* bound by the SYN's window until now */
    bool was_bound = tcb->is_passive ? tcb->max_window / 2 < tcb->mss || is_child
                                     : tcb->state == TCPS_SYN_RECEIVED /* by a crossed SYN's window */;
    if (was_bound)
        mss_refresh(tcb);
    if (is_child) /* and the window is news still to tcp_ack(), which takes no duplicate for it */
        window_guess_mss(tcb);
    else
        /* a SYN tells of the window, too, with BSD */
        tcb->snd_wl1 = rx->seq + ((rx->flags & TCP_SYN) && tcb_params(tcb)->input_policy == TCP_INPUT_BSD);
    uint64_t start = tcb_syn_start_ns(tcb);
    tcb->syn_start_ns = 0;
    if (tcb->timer == TIMER_SYN)
        timer_stop(tcb);
    tcb->want_syn = false;
    if (tcb_has_unsent(tcb))
        tcb_mark_due(tcb);
    if (fastopen_is_pending_child(tcb)) { /* measured and judged with its text: fastopen_child_begins() */
        tcb->ext->rexmit_hold = false;
    } else {
        if (tcb->ca_state == CA_LOSS)
            recovery_on_syn_acked(tcb, fastopen_is_text_acked(tcb, rx));
        rtt_on_established(tcb, rx, start);
    }
    if (tcb->srtt_us || tcb->is_passive) /* Karn: the SYN's backoff goes on until something is measured */
        tcb->backoff = 0;
    else if (tcb_params(tcb)->rto_policy == TCP_RTO_FREEBSD)
        tcb->backoff = tcb->retransmits;
    metrics_apply(tcb);
    if (!tcb_ext_peek(tcb)->syn_fastopen || fastopen_is_text_acked(tcb, rx)) /* else its text is lost still */
        recovery_end_rto_time(tcb);
    tcb->retransmits = 0;
    tcb->last_snd_ms = tcb_now_ms(tcb);
    bool is_crossed = tcb->state == TCPS_SYN_RECEIVED && !tcb->is_passive && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX;
    if (!is_crossed && !tcb_ext_peek(tcb)->fastopen_child) /* these: never; since its SYN */
        tcb->last_rcv_ms = tcb_now_ms(tcb);
    if (tcb->ext)
        begin_clocks(tcb);
    if (!tcb->is_passive) /* else behind the ACK that ends the handshake */
        tcb->hp_on = !tcb->wscale_ok;
    tcb_set_state(tcb, TCPS_ESTABLISHED);
    cwnd_begin(tcb);
    window_init(tcb);
    sndbuf_expand(tcb);
    keepalive_arm(tcb, true);
    if (tcb->is_passive)
        plpmtud_init(tcb, mss_options(tcb));
}

static enum lil_drop ack_in_syn_received(struct tcb *tcb, struct rx *rx)
{
    if (!seq_gt(rx->ack, tcb->snd_una) || seq_gt(rx->ack, tcb->snd_nxt)) {
        if (tcb->is_orphan && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX) /* there it is in FIN-WAIT-1 */
            (void)challenge_ack(tcb);
        else
            reset_reply(tcb->tcp, rx->in); /* 3.5.2 group 2 */
        return LIL_DROP_TCP_BAD_ACK;
    }
    bool fin = tcb->snd_shutdown, again = tcb->retransmits && tcb_params(tcb)->input_policy == TCP_INPUT_BSD;
    tcb->fin_queued = fin;
    tcp_establish(tcb, rx);
    if (accecn_is_on(tcb) && !tcb_params(tcb)->byte_recovery) { /* bsd_ecn_on_segment() */
        if (!tcb->is_passive)
            accecn_on_syn_acked(tcb, rx);
        if (!tcb->ext->fastopen_child)
            accecn_on_third_ack(tcb, rx);
        if (tcb->is_passive && !tcb->ext->fastopen_child)
            accecn_on_child(tcb, rx->in);
    }
    if (!tcb->is_passive && tcb_ext_get(tcb)) {
        begin_clocks(tcb);
        tcb->ext->delivered++; /* Linux counts both, our SYN and our SYN/ACK */
        TCP_MIB(tcb->tcp, Delivered);
        if (ack_has_echo(tcb, rx))
            recovery_on_syn_marked(tcb);
    }
    if (!tcb->is_passive && (rx->flags & TCP_SYN) && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX)
        send_dup_ack(tcb, rx); /* its SYN came twice */
    tcb->snd_una++; /* the SYN */
    if (tcb_ext_peek(tcb)->fastopen_child) {
        fastopen_child_done(tcb);
        if (tcb->ext->lost_out)
            tcb_mark_due(tcb);
        if (again) { /* so is the text that went with the first SYN/ACK */
            recovery_on_rto(tcb, false);
            tcb_mark_due(tcb);
        }
        timer_rexmt(tcb);
    } else if (tcb->tx) {
        timer_rexmt(tcb);
    }
    if (fin)
        tcb_set_state(tcb, TCPS_FIN_WAIT_1);
    if (!tcb->is_passive || !tcb->is_unaccepted)
        tcb_event(tcb, TCP_EV_CONNECTED | TCP_EV_WRITABLE);
    return LIL_DROP_NONE;
}

static bool is_fin_acked(const struct tcb *tcb)
{
    return tcb->fin_queued && tcb->snd_una == tcb->write_seq + 1;
}

/* New data for a process that will never read it: a reset (RFC 2525 2.17; RFC 9293 3.10.7.4, CLOSE with data behind). */
static bool is_data_for_nobody(const struct tcb *tcb, const struct rx *rx)
{
    if (rx->end_seq == rx->seq || !seq_gt(rx->end_seq - !!(rx->flags & TCP_FIN), tcb->rcv_nxt) ||
        tcb_params(tcb)->input_policy == TCP_INPUT_BSD)
        return false; /* BSD: bsd_steps() has asked */
    if (tcb->state == TCPS_FIN_WAIT_1 || tcb->state == TCPS_FIN_WAIT_2)
        return tcb->rcv_shutdown || tcb->is_orphan;
    if (tcb_params(tcb)->input_policy == TCP_INPUT_LINUX && tcb->state >= TCPS_CLOSE_WAIT && seq_lt(rx->seq, tcb->rcv_nxt))
        return true; /* more than the peer had before its FIN */
    return tcb->is_orphan && tcb->state > TCPS_CLOSE_WAIT && tcb_params(tcb)->input_policy != TCP_INPUT_LINUX;
}

/* The ACK that ended the handshake was processed. */
static void begin_connection(struct tcb *tcb, const struct rx *rx)
{
    if (tcb->fin_queued && tcb->ext && rx->seq != rx->end_seq)
        output_note_early(tcb);
    if (tcb_ext_peek(tcb)->fastopen_child)
        fastopen_child_begins(tcb, rx);
    tcb->hp_on = true; /* this ACK itself was not predicted */
    if (tcb->is_passive)
        cwnd_begin_marks(tcb);
}

/* FIN-WAIT-1 -> FIN-WAIT-2. False: that was its end. */
static bool enter_fin_wait_2(struct tcb *tcb, const struct rx *rx)
{
    tcb_set_state(tcb, TCPS_FIN_WAIT_2);
    timer_stop(tcb);
    if (tcb->is_orphan && tcb->opt->linger2_ms < 0) {
        TCP_MIB(tcb->tcp, AbortOnData);
        if (tcb_params(tcb)->input_policy == TCP_INPUT_LINUX)
            reset_reply(tcb->tcp, rx->in);
        tcb_done(tcb);
        return false;
    }
    if (!fin_wait_2_start(tcb, !(rx->flags & TCP_FIN) && !is_data_for_nobody(tcb, rx)))
        return false;
    metrics_save_of_waiter(tcb);
    if (!tcb->is_orphan)
        tcb_event(tcb, TCP_EV_CHANGED | TCP_EV_WRITABLE);
    return true;
}

enum lil_drop tcp_step5_ack(struct tcb *tcb, struct rx *rx)
{
    if (!(rx->flags & TCP_ACK))
        return LIL_DROP_TCP_BAD_FLAGS;
    bool begins = tcb->state == TCPS_SYN_RECEIVED;
    if (begins) {
        enum lil_drop drop = ack_in_syn_received(tcb, rx);
        if (drop != LIL_DROP_NONE)
            return drop;
    }
    bool acceptable;
    enum lil_drop drop = ack_process(tcb, rx, &acceptable);
    if (!acceptable)
        return drop;
    if (begins)
        begin_connection(tcb, rx);
    switch ((enum tcp_state)tcb->state) {
    case TCPS_FIN_WAIT_1:
        if (is_fin_acked(tcb) && !enter_fin_wait_2(tcb, rx))
            return LIL_DROP_TCP_AFTER_CLOSE;
        break;
    case TCPS_CLOSING:
        if (is_fin_acked(tcb)) {
            /* tcp_twstart(): an old segment is answered still */
            if (tcb_params(tcb)->input_policy == TCP_INPUT_BSD && (tcb->ack_now || rx->finds_ack_now))
                reply_ack(tcb);
            tcb_enter_time_wait(tcb);
            return LIL_DROP_TCP_AFTER_CLOSE;
        }
        break;
    case TCPS_LAST_ACK:
        if (is_fin_acked(tcb)) {
            tcb_done(tcb);
            return LIL_DROP_TCP_AFTER_CLOSE;
        }
        break;
    default:
        break;
    }
    if (is_data_for_nobody(tcb, rx)) {
        TCP_MIB(tcb->tcp, AbortOnData);
        reset_reply(tcb->tcp, rx->in);
        tcp_step6_urgent(tcb, rx); /* its mark counts all the same */
        tcb_fail(tcb, tcb->is_orphan ? 0 : tcb->state == TCPS_CLOSE_WAIT ? EPIPE : ECONNRESET);
        return LIL_DROP_TCP_AFTER_CLOSE;
    }
    return LIL_DROP_NONE;
}

/* --- step 6: URG (RFC 9293 3.8.5, RFC 6093) ---------------------------------------------------------------------------------------- */

/* RFC 9293 3.8.5 (MUST-30): the mark; the process is told (MUST-32). */
static void note_urgent_mark(struct tcb *tcb, const struct rx *rx)
{
    uint32_t urgent = rx->in->header.urgent;
    if (!(rx->flags & TCP_URG) || (urgent == 0 && tcb_params(tcb)->input_policy != TCP_INPUT_LINUX))
        return;
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext || (tcb->state > TCPS_FIN_WAIT_2 && tcb_params(tcb)->input_policy != TCP_INPUT_LINUX)) /* there also after the peer's FIN */
        return;
    /* the byte before the one that the pointer names, as every stack counts (RFC 6093 3.1 notwithstanding) */
    uint32_t mark = rx->in->header.seq + urgent - (urgent && !tcb_params(tcb)->stdurg);
    uint32_t copied = tcb->rcv_nxt - tcb->fin_rcvd - tcb->readable;
    if (seq_lt(mark, copied) || seq_lt(mark, tcb->rcv_nxt) || (ext->rcv_urgent && seq_le(mark, ext->rcv_up)))
        return;
    bool is_next = ext->rcv_urgent && ext->rcv_up == copied && tcb->readable && !tcb->opt->socket.oob_inline;
    if (is_next && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX) { /* tcp_check_urg(): the urgent byte before stays out of line */
        stream_consume(&tcb->rcv_stream, 1);
        tcb->readable--;
        rmem_release(tcb, 1);
    }
    ext->rcv_up = mark;
    ext->rcv_urgent = true;
    ext->urg_valid = ext->urg_taken = false;
    if (tcb_params(tcb)->input_policy != TCP_INPUT_LINUX) /* there a signal comes now, and who polls is told of the byte */
        tcb_event(tcb, TCP_EV_URGENT);
}

/* Remembers the urgent byte when it comes by, in order or not (out of line delivery); BSD: of a segment that points at it. */
static void note_urgent_byte(struct tcb *tcb, const struct rx *rx)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext || !ext->rcv_urgent || ext->urg_valid || !rx->packet)
        return;
    if (!(rx->flags & TCP_URG) && tcb_params(tcb)->input_policy == TCP_INPUT_BSD)
        return;
    uint32_t offset = ext->rcv_up - (rx->seq + !!(rx->flags & TCP_SYN));
    if (offset >= rx->length)
        return;
    packet_read(rx->packet, offset, &ext->urg_byte, 1);
    ext->urg_valid = true;
    tcb_event(tcb, TCP_EV_URGENT | TCP_EV_READABLE);
}

void tcp_step6_urgent(struct tcb *tcb, struct rx *rx)
{
    note_urgent_mark(tcb, rx);
    note_urgent_byte(tcb, rx);
}

/* --- step 8: FIN ---------------------------------------------------------------------------------------------------------------------- */

/* The peer's FIN is in order; rcv_nxt is past it already. True while the tcb lives on. */
bool tcp_step8_fin(struct tcb *tcb)
{
    tcb->fin_rcvd = true;
    if (tcb->ext)
        tcb->ext->fin_waits = tcb->readable == 0;
    delack_schedule(tcb);
    switch ((enum tcp_state)tcb->state) {
    case TCPS_SYN_RECEIVED:
    case TCPS_ESTABLISHED:
        tcb_set_state(tcb, TCPS_CLOSE_WAIT);
        tcb->pingpong = PINGPONG_MOST;
        break;
    case TCPS_FIN_WAIT_1:
        delack_ack_now(tcb);
        tcb_set_state(tcb, TCPS_CLOSING);
        break;
    case TCPS_FIN_WAIT_2:
        if (tcb->is_fin_waiter)
            tcb->rcv_wup++; /* a record's window is not used by a FIN */
        if (tcb_params(tcb)->last_ack_tells_all)
            bsd_tell_last_text(tcb);
        reply_ack(tcb);
        if (tcb->ext)
            tcb->ext->segs_out++;
        tcb_enter_time_wait(tcb);
        return false;
    default:
        break;
    }
    if (tcb->ext)
        reass_free(tcb);
    if (tcb->ext && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX) /* tcp_sack_reset() */
        tcb->ext->recent_count = tcb->ext->has_dsack = 0;
    if (!tcb->is_orphan)
        tcb_event(tcb, TCP_EV_READABLE | TCP_EV_RDHUP | (tcb->state == TCPS_CLOSING ? TCP_EV_HUP : 0));
    return true;
}

/* Linux keeps an orphan in FIN-WAIT-2 as a TIME-WAIT record is kept: a reset in the window ends it, data behind is answered with one,
 * a pure ACK is nothing. LIL_DROP_NONE: the FIN that it waits for; the general path takes it. */
COLD static enum lil_drop orphan_waits(struct tcb *tcb, const struct rx *rx)
{
    uint32_t right = tcb->rcv_nxt + tcb_receive_window(tcb);
    bool inside = rx->seq == tcb->rcv_nxt || (seq_gt(rx->end_seq, tcb->rcv_nxt) && seq_lt(rx->seq, right)) ||
                  (rx->seq == right && rx->seq == rx->end_seq);
    bool is_old = tcb->ts_ok && timewait_paws(tcb->tcp, tcb->ts_recent, tcb->ts_recent_s, &rx->in->header);
    if (is_old || !inside) {
        if ((rx->seq != rx->end_seq && !(rx->flags & TCP_SYN)) || oow_ack_allowed(tcb))
            delack_ack_now(tcb);
        else
            TCP_MIB(tcb->tcp, ACKSkippedFinWait2);
        return LIL_DROP_TCP_BAD_SEQ;
    }
    if (rx->flags & TCP_RST) {
        tcb_done(tcb);
        return LIL_DROP_TCP_AFTER_CLOSE;
    }
    bool syn = (rx->flags & TCP_SYN) && seq_ge(rx->seq, tcb->rcv_nxt);
    if (!syn && (!(rx->flags & TCP_ACK) || seq_le(rx->end_seq, tcb->rcv_nxt) || rx->end_seq == rx->seq))
        return LIL_DROP_TCP_DUPLICATE;
    if (!syn && (rx->flags & TCP_FIN) && rx->end_seq == tcb->rcv_nxt + 1)
        return LIL_DROP_NONE;
    if (guard_may_refuse(tcb->tcp, rx->in, rx->packet))
        reset_reply(tcb->tcp, rx->in);
    tcb_done(tcb);
    return LIL_DROP_TCP_AFTER_CLOSE;
}

/* RFC 9293 3.10.7.4 */
INLINE enum lil_drop tcp_steps(struct tcb *tcb, struct rx *rx)
{
    if (tcb_params(tcb)->input_policy == TCP_INPUT_BSD)
        return bsd_steps(tcb, rx);
    if (tcb->is_fin_waiter) {
        enum lil_drop waits = orphan_waits(tcb, rx);
        if (waits == LIL_DROP_NONE) {
            note_timestamp(tcb, rx);
            reass_text(tcb, rx, &waits);
        }
        return waits;
    }
    if (__builtin_expect(tcb_ext_peek(tcb)->fastopen_child, 0) && !fastopen_admits(tcb, rx))
        return LIL_DROP_TCP_BAD_SEQ;
    if (!(rx->flags & (TCP_ACK | TCP_RST | TCP_SYN)) && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX)
        return LIL_DROP_TCP_BAD_FLAGS; /* before its number is looked at */
    enum lil_drop drop = tcp_step1_sequence(tcb, rx);
    if (drop == LIL_DROP_NONE)
        drop = tcp_step2_reset(tcb, rx);
    rx->is_discarded = drop != LIL_DROP_NONE;
    if (drop != LIL_DROP_NONE) /* a reset that did its work is no drop */
        return (rx->flags & TCP_RST) && drop == LIL_DROP_TCP_AFTER_CLOSE ? LIL_DROP_NONE : drop;
    /* step 3, security, is obsolete */
    drop = tcp_step4_syn(tcb, rx);
    rx->is_discarded = drop != LIL_DROP_NONE;
    if (drop != LIL_DROP_NONE)
        return drop;
    if (tcb_params(tcb)->input_policy != TCP_INPUT_LINUX || tcb->state == TCPS_SYN_RECEIVED || ack_is_plausible(tcb, rx))
        note_timestamp(tcb, rx); /* Linux: not from a segment whose ACK is bad */
    bool was_last = tcb->state == TCPS_CLOSING || tcb->state == TCPS_LAST_ACK, was_open = tcb->state == TCPS_ESTABLISHED;
    if (__builtin_expect(rx->in->ecn || tcb->ecn_ok, 0) && was_open) /* Linux counts there alone */
        accecn_on_segment(tcb, rx->in, rx->in->payload);
    drop = tcp_step5_ack(tcb, rx);
    rx->is_discarded = drop != LIL_DROP_NONE;
    if (drop != LIL_DROP_NONE)
        return drop == LIL_DROP_TCP_AFTER_CLOSE && was_last && rx->length == 0 ? LIL_DROP_NONE : drop;
    if (tcb->is_fin_waiter) /* since this ACK */
        return rx->length ? LIL_DROP_TCP_DUPLICATE : LIL_DROP_NONE;
    if (was_open)
        window_note_echo(tcb, rx);
    tcp_step6_urgent(tcb, rx);
    if (rx->length || (rx->flags & TCP_FIN)) /* step 7; step 8 when the FIN is in order */
        reass_text(tcb, rx, &drop);
    return drop;
}

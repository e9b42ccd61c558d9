/* tcp_ack.c: step 5 (RFC 9293 3.10.7.4 fifth): SND.UNA, the window update, then what the ACK tells of each segment in flight
 * (tcp_sack.c, tcp_clean.c), recovery (tcp_recovery.c) and congestion control (tcp_cc.c). */
#include "tcp/tcb.h"
#include "tcp/sockopt/tcp_stamp.h"

/* RFC 9293 3.10.7.4: update if SND.WL1 < SEG.SEQ, or equal and the ACK is newer, or (RFC 1122) the window is larger. */
static bool update_window(struct tcb *tcb, struct rx *rx)
{
    bool is_bsd = tcb_params(tcb)->input_policy == TCP_INPUT_BSD, moves = seq_gt(rx->ack, tcb->snd_una);
    if (is_bsd && tcb_ext_peek(tcb)->base.owed) /* the ACK before was used up, and SND.WL2 is from before it */
        moves = true;
    bool newer = (moves && (!is_bsd || rx->seq == tcb->snd_wl1)) || seq_gt(rx->seq, tcb->snd_wl1) ||
                 (rx->seq == tcb->snd_wl1 && (rx->window > tcb->snd_wnd || (rx->window == 0 && !is_bsd)));
    if (!newer) {
        if (moves) /* BSD: less what it acknowledges */
            tcb->snd_wnd -= min_u32(tcb->snd_wnd, rx->ack - tcb->snd_una);
        return false;
    }
    tcb->snd_wl1 = rx->seq;
    rx->tells_window = true;
    if (tcb->snd_wnd == rx->window)
        return true;
    tcb->snd_wnd = rx->window;
    tcb->hp_on = false; /* tcp_fast_path_check() */
    tcb_arm_prediction(tcb);
    if (tcb_has_unsent(tcb) && tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX)
        cwnd_check_idle(tcb); /* what the window held back may go now, after a silence */
    if (rx->window > tcb->max_window) {
        bool was_bound = (tcb->mss < tcb->mss_clamp || !tcb->max_window) && tcb->max_window / 2 < tcb->mss_clamp + 12u;
        tcb->max_window = rx->window;
        if (was_bound || (tcb->ext && tcb->ext->mtu_probing)) /* half the peer's largest window was the limit (mss_sync) */
            mss_refresh(tcb);
    }
    return true;
}

static void advance_una(struct tcb *tcb, uint32_t ack, int ttl)
{
    uint32_t acked = ack - tcb->snd_una, fin = tcb->fin_queued && ack == tcb->write_seq + 1, bytes = acked - fin;
    tcb->snd_una = ack;
    if (tcb->ext) {
        tcb->ext->bytes_acked += acked;
        if (tcb->ext->has_stamps)
            stamp_on_acked(tcb, ttl);
    }
    if (bytes)
        stream_consume(&tcb->snd_stream, bytes);
}

/* Linux looks for room behind each chunk that the ACK lets out and at the end (tcp_data_snd_check, tcp_event_new_data_sent): the buffer
 * does not grow while what goes fills the window. */
void ack_wake_writer(struct tcb *tcb)
{
    if (!tcb->want_space)
        return;
    if (!tcb->ext || !tcb_has_unsent(tcb) || tcb_params(tcb)->output_policy != TCP_OUTPUT_LINUX) {
        ack_check_space(tcb);
        return;
    }
    tcb->ext->space_due = true;
    tcb_mark_due(tcb);
}

void ack_check_space(struct tcb *tcb)
{
    if (!tcb->want_space || tcb->snd_shutdown)
        return;
    if (tcb_in_flight(tcb) < tcb->cwnd) /* the buffer, not the network, holds the writer back */
        sndbuf_expand(tcb);
    if (tcp_is_writeable(tcb)) {
        tcb->want_space = false;
        if (tcb->ext && tcb->ext->sndbuf_ns) {
            tcb->ext->sndbuf_total_ns += tcb_now(tcb) - tcb->ext->sndbuf_ns;
            tcb->ext->sndbuf_ns = 0;
        }
        tcb_event(tcb, TCP_EV_WRITABLE);
    }
}

/* RFC 3168 6.1.2: an ECN-Echo that reduces the window. */
bool ack_has_echo(const struct tcb *tcb, const struct rx *rx)
{
    if (!tcb->ecn_ok || accecn_is_on(tcb) || tcb_params(tcb)->byte_recovery)
        return false;
    return (rx->flags & TCP_ECE) && !(rx->flags & TCP_SYN);
}

/* AccECN's counters; DCTCP's windows. */
COLD static void count_marks(struct tcb *tcb, struct rx *rx, struct ack_state *state)
{
    const struct cc_ops *cc = cc_get(tcb);
    if (accecn_is_on(tcb) && !tcb_params(tcb)->byte_recovery)
        accecn_on_ack(tcb, rx, state);
    if (cc->on_ack && tcb_ext_get(tcb)) {
        cwnd_init(tcb);
        cc->on_ack(tcb);
    }
}

/* The window may have opened: leave the persist state. */
static void end_probing(struct tcb *tcb)
{
    if (tcb->timer != TIMER_PERSIST || tcb_params(tcb)->rto_policy == TCP_RTO_LINUX) /* probe_on_ack() */
        return;
    uint32_t mss = tcb->mss, unsent = tcb_snd_end(tcb) - tcb->snd_nxt, need = min_u32(unsent, mss);
    if (base_probes_again(tcb) || (tcb_params(tcb)->byte_recovery && tcb_ext_peek(tcb)->probe_byte))
        need = 0; /* what was sent before goes again, however little */
    if (need == 0 || seq_ge(tcb->snd_una + tcb->snd_wnd, tcb->snd_nxt + need) || tcb->snd_wnd >= tcb->max_window / 2) {
        if (tcb->snd_wnd == 0)
            return;
        timer_stop(tcb);
        if (tcb->ext)
            tcb->ext->persist_backoff = 0;
    }
}

/* Linux: what waits is probed for until the window takes its first buffer whole; each ACK before that puts the next probe off
 * (tcp_ack_probe). */
static void probe_on_ack(struct tcb *tcb)
{
    if (!tcb->ext || !tcb_has_unsent(tcb))
        return;
    uint32_t end = queue_first_end(tcb);
    if (seq_le(end + (end == tcb->write_seq && tcb->fin_queued), tcb->snd_una + tcb->snd_wnd))
        persist_end(tcb);
    else
        persist_arm(tcb);
}

/* How far below SND.UNA an ACK may be old: Linux believes in none of bytes that were never sent, FreeBSD 15 in none while the
 * first window's worth is not behind. */
static uint32_t old_ack_range(const struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint64_t sent = tcb->ext ? tcb->ext->bytes_acked : tcb->fin_queued && tcb->snd_una != tcb->write_seq;
    sent += params->input_policy == TCP_INPUT_LINUX && !tcb->is_passive; /* the SYN */
    if (params->input_policy == TCP_INPUT_LINUX || (params->ghost_ack_check && sent < (uint64_t)65535 << tcb->snd_wscale))
        return (uint32_t)min_u64(tcb->max_window, sent);
    return max_u32(tcb->max_window, 1);
}

/* What Linux's fast path takes (tcp_rcv_established: pred_flags). */
static bool is_header_predicted(const struct tcb *tcb, const struct rx *rx)
{
    const struct tcp_options *options = &rx->in->header.options;
    if (!tcb->hp_on || tcb->state != TCPS_ESTABLISHED)
        return false;
    uint32_t flags = TCP_ACK | (__builtin_expect(tcb->ecn_ok, 0) && accecn_is_on(tcb) ? accecn_expected(tcb) : 0);
    return (rx->flags & ~(uint32_t)TCP_PSH) == flags && rx->seq == tcb->rcv_nxt && rx->window == tcb->snd_wnd &&
           seq_between(rx->ack, tcb->snd_una, tcb->snd_nxt) &&
           rx->in->header.header_length == TCP_LENGTH + tcb_ts_bytes(tcb) && options->has_timestamp == tcb->ts_ok &&
           !tcb_ext_peek(tcb)->ooo && !tcb_ext_peek(tcb)->rcv_urgent;
}

bool ack_is_plausible(const struct tcb *tcb, const struct rx *rx)
{
    return seq_between(rx->ack, tcb->snd_una - old_ack_range(tcb), tcb->snd_nxt);
}

/* Text that Linux's fast path takes: expected, and memory is paid for. */
static bool is_text_predicted(const struct tcb *tcb, const struct rx *rx)
{
    return rx->length && rx->is_expected && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX && tcb->ext &&
           rmem_cost(tcb, rx->length) <= rmem_paid(tcb);
}

static enum lil_drop old_or_bad(struct tcb *tcb, struct rx *rx, bool *acceptable)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (seq_gt(rx->ack, tcb->snd_nxt)) { /* acknowledges what was not sent */
        bool was_due = tcb->is_due;
        if (params->input_policy != TCP_INPUT_LINUX)
            delack_ack_now(tcb);
        else
            challenge_ack(tcb); /* RFC 5961 5.2 */
        if (tcb->ext && tcb->is_due && !was_due) /* the answer brings out nothing that waits (for TSO's sake) */
            tcb->ext->nothing_new = params->output_policy == TCP_OUTPUT_LINUX;
        return LIL_DROP_TCP_BAD_ACK;
    }
    if (params->rfc5961 && seq_lt(rx->ack, tcb->snd_una - old_ack_range(tcb))) { /* RFC 5961 5 */
        rx->is_answered = params->input_policy == TCP_INPUT_BSD; /* what else was old about it is with what goes next (TF_ACKNOW) */
        challenge_ack(tcb);
        return LIL_DROP_TCP_BAD_ACK;
    }
    *acceptable = true; /* an old duplicate: its text may still be new; FreeBSD: its window, too */
    if (params->input_policy == TCP_INPUT_BSD && seq_gt(rx->seq, tcb->snd_wl1))
        (void)update_window(tcb, rx);
    if (rx->in->header.options.sack_count && tcb->sack_ok && tcb->ext && tcb->tx) {
        struct ack_state state = {.rx = rx, .reord = tcb->snd_nxt, .prior_una = tcb->snd_una, .has_data = rx->end_seq != rx->seq};
        recovery_begin(tcb, &state);
        sack_receive(tcb, rx, &state);
        recovery_on_old_ack(tcb, &state);
    }
    return LIL_DROP_NONE;
}

/* Linux counts an ACK that its fast path took apart from one that went the long way. */
static void count_ack(struct tcb *tcb, struct rx *rx)
{
    bool expected = rx->is_expected;
    rx->is_expected_ack = expected && rx->end_seq == rx->seq && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX;
    tcb_count_ack(tcb, expected, rx->ack != tcb->snd_una, rx->end_seq != rx->seq);
}

static void note_valid(struct tcb *tcb, struct rx *rx)
{
    struct tcb_ext *ext = tcb->ext;
    if (tcb->ecn_ok)
        ecn_on_cwr(tcb, rx);
    count_ack(tcb, rx);
    if (!ext)
        return;
    ext->nothing_new = false;
    ext->rcv_last_ms = tcb_now_ms(tcb); /* Linux's rcv_tstamp: what is no ACK of ours says nothing of the peer's life */
    if (tcb_params(tcb)->input_policy != TCP_INPUT_BSD)
        ext->keep_probes_out = ext->soft_error = 0; /* something worked */
    if (ext->msg_more && tcb_params(tcb)->input_policy == TCP_INPUT_LINUX)
        ext->msg_more = false; /* MSG_MORE holds for its call; what comes lets what waits go (tcp_data_snd_check) */
}

/* FreeBSD: recovery has used it; neither its window counts nor its text. */
static enum lil_drop drop_rest(struct tcb *tcb, const struct ack_state *state, bool *acceptable)
{
    tcb->snd_wnd = state->prior_wnd - min_u32(state->prior_wnd, tcb->snd_una - state->prior_una); /* its edge stays */
    tcb->snd_wl1 = state->prior_wl1;
    *acceptable = false;
    return state->has_data ? LIL_DROP_TCP_DUPLICATE : LIL_DROP_NONE;
}

/* Nothing in flight, nothing new: the receiver of a bulk transfer is here. */
static bool tells_nothing(const struct tcb *tcb, const struct rx *rx)
{
    if (rx->ack != tcb->snd_una || rx->window != tcb->snd_wnd)
        return false;
    if (rx->in->header.options.sack_count)
        return tcb_params(tcb)->byte_recovery && bsd_is_fast_data(tcb, rx);
    if (rx->seq == rx->end_seq && tcb_ext_peek(tcb)->tlp_high_seq) /* it tells that the probe was none */
        return false;
    return !tcb->tx && tcb->timer != TIMER_PERSIST && !(tcb->ecn_ok && (accecn_is_on(tcb) || cc_get(tcb)->on_ack));
}

/* Nothing is in flight; a probe of a shut window does not count as that. */
static void take_idle_ack(struct tcb *tcb, struct rx *rx, struct ack_state *state)
{
    if (tcb->ext && tcb->sack_ok && (tcb->ext->is_sack_reneg || rx->in->header.options.sack_count))
        sack_receive(tcb, rx, state); /* a DSACK may undo even now */
    if (tcb->ecn_ok)
        count_marks(tcb, rx, state);
    if (tcb->ext && state->dsack)
        recovery_on_ack(tcb, state);
    else if (tcb->ext)
        recovery_tlp_ack(tcb, state);
    if (tcb_params(tcb)->rto_policy == TCP_RTO_LINUX)
        probe_on_ack(tcb);
    if (state->una_advanced && tcb_params(tcb)->byte_recovery && tcb->ext)
        base_on_probe_ack(tcb, state);
}

/* Without an extension a connection has sent no text, and its FIN once: a retransmission would have made one. */
static bool is_textless(const struct tcb *tcb)
{
    return !tcb->ext && tcb->tcp->has_short_way && tcb->timer != TIMER_PERSIST && !tcb->ecn_ok;
}

/* What the general way comes to then: the window, a round trip of the FIN (RFC 6298 3), and nothing is in flight any more (5.2). */
static void take_textless_ack(struct tcb *tcb, struct rx *rx)
{
    (void)update_window(tcb, rx);
    if (rx->ack == tcb->snd_una)
        return;
    assert(tcb->tx && tcb->tx->count == 1);
    uint64_t rtt_us = (tcb_now(tcb) - txring_at(tcb->tx, 0)->sent_ns) / NS_PER_US;
    tcb->snd_una = rx->ack;
    tcb->retransmits = tcb->backoff = 0;
    txring_free(tcb);
    rtt_sample_linux(tcb, rtt_us);
    rtt_note_min(tcb, rtt_us, false);
    timer_stop(tcb);
}

COLD static void take_probe_byte(struct tcb *tcb, uint32_t ack)
{
    tcb->ext->probe_byte = false;
    if (ack == tcb->snd_nxt + 1 && seq_lt(tcb->snd_nxt, tcb->write_seq))
        tcb->ext->base.next = ++tcb->snd_nxt; /* the probe's byte was taken */
}

static enum lil_drop take_ack(struct tcb *tcb, struct rx *rx, bool *acceptable)
{
    *acceptable = false;
    if (tcb->ext && tcb->ext->probe_byte && rx->ack != tcb->snd_nxt)
        take_probe_byte(tcb, rx->ack);
    rx->is_expected = is_header_predicted(tcb, rx);
    rx->is_text_first = is_text_predicted(tcb, rx);
    if (seq_lt(rx->ack, tcb->snd_una) || seq_gt(rx->ack, tcb->snd_nxt))
        return old_or_bad(tcb, rx, acceptable);
    *acceptable = true;
    if (rx->ack == tcb->snd_una && rx->is_text_first) { /* Linux: an ACK that it does not even look at */
        tcb->snd_wl1 = rx->seq;
        return LIL_DROP_NONE;
    }
    note_valid(tcb, rx);
    if (tells_nothing(tcb, rx)) {
        if (rx->is_expected || seq_gt(rx->seq, tcb->snd_wl1))
            tcb->snd_wl1 = rx->seq;
        return LIL_DROP_NONE;
    }
    if (is_textless(tcb))
        return take_textless_ack(tcb, rx), LIL_DROP_NONE;
    struct ack_state state;
    memset(&state, 0, sizeof state);
    state.prior_una = tcb->snd_una;
    state.reord = tcb->snd_nxt;
    state.has_data = rx->end_seq != rx->seq;
    state.prior_packets = tcb_packets_out(tcb);
    recovery_begin(tcb, &state);
    state.prior_wnd = tcb->snd_wnd;
    state.prior_wl1 = tcb->snd_wl1;
    state.prior_backoff = tcb->backoff;
    state.window_changed = rx->window != tcb->snd_wnd;
    state.is_fin = (rx->flags & TCP_FIN) && tcb->state <= TCPS_FIN_WAIT_2 && tcb->state != TCPS_CLOSE_WAIT;
    state.rx = rx;
    state.is_predicted = tcb_params(tcb)->byte_recovery && base_predicts(tcb, rx);
    state.window_update = update_window(tcb, rx);
    if (state.is_predicted) /* it moves SND.WL2 alone */
        tcb->snd_wl1 = state.prior_wl1;
    state.una_advanced = rx->ack != tcb->snd_una;
    if (state.una_advanced) {
        tcb->retransmits = 0;
        if (tcb->ext && recovery_is_classic(tcb))
            tcb->ext->retrans_stamp_ns = 0; /* R2 counts from the last progress */
        advance_una(tcb, rx->ack, rx->in->ttl);
    }
    if (tcb->ext && !state.una_advanced && tcb->timer == TIMER_PERSIST)
        tcb->ext->keep_probes_out = 0;
    end_probing(tcb);
    state.ts_ecr_ok = tcb->ts_ok && rx->in->header.options.has_timestamp && rx->in->header.options.ts_echo;
    state.ts_ecr = rx->in->header.options.ts_echo;
    state.ece = ack_has_echo(tcb, rx);
    if (state.prior_packets == 0)
        return take_idle_ack(tcb, rx, &state), LIL_DROP_NONE;
    if (tcb->ext && tcb->sack_ok && rx->in->header.options.sack_count)
        sack_receive(tcb, rx, &state);
    recovery_clean(tcb, &state);
    if (tcb->ecn_ok)
        count_marks(tcb, rx, &state);
    if (tcb->ext && state.una_advanced && tcb->ext->snd_urgent) {
        tcb->ext->snd_urgent = seq_gt(tcb->ext->snd_up, tcb->snd_una);
        base_tell_urgent(tcb);
    }
    if (tcb->ext)
        recovery_on_ack(tcb, &state);
    else if (state.data_acked)
        timer_rexmt(tcb);
    if (state.una_advanced)
        ack_wake_writer(tcb);
    return state.is_taken_apart ? drop_rest(tcb, &state, acceptable) : LIL_DROP_NONE;
}

enum lil_drop ack_process(struct tcb *tcb, struct rx *rx, bool *acceptable)
{
    uint32_t delivered = 0, delivered_ce = 0, una = tcb->snd_una;
    bool is_idle = false; /* Linux: marks told of with nothing in flight are in TCP_INFO alone */
    if (tcb->ext) {
        is_idle = tcb_packets_out(tcb) == 0;
        delivered = tcb->ext->delivered;
        delivered_ce = tcb->ext->delivered_ce;
    }
    enum lil_drop drop = take_ack(tcb, rx, acceptable);
    if (tcb->ext) {
        tcb->tcp->mib[MIB_Delivered] += tcb->ext->delivered - delivered;
        tcb->tcp->mib[MIB_DeliveredCE] += is_idle ? 0 : tcb->ext->delivered_ce - delivered_ce;
    } else {
        tcb->tcp->mib[MIB_Delivered] += tcb->snd_una - una; /* a FIN */
    }
    return drop;
}


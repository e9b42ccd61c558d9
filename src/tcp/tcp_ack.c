/* tcp_ack.c: step 5 (RFC 9293 3.10.7.4 fifth): SND.UNA, the window update, what the ACK tells of each segment in flight
 * (round trip, reordering), then recovery (tcp_recovery.c) and congestion control (tcp_cc.c). */
#include "tcp/tcb.h"

/* RFC 9293 3.10.7.4: update if SND.WL1 < SEG.SEQ, or equal and the ACK is newer, or (RFC 1122) the window is larger. */
static bool update_window(struct tcb *tcb, const struct rx *rx)
{
    bool newer = seq_gt(rx->ack, tcb->snd_una) || seq_gt(rx->seq, tcb->snd_wl1) ||
                 (rx->seq == tcb->snd_wl1 && (rx->window > tcb->snd_wnd || rx->window == 0));
    if (!newer)
        return false;
    tcb->snd_wl1 = rx->seq;
    if (tcb->snd_wnd == rx->window)
        return true;
    tcb->snd_wnd = rx->window;
    if (rx->window > tcb->max_window) {
        tcb->max_window = rx->window;
        if (tcb->mss < tcb->mss_clamp && tcb->max_window / 2 < tcb->mss_clamp + 12u)
            mss_refresh(tcb);
    }
    return true;
}

static void advance_una(struct tcb *tcb, uint32_t ack)
{
    uint32_t acked = ack - tcb->snd_una, fin = tcb->fin_queued && ack == tcb->write_seq + 1, bytes = acked - fin;
    tcb->snd_una = ack;
    if (tcb->ext)
        tcb->ext->bytes_acked += bytes;
    if (bytes)
        stream_consume(&tcb->snd_stream, bytes);
}

static void wake_writer(struct tcb *tcb)
{
    if (!tcb->want_space || tcb->snd_shutdown)
        return;
    size_t used = stream_length(tcb->snd_stream);
    if (tcb->sndbuf > used && tcb->sndbuf - used >= used / 2 && tcp_writable(tcb)) {
        tcb->want_space = false;
        tcb_event(tcb, TCP_EV_WRITABLE);
    }
}

/* One record is wholly acknowledged. */
static void note_acked(struct tcb *tcb, struct txseg *seg, struct ack_state *state, uint32_t packets)
{
    struct tcb_ext *ext = tcb->ext;
    if (seg->flags & TX_EVER_RETRANS) {
        if (ext && (seg->flags & TX_RETRANS))
            ext->retrans_out -= packets;
        state->retrans_acked = true;
        state->retrans_ns = max_u64(state->retrans_ns, seg->sent_ns);
    } else if (!(seg->flags & TX_SACKED)) {
        state->last_ack_ns = seg->sent_ns;
        if (!state->first_ack_ns)
            state->first_ack_ns = seg->sent_ns ? seg->sent_ns : 1;
        if (seq_lt(seg->start, state->reord))
            state->reord = seg->start;
        if (ext && seq_le(seg->end, ext->high_seq))
            state->orig_sack_acked = true;
    }
    if (!ext)
        return;
    if (seg->flags & TX_SACKED) {
        ext->sacked_out -= packets;
    } else if (tcb->sack_ok) {
        ext->delivered += packets;
        recovery_rack_advance(tcb, seg);
    }
    if (seg->flags & TX_LOST)
        ext->lost_out -= packets;
}

/* Linux's tcp_clean_rtx_queue: records before SND.UNA go; the round trip is measured (Karn: never on what was sent twice). */
static void clean_records(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t una = tcb->snd_una;
    bool fully = true;
    while (tcb->tx) {
        struct txseg *seg = txring_at(tcb->tx, 0);
        uint32_t packets = txseg_packets(seg);
        if (seq_gt(seg->end, una)) {
            if (seq_le(una, seg->start))
                break;
            fully = false; /* part of a segment: its head is cut off */
            struct txseg part = *seg;
            seg->start = una;
            uint32_t left = txseg_packets(seg), gone = packets - left;
            tcb->tx->packets_out -= gone;
            part.end = una;
            if (gone) {
                note_acked(tcb, &part, state, gone);
                state->acked_packets += gone;
            }
            break;
        }
        note_acked(tcb, seg, state, packets);
        state->acked_packets += packets;
        state->data_acked = true;
        tcb->tx->packets_out -= packets;
        txring_pop(tcb);
    }
    if (state->acked_packets)
        state->data_acked = true;
    state->fully_acked = fully;
    if (ext) {
        if (seq_lt(ext->retrans_hint, una))
            ext->retrans_hint = una;
        if (ext->snd_urgent && seq_le(ext->snd_up, una))
            ext->snd_urgent = false;
    }
}

static void measure(struct tcb *tcb, const struct rx *rx, struct ack_state *state)
{
    uint64_t now = tcb_now(tcb), rtt_ns = 0, ca_ns = 0;
    bool has = false;
    if (state->first_ack_ns && !state->retrans_acked) {
        rtt_ns = now - state->first_ack_ns;
        ca_ns = now - state->last_ack_ns;
        has = true;
    }
    if (state->first_sack_ns) {
        ca_ns = now - state->last_sack_ns;
        if (!has)
            rtt_ns = now - state->first_sack_ns;
        has = true;
    }
    const struct tcp_options *options = &rx->in->header.options;
    if (!has && state->data_acked && tcb->ts_ok && options->has_timestamp && options->ts_echo) { /* RFC 7323 4: RTTM */
        uint32_t delta = tcb_ts_now(tcb) - options->ts_echo;
        uint64_t delta_ns = max_u32(delta, 1) * (uint64_t)max_u32(tcb_params(tcb)->timestamp_hz_ms, 1) * NS_PER_MS;
        /* an echo from before the last retransmission (a duplicate below the window does not renew TS.Recent) measures our own silence */
        bool stale = state->retrans_acked && now - delta_ns < state->retrans_ns && delta_ns > tcb->rto_us * NS_PER_US;
        if (delta < 0x7fffffff / 1000 && delta_ns <= now && !stale) {
            rtt_ns = ca_ns = delta_ns;
            has = true;
        }
    }
    if (!has)
        return;
    state->has_rtt = true;
    state->rtt_us = max_u64(ca_ns / NS_PER_US, 1);
    uint32_t min = tcb->min_rtt_us;
    rtt_sample(tcb, rtt_ns / NS_PER_US);
    tcb->min_rtt_us = min_u32(min, (uint32_t)min_u64(state->rtt_us, UINT32_MAX - 1));
    tcb->backoff = 0; /* RFC 6298: only a valid measurement ends the backoff */
}

/* Anything odd in this ACK, or are we in some recovery? Else it is slow start or congestion avoidance as usual. */
static bool is_dubious(const struct tcb *tcb, const struct ack_state *state)
{
    return !(state->has_data || state->window_update || state->data_acked) || state->sacked_new || state->ece || state->dsack ||
           tcb->ca_state != CA_OPEN;
}

static void on_ece(struct tcb *tcb, const struct rx *rx, struct ack_state *state)
{
    if (!tcb->ecn_ok)
        return;
    if ((rx->flags & TCP_ECE) && !(rx->flags & TCP_SYN))
        state->ece = true;
}

/* The window may have opened: leave the persist state. */
static void end_probing(struct tcb *tcb)
{
    if (tcb->timer != TIMER_PERSIST)
        return;
    uint32_t mss = tcb->mss, unsent = tcb_snd_end(tcb) - tcb->snd_nxt, need = min_u32(unsent, mss);
    if (seq_ge(tcb->snd_una + tcb->snd_wnd, tcb->snd_nxt + need) || tcb->snd_wnd >= tcb->max_window / 2) {
        if (tcb->snd_wnd == 0)
            return;
        timer_stop(tcb);
        if (tcb->ext)
            tcb->ext->persist_backoff = 0;
    }
}

static enum lil_drop old_or_bad(struct tcb *tcb, struct rx *rx, bool *acceptable)
{
    const struct tcp_params *params = tcb_params(tcb);
    if (seq_gt(rx->ack, tcb->snd_nxt)) { /* acknowledges what was not sent */
        if (params->ack_policy != TCP_ACK_LINUX)
            window_ack_now(tcb);
        else if (tcb->state != TCPS_ESTABLISHED)
            challenge_ack(tcb);
        return LIL_DROP_TCP_BAD_ACK;
    }
    if (params->rfc5961 && seq_lt(rx->ack, tcb->snd_una - max_u32(tcb->max_window, 1))) { /* RFC 5961 5 */
        challenge_ack(tcb);
        return LIL_DROP_TCP_BAD_ACK;
    }
    *acceptable = true; /* an old duplicate: its text may still be new */
    if (rx->in->header.options.sack_count && tcb->sack_ok && tcb->ext && tcb->tx) {
        struct ack_state state = {.reord = tcb->snd_nxt, .prior_una = tcb->snd_una, .has_data = rx->end_seq != rx->seq};
        recovery_begin(tcb, &state);
        sack_receive(tcb, rx, &state);
        recovery_on_ack(tcb, &state);
        tcb_mark_due(tcb);
    }
    return LIL_DROP_NONE;
}

enum lil_drop ack_process(struct tcb *tcb, struct rx *rx, bool *acceptable)
{
    *acceptable = false;
    if (tcb->ext && tcb->ext->probe_byte && rx->ack != tcb->snd_nxt) {
        tcb->ext->probe_byte = false;
        if (rx->ack == tcb->snd_nxt + 1 && seq_lt(tcb->snd_nxt, tcb->write_seq))
            tcb->snd_nxt++; /* the probe's byte was taken */
    }
    if (seq_lt(rx->ack, tcb->snd_una) || seq_gt(rx->ack, tcb->snd_nxt))
        return old_or_bad(tcb, rx, acceptable);
    *acceptable = true;
    struct ack_state state;
    memset(&state, 0, sizeof state);
    state.prior_una = tcb->snd_una;
    state.reord = tcb->snd_nxt;
    state.has_data = rx->end_seq != rx->seq;
    state.prior_packets = tcb_packets_out(tcb);
    recovery_begin(tcb, &state);
    state.window_update = update_window(tcb, rx);
    state.una_advanced = rx->ack != tcb->snd_una;
    if (state.una_advanced) {
        tcb->retransmits = 0;
        if (tcb->ext)
            tcb->ext->retrans_stamp_ns = 0; /* R2 counts from the last progress */
        advance_una(tcb, rx->ack);
    }
    if (tcb->ext && !state.una_advanced && tcb->timer == TIMER_PERSIST)
        tcb->ext->keep_probes_out = 0;
    end_probing(tcb);
    if (state.prior_packets == 0) {
        if (tcb->ext && (tcb->ext->is_sack_reneg || rx->in->header.options.sack_count))
            sack_receive(tcb, rx, &state); /* a DSACK may undo even now */
        if (tcb->ext && state.dsack)
            recovery_on_ack(tcb, &state);
        return LIL_DROP_NONE;
    }
    if (tcb->ext && tcb->sack_ok && rx->in->header.options.sack_count)
        sack_receive(tcb, rx, &state);
    on_ece(tcb, rx, &state);
    if (state.una_advanced)
        clean_records(tcb, &state);
    state.ts_ecr_ok = tcb->ts_ok && rx->in->header.options.has_timestamp && rx->in->header.options.ts_echo;
    state.ts_ecr = rx->in->header.options.ts_echo;
    if (state.data_acked || state.first_sack_ns)
        measure(tcb, rx, &state);
    state.set_xmit_timer = state.data_acked;
    state.is_dubious = is_dubious(tcb, &state);
    state.is_dup = !state.una_advanced && !state.window_update && !state.has_data && !state.dsack && !state.data_acked;
    if (tcb->ext)
        recovery_on_ack(tcb, &state);
    else if (state.data_acked)
        timer_rexmt(tcb);
    if (state.una_advanced)
        wake_writer(tcb);
    return LIL_DROP_NONE;
}

void ack_update_window(struct tcb *tcb, const struct rx *rx)
{
    (void)update_window(tcb, rx);
}

/* tcp_recovery.c: loss recovery: the states Open, Disorder, CWR, Recovery, Loss; RFC 6675 (SACK), RFC 6582 (NewReno without it),
 * RFC 5682 (F-RTO), undo by timestamps (RFC 3522, Eifel) and DSACK. What is lost is told by RACK (tcp_rack.c) or duplicate ACKs;
 * windows are moved by tcp_cwnd.c. The order of decisions is Linux's, on which packetdrill scripts depend. */
#include "tcp/tcb.h"

static bool is_reno(const struct tcb *tcb) { return !tcb->sack_ok; }
static bool has_rack(const struct tcb *tcb) { return tcb->sack_ok && tcb_params(tcb)->rack; }

void recovery_begin(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext)
        return;
    state->prior_in_flight = tcb_in_flight(tcb);
    state->prior_delivered = ext->delivered;
    state->prior_lost = ext->lost_total;
    state->highest_before = ext->sacked_out ? ext->highest_sack : tcb->snd_una;
    state->retrans_before = ext->retrans_out;
    ext->frto_new = false;
}

void recovery_set_state(struct tcb *tcb, enum ca_state state)
{
    if (tcb->ca_state == state)
        return;
    static const char *const names[] = {"open", "disorder", "cwr", "fast-recovery", "loss"};
    const struct cc_ops *ops = cc_get(tcb);
    if (ops->on_state)
        ops->on_state(tcb, state);
    tcb->ca_state = state & 7;
    tcp_trace_text(tcb, names[state]);
}

void recovery_mark_lost(struct tcb *tcb, struct txseg *seg)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t packets = txseg_packets(seg);
    if (seg->flags & TX_SACKED)
        return;
    if (seg->flags & TX_LOST) {
        if (!(seg->flags & TX_RETRANS))
            return;
        seg->flags &= (uint8_t)~TX_RETRANS; /* the retransmission was lost too */
        ext->retrans_out -= packets;
        TCP_MIB(tcb->tcp, LostRetransmit);
    } else {
        seg->flags |= TX_LOST;
        ext->lost_out += packets;
    }
    ext->lost_total += packets;
    if (seq_lt(seg->start, ext->retrans_hint))
        ext->retrans_hint = seg->start;
}

/* A record was sent again (tcp_output.c). */
void recovery_on_retransmit(struct tcb *tcb, struct txseg *seg)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    uint64_t now = tcb_now(tcb);
    if (ext) {
        uint32_t packets = txseg_packets(seg);
        if (!(seg->flags & TX_RETRANS))
            ext->retrans_out += packets;
        ext->total_retrans += packets;
        ext->bytes_retrans += seg->end - seg->start;
        ext->bytes_sent += seg->end - seg->start;
        ext->data_segs_out += packets;
        if (!ext->retrans_stamp_ns)
            ext->retrans_stamp_ns = tcb->ca_state == CA_LOSS ? (seg->sent_ns ? seg->sent_ns : 1) : now;
        if (ext->undo_retrans < 0)
            ext->undo_retrans = 0;
        ext->undo_retrans += (int32_t)packets;
        if (tcb->ca_state == CA_LOSS)
            TCP_MIB(tcb->tcp, SlowStartRetrans);
        else
            TCP_MIB(tcb->tcp, FastRetrans);
        if (!ext->retrans_sent_ns)
            ext->retrans_sent_ns = now ? now : 1;
    }
    seg->flags |= TX_RETRANS | TX_EVER_RETRANS;
    seg->sent_ns = now;
    if (seg->retransmits < 255)
        seg->retransmits++;
}

static bool any_retransmitted(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb->ext;
    if (ext->retrans_out)
        return true;
    return tcb->tx && (txring_at(tcb->tx, 0)->flags & TX_EVER_RETRANS);
}

static void clear_stamp(struct tcb *tcb)
{
    tcb->ext->retrans_stamp_ns = tcb->ext->retrans_sent_ns = 0;
}

/* --- undo (Eifel response, RFC 4015): the loss was none ------------------------------------------------------------------------ */

static bool is_packet_delayed(const struct tcb *tcb, const struct ack_state *state)
{
    /* the ACK echoes a timestamp from before the retransmission */
    if (!state->ts_ecr_ok || !tcb->ext->retrans_sent_ns)
        return false;
    uint32_t hz_ms = max_u32(tcb_params(tcb)->timestamp_hz_ms, 1);
    uint32_t sent = (uint32_t)(tcb->ext->retrans_sent_ns / (hz_ms * NS_PER_MS)) + tcb->ts_offset;
    return (int32_t)(state->ts_ecr - sent) < 0;
}

static bool may_undo(const struct tcb *tcb, const struct ack_state *state)
{
    const struct tcb_ext *ext = tcb->ext;
    return ext->undo_marker && (ext->undo_retrans == 0 || is_packet_delayed(tcb, state));
}

static void undo_reduction(struct tcb *tcb, bool unmark)
{
    struct tcb_ext *ext = tcb->ext;
    if (unmark) {
        for (uint32_t i = 0; tcb->tx && i < tcb->tx->count; i++)
            txring_at(tcb->tx, i)->flags &= (uint8_t)~TX_LOST;
        ext->lost_out = 0;
        ext->retrans_hint = tcb->snd_nxt;
    }
    if (ext->prior_ssthresh) {
        const struct cc_ops *ops = cc_get(tcb);
        tcb->cwnd = ops->undo_cwnd ? ops->undo_cwnd(tcb) : max_u32(tcb->cwnd, ext->prior_cwnd);
        if (ext->prior_ssthresh > tcb->ssthresh) {
            tcb->ssthresh = ext->prior_ssthresh;
            tcb->ecn_queue_cwr = false;
        }
    }
    ext->cwnd_stamp_ns = tcb_now(tcb);
    ext->undo_marker = 0;
    ext->rack_advanced = true;
    tcp_trace_text(tcb, "undo");
}

/* Without SACK the old state is held until something above high_seq is acknowledged (RFC 6582 3.2, avoiding false fast retransmits). */
static bool holds_state(struct tcb *tcb)
{
    if (tcb->snd_una != tcb->ext->high_seq || !is_reno(tcb))
        return false;
    if (!any_retransmitted(tcb))
        clear_stamp(tcb);
    return true;
}

static bool try_undo_recovery(struct tcb *tcb, const struct ack_state *state)
{
    if (may_undo(tcb, state)) {
        if (tcb->ca_state == CA_LOSS)
            TCP_MIB(tcb->tcp, LossUndo);
        else
            TCP_MIB(tcb->tcp, FullUndo);
        undo_reduction(tcb, false);
    }
    if (holds_state(tcb))
        return true;
    recovery_set_state(tcb, CA_OPEN);
    tcb->ext->is_sack_reneg = false;
    return false;
}

static bool try_undo_dsack(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext->undo_marker || ext->undo_retrans)
        return false;
    ext->rack_reo_persist = (uint8_t)min_u32(16, ext->rack_reo_persist + 1u);
    undo_reduction(tcb, false);
    TCP_MIB(tcb->tcp, DSACKUndo);
    return true;
}

static bool try_undo_loss(struct tcb *tcb, const struct ack_state *state, bool frto)
{
    if (!frto && !may_undo(tcb, state))
        return false;
    undo_reduction(tcb, true);
    TCP_MIB(tcb->tcp, LossUndo);
    if (frto)
        TCP_MIB(tcb->tcp, SpuriousRTOs);
    tcb->retransmits = 0;
    if (holds_state(tcb))
        return true;
    if (frto || tcb->sack_ok) {
        recovery_set_state(tcb, CA_OPEN);
        tcb->ext->is_sack_reneg = false;
    }
    return true;
}

/* A partial ACK that a delayed original, not the retransmission, brought about. True: stop here. */
static bool try_undo_partial(struct tcb *tcb, const struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext->undo_marker || !is_packet_delayed(tcb, state))
        return false;
    sack_check_reordering(tcb, state->prior_una);
    if (ext->retrans_out)
        return true;
    if (!any_retransmitted(tcb))
        clear_stamp(tcb);
    undo_reduction(tcb, true);
    TCP_MIB(tcb->tcp, PartialUndo);
    recovery_keep_open(tcb);
    return false;
}

/* --- NewReno without SACK: duplicate ACKs stand for packets that left ------------------------------------------------------------- */

static bool limit_reno_sacked(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t packets = tcb_packets_out(tcb), holes = min_u32(max_u32(ext->lost_out, 1), packets);
    if (ext->sacked_out + holes <= packets)
        return false;
    ext->sacked_out = packets - holes;
    return true;
}

static void check_reno_reordering(struct tcb *tcb, uint32_t addend)
{
    struct tcb_ext *ext = tcb->ext;
    if (!limit_reno_sacked(tcb))
        return;
    ext->reordering = min_u32(tcb_packets_out(tcb) + addend, 300);
    ext->reord_seen++;
    TCP_MIB(tcb->tcp, RenoReorder);
}

static void add_reno_sack(struct tcb *tcb, const struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    if (!state->is_dup)
        return;
    uint32_t before = ext->sacked_out;
    ext->sacked_out++;
    check_reno_reordering(tcb, 0);
    if (ext->sacked_out > before)
        ext->delivered += ext->sacked_out - before;
}

static void remove_reno_sacks(struct tcb *tcb, uint32_t acked)
{
    struct tcb_ext *ext = tcb->ext;
    if (acked > 0) { /* one ACK filled a hole, the rest eat duplicate ACKs */
        ext->delivered += acked > ext->sacked_out ? max_u32(acked - ext->sacked_out, 1) : 1;
        ext->sacked_out = acked - 1 >= ext->sacked_out ? 0 : ext->sacked_out - (acked - 1);
    }
    check_reno_reordering(tcb, acked);
}

static void newreno_mark_lost(struct tcb *tcb, bool una_advanced)
{
    struct tcb_ext *ext = tcb->ext;
    bool begins = tcb->ca_state < CA_RECOVERY && ext->sacked_out >= ext->reordering;
    if (!begins && !(tcb->ca_state == CA_RECOVERY && una_advanced))
        return;
    struct txseg *head = txring_at(tcb->tx, 0);
    if (head->flags & TX_LOST)
        return;
    if (txseg_packets(head) > 1 && txring_split(tcb, 0, head->start + head->mss) == 0)
        head = txring_at(tcb->tx, 0);
    recovery_mark_lost(tcb, head);
}

/* RFC 6675 without RACK: a hole is lost when REORDERING packets above it were SACKed. */
static void sack_mark_lost(struct tcb *tcb, bool force_head)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t above = ext->sacked_out, threshold = ext->reordering;
    for (uint32_t i = 0; i < tcb->tx->count && (above >= threshold || (i == 0 && force_head)); i++) {
        struct txseg *seg = txring_at(tcb->tx, i);
        if (seg->flags & TX_SACKED)
            above -= min_u32(above, txseg_packets(seg));
        else if (!(seg->flags & TX_LOST))
            recovery_mark_lost(tcb, seg);
    }
}

static void identify_loss(struct tcb *tcb, struct ack_state *state)
{
    if (!tcb->tx)
        return;
    struct tcb_ext *ext = tcb->ext;
    if (is_reno(tcb)) {
        newreno_mark_lost(tcb, state->una_advanced);
    } else if (has_rack(tcb)) {
        uint32_t prior = ext->retrans_out;
        if (recovery_rack_mark_lost(tcb))
            state->set_xmit_timer = false;
        if (prior > ext->retrans_out)
            state->lost_retrans = true;
    }
}

/* --- entering and leaving ----------------------------------------------------------------------------------------------------------- */

static void init_undo(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    ext->undo_marker = tcb->snd_una ? tcb->snd_una : 1;
    ext->undo_retrans = ext->retrans_out ? (int32_t)ext->retrans_out : -1;
}

void recovery_keep_open(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    enum ca_state state = CA_OPEN;
    if (ext->sacked_out + ext->lost_out || any_retransmitted(tcb))
        state = CA_DISORDER;
    if (tcb->ca_state != state) {
        recovery_set_state(tcb, state);
        ext->high_seq = tcb->snd_nxt;
    }
}

void recovery_enter(struct tcb *tcb, bool ece)
{
    struct tcb_ext *ext = tcb->ext;
    if (is_reno(tcb))
        TCP_MIB(tcb->tcp, RenoRecovery);
    else
        TCP_MIB(tcb->tcp, SackRecovery);
    clear_stamp(tcb);
    ext->prior_ssthresh = 0;
    init_undo(tcb);
    if (tcb->ca_state != CA_CWR && tcb->ca_state != CA_RECOVERY) {
        if (!ece)
            ext->prior_ssthresh = cwnd_current_ssthresh(tcb);
        cwnd_begin_reduction(tcb);
    }
    recovery_set_state(tcb, CA_RECOVERY);
    if (cc_get(tcb) == &cc_tahoe) { /* 1988: no fast recovery; slow start from one segment */
        tcb->cwnd = 1;
        ext->undo_marker = 0;
    }
}

static void enter_cwr(struct tcb *tcb)
{
    tcb->ext->prior_ssthresh = 0;
    if (tcb->ca_state >= CA_CWR)
        return;
    tcb->ext->undo_marker = 0;
    cwnd_begin_reduction(tcb);
    recovery_set_state(tcb, CA_CWR);
}

static void try_to_open(struct tcb *tcb, const struct ack_state *state)
{
    if (!any_retransmitted(tcb))
        clear_stamp(tcb);
    if (state->ece)
        enter_cwr(tcb);
    if (tcb->ca_state != CA_CWR)
        recovery_keep_open(tcb);
}

static void mark_all_lost(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    struct txring *ring = tcb->tx;
    bool renege = ring->count && (txring_at(ring, 0)->flags & TX_SACKED);
    if (renege) { /* RFC 2018 8: the receiver took its SACKs back */
        TCP_MIB(tcb->tcp, SACKReneging);
        ext->sacked_out = 0;
        ext->is_sack_reneg = true;
    } else if (is_reno(tcb)) {
        ext->sacked_out = 0;
    }
    for (uint32_t i = 0; i < ring->count; i++) {
        struct txseg *seg = txring_at(ring, i);
        if (renege)
            seg->flags &= (uint8_t)~TX_SACKED;
        else if (has_rack(tcb) && i > 0 && recovery_rack_is_recent(tcb, seg))
            continue; /* sent a moment ago */
        if ((seg->flags & (TX_RETRANS | TX_LOST)) == TX_RETRANS) { /* a probe's copy: no longer believed in */
            seg->flags &= (uint8_t)~TX_RETRANS;
            ext->retrans_out -= txseg_packets(seg);
        }
        recovery_mark_lost(tcb, seg);
    }
}

static void enter_loss(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    bool fresh = tcb->ca_state < CA_RECOVERY;
    uint32_t base = tcb_params(tcb)->reordering ? tcb_params(tcb)->reordering : 3;
    mark_all_lost(tcb);
    if (tcb->ca_state <= CA_DISORDER || !seq_gt(ext->high_seq, tcb->snd_una) || (tcb->ca_state == CA_LOSS && tcb->retransmits == 0)) {
        cwnd_init(tcb);
        ext->prior_ssthresh = cwnd_current_ssthresh(tcb);
        ext->prior_cwnd = tcb->cwnd;
        tcb->ssthresh = cc_get(tcb)->ssthresh(tcb); /* RFC 5681 (4), 7 */
        init_undo(tcb);
    }
    tcb->cwnd = cc_get(tcb) == &cc_none ? 65535 : tcb_in_flight(tcb) + 1; /* RFC 5681 3.1: the loss window */
    ext->cwnd_cnt = 0;
    ext->cwnd_stamp_ns = tcb_now(tcb);
    if (tcb->ca_state <= CA_DISORDER && ext->sacked_out >= base)
        ext->reordering = min_u32(ext->reordering, base);
    recovery_set_state(tcb, CA_LOSS);
    ext->high_seq = tcb->snd_nxt;
    ext->tlp_high_seq = 0;
    tcb->ecn_queue_cwr = tcb->ecn_ok;
    ext->frto = tcb_params(tcb)->frto && (fresh || tcb->retransmits);
    ext->frto_new = false;
    ext->retrans_hint = tcb->snd_una;
}

/* The retransmission timer went off (RFC 6298 5.4-5.6). */
void recovery_on_rto(struct tcb *tcb)
{
    tcb->ext->tlp_high_seq = 0;
    tcb->want_tlp = false;
    enter_loss(tcb);
}

/* F-RTO (RFC 5682 3.1, the SACK-enhanced one) and the rest of the Loss state. False: nothing more is to be retransmitted now. */
static bool process_loss(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    bool recovered = seq_ge(tcb->snd_una, ext->high_seq);
    if (state->una_advanced && try_undo_loss(tcb, state, false))
        return false;
    if (ext->frto) {
        if (state->orig_sack_acked && try_undo_loss(tcb, state, true)) /* step 3.b: never retransmitted data arrived */
            return false;
        if (seq_gt(tcb->snd_nxt, ext->high_seq)) {
            if (state->sacked_new || state->is_dup)
                ext->frto = false; /* step 3.a: the loss was real */
        } else if (state->una_advanced && !recovered) {
            ext->high_seq = tcb->snd_nxt;
            bool can = tcb->write_seq != tcb->snd_nxt && seq_gt(tcb->snd_una + tcb->snd_wnd, tcb->snd_nxt);
            if (can) { /* step 2.b */
                ext->frto_new = true;
                return true;
            }
            ext->frto = false;
        }
    }
    if (recovered) {
        try_undo_recovery(tcb, state);
        return false;
    }
    if (is_reno(tcb)) {
        if (seq_gt(tcb->snd_nxt, ext->high_seq) && state->is_dup)
            add_reno_sack(tcb, state);
        else if (state->una_advanced)
            ext->sacked_out = 0;
    }
    return true;
}

static bool is_time_to_recover(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb->ext;
    if (cc_get(tcb) == &cc_none)
        return false; /* before 1988 only the timer retransmitted */
    if (ext->lost_out)
        return true;
    return tcb->sack_ok && !has_rack(tcb) && ext->sacked_out + 1 > ext->reordering;
}

/* Linux's tcp_fastretrans_alert, steps D and E. */
static void alert(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    bool force = state->sacked_new && ext->sacked_out > ext->reordering, begins = false;
    if (tcb_packets_out(tcb) == 0)
        ext->sacked_out = 0;
    if (state->ece)
        ext->prior_ssthresh = 0;
    if (tcb->tx && (txring_at(tcb->tx, 0)->flags & TX_SACKED) && state->una_advanced) { /* reneging: give it half a round trip */
        uint64_t wait = max_u64(tcb->srtt_us / 16 * NS_PER_US, 10 * NS_PER_MS);
        timer_set(tcb, TIMER_REXMT, tcb_now(tcb) + wait);
        state->set_xmit_timer = false;
        return;
    }
    if (tcb->ca_state == CA_OPEN) {
        clear_stamp(tcb);
    } else if (seq_ge(tcb->snd_una, ext->high_seq)) {
        if (tcb->ca_state == CA_CWR && tcb->snd_una != ext->high_seq) {
            cwnd_end_reduction(tcb);
            recovery_set_state(tcb, CA_OPEN);
        } else if (tcb->ca_state == CA_RECOVERY) {
            if (is_reno(tcb))
                ext->sacked_out = 0;
            if (try_undo_recovery(tcb, state))
                return;
            cwnd_end_reduction(tcb);
        }
    }
    if (tcb->ca_state == CA_RECOVERY) {
        if (!state->una_advanced) {
            if (is_reno(tcb))
                add_reno_sack(tcb, state);
        } else if (try_undo_partial(tcb, state)) {
            return;
        }
        if (try_undo_dsack(tcb))
            try_to_open(tcb, state);
        identify_loss(tcb, state);
        if (tcb->ca_state != CA_RECOVERY) {
            if (!is_time_to_recover(tcb))
                return;
            recovery_enter(tcb, state->ece);
        }
    } else {
        if (tcb->ca_state == CA_LOSS) {
            process_loss(tcb, state);
            identify_loss(tcb, state);
            if (tcb->ca_state != CA_OPEN && !state->lost_retrans)
                return;
        }
        if (is_reno(tcb)) {
            if (state->una_advanced)
                ext->sacked_out = 0;
            add_reno_sack(tcb, state);
        }
        if (tcb->ca_state <= CA_DISORDER)
            try_undo_dsack(tcb);
        identify_loss(tcb, state);
        if (!is_time_to_recover(tcb)) {
            try_to_open(tcb, state);
            return;
        }
        recovery_enter(tcb, state->ece);
        begins = true;
    }
    if (!is_reno(tcb) && !has_rack(tcb) && tcb->tx && (state->is_dup || force || begins))
        sack_mark_lost(tcb, begins);
}

static void control_congestion(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t delivered = ext->delivered - state->prior_delivered, lost = ext->lost_total - state->prior_lost;
    const struct cc_ops *ops = cc_get(tcb);
    if (tcb->ca_state == CA_CWR || tcb->ca_state == CA_RECOVERY) {
        if (ops == &cc_tahoe && tcb->ca_state == CA_RECOVERY) {
            if (state->data_acked)
                ops->cong_avoid(tcb, delivered);
        } else {
            cwnd_reduce(tcb, delivered, lost, state->una_advanced);
        }
        return;
    }
    uint32_t base = tcb_params(tcb)->reordering ? tcb_params(tcb)->reordering : 3;
    bool raise = ext->reordering > base ? state->data_acked || state->sacked_new : state->data_acked;
    if (raise)
        ops->cong_avoid(tcb, delivered);
}

/* Everything that follows from one ACK for what is in flight. */
void recovery_on_ack(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    cwnd_init(tcb);
    if (state->acked_packets) {
        if (is_reno(tcb)) {
            remove_reno_sacks(tcb, state->acked_packets);
            if (state->retrans_acked)
                state->orig_sack_acked = false;
        } else if (seq_lt(state->reord, state->highest_before)) {
            sack_check_reordering(tcb, state->reord);
        }
    }
    if (state->has_rtt && cc_get(tcb)->on_rtt)
        cc_get(tcb)->on_rtt(tcb, state->acked_packets, state->rtt_us);
    recovery_rack_update(tcb, state);
    if (ext->tlp_high_seq)
        recovery_tlp_ack(tcb, state);
    if (state->is_dubious || state->dsack || state->sacked_new)
        alert(tcb, state);
    if (state->set_xmit_timer && !(tcb_params(tcb)->tlp && recovery_schedule_tlp(tcb, true)))
        timer_rexmt(tcb);
    control_congestion(tcb, state);
    if (ext->lost_out || tcb_has_unsent(tcb))
        tcb_mark_due(tcb);
}

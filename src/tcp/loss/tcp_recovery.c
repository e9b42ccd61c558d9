/* tcp_recovery.c: loss recovery on each ACK and timeout, as Linux's tcp_fastretrans_alert: the states Open, Disorder, CWR,
 * Recovery, Loss over a scoreboard in packets (RFC 6675's pipe = packets_out - sacked_out - lost_out + retrans_out). Without
 * SACK duplicate ACKs stand for SACKs (NewReno, RFC 6582; limited transmit, RFC 3042, comes by the same counting). Which
 * segment is lost: tcp_rack.c; how fast to send: cc/tcp_cwnd.c; when to take it back: tcp_undo.c; BSD's ways: bsd/tcp_classic.c,
 * bsd/tcp_base.c. */
#include "tcp/tcb.h"

void recovery_set_state(struct tcb *tcb, enum ca_state state)
{
    static const char *const names[] = {"open", "disorder", "cwr", "fast-recovery", "loss"};
    const struct cc_ops *cc = cc_get(tcb);
    if (cc->on_state)
        cc->on_state(tcb, state);
    if (tcb->ca_state == state)
        return;
    tcb->ca_state = state & 7;
    tcp_trace_text(tcb, names[state]);
}

void recovery_begin(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext)
        return;
    state->prior_in_flight = tcb_in_flight(tcb);
    state->prior_delivered = ext->delivered;
    state->prior_lost = ext->lost_total;
    state->is_reneged = ext->is_sack_reneg;
    state->highest_before = sack_highest(tcb);
    if (ext->frto_new)
        ext->frto_new = false;
}

void recovery_mark_lost(struct tcb *tcb, struct txseg *seg)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t packets = txseg_packets(seg);
    if (seg->flags & TX_SACKED)
        return;
    if (seq_lt(seg->start, ext->retrans_hint))
        ext->retrans_hint = seg->start;
    if (seg->flags & TX_LOST) {
        if (!(seg->flags & TX_RETRANS))
            return;
        seg->flags &= (uint8_t)~TX_RETRANS; /* the retransmission was lost too */
        ext->retrans_out -= packets;
        tcb->tcp->mib[MIB_LostRetransmit] += packets;
    } else {
        seg->flags |= TX_LOST;
        ext->lost_out += packets;
    }
    ext->lost_total += packets;
}

/* NEXT, which left in one chunk with LAST and fares as it does, becomes a part of it. */
static bool join(struct txring *ring, struct txseg *last, const struct txseg *next)
{
    enum { STATE = TX_LOST | TX_SACKED | TX_RETRANS };
    if (!last->glued || ((last->flags ^ next->flags) & STATE) != 0 || last->mss != next->mss || (last->end - last->start) % last->mss != 0)
        return false;
    last->end = next->end;
    last->flags |= next->flags;
    last->glued = next->glued;
    ring->glued--;
    return true;
}

/* An ACK within the first segment: Linux cuts its chunk anew from there (tcp_trim_head). */
void recovery_join_head(struct tcb *tcb)
{
    struct txring *ring = tcb->tx;
    struct txseg head = *txring_at(ring, 0);
    uint32_t i = 1;
    while (i < ring->count && join(ring, &head, txring_at(ring, i)))
        i++;
    ring->head = (ring->head + i - 1) & ring->mask;
    ring->count -= i - 1;
    *txring_at(ring, 0) = head;
}

/* What left as one chunk is cut anew from its beginning. */
static void join_chunks(struct tcb *tcb)
{
    struct txring *ring = tcb->tx;
    uint32_t kept = 0;
    for (uint32_t i = 1; i < ring->count; i++) {
        struct txseg *next = txring_at(ring, i);
        if (!join(ring, txring_at(ring, kept), next))
            *txring_at(ring, ++kept) = *next;
    }
    ring->count = min_u32(ring->count, kept + 1);
}

/* Without SACK: no more duplicate ACKs count than there are packets beside the lost (tcp_limit_reno_sacked). True: there were more. */
static bool limit_reno_sacked(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t out = tcb_packets_out(tcb), holes = min_u32(max_u32(ext->lost_out, 1), out);
    if (ext->sacked_out + holes <= out)
        return false;
    ext->sacked_out = out - holes;
    return true;
}

/* Segments that are larger than the MSS now are lost, which does not mean congestion (Linux's tcp_simple_retransmit). */
void recovery_resegment(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t before = ext->lost_out;
    if (tcb->tx && tcb_params(tcb)->output_policy == TCP_OUTPUT_LINUX)
        join_chunks(tcb);
    for (uint32_t i = 0; tcb->tx && i < tcb->tx->count; i++) {
        struct txseg *seg = txring_at(tcb->tx, i);
        if (seg->end - seg->start <= tcb->mss || seg->mss <= tcb->mss || (seg->flags & TX_SACKED))
            continue;
        recovery_mark_lost(tcb, seg);
    }
    if (ext->lost_out != before)
        ext->rexmit_hold = false;
    if (ext->lost_out && !tcb->sack_ok)
        (void)limit_reno_sacked(tcb);
    if (ext->lost_out && !tcb_params(tcb)->byte_recovery)
        recovery_begin_blameless(tcb);
}

/* What is lost goes again, with the window as it is (Linux's tcp_non_congestion_loss_retransmit). */
void recovery_begin_blameless(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (tcb->ca_state == CA_LOSS)
        return;
    ext->high_seq = tcb->snd_nxt;
    tcb->ssthresh = cwnd_current_ssthresh(tcb);
    ext->prior_ssthresh = 0;
    ext->undo_marker = 0;
    recovery_set_state(tcb, CA_LOSS);
}

/* --- without SACK: duplicate ACKs counted as SACKs ------------------------------------------------------------------------ */

static void check_reno_reordering(struct tcb *tcb, uint32_t addend)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t out = tcb_packets_out(tcb);
    if (!limit_reno_sacked(tcb))
        return;
    ext->reordering = min_u32(out + addend, recovery_max_reordering(tcb));
    ext->reord_seen++;
    TCP_MIB(tcb->tcp, RenoReorder);
}

static void add_reno_sack(struct tcb *tcb, bool is_dup, bool ece)
{
    struct tcb_ext *ext = tcb->ext;
    if (!is_dup)
        return;
    uint32_t prior = ext->sacked_out;
    ext->sacked_out++;
    check_reno_reordering(tcb, 0);
    if (ext->sacked_out > prior) {
        ext->delivered += ext->sacked_out - prior;
        ext->delivered_ce += ece && !accecn_is_on(tcb) ? ext->sacked_out - prior : 0; /* AccECN has counted its own */
    }
}

/* One of ACKED filled the hole; the rest had been counted by duplicate ACKs. */
void recovery_remove_reno_sacks(struct tcb *tcb, uint32_t acked, bool ece)
{
    struct tcb_ext *ext = tcb->ext;
    if (acked) {
        uint32_t delivered = acked > ext->sacked_out + 1 ? acked - ext->sacked_out : 1;
        ext->delivered += delivered;
        ext->delivered_ce += ece ? delivered : 0;
        ext->sacked_out -= min_u32(ext->sacked_out, acked - 1);
    }
    check_reno_reordering(tcb, acked);
}

static void mark_newreno(struct tcb *tcb, bool una_advanced)
{
    struct tcb_ext *ext = tcb->ext;
    bool first = tcb->ca_state < CA_RECOVERY && ext->sacked_out >= ext->reordering;
    if (!first && !(tcb->ca_state == CA_RECOVERY && una_advanced))
        return;
    struct txseg *head = txring_at(tcb->tx, 0);
    if (head->flags & TX_LOST)
        return;
    if (txseg_packets(head) > 1 && txring_split(tcb, 0, head->start + head->mss) < 0)
        return;
    recovery_mark_lost(tcb, txring_at(tcb->tx, 0));
}

/* --- the state machine ------------------------------------------------------------------------------------------------------- */

/* The peer threw away what it had SACKed (RFC 2018 8): the RTO comes early, and forgets all SACKs. */
static bool check_reneging(struct tcb *tcb, struct ack_state *state)
{
    if (!state->una_advanced || !tcb->tx || tcb->tx->count == 0 || !(txring_at(tcb->tx, 0)->flags & TX_SACKED))
        return false;
    uint64_t delay_us = max_u64(tcb->srtt_us >> 4, 10000);
    timer_set(tcb, TIMER_REXMT, tcb_now(tcb) + delay_us * NS_PER_US);
    state->set_xmit_timer = false;
    return true;
}

void recovery_enter(struct tcb *tcb, bool ece)
{
    struct tcb_ext *ext = tcb->ext;
    undo_clean_stamp(tcb); /* an episode may begin with the ACK that ended another */
    if (tcb->sack_ok)
        TCP_MIB(tcb->tcp, SackRecovery);
    else
        TCP_MIB(tcb->tcp, RenoRecovery);
    ext->prior_ssthresh = 0;
    undo_init(tcb);
    if (!recovery_is_reducing(tcb)) {
        if (!ece)
            ext->prior_ssthresh = cwnd_current_ssthresh(tcb);
        cwnd_begin_reduction(tcb);
    }
    if (cc_get(tcb)->loss_ssthresh)
        tcb->ssthresh = cc_get(tcb)->loss_ssthresh(tcb);
    recovery_set_state(tcb, CA_RECOVERY);
}

/* RFC 3168 6.1.2: ECN-Echo is answered as one loss a round trip, without retransmission. */
static void enter_cwr(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    ext->prior_ssthresh = 0;
    if (tcb->ca_state < CA_CWR) {
        ext->undo_marker = 0;
        cwnd_begin_reduction(tcb);
        recovery_set_state(tcb, CA_CWR);
    }
}

static void identify_loss(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    if (tcb_packets_out(tcb) == 0)
        return;
    if (!tcb->sack_ok) {
        mark_newreno(tcb, state->una_advanced);
    } else if (tcb_params(tcb)->rack) {
        uint32_t prior_retrans = ext->retrans_out;
        if (recovery_rack_mark_lost(tcb))
            state->set_xmit_timer = false;
        if (prior_retrans > ext->retrans_out)
            state->lost_retrans = true;
    }
}

static bool time_to_recover(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb->ext;
    return ext->lost_out || (!tcb_params(tcb)->rack && ext->sacked_out + 1 > ext->reordering);
}

/* RFC 6675 4, IsLost by count, for a SACK stack without RACK: lost is what has DupThresh packets SACKed above it. */
static void update_scoreboard(struct tcb *tcb, bool fast_rexmit)
{
    struct tcb_ext *ext = tcb->ext;
    bool only_head = ext->sacked_out < ext->reordering;
    if (only_head && !fast_rexmit)
        return;
    uint32_t limit = only_head ? 1 : ext->sacked_out - ext->reordering, sacked = 0;
    for (uint32_t i = 0; i < tcb->tx->count; i++) {
        struct txseg *seg = txring_at(tcb->tx, i);
        if (seg->flags & TX_SACKED)
            sacked += txseg_packets(seg);
        if (sacked > limit)
            return;
        if (!(seg->flags & TX_LOST))
            recovery_mark_lost(tcb, seg);
        if (only_head)
            return;
    }
}

static void try_to_open(struct tcb *tcb, const struct ack_state *state)
{
    undo_clean_stamp(tcb);
    if (state->ece)
        enter_cwr(tcb);
    if (tcb->ca_state != CA_CWR)
        recovery_keep_open(tcb);
}

/* In Loss: timestamps or F-RTO (RFC 5682 3.1, with SACK 3.2) may show that the timeout was needless. */
enum verdict { RESEND_LOST, RESEND_AFTER_NEW, RESEND_NOTHING }; /* what may be resent after this ACK */

static enum verdict process_loss(struct tcb *tcb, struct ack_state *state, bool is_dup)
{
    struct tcb_ext *ext = tcb->ext;
    bool recovered = seq_ge(tcb->snd_una, ext->high_seq);
    if (state->una_advanced && undo_loss(tcb, state, false))
        return RESEND_NOTHING;
    if (ext->frto) {
        if (state->orig_sack_acked && undo_loss(tcb, state, true)) /* step 3b */
            return RESEND_NOTHING;
        if (seq_gt(tcb->snd_nxt, ext->high_seq)) {
            if (state->sacked_new || is_dup)
                ext->frto = false; /* step 3a: the loss was real */
        } else if (state->una_advanced && !recovered) {
            ext->high_seq = tcb->snd_nxt;
            /* Step 2b: new data instead of retransmissions, once the window has grown for this ACK. */
            if (tcb_has_unsent(tcb) && seq_gt(tcb->snd_una + tcb->snd_wnd, tcb->snd_nxt))
                return RESEND_AFTER_NEW;
            ext->frto = false;
        }
    }
    if (recovered) {
        undo_recovery(tcb, state);
        return RESEND_NOTHING;
    }
    if (!tcb->sack_ok) {
        if (seq_gt(tcb->snd_nxt, ext->high_seq) && is_dup)
            add_reno_sack(tcb, is_dup, state->ece);
        else if (state->una_advanced)
            ext->sacked_out = 0;
    }
    return RESEND_LOST;
}

/* Is the state's end reached? True: nothing more to do. */
static bool leave_state(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    if (tcb->ca_state == CA_OPEN) {
        undo_forget_stamp(tcb);
        return false;
    }
    if (seq_lt(tcb->snd_una, ext->high_seq))
        return false;
    if (tcb->ca_state == CA_CWR && tcb->snd_una != ext->high_seq) { /* held until something above it is acknowledged */
        cwnd_end_reduction(tcb);
        recovery_set_state(tcb, CA_OPEN);
    } else if (tcb->ca_state == CA_RECOVERY) {
        if (!tcb->sack_ok)
            ext->sacked_out = 0;
        if (undo_recovery(tcb, state))
            return true;
        cwnd_end_reduction(tcb);
    }
    return false;
}

/* True: go on to mark and resend. */
static bool process_recovery(struct tcb *tcb, struct ack_state *state, bool is_dup, bool *force_lost)
{
    if (!state->una_advanced) {
        if (!tcb->sack_ok)
            add_reno_sack(tcb, is_dup, state->ece);
    } else if (undo_partial(tcb, state, force_lost)) {
        return false;
    }
    if (undo_dsack(tcb))
        try_to_open(tcb, state);
    identify_loss(tcb, state);
    if (tcb->ca_state != CA_RECOVERY) {
        if (!time_to_recover(tcb))
            return false;
        recovery_enter(tcb, state->ece);
    }
    return true;
}

static bool process_other(struct tcb *tcb, struct ack_state *state, bool is_dup, enum verdict *verdict)
{
    struct tcb_ext *ext = tcb->ext;
    if (!tcb->sack_ok) {
        if (state->una_advanced)
            ext->sacked_out = 0;
        add_reno_sack(tcb, is_dup, state->ece);
    }
    if (tcb->ca_state <= CA_DISORDER)
        undo_dsack(tcb);
    identify_loss(tcb, state);
    if (!time_to_recover(tcb)) {
        try_to_open(tcb, state);
        return false;
    }
    if (plpmtud_on_loss(tcb)) {
        *verdict = RESEND_LOST;
        return false;
    }
    recovery_enter(tcb, state->ece);
    return true;
}

/* What may be resent after this ACK (tcp_fastretrans_alert). */
static enum verdict alert(struct tcb *tcb, struct ack_state *state, bool is_dup)
{
    struct tcb_ext *ext = tcb->ext;
    bool force_lost = is_dup || (state->sacked_new && seq_gt(sack_highest(tcb), tcb->snd_una + ext->reordering * tcb->mss));
    bool fast_rexmit = false;
    enum verdict verdict = RESEND_NOTHING;
    if (tcb_packets_out(tcb) == 0)
        ext->sacked_out = 0;
    if (state->ece)
        ext->prior_ssthresh = 0; /* a reduction that is due whatever undo may find */
    if (check_reneging(tcb, state) || leave_state(tcb, state))
        return RESEND_NOTHING;
    if (tcb->ca_state == CA_RECOVERY) {
        if (!process_recovery(tcb, state, is_dup, &force_lost))
            return RESEND_NOTHING;
    } else {
        if (tcb->ca_state == CA_LOSS) {
            verdict = process_loss(tcb, state, is_dup);
            if (tcb->ca_state != CA_LOSS)
                recovery_end_rto_time(tcb);
            identify_loss(tcb, state);
            if (tcb->ca_state != CA_OPEN && !state->lost_retrans)
                return verdict;
        }
        if (!process_other(tcb, state, is_dup, &verdict))
            return verdict;
        fast_rexmit = true;
    }
    if (!tcb_params(tcb)->rack && force_lost && tcb->sack_ok && tcb_packets_out(tcb))
        update_scoreboard(tcb, fast_rexmit);
    return RESEND_LOST;
}

static void set_xmit_timer(struct tcb *tcb)
{
    if (!recovery_schedule_tlp(tcb, true))
        timer_rexmt(tcb);
}

/* The algorithm's own way; else PRR while reducing, else growth, on in-order delivery only unless the path is known to reorder. */
static void control(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    const struct cc_ops *cc = cc_get(tcb);
    rate_make_sample(tcb, state);
    if (cc->control) {
        cc->control(tcb, state);
        return;
    }
    uint32_t usual = recovery_first_reordering(tcb);
    if (recovery_is_reducing(tcb)) {
        cwnd_reduce(tcb, state->newly_delivered, state->newly_lost, state->una_advanced);
    } else if (state->data_acked || (ext->reordering > usual && state->sacked_new)) {
        cc->cong_avoid(tcb, state->newly_delivered);
        ext->cwnd_stamp_ns = tcb_now(tcb);
    }
    ext->rate = 0; /* as the window is now */
    if (ext->sacked_out + ext->lost_out) /* and what is out, which may become more than the window */
        cwnd_hold_rate(tcb);
}

static void apply(struct tcb *tcb, enum verdict verdict)
{
    tcb->ext->rexmit_hold = verdict == RESEND_NOTHING;
    tcb->ext->timer_resends = tcb->ext->leaves_early = false;
    tcb->ext->frto_new = verdict == RESEND_AFTER_NEW;
    if (tcb->ext->frto_new) /* Nagle holds none of it (tcp_xmit_recovery()) */
        tcb->ext->hurried_end = tcb->write_seq;
    if (tcb->ext->lost_out || tcb_has_unsent(tcb))
        tcb_mark_due(tcb);
}

/* Everything that follows from one ACK for what is in flight. */
void recovery_on_ack(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    if (tcb_params(tcb)->byte_recovery) {
        rate_make_sample(tcb, state);
        base_on_ack(tcb, state);
        return;
    }
    cwnd_init(tcb);
    if (recovery_is_classic(tcb)) {
        rate_make_sample(tcb, state);
        classic_on_ack(tcb, state);
        return;
    }
    if (state->prior_packets == 0) { /* nothing was in flight: a DSACK may still undo */
        if (state->dsack) {
            cwnd_hold_rate(tcb); /* Linux: tcp_cong_control() is not asked */
            (void)alert(tcb, state, false);
        }
        if (ext->tlp_high_seq)
            recovery_tlp_ack(tcb, state);
        return;
    }
    recovery_rack_update(tcb, state);
    if (ext->tlp_high_seq)
        recovery_tlp_ack(tcb, state);
    bool not_dup = state->has_data || state->window_update || state->data_acked;
    bool is_dup = !not_dup && !state->una_advanced && !state->dsack;
    enum verdict verdict = RESEND_LOST;
    if (!not_dup || state->sacked_new || state->ece || state->dsack || tcb->ca_state != CA_OPEN)
        verdict = alert(tcb, state, is_dup);
    if (state->set_xmit_timer)
        set_xmit_timer(tcb);
    control(tcb, state);
    apply(tcb, verdict);
    if (state->has_data && !state->rx->is_text_first && (ext->frto_new || recovery_next_lost(tcb) != TCP_NONE))
        output_note_early(tcb);
}

void recovery_on_old_ack(struct tcb *tcb, struct ack_state *state)
{
    if (tcb->ext && tcb_params(tcb)->byte_recovery)
        base_on_old_ack(tcb, state);
    else if (tcb->ext && !recovery_is_classic(tcb))
        apply(tcb, alert(tcb, state, false));
}

/* --- timeouts ------------------------------------------------------------------------------------------------------------------ */

static void mark_all_lost(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t count = tcb->tx ? tcb->tx->count : 0;
    bool reneged = count && (txring_at(tcb->tx, 0)->flags & TX_SACKED);
    if (reneged) {
        TCP_MIB(tcb->tcp, SACKReneging);
        ext->is_sack_reneg = true;
    }
    if (reneged || !tcb->sack_ok)
        ext->sacked_out = 0;
    memset(ext->sack_cache, 0, sizeof ext->sack_cache);
    for (uint32_t i = 0; i < count; i++) {
        struct txseg *seg = txring_at(tcb->tx, i);
        if (reneged && (seg->flags & TX_SACKED)) {
            seg->flags &= (uint8_t)~TX_SACKED;
            seg->delivered = ext->delivered;
        }
        else if (i > 0 && !reneged && tcb_params(tcb)->rack && tcb->sack_ok && recovery_rack_is_recent(tcb, seg))
            continue; /* sent too recently to be judged */
        recovery_mark_lost(tcb, seg);
    }
    ext->retrans_hint = tcb->snd_una;
}

static void enter_loss(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    const struct tcp_params *params = tcb_params(tcb);
    bool is_new = tcb->ca_state < CA_RECOVERY;
    uint32_t usual = recovery_first_reordering(tcb);
    cwnd_hold_rate(tcb);
    mark_all_lost(tcb);
    /* RFC 5681 3.1: ssthresh falls once for a window's losses. */
    if (tcb->ca_state <= CA_DISORDER || seq_le(ext->high_seq, tcb->snd_una) || (tcb->ca_state == CA_LOSS && !tcb->retransmits)) {
        ext->prior_ssthresh = cwnd_current_ssthresh(tcb);
        ext->prior_cwnd = tcb->cwnd;
        tcb->ssthresh = cc_get(tcb)->ssthresh(tcb);
        if (cc_get(tcb)->loss_ssthresh)
            tcb->ssthresh = cc_get(tcb)->loss_ssthresh(tcb);
        undo_init(tcb);
    }
    tcb->cwnd = tcb_in_flight(tcb) + 1;
    ext->cwnd_cnt = 0;
    ext->cwnd_stamp_ns = tcb_now(tcb);
    if (tcb->ca_state <= CA_DISORDER && ext->sacked_out >= usual)
        ext->reordering = min_u32(ext->reordering, usual); /* the degree of reordering was overestimated */
    recovery_set_state(tcb, CA_LOSS);
    ext->high_seq = tcb->snd_nxt;
    ext->tlp_high_seq = 0;
    if (tcb->ecn_ok)
        tcb->ecn_queue_cwr = true;
    /* RFC 5682 3.1 step 1: only when no recovery was under way, or this is a repeated timeout. */
    ext->frto = params->frto && (is_new || tcb->retransmits) && !ext->probe_size;
    ext->rexmit_hold = ext->frto_new = false;
    ext->timer_resends = true;
}

/* RFC 6298 5.4-5.6: the timer expired (IS_FAILURE: not to probe a window that shrank); what follows (backoff, restart) is
 * tcp_timer.c's, the resending tcp_retransmit.c's. */
void recovery_on_rto(struct tcb *tcb, bool is_failure)
{
    struct tcb_ext *ext = tcb_ext_get(tcb);
    if (!ext || tcb_packets_out(tcb) == 0)
        return;
    tcb->want_tlp = false;
    if (tcb_params(tcb)->byte_recovery) {
        base_on_rto(tcb);
        return;
    }
    if (recovery_is_classic(tcb)) {
        classic_on_rto(tcb);
        return;
    }
    if (tcb->retransmits == 0 && is_failure) {
        if (tcb->ca_state == CA_RECOVERY)
            tcb->tcp->mib[tcb->sack_ok ? MIB_SackRecoveryFail : MIB_RenoRecoveryFail]++;
        else if (tcb->ca_state == CA_LOSS)
            TCP_MIB(tcb->tcp, LossFailures);
        else if (tcb->ca_state == CA_DISORDER || ext->sacked_out)
            tcb->tcp->mib[tcb->sack_ok ? MIB_SackFailures : MIB_RenoFailures]++;
    }
    enter_loss(tcb);
}

/* Linux: a SYN, and the text that went with it, is lost and goes again as any segment does, but the ring has none for it. */
COLD void recovery_on_syn_rto(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (ext->retrans_out)
        TCP_MIB(tcb->tcp, LostRetransmit);
    if (tcb->ca_state != CA_LOSS) {
        cwnd_init(tcb);
        ext->prior_cwnd = tcb->cwnd;
        tcb->ssthresh = cc_get(tcb)->ssthresh(tcb);
        recovery_set_state(tcb, CA_LOSS);
        ext->high_seq = tcb->snd_nxt;
    }
    tcb->ecn_queue_cwr |= tcb->ecn_ok && !ext->accecn.on && !ext->accecn.pending; /* the first text says it */
    tcb->cwnd = 1;
    ext->lost_out = 1u + ext->syn_data + tcb_packets_out(tcb);
    ext->retrans_out = 1;
}

/* The handshake's end: the window is what it was, the state, without SACK, until more than the SYN is acknowledged. A fast open's text that
 * arrived went with the first SYN, which was not lost (F-RTO). */
COLD void recovery_on_syn_acked(struct tcb *tcb, bool is_text_acked)
{
    struct tcb_ext *ext = tcb->ext;
    ext->lost_out = ext->retrans_out = 0;
    tcb->cwnd = ext->prior_cwnd;
    tcb->ssthresh = INT32_MAX;
    if (is_text_acked && tcb_params(tcb)->frto) {
        TCP_MIB(tcb->tcp, LossUndo);
        TCP_MIB(tcb->tcp, SpuriousRTOs);
        tcb->ecn_queue_cwr = false;
    }
    if (!tcb->sack_ok)
        return;
    recovery_set_state(tcb, CA_OPEN);
    tcb->ecn_queue_cwr &= tcb->state == TCPS_SYN_SENT; /* Linux: a simultaneous open undoes the loss of its SYN */
}

/* ECN-Echo on the ACK that ends a simultaneous open: the SYN was marked. The window that begins knows nothing of that. */
COLD void recovery_on_syn_marked(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    ext->delivered_ce++;
    TCP_MIB(tcb->tcp, DeliveredCE);
    enter_cwr(tcb);
    ext->prr_delivered = 1;
    tcb->ssthresh = INT32_MAX;
}

/* Linux: the second SYN/ACK of a fast open was lost as well: the window is one segment, what is in flight waits for an ACK. */
COLD void recovery_on_synack_rto(struct tcb *tcb)
{
    if (!tcb_ext_get(tcb))
        return;
    cwnd_init(tcb);
    enter_loss(tcb);
    tcb->ext->rexmit_hold = true;
    tcb->ext->frto &= tcb_packets_out(tcb) != 0; /* the SYN's acknowledgment says nothing of text */
}

/* --- output's questions -------------------------------------------------------------------------------------------------------- */

uint32_t recovery_next_lost(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext || !tcb->tx || tcb->tx->count == 0)
        return TCP_NONE;
    if (tcb_params(tcb)->byte_recovery)
        return base_next_lost(tcb);
    if (ext->lost_out == 0)
        return TCP_NONE;
    if (ext->fast_rexmit || (ext->timer_resends && !ext->rexmit_hold)) /* neither the window nor a resending before holds the head back */
        return 0;
    if (ext->lost_out <= ext->retrans_out || ext->rexmit_hold || tcb_in_flight(tcb) >= tcb->cwnd)
        return TCP_NONE;
    if (ext->pacing_ns)
        return TCP_NONE;
    uint32_t i = 0, first = txring_at(tcb->tx, 0)->start;
    if (seq_gt(ext->retrans_hint, first) && seq_lt(ext->retrans_hint, tcb->snd_nxt))
        i = txring_find(tcb, ext->retrans_hint);
    for (; i < tcb->tx->count; i++) {
        struct txseg *seg = txring_at(tcb->tx, i);
        if ((seg->flags & (TX_LOST | TX_SACKED | TX_RETRANS)) != TX_LOST)
            continue;
        ext->retrans_hint = seg->start;
        return i;
    }
    ext->retrans_hint = tcb->snd_nxt;
    return TCP_NONE;
}

/* The rest of a paced chunk that began with the head: the timer counts from when pacing lets the next go. */
static bool goes_with_head(const struct tcb *tcb)
{
    return tcb->ext->pacing_ns && txring_at(tcb->tx, 0)->sent_ns == tcb_now(tcb);
}

void recovery_on_retransmit(struct tcb *tcb, struct txseg *seg)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t packets = txseg_packets(seg);
    bool is_head = seg == txring_at(tcb->tx, 0), by_timeout = is_head && ext->timer_resends;
    ext->timer_resends = false;
    if (tcb_params(tcb)->byte_recovery)
        base_on_sent(tcb, seg->start, seg->end, true);
    if (!ext->retrans_stamp_ns)
        ext->retrans_stamp_ns = max_u64(tcb_now(tcb), 1);
    if (tcb_in_flight(tcb) == 0)
        cwnd_on_idle(tcb);
    seg->sent_ns = tcb_now(tcb);
    seg->is_judged = false;
    rate_on_sent(ext, seg, false);
    seg->flags = (uint8_t)((seg->flags & ~TX_APP_LIMITED) | (ext->app_limited ? TX_APP_LIMITED : 0));
    seg->burst = output_burst(tcb, false);
    if (!(seg->flags & TX_RETRANS) || by_timeout) /* Linux counts it twice if an undone timeout had sent it, too */
        ext->retrans_out += packets;
    seg->flags |= TX_RETRANS | TX_EVER_RETRANS;
    if (seg->retransmits < 255)
        seg->retransmits++;
    ext->fast_rexmit = false;
    ext->undo_retrans = (ext->undo_retrans < 0 ? 0 : ext->undo_retrans) + (int32_t)packets;
    if (tcb->ca_state != CA_LOSS)
        tcb->tcp->mib[MIB_FastRetrans] += packets;
    else if (!by_timeout)
        tcb->tcp->mib[MIB_SlowStartRetrans] += packets;
    if (recovery_is_reducing(tcb))
        ext->prr_out += packets;
    if (tcb_params(tcb)->byte_recovery) { /* FreeBSD: where it runs, it runs on */
        if (tcb->timer != TIMER_REXMT)
            timer_rexmt(tcb);
    } else if ((is_head || goes_with_head(tcb)) && tcb->timer != TIMER_REO && !by_timeout) { /* a timeout has set it */
        timer_stop(tcb); /* the RTO starts anew for it (RFC 6298 5.1) */
        timer_rexmt(tcb);
    }
}

/* tcp_rack.c: RACK-TLP (RFC 8985). RACK: a segment is lost when one sent sufficiently later has been delivered. The ring is
 * in sequence order, not in order of transmission; originals are in both, so the scan stops at the first that is not yet
 * overtaken. TLP: two round trips after the last transmission a probe turns a lost tail into a SACK. */
#include "tcp/tcb.h"

enum { REO_PERSIST = 16 /* recoveries that a widened window lasts */, RACK_STATIC_REO_WND = 2, RACK_NO_DUPTHRESH = 4 };

/* RFC 8985 6.2 step 2, RACK_sent_after: bursts tell what times do not (in virtual time an event takes none). */
static bool sent_after(uint32_t burst1, uint32_t end1, uint32_t burst2, uint32_t end2)
{
    return (int32_t)(burst1 - burst2) > 0 || (burst1 == burst2 && seq_gt(end1, end2));
}

/* Step 2: SEG was delivered: remember the latest sent one and its round trip. */
void recovery_rack_advance(struct tcb *tcb, const struct txseg *seg)
{
    struct tcb_ext *ext = tcb->ext;
    uint64_t rtt_ns = tcb_now(tcb) - seg->sent_ns;
    if ((seg->flags & (TX_RETRANS | TX_EVER_RETRANS)) && rtt_ns < (uint64_t)tcb->min_rtt_us * NS_PER_US)
        return; /* too soon to be for the retransmission */
    ext->rack_advanced = true;
    ext->rack_rtt_ns = rtt_ns;
    ext->rack_rtt_burst = seg->burst;
    if (sent_after(seg->burst, seg->end, ext->rack_burst, ext->rack_end)) {
        ext->rack_sent_ns = seg->sent_ns;
        ext->rack_burst = seg->burst;
        ext->rack_end = seg->end;
    }
}

/* Step 4: the reordering window: a quarter of the smallest round trip, times what DSACKs taught, at most SRTT. */
static uint64_t reo_wnd_ns(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb->ext;
    bool enough = ext->sacked_out >= ext->reordering && !(tcb_params(tcb)->rack_bits & RACK_NO_DUPTHRESH);
    if (!ext->reord_seen && (tcb->ca_state >= CA_RECOVERY || enough))
        return 0;
    uint64_t min_rtt_us = tcb->min_rtt_us == UINT32_MAX ? 0 : tcb->min_rtt_us;
    uint64_t quarter_us = max_u64(min_rtt_us >> 2, 1); /* a round trip that took no time took some */
    return min_u64(quarter_us * ext->rack_reo_steps, max_u32(tcb->srtt_us >> 3, 1)) * NS_PER_US;
}

/* Linux's RTO: what was sent within the last round trip is not lost yet. */
bool recovery_rack_is_recent(const struct tcb *tcb, const struct txseg *seg)
{
    return tcb_now(tcb) - seg->sent_ns < tcb->ext->rack_rtt_ns;
}

/* The first of the ring from I on that is not SACKed. A run of SACKed ones is passed at once: its first knows where it ends. */
static uint32_t pass_sacked(struct tcb *tcb, uint32_t i)
{
    struct txseg *first = txring_at(tcb->tx, i);
    uint32_t count = tcb->tx->count;
    while (i < count && (txring_at(tcb->tx, i)->flags & TX_SACKED)) {
        const struct txseg *seg = txring_at(tcb->tx, i);
        first->run_end = seq_max(first->run_end, seg->run_end);
        i = seq_ge(seg->end, seg->run_end) ? i + 1 : seq_ge(seg->run_end, tcb->snd_nxt) ? count : txring_find(tcb, seg->run_end);
    }
    return i;
}

/* How long SEG, sent before what was delivered last, may still be on its way; 0: it is lost. Of what left at one time
 * as the clock has it, a later burst has an instant more. */
static uint64_t remaining_ns(const struct tcb *tcb, const struct txseg *seg, uint64_t window_ns)
{
    uint64_t elapsed_ns = tcb_now(tcb) - seg->sent_ns;
    if (elapsed_ns == window_ns)
        return (int32_t)(seg->burst - tcb->ext->rack_rtt_burst) > 0;
    return elapsed_ns > window_ns ? 0 : window_ns - elapsed_ns;
}

/* Step 5: RACK_detect_loss. True: something must still be waited for, until *TIMEOUT. Work is bounded by the holes and what is in flight:
 * what is neither SACKed nor lost ends where as many were seen. */
static uint64_t detect_loss(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    uint64_t wait_ns = 0, window_ns = ext->rack_rtt_ns + reo_wnd_ns(tcb);
    uint32_t unknown = tcb_in_flight(tcb);
    for (uint32_t i = 0; tcb->tx && i < tcb->tx->count && unknown;) {
        struct txseg *seg = txring_at(tcb->tx, i);
        if (seg->flags & TX_SACKED) {
            i = pass_sacked(tcb, i);
            continue;
        }
        i++;
        if ((seg->flags & (TX_LOST | TX_RETRANS)) == TX_LOST)
            continue;
        unknown -= min_u32(unknown, txseg_packets(seg));
        if (seg->is_judged)
            continue;
        if (!sent_after(ext->rack_burst, ext->rack_end, seg->burst, seg->end)) {
            if (!(seg->flags & TX_EVER_RETRANS))
                break; /* what follows was sent later still, and resent even later */
            continue;
        }
        uint64_t wait = remaining_ns(tcb, seg, window_ns);
        if (wait == 0) {
            recovery_mark_lost(tcb, seg);
            seg->is_judged = true;
        }
        wait_ns = max_u64(wait_ns, wait);
    }
    return wait_ns;
}

bool recovery_rack_mark_lost(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext->rack_advanced)
        return false;
    ext->rack_advanced = false;
    uint64_t wait_ns = detect_loss(tcb);
    if (wait_ns)
        timer_set(tcb, TIMER_REO, tcb_now(tcb) + wait_ns + TLP_SLACK_US * NS_PER_US);
    return wait_ns != 0;
}

/* The reordering timer (RFC 8985 6.3). */
void recovery_rack_timeout(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext || tcb_packets_out(tcb) == 0) {
        timer_stop(tcb);
        return;
    }
    uint32_t prior_in_flight = tcb_in_flight(tcb), prior_lost = ext->lost_total;
    cwnd_hold_rate(tcb);
    detect_loss(tcb); /* what must wait longer is seen to by the next ACK, or the RTO, as in Linux */
    if (prior_in_flight != tcb_in_flight(tcb)) {
        if (tcb->ca_state != CA_RECOVERY) {
            recovery_enter(tcb, false);
            if (!cc_get(tcb)->control)
                cwnd_reduce(tcb, 1, ext->lost_total - prior_lost, false);
        }
        ext->rexmit_hold = false;
        ext->nothing_new = true;
        tcb_mark_due(tcb);
    }
    timer_rexmt(tcb);
}

/* Step 4's adaptation: one step for each round trip with a DSACK, forgotten after 16 recoveries. */
void recovery_rack_update(struct tcb *tcb, const struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    if (state->rack_prior == 0 || (tcb_params(tcb)->rack_bits & RACK_STATIC_REO_WND))
        return;
    if ((int32_t)(state->rack_prior - 1 - ext->rack_last_delivered) < 0)
        ext->rack_dsack_seen = false;
    if (ext->rack_dsack_seen) {
        ext->rack_reo_steps = (uint8_t)min_u32(255, ext->rack_reo_steps + 1u);
        ext->rack_dsack_seen = false;
        ext->rack_last_delivered = ext->delivered;
        ext->rack_reo_persist = REO_PERSIST;
    } else if (!ext->rack_reo_persist) {
        ext->rack_reo_steps = 1;
    }
}

/* --- TLP (RFC 8985 7) ---------------------------------------------------------------------------------------------------- */

/* 7.2: PTO = 2 * SRTT, plus the peer's possible delayed ACK for a single packet; never later than the RTO, which counts from
 * now when an ACK made progress (ADVANCING), else from the oldest transmission. */
bool recovery_schedule_tlp(struct tcb *tcb, bool advancing)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint64_t timeout_us = NS_PER_S / NS_PER_US, now = tcb_now(tcb);
    if (!params->tlp || !tcb->sack_ok || tcb_packets_out(tcb) == 0 || (tcb->ca_state != CA_OPEN && tcb->ca_state != CA_CWR) ||
        !tcb_is_synchronized(tcb) ||
        (!advancing && tcb->timer != TIMER_NONE && tcb->timer != TIMER_REXMT && tcb->timer != TIMER_TLP && tcb->timer != TIMER_REO))
        return false;
    if (tcb->srtt_us) {
        uint32_t rto_min_ms = tcb->opt->rto_min_ms ? tcb->opt->rto_min_ms : params->rto_min_ms;
        timeout_us = tcb->srtt_us >> 2;
        timeout_us += tcb_packets_out(tcb) == 1 ? rto_min_ms * 1000ull : TLP_SLACK_US;
    }
    uint64_t deadline = now + timeout_us * NS_PER_US, rto = (advancing ? now : txring_at(tcb->tx, 0)->sent_ns) + rtt_rto_ns(tcb);
    timer_set(tcb, TIMER_TLP, (rto > now ? min_u64(deadline, rto) : deadline) + cwnd_pacing_delay_ns(tcb));
    return true;
}

/* 7.3: the probe timer: new data if the peer's window has room, else the last segment again; output_tail chooses. */
void recovery_send_tlp(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb_packets_out(tcb) ? tcb_ext_get(tcb) : NULL; /* a FIN without text before it has none yet */
    if (!ext) {
        timer_stop(tcb);
        timer_rexmt(tcb);
        return;
    }
    if (ext->tlp_high_seq) { /* at most one outstanding */
        timer_rexmt(tcb);
        return;
    }
    ext->tlp_retrans = false;
    tcb->want_tlp = true;
    timer_rexmt(tcb);
    tcb_mark_due(tcb);
}

void recovery_on_probe(struct tcb *tcb, struct txseg *seg)
{
    struct tcb_ext *ext = tcb->ext;
    tcb->want_tlp = false;
    if (seg) { /* not TX_RETRANS: the original is still believed to be in flight */
        seg->sent_ns = tcb_now(tcb);
        seg->is_judged = false;
        rate_on_sent(ext, seg, false);
        seg->flags = (uint8_t)((seg->flags & ~TX_APP_LIMITED) | (ext->app_limited ? TX_APP_LIMITED : 0));
        seg->burst = output_burst(tcb, false);
        seg->flags |= TX_EVER_RETRANS;
        if (seg->retransmits < 255)
            seg->retransmits++;
        ext->tlp_retrans = true;
    }
    ext->tlp_high_seq = tcb->snd_nxt;
    TCP_MIB(tcb->tcp, LossProbes);
    timer_stop(tcb); /* so that the RTO counts from now */
    timer_rexmt(tcb);
}

/* 7.4.2: was the probe what repaired a loss? */
void recovery_tlp_ack(struct tcb *tcb, const struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t ack = tcb->snd_una;
    if (!ext->tlp_high_seq || seq_lt(ack, ext->tlp_high_seq))
        return;
    if (!ext->tlp_retrans || state->dsacking_tlp) {
        ext->tlp_high_seq = 0; /* new data acknowledged; or both copies arrived */
    } else if (seq_gt(ack, ext->tlp_high_seq)) {
        cwnd_begin_reduction(tcb); /* the probe hid a loss: react once */
        recovery_set_state(tcb, CA_CWR);
        cwnd_end_reduction(tcb);
        recovery_keep_open(tcb);
        TCP_MIB(tcb->tcp, LossProbeRecovery);
    } else if (!state->una_advanced && !state->has_data && !state->window_update && !state->data_acked && !state->sacked_new) {
        ext->tlp_high_seq = 0; /* a pure duplicate ACK: both arrived */
    }
}

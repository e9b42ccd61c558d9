/* tcp_rack.c: RACK-TLP (RFC 8985): what was sent before something that arrived, by more than the reordering window, is lost; and a
 * probe for a tail that nobody acknowledges. */
#include "tcp/tcb.h"

enum { TIMEOUT_MIN_US = 2000, PERSIST_THRESHOLD = 16 };

static bool is_after(uint64_t t1, uint64_t t2, uint32_t seq1, uint32_t seq2)
{
    return t1 > t2 || (t1 == t2 && seq_gt(seq1, seq2));
}

/* RFC 8985 6.2 step 2: the most recently sent segment that was delivered. */
void recovery_rack_advance(struct tcb *tcb, const struct txseg *seg)
{
    struct tcb_ext *ext = tcb->ext;
    uint64_t rtt = tcb_now(tcb) - seg->sent_ns;
    if ((seg->flags & TX_EVER_RETRANS) && tcb->min_rtt_us != UINT32_MAX && rtt / NS_PER_US < tcb->min_rtt_us)
        return; /* too soon for the retransmission: an ACK of the original */
    ext->rack_advanced = true;
    ext->rack_rtt_ns = rtt;
    if (is_after(seg->sent_ns, ext->rack_sent_ns, seg->end, ext->rack_end_seq)) {
        ext->rack_sent_ns = seg->sent_ns;
        ext->rack_end_seq = seg->end;
    }
}

/* RFC 8985 6.2 step 4. */
static uint64_t reo_wnd_ns(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb->ext;
    if (!ext->reord_seen && (tcb->ca_state >= CA_RECOVERY || ext->sacked_out >= ext->reordering))
        return 0;
    if (tcb->min_rtt_us == UINT32_MAX)
        return 0;
    return min_u64((uint64_t)(tcb->min_rtt_us >> 2) * ext->rack_reo_steps, tcb->srtt_us >> 3) * NS_PER_US;
}

static int64_t remaining_ns(const struct tcb *tcb, const struct txseg *seg, uint64_t reo_wnd)
{
    return (int64_t)(seg->sent_ns + tcb->ext->rack_rtt_ns + reo_wnd - tcb_now(tcb));
}

bool recovery_rack_is_recent(const struct tcb *tcb, const struct txseg *seg)
{
    return remaining_ns(tcb, seg, 0) > 0;
}

/* RFC 8985 6.2 step 5. Returns how long until the next could be called lost; 0: none. */
static uint64_t detect(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    uint64_t reo_wnd = reo_wnd_ns(tcb), timeout = 0;
    for (uint32_t i = 0; tcb->tx && i < tcb->tx->count; i++) {
        struct txseg *seg = txring_at(tcb->tx, i);
        if (!is_after(ext->rack_sent_ns, seg->sent_ns, ext->rack_end_seq, seg->end)) {
            if (!(seg->flags & TX_EVER_RETRANS))
                break; /* originals lie in the order of their sending */
            continue;
        }
        if ((seg->flags & TX_SACKED) || (seg->flags & (TX_LOST | TX_RETRANS)) == TX_LOST)
            continue;
        int64_t remaining = remaining_ns(tcb, seg, reo_wnd);
        if (remaining <= 0)
            recovery_mark_lost(tcb, seg);
        else
            timeout = max_u64(timeout, (uint64_t)remaining);
    }
    return timeout;
}

bool recovery_rack_mark_lost(struct tcb *tcb)
{
    if (!tcb->ext->rack_advanced)
        return false;
    tcb->ext->rack_advanced = false;
    uint64_t timeout = detect(tcb);
    if (!timeout)
        return false;
    timer_set(tcb, TIMER_REO, tcb_now(tcb) + timeout + TIMEOUT_MIN_US * NS_PER_US);
    return true;
}

void recovery_rack_timeout(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    uint32_t before = tcb_in_flight(tcb), lost = ext->lost_total;
    timer_stop(tcb);
    detect(tcb);
    if (before != tcb_in_flight(tcb)) {
        if (tcb->ca_state != CA_RECOVERY) {
            recovery_enter(tcb, false);
            cwnd_reduce(tcb, 1, ext->lost_total - lost, false);
        }
        tcb_mark_due(tcb);
    }
    tcb->timer = TIMER_REO; /* the RTO counts from the oldest transmission */
    timer_rexmt(tcb);
}

/* RFC 8985 6.2 step 3: the window grows when DSACKs show that it was too small. */
void recovery_rack_update(struct tcb *tcb, const struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    if (state->prior_delivered < ext->rack_last_delivered)
        ext->rack_dsack_seen = false;
    if (ext->rack_dsack_seen) {
        ext->rack_reo_steps = (uint8_t)min_u32(255, ext->rack_reo_steps + 1u);
        ext->rack_dsack_seen = false;
        ext->rack_last_delivered = ext->delivered;
        ext->rack_reo_persist = PERSIST_THRESHOLD;
    } else if (!ext->rack_reo_persist) {
        ext->rack_reo_steps = 1;
    }
}

/* --- tail loss probe (RFC 8985 7) ---------------------------------------------------------------------------------------------- */

bool recovery_schedule_tlp(struct tcb *tcb, bool advancing)
{
    const struct tcp_params *params = tcb_params(tcb);
    uint32_t packets = tcb_packets_out(tcb);
    if (!params->tlp || packets == 0 || !tcb->sack_ok || (tcb->ca_state != CA_OPEN && tcb->ca_state != CA_CWR))
        return false;
    if (tcb->timer != TIMER_NONE && tcb->timer != TIMER_REXMT && tcb->timer != TIMER_TLP)
        return false;
    uint64_t timeout_us = params->rto_initial_ms * 1000ull, now = tcb_now(tcb);
    if (tcb->srtt_us) {
        timeout_us = tcb->srtt_us >> 2; /* two round trips */
        timeout_us += packets == 1 ? params->rto_min_ms * 1000ull : TIMEOUT_MIN_US;
    }
    uint64_t rto = rtt_rto_ns(tcb), rto_left = rto;
    if (!advancing) {
        uint64_t at = txring_at(tcb->tx, 0)->sent_ns + rto;
        rto_left = at > now ? at - now : 0;
    }
    uint64_t timeout = timeout_us * NS_PER_US;
    if (rto_left > 0)
        timeout = min_u64(timeout, rto_left);
    timer_set(tcb, TIMER_TLP, now + timeout);
    return true;
}

/* The probe timer went off: tcp_output.c reads want_tlp; the RTO runs anew from the probe. */
void recovery_send_tlp(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    tcb->rexmt_ns = 0;
    if (ext && tcb->tx && ext->tlp_high_seq == 0) { /* at most one probe out */
        ext->tlp_retrans = false;
        tcb->want_tlp = true;
        TCP_MIB(tcb->tcp, LossProbes);
        tcb->timer = TIMER_NONE;
        tcb_mark_due(tcb);
    }
    timer_rexmt(tcb);
}

void recovery_tlp_ack(struct tcb *tcb, const struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    if (seq_lt(tcb->snd_una, ext->tlp_high_seq))
        return;
    if (!ext->tlp_retrans || state->dsacking_tlp) {
        ext->tlp_high_seq = 0; /* new data was the probe, or both copies arrived: nothing was lost */
    } else if (seq_gt(tcb->snd_una, ext->tlp_high_seq)) { /* the probe repaired a loss: react to it */
        cwnd_begin_reduction(tcb);
        recovery_set_state(tcb, CA_CWR);
        cwnd_end_reduction(tcb);
        recovery_keep_open(tcb);
        TCP_MIB(tcb->tcp, LossProbeRecovery);
    } else if (!state->una_advanced && !state->has_data && !state->window_update && !state->sacked_new) {
        ext->tlp_high_seq = 0;
    }
}

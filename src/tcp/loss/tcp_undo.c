/* tcp_undo.c: taking a reduction back when the loss was none (RFC 4015): by DSACK (RFC 3708), by timestamps (Eifel, RFC 3522)
 * or by F-RTO (RFC 5682, decided in tcp_recovery.c). */
#include "tcp/tcb.h"

void undo_init(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    ext->undo_marker = tcb->snd_una ? tcb->snd_una : 1; /* 0 is none */
    ext->undo_retrans = (int32_t)ext->retrans_out;
    if (ext->tlp_high_seq && ext->tlp_retrans)
        ext->undo_retrans++;
    if (ext->undo_retrans == 0)
        ext->undo_retrans = -1; /* 0 means that all retransmissions proved needless */
}

/* RFC 3522: the ACK echoes a timestamp from before the first retransmission; or nothing was resent yet. */
static bool is_delayed(const struct tcb *tcb, const struct ack_state *state)
{
    const struct tcb_ext *ext = tcb->ext;
    if (!ext->retrans_stamp_ns)
        return tcb->sack_ok || seq_lt(tcb->snd_una, ext->high_seq);
    if (!state->ts_ecr_ok)
        return false;
    return seq_lt(state->ts_ecr, tcp_ts_at(tcb->tcp, ext->retrans_stamp_ns) + tcb->ts_offset);
}

static bool may_undo(const struct tcb *tcb, const struct ack_state *state)
{
    return tcb->ext->undo_marker && (!tcb->ext->undo_retrans || is_delayed(tcb, state));
}

static void undo_reduction(struct tcb *tcb, bool unmark_lost)
{
    struct tcb_ext *ext = tcb->ext;
    if (unmark_lost) {
        for (uint32_t i = 0; tcb->tx && i < tcb->tx->count; i++)
            txring_at(tcb->tx, i)->flags &= (uint8_t)~TX_LOST;
        ext->lost_out = 0;
    }
    if (ext->prior_ssthresh) {
        const struct cc_ops *cc = cc_get(tcb);
        tcb->cwnd = cc->undo_cwnd ? cc->undo_cwnd(tcb) : max_u32(tcb->cwnd, ext->prior_cwnd);
        if (ext->prior_ssthresh > tcb->ssthresh) {
            tcb->ssthresh = ext->prior_ssthresh;
            tcb->ecn_queue_cwr = false;
        }
    }
    ext->cwnd_stamp_ns = tcb_now(tcb);
    ext->undo_marker = 0;
    ext->rack_advanced = true; /* look again at what is lost */
    tcp_trace_text(tcb, "undo");
}

bool undo_any_retrans(const struct tcb *tcb)
{
    if (tcb_ext_peek(tcb)->retrans_out)
        return true;
    return tcb->tx && tcb->tx->count && (txring_at(tcb->tx, 0)->flags & TX_EVER_RETRANS);
}

/* RFC 6582 3.2's "avoid multiple fast retransmits": without SACK the state is held until something above high_seq is acknowledged. */
static bool prevents_reopening(struct tcb *tcb)
{
    if (tcb->sack_ok || tcb->snd_una != tcb->ext->high_seq)
        return false;
    undo_clean_stamp(tcb);
    return true;
}

/* All that was out at the beginning of recovery is acknowledged. True: stay in the state. */
bool undo_recovery(struct tcb *tcb, const struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    if (may_undo(tcb, state)) {
        bool was_loss = tcb->ca_state == CA_LOSS;
        undo_reduction(tcb, false);
        tcb->tcp->mib[was_loss ? MIB_LossUndo : MIB_FullUndo]++;
    } else if (ext->rack_reo_persist) {
        ext->rack_reo_persist--;
    }
    if (prevents_reopening(tcb))
        return true;
    recovery_set_state(tcb, CA_OPEN);
    ext->is_sack_reneg = false;
    return false;
}

/* RFC 3708: every retransmission was reported as a duplicate. */
bool undo_dsack(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext->undo_marker || ext->undo_retrans)
        return false;
    ext->rack_reo_persist = (uint8_t)min_u32(16, ext->rack_reo_persist + 1u);
    undo_reduction(tcb, false);
    TCP_MIB(tcb->tcp, DSACKUndo);
    return true;
}

/* After a timeout: FRTO: never resent data was acknowledged (RFC 5682 3.1 step 3b). */
bool undo_loss(struct tcb *tcb, const struct ack_state *state, bool frto)
{
    if (!frto && !may_undo(tcb, state))
        return false;
    undo_reduction(tcb, true);
    TCP_MIB(tcb->tcp, LossUndo);
    if (frto)
        TCP_MIB(tcb->tcp, SpuriousRTOs);
    tcb->retransmits = 0;
    if (prevents_reopening(tcb))
        return true;
    if (frto || tcb->sack_ok) {
        recovery_set_state(tcb, CA_OPEN);
        tcb->ext->is_sack_reneg = false;
    }
    return true;
}

/* A partial ACK in recovery that was for an original: the hole was filled by a late packet. True: mark and resend nothing. */
bool undo_partial(struct tcb *tcb, const struct ack_state *state, bool *force_lost)
{
    struct tcb_ext *ext = tcb->ext;
    if (!ext->undo_marker || !is_delayed(tcb, state)) {
        *force_lost = seq_gt(sack_highest(tcb), tcb->snd_una + ext->reordering * tcb->mss);
        return false;
    }
    sack_check_reordering(tcb, state->prior_una, true);
    if (ext->retrans_out)
        return true;
    undo_clean_stamp(tcb);
    undo_reduction(tcb, true);
    TCP_MIB(tcb->tcp, PartialUndo);
    recovery_keep_open(tcb);
    return false;
}

/* The episode is over: the next one's first retransmission is another. */
void undo_forget_stamp(struct tcb *tcb)
{
    tcb->ext->retrans_stamp_ns = 0;
}

/* The same, unless something that was sent again is still out: until then it is one episode (Linux: tcp_retrans_stamp_cleanup). */
void undo_clean_stamp(struct tcb *tcb)
{
    if (!undo_any_retrans(tcb))
        undo_forget_stamp(tcb);
}

void recovery_keep_open(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    enum ca_state state = ext->sacked_out + ext->lost_out || undo_any_retrans(tcb) ? CA_DISORDER : CA_OPEN;
    if ((enum ca_state)tcb->ca_state != state) {
        recovery_set_state(tcb, state);
        ext->high_seq = tcb->snd_nxt;
    }
}

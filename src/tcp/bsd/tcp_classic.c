/* tcp_classic.c: BSD's own answer to duplicate ACKs and timeouts, for stacks from before SACK: 4.2 and 4.3 (none), Tahoe
 * (fast retransmit, then slow start), Reno (fast recovery by inflating the window) and NewReno (partial ACKs, RFC 6582).
 * A timeout sends everything again from SND.UNA: BSD sets snd_nxt back; here all records become lost, which is the same. */
#include "tcp/tcb.h"

enum { DUP_THRESH = 3 }; /* tcprexmtthresh; RFC 5681 3.2 */

static bool is_tahoe(const struct cc_ops *cc) { return cc == &cc_tahoe; }
static bool is_newreno(const struct cc_ops *cc) { return cc == &cc_newreno; }

static void resend_head(struct tcb *tcb)
{
    recovery_mark_lost(tcb, txring_at(tcb->tx, 0));
    tcb->ext->fast_rexmit = true; /* whatever the window says */
    tcb_mark_due(tcb);
}

static void on_third(struct tcb *tcb, const struct cc_ops *cc)
{
    struct tcb_ext *ext = tcb->ext;
    TCP_MIB(tcb->tcp, RenoRecovery);
    tcb->ssthresh = cc->ssthresh(tcb);
    ext->high_seq = tcb->snd_nxt;
    ext->cwnd_cnt = 0;
    ext->rtt_seq = tcb->snd_nxt; /* t_rtt = 0: Karn */
    if (is_tahoe(cc)) {
        tcb->cwnd = 1;
    } else {
        tcb->cwnd = tcb->ssthresh + DUP_THRESH;
        recovery_set_state(tcb, CA_RECOVERY);
    }
    tcp_trace_text(tcb, "fast retransmit");
    resend_head(tcb);
}

static void on_duplicate(struct tcb *tcb, const struct cc_ops *cc)
{
    struct tcb_ext *ext = tcb->ext;
    if (cc == &cc_none)
        return;
    if (ext->dupacks < 255)
        ext->dupacks++;
    if (ext->dupacks == DUP_THRESH) {
        /* RFC 6582 3.2 step 2: not again for losses of the window that the last recovery or timeout has dealt with. */
        bool again = is_newreno(cc) && ext->last_reduction_seq && seq_lt(tcb->snd_una, ext->last_reduction_seq);
        if (!again)
            on_third(tcb, cc);
    } else if (ext->dupacks > DUP_THRESH && tcb->ca_state == CA_RECOVERY) {
        tcb->cwnd++; /* RFC 5681 3.2 step 4: something left the network */
        tcb_mark_due(tcb);
    }
}

static void on_recovery_ack(struct tcb *tcb, const struct ack_state *state, const struct cc_ops *cc)
{
    struct tcb_ext *ext = tcb->ext;
    if (is_newreno(cc) && seq_lt(tcb->snd_una, ext->high_seq) && tcb_packets_out(tcb)) {
        /* RFC 6582 3.2 step 3: a partial ACK: resend the next hole, deflate by what was acknowledged, add one. */
        uint32_t acked = state->acked_packets;
        tcb->cwnd = tcb->cwnd > acked ? tcb->cwnd - acked + 1 : 1;
        resend_head(tcb);
        return;
    }
    ext->last_reduction_seq = ext->high_seq;
    tcb->cwnd = min_u32(tcb->cwnd, tcb->ssthresh); /* deflated */
    recovery_set_state(tcb, CA_OPEN);
    undo_forget_stamp(tcb);
    ext->dupacks = 0;
}

void classic_on_ack(struct tcb *tcb, struct ack_state *state)
{
    struct tcb_ext *ext = tcb->ext;
    const struct cc_ops *cc = cc_get(tcb);
    if (!state->una_advanced) {
        bool dup = !state->has_data && !state->window_update && tcb_packets_out(tcb) && state->prior_packets;
        if (dup)
            on_duplicate(tcb, cc);
        else
            ext->dupacks = 0;
        return;
    }
    bool grows = true;
    if (tcb->ca_state == CA_RECOVERY) {
        grows = !is_newreno(cc); /* Reno's code deflates and then opens the window for the same ACK */
        on_recovery_ack(tcb, state, cc);
    } else {
        ext->dupacks = 0;
        if (tcb->ca_state == CA_LOSS && seq_ge(tcb->snd_una, ext->high_seq))
            recovery_set_state(tcb, CA_OPEN);
        if (tcb->ca_state == CA_OPEN)
            undo_forget_stamp(tcb);
    }
    if (grows && state->data_acked)
        cc->cong_avoid(tcb, state->acked_packets);
    timer_rexmt(tcb);
    tcb_mark_due(tcb);
}

/* Jacobson 1988: half the window is the new threshold, one segment the window; then all again from SND.UNA. */
void classic_on_rto(struct tcb *tcb)
{
    struct tcb_ext *ext = tcb->ext;
    const struct cc_ops *cc = cc_get(tcb);
    for (uint32_t i = 0; i < tcb->tx->count; i++)
        recovery_mark_lost(tcb, txring_at(tcb->tx, i));
    ext->retrans_hint = tcb->snd_una;
    ext->high_seq = ext->last_reduction_seq = tcb->snd_nxt;
    ext->dupacks = 0;
    ext->cwnd_cnt = 0;
    ext->fast_rexmit = cc == &cc_none; /* the head at least */
    ext->rtt_seq = tcb->snd_nxt;
    if (cc != &cc_none) {
        tcb->ssthresh = cc->ssthresh(tcb);
        tcb->cwnd = 1;
    }
    recovery_set_state(tcb, CA_LOSS);
    ext->rexmit_hold = false;
}

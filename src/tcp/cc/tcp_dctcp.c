/* tcp_dctcp.c: DCTCP (RFC 8257) as Linux has it: every segment is ECN-capable; the receiver echoes each mark, not one until CWR, and
 * acknowledges at once where marks begin or end (3.2); the sender estimates the share of marked packets once a window (3.3) and takes
 * half that share off its window (3.4). Without ECN on the connection it is Reno. alpha is in 1/1024, g is 1/16.
 *
 * Protective load balancing (Linux, tcp_plb_enabled): windows with more than a share of marks, one after the other, make the connection
 * leave for another path (tcp_path.c), sooner where nothing is in flight; for a while after a timeout, which did so itself, none does. */
#include <linux/inet_diag.h>
#include "tcp/tcb.h"

enum { ALPHA_MOST = 1024, ALPHA_BITS = 10, SHIFT_G = 4 };
struct dctcp {
    uint32_t alpha, next_seq, old_delivered, old_delivered_ce, loss_cwnd, prior_rcv_nxt;
    uint32_t ce_state;
    uint32_t marked_rounds, stays_until_ms; /* PLB; 0: nothing keeps it */
};
_Static_assert(sizeof(struct dctcp) <= CC_PRIVATE * 4, "fits the private area");

static struct dctcp *state_of(struct tcb *tcb) { return (struct dctcp *)tcb->ext->cc_private; }

static void dctcp_init(struct tcb *tcb)
{
    struct dctcp *ca = state_of(tcb);
    ca->alpha = ALPHA_MOST;
    ca->prior_rcv_nxt = tcb->rcv_nxt;
    ca->next_seq = tcb->snd_nxt;
    ca->old_delivered = tcb->ext->delivered;
    ca->old_delivered_ce = tcb->ext->delivered_ce;
}

enum { PLB_SHARE_BITS = 8 }; /* of tcp_plb_cong_thresh */

static void plb_leave(struct tcb *tcb)
{
    const struct tcp_params *params = tcb_params(tcb);
    struct dctcp *ca = state_of(tcb);
    bool is_idle = params->plb_idle_rounds && !tcb_packets_out(tcb) && ca->marked_rounds >= params->plb_idle_rounds;
    if (!params->plb || (ca->marked_rounds < params->plb_rounds && !is_idle))
        return;
    if (ca->stays_until_ms && (int32_t)(tcb_now_ms(tcb) - ca->stays_until_ms) < 0)
        return;
    ca->stays_until_ms = ca->marked_rounds = 0;
    path_on_marks(tcb);
}

static void plb_on_round(struct tcb *tcb, uint32_t delivered, uint32_t marked)
{
    const struct tcp_params *params = tcb_params(tcb);
    struct dctcp *ca = state_of(tcb);
    if (!params->plb || !delivered)
        return;
    if ((marked << PLB_SHARE_BITS) / delivered < params->plb_threshold)
        ca->marked_rounds = 0;
    else if (ca->marked_rounds < params->plb_rounds)
        ca->marked_rounds++;
    plb_leave(tcb);
}

static void dctcp_idle(struct tcb *tcb)
{
    if (tcb->ecn_ok)
        plb_leave(tcb);
}

static void dctcp_state(struct tcb *tcb, enum ca_state state)
{
    struct dctcp *ca = state_of(tcb);
    uint32_t pause_ms = tcb_params(tcb)->plb_suspend_s * 1000;
    if (state != CA_LOSS || !tcb_params(tcb)->plb || !tcb->ecn_ok)
        return;
    ca->stays_until_ms = tcb_now_ms(tcb) + pause_ms + (uint32_t)prng_below(&tcb->tcp->prng, max_u32(pause_ms, 1));
    ca->marked_rounds = 0;
}

/* RFC 8257 3.3 (6-9): alpha = (1 - g) * alpha + g * M, once a window of data. */
static void dctcp_on_ack(struct tcb *tcb)
{
    struct dctcp *ca = state_of(tcb);
    if (seq_lt(tcb->snd_una, ca->next_seq))
        return;
    uint32_t marked = tcb->ext->delivered_ce - ca->old_delivered_ce, decay = ca->alpha >> SHIFT_G;
    plb_on_round(tcb, tcb->ext->delivered - ca->old_delivered, marked);
    ca->alpha -= decay ? decay : ca->alpha;
    if (marked) {
        uint32_t delivered = max_u32(tcb->ext->delivered - ca->old_delivered, 1);
        ca->alpha = min_u32(ca->alpha + (marked << (ALPHA_BITS - SHIFT_G)) / delivered, ALPHA_MOST);
    }
    ca->next_seq = tcb->snd_nxt;
    ca->old_delivered = tcb->ext->delivered;
    ca->old_delivered_ce = tcb->ext->delivered_ce;
}

/* RFC 8257 3.4: cwnd = cwnd * (1 - alpha / 2); 3.5: a loss still halves it. */
static uint32_t dctcp_ssthresh(struct tcb *tcb)
{
    struct dctcp *ca = state_of(tcb);
    if (!tcb->ecn_ok)
        return max_u32(tcb->cwnd >> 1, 2);
    ca->loss_cwnd = tcb->cwnd;
    return max_u32(tcb->cwnd - ((tcb->cwnd * ca->alpha) >> 11), 2);
}

static uint32_t dctcp_loss_ssthresh(struct tcb *tcb)
{
    if (!tcb->ecn_ok)
        return tcb->ssthresh;
    state_of(tcb)->loss_cwnd = tcb->cwnd;
    return max_u32(tcb->cwnd >> 1, 2);
}

static uint32_t dctcp_undo(struct tcb *tcb)
{
    return max_u32(tcb->cwnd, tcb->ecn_ok ? state_of(tcb)->loss_cwnd : tcb->ext->prior_cwnd);
}

/* RFC 8257 3.2, figure 1: CE changed: what waits to be acknowledged is, with the mark that it had, and this segment at
 * once with its own. */
static void dctcp_on_ce(struct tcb *tcb, bool ce)
{
    struct dctcp *ca = state_of(tcb);
    if (ca->ce_state != ce) {
        tcb->ecn_demand_cwr = ca->ce_state;
        if (tcb->ack_sched && tcb->delack_ns)
            reply_old_ack(tcb, ca->prior_rcv_nxt);
        tcb->ack_now = true;
    }
    tcb->ecn_demand_cwr = ce;
    ca->ce_state = ce;
    ca->prior_rcv_nxt = tcb->rcv_nxt;
}

static unsigned dctcp_info(const struct tcb *tcb, void *value)
{
    struct tcp_dctcp_info *info = value;
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    const struct dctcp *ca = (const struct dctcp *)ext->cc_private;
    bool is_on = tcb->ecn_ok, is_ready = is_on && ext->cc_ready;
    *info = (struct tcp_dctcp_info){.dctcp_enabled = is_on,
                                    .dctcp_ce_state = is_ready ? (uint16_t)ca->ce_state : 0,
                                    .dctcp_alpha = is_ready ? ca->alpha : 0,
                                    .dctcp_ab_ecn = is_ready ? tcb->mss * (ext->delivered_ce - ca->old_delivered_ce) : 0,
                                    .dctcp_ab_tot = is_ready ? tcb->mss * (ext->delivered - ca->old_delivered) : 0};
    return sizeof *info;
}

static void dctcp_avoid(struct tcb *tcb, uint32_t acked)
{
    cc_reno.cong_avoid(tcb, acked);
}

const struct cc_ops cc_dctcp = {.name = "dctcp",
                                .systems = CC_ON_LINUX | CC_ON_BSD,
                                .bytes = &bsd_dctcp,
                                .needs_ecn = true,
                                .init = dctcp_init,
                                .ssthresh = dctcp_ssthresh,
                                .loss_ssthresh = dctcp_loss_ssthresh,
                                .cong_avoid = dctcp_avoid,
                                .undo_cwnd = dctcp_undo,
                                .on_state = dctcp_state,
                                .on_idle = dctcp_idle,
                                .on_ack = dctcp_on_ack,
                                .on_ce = dctcp_on_ce,
                                .info = dctcp_info};

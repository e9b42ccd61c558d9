/* tcp_reno.c: RFC 5681 (Reno), its NewReno recovery (RFC 6582, in tcp_recovery.c), and its ancestors: Tahoe (1988: a loss
 * empties the window) and none at all (4.2BSD, 4.3BSD: the peer's whole window). */
#include "tcp/tcb.h"

static uint32_t half(struct tcb *tcb)
{
    return max_u32(tcb->cwnd >> 1, 2); /* RFC 5681 (4) */
}

static void reno_avoid(struct tcb *tcb, uint32_t acked)
{
    if (!cc_is_cwnd_limited(tcb))
        return;
    if (cc_in_slow_start(tcb)) {
        acked = cc_slow_start(tcb, acked);
        if (acked == 0)
            return;
    }
    cc_avoid_ai(tcb, tcb->cwnd, acked);
}

static uint32_t undo(struct tcb *tcb)
{
    return max_u32(tcb->cwnd, tcb->ext->prior_cwnd);
}

static uint32_t whole(struct tcb *tcb)
{
    (void)tcb;
    return INT32_MAX;
}

static void none_avoid(struct tcb *tcb, uint32_t acked)
{
    (void)acked;
    tcb->cwnd = 65535;
}

static void none_init(struct tcb *tcb)
{
    tcb->cwnd = 65535;
}

const struct cc_ops cc_none = {.name = "none", .init = none_init, .ssthresh = whole, .cong_avoid = none_avoid, .undo_cwnd = undo};
const struct cc_ops cc_tahoe = {.name = "tahoe", .ssthresh = half, .cong_avoid = reno_avoid, .undo_cwnd = undo};
const struct cc_ops cc_reno = {.name = "reno", .ssthresh = half, .cong_avoid = reno_avoid, .undo_cwnd = undo};
const struct cc_ops cc_newreno = {.name = "newreno", .ssthresh = half, .cong_avoid = reno_avoid, .undo_cwnd = undo};

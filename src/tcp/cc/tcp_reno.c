/* tcp_reno.c: the classic algorithms: none (4.2, 4.3BSD), Tahoe (Jacobson 1988), Reno (1990) and NewReno (RFC 5681, 6582).
 * On stacks of their time (recovery_is_classic) growth counts ACKs and tcp_classic.c does the rest; on a modern stack `reno`
 * is what Linux calls so: the same growth by what was acknowledged, over tcp_recovery.c. */
#include "tcp/tcb.h"

/* BSD: half of the smaller of the congestion window and the peer's, in whole segments, at least two; Linux: of the former
 * (RFC 5681 3.1, equation 4, with cwnd for FlightSize). */
static uint32_t half(struct tcb *tcb)
{
    uint32_t window = tcb->cwnd;
    if (recovery_is_classic(tcb))
        window = min_u32(window, tcb->snd_wnd / max_u32(tcb->mss, 1));
    return max_u32(window >> 1, 2);
}

/* BSD counts ACKs, not what they acknowledge, and never asks whether the window was used: one segment each up to ssthresh,
 * then mss * mss / cwnd; at most what the window field can say. */
static void avoid_classic(struct tcb *tcb)
{
    uint64_t limit = (65535ull << tcb->snd_wscale) / max_u32(tcb->mss, 1);
    if (tcb->cwnd <= tcb->ssthresh)
        tcb->cwnd++;
    else
        cc_avoid_ai(tcb, tcb->cwnd, 1);
    tcb->cwnd = (uint32_t)min_u64(tcb->cwnd, max_u64(limit, 1));
}

static void avoid(struct tcb *tcb, uint32_t acked)
{
    if (recovery_is_classic(tcb)) {
        avoid_classic(tcb);
        return;
    }
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
    return max_u32(tcb->cwnd, tcb_ext_peek(tcb)->prior_cwnd);
}

/* Before 1988 the peer's window was the only limit. */
static void init_none(struct tcb *tcb)
{
    tcb->cwnd = tcb->ssthresh = INT32_MAX / 2;
}

static uint32_t same(struct tcb *tcb)
{
    return tcb->ssthresh;
}

static void avoid_none(struct tcb *tcb, uint32_t acked)
{
    (void)tcb;
    (void)acked;
}

const struct cc_ops cc_none = {.name = "none", .init = init_none, .ssthresh = same, .cong_avoid = avoid_none};
const struct cc_ops cc_tahoe = {.name = "tahoe", .ssthresh = half, .cong_avoid = avoid, .undo_cwnd = undo};
const struct cc_ops cc_reno = {.name = "reno", .systems = CC_ON_LINUX, .ssthresh = half, .cong_avoid = avoid, .undo_cwnd = undo};
#define ON_BSD(NAME, BYTES) \
    {.name = NAME, .systems = CC_ON_BSD, .bytes = BYTES, .ssthresh = half, .cong_avoid = avoid, .undo_cwnd = undo}
const struct cc_ops cc_newreno = ON_BSD("newreno", &bsd_newreno);
const struct cc_ops cc_htcp = ON_BSD("htcp", &bsd_htcp), cc_vegas = ON_BSD("vegas", &bsd_vegas), cc_hd = ON_BSD("hd", &bsd_hd);
const struct cc_ops cc_chd = ON_BSD("chd", &bsd_chd), cc_cdg = ON_BSD("cdg", &bsd_cdg);

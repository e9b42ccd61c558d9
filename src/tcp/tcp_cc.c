/* tcp_cc.c: congestion control's common part (RFC 5681, RFC 7661's validation is in tcp_recovery.c) and the table of algorithms.
 * Windows count packets, as Linux's do; growth counts what was delivered (RFC 3465). */
#include "tcp/tcb.h"

static const struct cc_ops *const table[] = {
    [TCP_CC_NONE] = &cc_none, [TCP_CC_TAHOE] = &cc_tahoe, [TCP_CC_RENO] = &cc_reno, [TCP_CC_NEWRENO] = &cc_newreno, [TCP_CC_CUBIC] = &cc_cubic,
};

const struct cc_ops *cc_get(const struct tcb *tcb)
{
    unsigned number = tcb->opt->cc ? tcb->opt->cc - 1u : tcb_params(tcb)->cc;
    return table[number < ARRAY_COUNT(table) ? number : TCP_CC_RENO];
}

const struct cc_ops *cc_find(const char *name, unsigned *number)
{
    for (unsigned i = ARRAY_COUNT(table); i-- > 0;) {
        if (strcmp(table[i]->name, name) == 0) {
            *number = i;
            return table[i];
        }
    }
    return NULL;
}

/* RFC 5681 3.1 (2): cwnd grows by what was acknowledged, up to ssthresh. Returns what is left over. */
uint32_t cc_slow_start(struct tcb *tcb, uint32_t acked)
{
    uint32_t cwnd = min_u32(tcb->cwnd + acked, tcb->ssthresh);
    acked -= cwnd - tcb->cwnd;
    tcb->cwnd = min_u32(cwnd, tcb->ext->cwnd_clamp);
    return acked;
}

/* One packet more each W acknowledged. */
void cc_avoid_ai(struct tcb *tcb, uint32_t w, uint32_t acked)
{
    struct tcb_ext *ext = tcb->ext;
    w = max_u32(w, 1);
    if (ext->cwnd_cnt >= w) {
        ext->cwnd_cnt = 0;
        tcb->cwnd++;
    }
    ext->cwnd_cnt += acked;
    if (ext->cwnd_cnt >= w) {
        uint32_t delta = ext->cwnd_cnt / w;
        ext->cwnd_cnt -= delta * w;
        tcb->cwnd += delta;
    }
    tcb->cwnd = min_u32(tcb->cwnd, ext->cwnd_clamp);
}

/* RFC 7661: only a window that was used may grow. */
bool cc_is_cwnd_limited(const struct tcb *tcb)
{
    if (tcb->ext->is_cwnd_limited)
        return true;
    return cc_in_slow_start(tcb) && tcb->cwnd < 2 * tcb->ext->max_packets_out;
}

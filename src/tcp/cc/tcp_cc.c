/* tcp_cc.c: congestion control's table of algorithms and what they share (RFC 5681). An algorithm is a struct of functions
 * (cc_ops in tcp_cc.h); tcp_recovery.c decides when they are asked. The window counts packets, as Linux does. Private state is
 * tcb_ext.cc_private, zeroed when the extension is made. The order of the table is that of enum tcp_cc_name. */
#include "tcp/tcb.h"

const struct cc_ops *const cc_algorithms[TCP_CC_COUNT] = {
    [TCP_CC_NONE] = &cc_none,       [TCP_CC_TAHOE] = &cc_tahoe, [TCP_CC_RENO] = &cc_reno,
    [TCP_CC_NEWRENO] = &cc_newreno, [TCP_CC_CUBIC] = &cc_cubic, [TCP_CC_DCTCP] = &cc_dctcp,
    [TCP_CC_BBR] = &cc_bbr,         [TCP_CC_HTCP] = &cc_htcp,   [TCP_CC_VEGAS] = &cc_vegas,
    [TCP_CC_HD] = &cc_hd,           [TCP_CC_CHD] = &cc_chd,     [TCP_CC_CDG] = &cc_cdg,
};

const struct cc_ops *cc_find(const char *name, unsigned *number)
{
    for (unsigned i = 0; i < TCP_CC_COUNT; i++) {
        if (strcmp(cc_algorithms[i]->name, name) == 0) {
            if (number)
                *number = i;
            return cc_algorithms[i];
        }
    }
    return NULL;
}

bool tcp_cc_is_linux(const char *name)
{
    const struct cc_ops *cc = cc_find(name, NULL);
    return cc && cc->systems & CC_ON_LINUX;
}

/* RFC 5681 3.1, equation 2, with byte counting (RFC 3465): returns what was acknowledged beyond ssthresh. */
uint32_t cc_slow_start(struct tcb *tcb, uint32_t acked)
{
    uint32_t clamp = tcb_ext_peek(tcb)->cwnd_clamp;
    uint32_t cwnd = (uint32_t)min_u64((uint64_t)tcb->cwnd + acked, max_u32(tcb->ssthresh, tcb->cwnd));
    acked -= cwnd - tcb->cwnd;
    tcb->cwnd = clamp ? min_u32(cwnd, clamp) : cwnd;
    return acked;
}

/* Additive increase: one packet for every W acknowledged (RFC 5681 3.1, equation 3, counted exactly). */
void cc_avoid_ai(struct tcb *tcb, uint32_t w, uint32_t acked)
{
    struct tcb_ext *ext = tcb->ext;
    w = max_u32(w, 1);
    if (ext->cwnd_cnt >= w) { /* credit gathered at a higher w counts once */
        ext->cwnd_cnt = 0;
        tcb->cwnd++;
    }
    ext->cwnd_cnt += acked;
    if (ext->cwnd_cnt >= w) {
        uint32_t delta = ext->cwnd_cnt / w;
        ext->cwnd_cnt -= delta * w;
        tcb->cwnd += delta;
    }
    if (ext->cwnd_clamp)
        tcb->cwnd = min_u32(tcb->cwnd, ext->cwnd_clamp);
}

/* RFC 7661's concern, Linux's rule: grow only a window that was used; in slow start up to twice what was out. */
bool cc_is_cwnd_limited(const struct tcb *tcb)
{
    const struct tcb_ext *ext = tcb_ext_peek(tcb);
    if (ext->is_cwnd_limited)
        return true;
    return cc_in_slow_start(tcb) && tcb->cwnd < 2 * ext->max_packets_out;
}

/* tcp_ecn.c: the receiver's half of classic ECN (RFC 3168 6.1.3), and where DCTCP's (RFC 8257 3.2) is asked. The counting kind is
 * tcp_accecn.c's, FreeBSD's is tcp_bsd_ecn.c's; what the peer's echo does to the window: tcp_recovery.c. */
#include "tcp/tcb.h"

/* RFC 3168 6.1.3: the sender has reduced its window. On a pure ACK, too, though the RFC has CWR on new data alone, for
 * widely deployed senders put it there; on text it asks for an ACK at once, since the window may now be one segment. */
void ecn_on_cwr(struct tcb *tcb, const struct rx *rx)
{
    if (!(rx->flags & TCP_CWR) || accecn_is_on(tcb) || tcb_params(tcb)->byte_recovery)
        return;
    tcb->ecn_demand_cwr = false;
    if (rx->end_seq != rx->seq)
        tcb->ack_now = true;
}

/* RFC 3168 6.1.3: a CE mark is echoed in every ACK until the sender says CWR. Linux acknowledges quickly meanwhile. */
void ecn_on_text(struct tcb *tcb, const struct rx *rx)
{
    if (!tcb->ecn_ok || tcb_params(tcb)->byte_recovery) /* FreeBSD: not data alone (bsd_ecn_on_segment) */
        return;
    bool classic = !accecn_is_on(tcb), is_linux = tcb_params(tcb)->ack_policy == TCP_ACK_LINUX;
    uint8_t ecn = rx->in->ecn;
    const struct cc_ops *cc = cc_get(tcb);
    if (cc->on_ce && ecn && tcb_ext_get(tcb)) {
        cwnd_init(tcb);
        cc->on_ce(tcb, ecn == 3);
    } else if (ecn == 3 && !tcb->ecn_demand_cwr && classic) {
        tcb->ecn_demand_cwr = true;
        if (is_linux)
            delack_enter_quickack(tcb, 2);
    } else if (ecn == 0 && tcb->ecn_seen && is_linux) {
        delack_enter_quickack(tcb, 2); /* no mark after marks: probably a retransmission */
    }
    tcb->ecn_seen |= classic && ecn; /* else accecn_on_segment() */
}
